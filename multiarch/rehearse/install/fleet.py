"""Puts the planned pools' nodes into the cluster and takes them out again."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from kubernetes.utils import parse_quantity

from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.errors import ClusterError
from multiarch.core.waiting import wait_while
from multiarch.model.nodes import NodeGroup, taint_text
from multiarch.model.nodes.marks import KEPT, OWNER_LABEL, RUN_LABEL, Mark, tainted
from multiarch.model.release import InstallFailed

READY_SECONDS = 15.0
"""How long kwok and the controllers may take to make the nodes ready; an idle machine needs half a second."""
_NODES = "/api/v1/nodes"
_CLOSED = frozenset(
    f"node.kubernetes.io/{reason}"
    for reason in (
        "not-ready",
        "unreachable",
        "network-unavailable",
        "memory-pressure",
        "disk-pressure",
        "pid-pressure",
    )
)
"""Taints of the control plane's own, which it takes away once the kubelet has reported."""
_POLL_SECONDS = 0.1


class UnreadyError(ClusterError):
    """The cluster took the nodes and did not make them ready."""


def add_nodes(api: Api, groups: Sequence[NodeGroup], stack: str, *, embedded: bool, run: str = KEPT) -> None:
    """Create the nodes, and return when each is Ready and open for pods.

    Nodes of a run bear a taint that only the rehearsal's own pods tolerate. Without a run they are to stay, and
    open to everybody. Kept nodes that are there already are used as they are (see `in_the_way`).

    On the embedded control plane kwok plays the kubelet. A cluster of the user's may have no kwok: then the status is
    written here, which is as good for the scheduler, and no container ever starts.
    Raises InstallFailed for a node that the API server refuses (a label that is no label), and UnreadyError when the
    cluster does not make them ready, which says nothing about the pools.
    """
    nodes = _marked(groups, Mark(stack, run))
    kept = {name for name, node in live_nodes(api).items() if is_kept(node)}
    new = [node for node in nodes if node["metadata"]["name"] not in kept]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda node: _create(api, node), new))
    if not embedded:
        for node in new:
            api.patch_status(f"{_NODES}/{node['metadata']['name']}", _ready_status(node))
    _wait_until_open(api, {node["metadata"]["name"] for node in nodes})


def remove_nodes(api: Api, stack: str, run: str = KEPT) -> None:
    """Delete the nodes that this run added for this stack, and no other."""
    remove_marked_nodes(api, Mark(stack, run))


def remove_marked_nodes(api: Api, mark: Mark) -> None:
    """Delete the nodes that bear a mark. Raises InstallFailed when one of them stays."""
    api.delete(_NODES, {"labelSelector": mark.selector})
    if left := wait_while(
        lambda: api.items(_NODES, {"labelSelector": mark.selector}), READY_SECONDS, every=_POLL_SECONDS
    ):
        raise InstallFailed(f"still there: {', '.join(node['metadata']['name'] for node in left)}")


def in_the_way(api: Api, groups: Sequence[NodeGroup]) -> list[dict[str, Any]]:
    """Return the cluster's nodes that have the name of a planned one, but for kept ones that are as planned.

    An earlier run's `--keep` left those on purpose: they serve as they are, and stay.
    """
    planned = {node["metadata"]["name"]: node for group in groups for node in group.nodes}
    found = [node for name, node in live_nodes(api).items() if name in planned] if planned else []
    return [node for node in found if not (is_kept(node) and _alike(node, planned[node["metadata"]["name"]]))]


def live_nodes(api: Api) -> dict[str, dict[str, Any]]:
    """Return every node of the cluster by name, as it is now."""
    return {node["metadata"]["name"]: node for node in api.items(_NODES)}


def _marked(groups: Sequence[NodeGroup], mark: Mark) -> list[dict[str, Any]]:
    nodes = [_labelled(node, mark) for group in groups for node in group.nodes]
    return nodes if mark.run == KEPT else [tainted(node) for node in nodes]


def _labelled(node: Mapping[str, Any], mark: Mark) -> dict[str, Any]:
    metadata = node["metadata"]
    return {**node, "metadata": {**metadata, "labels": {**metadata["labels"], **mark.labels}}}


def is_kept(node: Mapping[str, Any]) -> bool:
    """Tell whether `--keep` left this node."""
    labels = node["metadata"].get("labels") or {}
    return OWNER_LABEL in labels and labels.get(RUN_LABEL) == KEPT


def _alike(kept: Mapping[str, Any], planned: Mapping[str, Any]) -> bool:
    """Tell whether a kept node is to the scheduler what the planned one would be."""
    same_labels = planned["metadata"]["labels"].items() <= kept["metadata"]["labels"].items()
    return same_labels and _taints(kept) == _taints(planned) and _resources(kept) == _resources(planned)


def _taints(node: Mapping[str, Any]) -> set[str]:
    return {taint_text(taint) for taint in node["spec"].get("taints") or [] if taint["key"] not in _CLOSED}


def _resources(node: Mapping[str, Any]) -> dict[str, Any]:
    quantities = node["status"]["allocatable"].items()
    return {name: parse_quantity(value) for name, value in quantities}  # type: ignore[no-untyped-call]  # half typed


def _create(api: Api, node: Mapping[str, Any]) -> None:
    try:
        # The API server keeps the status of a node that is created with one, as for a kubelet that registers itself.
        api.create(_NODES, node)
    except ApiRefused as refusal:
        if not refusal.definite:
            raise
        raise InstallFailed(refusal.message) from refusal


def _ready_status(node: Mapping[str, Any]) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    pressure = [
        {"type": kind, "status": "False", "reason": "Rehearsal", "lastHeartbeatTime": now, "lastTransitionTime": now}
        for kind in ("MemoryPressure", "DiskPressure", "PIDPressure")
    ]
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "Rehearsal",
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
    }
    return {**node["status"], "conditions": [ready, *pressure]}


def _wait_until_open(api: Api, names: set[str]) -> None:
    def closed() -> list[str]:
        nodes = api.items(_NODES, {"labelSelector": OWNER_LABEL})
        return sorted(names - {node["metadata"]["name"] for node in nodes if _is_open(node)})

    if waiting := wait_while(closed, READY_SECONDS, every=_POLL_SECONDS):
        raise UnreadyError(f"nodes did not become ready in {READY_SECONDS:.0f} s: {', '.join(waiting)}")


def _is_open(node: Mapping[str, Any]) -> bool:
    conditions = {entry["type"]: entry["status"] for entry in node["status"].get("conditions") or []}
    taints = {taint["key"] for taint in node["spec"].get("taints") or []}
    return conditions.get("Ready") == "True" and not taints & _CLOSED
