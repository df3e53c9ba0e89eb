"""What a job's variables may change: selector, tolerations, labels, namespace, account, resources (overwrites.go)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import re2  # type: ignore[import-untyped]  # google-re2 ships no types

from multiarch.model.executor.job import RefusedError
from multiarch.model.executor.quantities import ResourceList, resource_list
from multiarch.model.executor.table import Table
from multiarch.model.executor.variables import Variables, lookup


@dataclass(frozen=True, slots=True, kw_only=True)
class Overwrites:
    """The config's values after the job's variables were applied."""

    namespace: str
    service_account: str
    bearer_token: str
    pod_labels: Mapping[str, str]
    pod_annotations: Mapping[str, str]
    node_selector: Mapping[str, str]
    node_tolerations: Mapping[str, str]
    """`key[=value]` to effect."""
    requests: Mapping[str, ResourceList]
    """By container: `""` (build), `service`, `helper`, `pod`."""
    limits: Mapping[str, ResourceList]


def evaluate(settings: Table, variables: Variables) -> Overwrites:
    """Apply a job's (expanded) variables. Raises RefusedError in upstream's words and order."""
    namespace = _single(
        settings.text("namespace"),
        settings.text("namespace_overwrite_allowed"),
        lookup(variables, "KUBERNETES_NAMESPACE_OVERWRITE"),
    )
    account = _single(
        settings.text("service_account"),
        settings.text("service_account_overwrite_allowed"),
        lookup(variables, "KUBERNETES_SERVICE_ACCOUNT_OVERWRITE"),
    )
    bearer = _single(
        settings.text("bearer_token"),
        ".+" if settings.flag("bearer_token_overwrite_allowed") else "",
        lookup(variables, "KUBERNETES_BEARER_TOKEN"),
    )
    maps = {
        key: _map(settings.text_map(key), settings.text(f"{key}_overwrite_allowed"), variables, prefix, split)
        for key, prefix, split in (
            ("pod_labels", "KUBERNETES_POD_LABELS_", split_key_value),
            ("pod_annotations", "KUBERNETES_POD_ANNOTATIONS_", split_key_value),
            ("node_selector", "KUBERNETES_NODE_SELECTOR_", split_key_value),
            ("node_tolerations", "KUBERNETES_NODE_TOLERATIONS_", split_toleration),
        )
    }
    requests: dict[str, ResourceList] = {}
    limits: dict[str, ResourceList] = {}
    for container in ("", "service", "helper", "pod"):
        requests[container] = resource_list(settings, container, "request", variables)
        limits[container] = resource_list(settings, container, "limit", variables)
    return Overwrites(
        namespace=namespace,
        service_account=account,
        bearer_token=bearer,
        pod_labels=maps["pod_labels"],
        pod_annotations=maps["pod_annotations"],
        node_selector=maps["node_selector"],
        node_tolerations=maps["node_tolerations"],
        requests=requests,
        limits=limits,
    )


def check_allowed(pattern: str, value: str) -> None:
    """Match `value` as Go's `regexp.MatchString` does: RE2, unanchored, `$` only at the very end.

    Raises RefusedError when it does not match or the pattern is no RE2.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        matched = re2.compile(pattern, options).search(value)
    except re2.error as error:
        detail = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
        raise RefusedError(f"error parsing regexp: {detail}") from error
    if not matched:
        raise _malformed(value, pattern)


def admits(settings: Table, value: str) -> bool:
    """Tell whether jobs may select `label=value`: never where the pattern is empty (the overwrite is off) or no RE2."""
    pattern = settings.text("node_selector_overwrite_allowed")
    try:
        check_allowed(pattern, value)
    except RefusedError:
        return False
    return bool(pattern)


def split_key_value(text: str) -> tuple[str, str]:
    """Split `key=value` at the first `=`; without one the job is refused."""
    key, separator, value = text.partition("=")
    if not separator:
        raise _malformed(text, "k=v")
    return key, value


def split_toleration(text: str) -> tuple[str, str]:
    """Split `key[=value][:effect]` at the first `:`. The empty text tolerates every taint."""
    key_value, _, effect = text.partition(":")
    return key_value, effect


def tolerations(entries: Mapping[str, str]) -> list[dict[str, str]]:
    """Render `key[=value]` to effect as Kubernetes tolerations (getPodTolerations)."""
    result = []
    for key_value, effect in entries.items():
        key, equals, value = key_value.partition("=")
        toleration = {"key": key, "operator": "Equal" if equals else "Exists", "value": value, "effect": effect}
        result.append({name: text for name, text in toleration.items() if text})
    return result


def _single(value: str, pattern: str, wanted: str) -> str:
    # An empty pattern turns the overwrite off without a word to the job.
    if not pattern or not wanted:
        return value
    check_allowed(pattern, wanted)
    return wanted


def _map(
    values: Mapping[str, str],
    pattern: str,
    variables: Variables,
    prefix: str,
    split: Callable[[str], tuple[str, str]],
) -> dict[str, str]:
    result = dict(values)
    if not pattern:
        return result
    for name, value in variables:
        # Unlike a single overwrite, an empty value is not "unset" here: it has to match like any other.
        if name.startswith(prefix):
            check_allowed(pattern, value)
            key, text = split(value)
            result[key] = text
    return result


def _malformed(value: str, pattern: str) -> RefusedError:
    # malformedOverwriteError; Go's %q escapes backslashes as JSON does.
    return RefusedError(
        f"provided value {json.dumps(value, ensure_ascii=False)} does not match "
        f"{json.dumps(pattern, ensure_ascii=False)}"
    )
