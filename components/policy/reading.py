"""Find the pods, images, Helm values and config.toml tables inside declared resources."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from components.policy.subject import UNKNOWN, CouldNotTell, Resource, join, look

RELEASES: Final = frozenset({"kubernetes:helm.sh/v3:Release", "kubernetes:helm.sh/v4:Chart"})
NAMESPACES: Final = frozenset({"kubernetes:core/v1:Namespace", "kubernetes:core/v1:NamespacePatch"})
"""A namespace that the stack makes, and the labels of one that is there."""
_RELEASE_NAMESPACE = re.compile(r"\{\{-?\s*\.Release\.Namespace\s*-?\}\}")
NETWORK_POLICY: Final = "kubernetes:networking.k8s.io/v1:NetworkPolicy"

_TEMPLATE = ("spec", "template", "spec")
POD_SPECS: Final[Mapping[str, tuple[str, ...]]] = {
    "kubernetes:core/v1:Pod": ("spec",),
    "kubernetes:core/v1:ReplicationController": _TEMPLATE,
    "kubernetes:apps/v1:Deployment": _TEMPLATE,
    "kubernetes:apps/v1:DaemonSet": _TEMPLATE,
    "kubernetes:apps/v1:ReplicaSet": _TEMPLATE,
    "kubernetes:apps/v1:StatefulSet": _TEMPLATE,
    "kubernetes:batch/v1:Job": _TEMPLATE,
    "kubernetes:batch/v1:CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
"""Where each kind of workload keeps its pod's spec."""

CONFIG_KEYS: Final = ("config", "configOverride")
"""Keys under `runners` in the gitlab-runner chart's values that hold a config.toml (chart: values.yaml)."""


def pod_spec(resource: Resource) -> tuple[str, Any] | None:
    """Return path and value of a workload's pod spec, or None when the resource runs no pod."""
    keys = POD_SPECS.get(resource.kind)
    return None if keys is None else (".".join(keys), resource.get(*keys))


def containers(spec: Any, at: str) -> Iterator[tuple[str, Any]]:
    """Yield path and value of every container in a pod spec, init and ephemeral ones included."""
    for key in ("initContainers", "containers", "ephemeralContainers"):
        path = join(at, key)
        for index, container in enumerate(look(spec, key, at=at) or ()):
            if container is UNKNOWN:
                raise CouldNotTell(join(path, index))
            yield join(path, index), container


def helm_values(resource: Resource) -> Any:
    """Return a release's values; `valueYamlFiles` cannot be read here, and so make the answer a doubt."""
    if resource.get("valueYamlFiles"):
        raise CouldNotTell("valueYamlFiles", "are files that the rule does not read")
    return resource.get("values") or {}


def executors(resource: Resource) -> list[tuple[str, Mapping[str, Any]]]:
    """Return path and `[[runners]]` table of every Kubernetes executor in a release's config.toml."""
    found = []
    for path, document in config_documents(resource):
        for index, runner in enumerate(document.get("runners") or ()):
            # The chart registers as `kubernetes` when the template does not say (chart: RUNNER_EXECUTOR).
            if isinstance(runner, Mapping) and runner.get("executor", "kubernetes") == "kubernetes":
                found.append((f"{path}: runners[{index}]", runner))
    return found


def config_documents(resource: Resource) -> list[tuple[str, Mapping[str, Any]]]:
    """Return path and content of every config.toml in a gitlab-runner release. CouldNotTell when it is not TOML."""
    values = helm_values(resource)
    documents: list[tuple[str, Mapping[str, Any]]] = []
    for key in CONFIG_KEYS:
        text = look(values, "runners", key, at="values")
        if not isinstance(text, str) or not text.strip():
            continue
        path = f"values.runners.{key}"
        try:
            documents.append((path, tomllib.loads(text)))
        except tomllib.TOMLDecodeError as error:
            template = " (the chart expands Helm templates in it; keep them inside strings)" if "{{" in text else ""
            raise CouldNotTell(path, f"cannot be read as TOML{template}: {error}") from error
    return documents


def kubernetes_table(runner: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `[runners.kubernetes]`, empty when absent."""
    table = runner.get("kubernetes")
    return table if isinstance(table, Mapping) else {}


def job_namespaces(resource: Resource) -> set[str]:
    """Return the namespaces that a release's jobs run in: as config.toml says, else the chart's key, else its own.

    Source: gitlab-runner chart, values.yaml (`runners.config` names the namespace itself, `runners.jobNamespace`).
    """
    values = helm_values(resource)
    if look(values, "runners", at="values") is None:
        return set()
    own = str(resource.get("namespace") or "default")
    fallback = str(look(values, "runners", "jobNamespace", at="values") or own)
    stated = {str(kubernetes_table(runner).get("namespace") or fallback) for _, runner in executors(resource)}
    return {_RELEASE_NAMESPACE.sub(own, name) for name in stated or {fallback}}
