"""Make a job's pod fit a small machine: only what it requests is made less, and that is said. Pure."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kubernetes.utils import parse_quantity

_RESOURCES: Final = {"cpu": "10m", "memory": "16Mi", "ephemeral-storage": "1Mi"}
"""What a container requests instead."""
_SHARE: Final = 0.45
"""Of a node, for one job: the one before it keeps its place until its pod has ended, half a minute later."""


def fitted(manifest: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], str]:
    """Return a pod that requests no more than its node has, and what was changed, in words; empty: nothing.

    Limits stay: the containers are held to them by the kernel.
    """
    pod = copy.deepcopy(dict(manifest))
    selector = pod["spec"].get("nodeSelector") or {}
    candidates = [node for node in nodes if selector.items() <= (node["metadata"].get("labels") or {}).items()]
    changed = []
    for name, little in _RESOURCES.items():
        room = max((_amount(node["status"].get("allocatable") or {}, name) for node in candidates), default=0.0)
        asked = sum(_requested(container, name) for container in pod["spec"]["containers"])
        if candidates and asked > _SHARE * room:
            changed.append(name)
            for container in _containers(pod):
                _request(container, name, little)
    return (
        pod,
        f"jobs request less {' and '.join(changed)} than the stack says: this machine has no more" if changed else "",
    )


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
