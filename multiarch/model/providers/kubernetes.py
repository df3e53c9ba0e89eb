"""The kubernetes package: what an API server refuses before it stores an object."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import yaml

from multiarch.model.providers import kubernetes_objects as objects
from multiarch.model.providers import kubernetes_release as release
from multiarch.model.providers.base import Created, Diff, Refusal
from multiarch.model.providers.kinds import Inputs, Kind, KindProvider, Rule, get, refusal, text
from multiarch.model.providers.values import UNKNOWN


def physical_name(name: str, inputs: Inputs) -> str:
    """Give metadata.name, or the name that the provider would derive: the logical one and a suffix (fixed here)."""
    given = text(get(inputs, "metadata", "name"))
    return given or f"{name}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _create(scope: objects.Scope) -> Any:
    def create(name: str, inputs: Inputs) -> Created:
        physical = physical_name(name, inputs)
        namespace = get(inputs, "metadata", "namespace") if scope.namespaced else None
        metadata = {
            **(get(inputs, "metadata") or {}),
            "name": physical,
            "uid": _uid(scope.kind, str(namespace), physical),
            "resourceVersion": "1",
            "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        }
        if scope.namespaced:
            metadata["namespace"] = namespace or "default"
        outputs = {**inputs, "apiVersion": scope.api_version, "kind": scope.kind, "metadata": metadata}
        if scope.kind == "Namespace":
            outputs["status"] = {"phase": "Active"}
        identity = f"{metadata['namespace']}/{physical}" if scope.namespaced else physical
        return Created(id=identity, outputs=outputs)

    return create


def _uid(*parts: str) -> str:
    digest = hashlib.sha256("/".join(parts).encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


def _kinds() -> dict[str, Kind]:
    table = {
        scope.token: Kind(
            rules=_rules(scope),
            create=_create(scope),
            own_schema=scope.custom,
        )
        for scope in objects.SCOPES
    }
    table[release.TOKEN] = release.KIND
    return table


def _rules(scope: objects.Scope) -> tuple[Rule, ...]:
    return (objects.identity_rule(scope), *objects.RULES.get(scope.kind, ()))


class KubernetesProvider(KindProvider):
    """Objects of the API groups that a runner installation touches, and Helm releases."""

    package: ClassVar[str] = "kubernetes"
    version: ClassVar[str] = "4.34.2"
    kinds: ClassVar[Mapping[str, Kind]] = _kinds()

    def check_config(self, inputs: Inputs) -> list[Refusal]:
        """Refuse a kubeconfig that names no cluster, or a context that is not in it. A path can't be judged here."""
        given = inputs.get("kubeconfig")
        if given is None:
            message = "no kubeconfig: the provider would use the machine's current context"
            return [refusal("kubeconfig", message, "pulumi-kubernetes provider.go Configure")]
        if given is UNKNOWN or not isinstance(given, str) or not any(mark in given for mark in "\n{"):
            return []
        try:
            document = yaml.safe_load(given)
        except yaml.YAMLError as error:
            return [refusal("kubeconfig", f"failed to parse kubeconfig: {error}", "kubernetes/client-go clientcmd")]
        return _check_kubeconfig(document, inputs)

    def diff(self, token: str, olds: Inputs, news: Inputs) -> Diff:
        """Delete first when a replacement keeps name and namespace: no two objects can share them (provider.go)."""
        found = super().diff(token, olds, news)
        keeps = (
            token != release.TOKEN
            and get(olds, "metadata", "name") is not None
            and all(get(olds, "metadata", key) == get(news, "metadata", key) for key in ("name", "namespace"))
        )
        return replace(found, delete_before_replace=bool(found.replaces) and keeps)


def _check_kubeconfig(document: Any, inputs: Inputs) -> list[Refusal]:
    source = "kubernetes/client-go clientcmd"
    names = {
        key: {get(entry, "name") for entry in (get(document, key) or [])} for key in ("clusters", "contexts", "users")
    }
    wanted = text(inputs.get("context")) or text(get(document, "current-context"))
    if not names["clusters"]:
        return [refusal("kubeconfig", "invalid configuration: no configuration has been provided: no clusters", source)]
    if not wanted:
        return [
            refusal("kubeconfig", "invalid configuration: current-context is empty and no context is named", source)
        ]
    if wanted not in names["contexts"]:
        return [refusal("context", f'context "{wanted}" does not exist', source)]
    return []
