"""The Kubernetes rights that the executor uses, by its own documentation."""

from collections.abc import Iterator, Mapping

from multiarch.model.executor.config import ExecutorConfig

NEEDED: Mapping[str, tuple[str, ...]] = {
    "pods": ("create", "delete", "get", "list", "watch"),
    "pods/attach": ("create", "delete", "get", "patch"),
    "pods/exec": ("create", "delete", "get", "patch"),
    "pods/log": ("get", "list"),
    "secrets": ("create", "delete", "get", "update"),
    "serviceaccounts": ("get",),
    "services": ("create", "get"),
}
"""gitlab-runner docs/executors/kubernetes/_index.md, "Configure runner API permissions": what no setting turns off."""


def needed(config: ExecutorConfig) -> Iterator[tuple[str, str, str]]:
    """Yield API group, resource and verb of every right that this config makes the executor use."""
    for resource, verbs in NEEDED.items():
        for verb in verbs:
            yield "", resource, verb
    if config.kubernetes.maybe_flag("print_pod_warning_events") is not False:
        yield "", "events", "list"
    if config.feature_flags.get("FF_PRINT_POD_EVENTS"):
        yield "", "events", "watch"
    if config.kubernetes.flag("pod_disruption_budget"):
        yield "policy", "poddisruptionbudgets", "create"
        yield "policy", "poddisruptionbudgets", "get"


def warranted(config: ExecutorConfig) -> Iterator[tuple[str, str, str]]:
    """Yield every right that the runner may have and needs no further reason for: all that is needed, and events.

    A Role is made before any job, and a job's variable turns FF_PRINT_POD_EVENTS on: the same documentation lists both
    verbs, and our Role and the chart's example grant them whatever this config says.
    """
    yield from needed(config)
    yield "", "events", "list"
    yield "", "events", "watch"
