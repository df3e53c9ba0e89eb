"""Puts the planned pools' nodes into the cluster and takes them out again."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from ops.kubernetes.api import Api, ApiRefused
from ops.kubernetes.errors import ClusterError
from ops.rehearse.install.objects import InstallFailed
from ops.rehearse.nodes import OWNER_LABEL, NodeGroup, owner

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


def add_nodes(api: Api, groups: Sequence[NodeGroup], stack: str, *, embedded: bool) -> None:
    """Create the nodes, and return when each is Ready and open for pods.

    On the embedded control plane kwok plays the kubelet. A cluster of the user's may have no kwok: then the status is
    written here, which is as good for the scheduler, and no container ever starts.
    Raises InstallFailed for a node that the API server refuses (a label that is no label), and UnreadyError when the
    cluster does not make them ready, which says nothing about the pools.
    """
    nodes = [_owned(node, stack) for group in groups for node in group.nodes]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda node: _create(api, node), nodes))
    if not embedded:
        for node in nodes:
            api.patch_status(f"{_NODES}/{node['metadata']['name']}", _ready_status(node))
    _wait_until_open(api, {node["metadata"]["name"] for node in nodes}, stack)


def remove_nodes(api: Api, stack: str) -> None:
    """Delete the nodes of this stack's rehearsal, and no other."""
    api.delete(_NODES, {"labelSelector": f"{OWNER_LABEL}={owner(stack)}"})


def live_nodes(api: Api) -> dict[str, dict[str, Any]]:
    """Return every node of the cluster by name, as it is now."""
    return {node["metadata"]["name"]: node for node in api.items(_NODES)}


def _owned(node: Mapping[str, Any], stack: str) -> dict[str, Any]:
    metadata = node["metadata"]
    return {**node, "metadata": {**metadata, "labels": {**metadata["labels"], OWNER_LABEL: owner(stack)}}}


def _create(api: Api, node: Mapping[str, Any]) -> None:
    path = f"{_NODES}/{node['metadata']['name']}"
    found = api.find(path)
    if found is not None:
        if OWNER_LABEL not in (found["metadata"].get("labels") or {}):
            raise InstallFailed(f"a node named {node['metadata']['name']} exists and is not the rehearsal's")
        api.delete(path)
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


def _wait_until_open(api: Api, names: set[str], stack: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        nodes = api.items(_NODES, {"labelSelector": f"{OWNER_LABEL}={owner(stack)}"})
        waiting = names - {node["metadata"]["name"] for node in nodes if _is_open(node)}
        if not waiting:
            return
        if time.monotonic() > deadline:
            raise UnreadyError(f"nodes did not become ready in {READY_SECONDS:.0f} s: {', '.join(sorted(waiting))}")
        time.sleep(_POLL_SECONDS)


def _is_open(node: Mapping[str, Any]) -> bool:
    conditions = {entry["type"]: entry["status"] for entry in node["status"].get("conditions") or []}
    taints = {taint["key"] for taint in node["spec"].get("taints") or []}
    return conditions.get("Ready") == "True" and not taints & _CLOSED
