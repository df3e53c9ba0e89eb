"""Make jobs' pods fit a small machine: only what they request is made less, and that is said. Pure."""

import copy
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from kubernetes.utils import parse_quantity

from multiarch.model.executor import ExecutorConfig
from multiarch.model.executor.config import config_of

_RESOURCES: Final = {"cpu": "10m", "memory": "16Mi", "ephemeral-storage": "1Mi"}
"""What a container requests instead."""
_OF_CONFIG: Final = ("", "helper_")
"""Of which containers config.toml says the requests: the job's own, and the helper. The rehearsal has no services."""
_SHARE: Final = 0.45
"""Of a node, for one job: the one before it keeps its place until its pod has ended, half a minute later."""


def fitted(manifest: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], str]:
    """Return a pod that requests no more than its node has, and what was changed, in words; empty: nothing.

    Limits stay: the containers are held to them by the kernel.
    """
    pod = copy.deepcopy(dict(manifest))
    changed = too_much(manifest, nodes)
    for name in changed:
        for container in _containers(pod):
            _request(container, name, _RESOURCES[name])
    return pod, note(changed)


def fitted_config(config: ExecutorConfig, names: Collection[str]) -> ExecutorConfig:
    """Return a runner's config whose jobs' pods request little of these: for pods that the runner itself makes.

    What a job may ask for instead is taken out: the templates' jobs say their own requests.
    """
    if not names:
        return config
    kubernetes = dict(config.kubernetes.values)
    for name in names:
        for container in _OF_CONFIG:
            key = f"{container}{name.replace('-', '_')}_request"
            kubernetes[key] = _RESOURCES[name]
            kubernetes.pop(f"{key}_overwrite_max_allowed", None)
    return config_of({**config.above, "runners": [{**config.raw, "kubernetes": kubernetes}]})


def too_much(manifest: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return of which resources a pod requests more than its node can give to one job."""
    selector = manifest["spec"].get("nodeSelector") or {}
    candidates = [node for node in nodes if selector.items() <= (node["metadata"].get("labels") or {}).items()]
    found = []
    for name in _RESOURCES:
        room = max((_amount(node["status"].get("allocatable") or {}, name) for node in candidates), default=0.0)
        asked = sum(_requested(container, name) for container in manifest["spec"]["containers"])
        if candidates and asked > _SHARE * room:
            found.append(name)
    return found


def note(names: Sequence[str]) -> str:
    """Say what jobs request less of; empty: of nothing."""
    return f"jobs request less {' and '.join(names)} than the stack says: this machine has no more" if names else ""


def _containers(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]


def _requested(container: Mapping[str, Any], name: str) -> float:
    resources = container.get("resources") or {}
    # A limit without a request is a request, too.
    return max(_amount(resources.get("requests") or resources.get("limits") or {}, name), 0.0)


def _request(container: dict[str, Any], name: str, little: str) -> None:
    resources = container.get("resources") or {}
    container["resources"] = {**resources, "requests": {**(resources.get("requests") or {}), name: little}}


def _amount(amounts: Mapping[str, Any], name: str) -> float:
    if name not in amounts:
        return 0.0
    return float(parse_quantity(amounts[name]))  # type: ignore[no-untyped-call]  # upstream is half typed
