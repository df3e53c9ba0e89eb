"""A pool's nodes, and what they look like as Kubernetes objects."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from multiarch.model.nodes.machines import Machine, allocatable
from multiarch.model.nodes.marks import RUN_LABEL, pools_own
from multiarch.model.pools import PlannedNode, PlannedPool

FAKE: Mapping[str, str] = {"kwok.x-k8s.io/node": "fake"}
"""Annotation by which kwok knows that it is to play the kubelet."""

MOST_NODES = 3
"""Enough to see pods spread, few enough to be quick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the nodes of one pool have in common, as their cloud makes them."""

    pool: PlannedPool
    machine: Machine
    disk_gib: int = 100
    pods: int = 110
    labels: Mapping[str, str] = field(default_factory=dict)
    """All labels but those of a single node (host name, zone)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeGroup:
    """The nodes of one planned pool."""

    pool: PlannedPool
    nodes: tuple[Mapping[str, Any], ...]
    """Node manifests, status included, without an owner label."""
    guarded: bool = False
    """Whether the pool promises to keep pods off that do not ask for arm64: arm64 pools do, unless told not to."""


def taint_text(taint: Mapping[str, Any]) -> str:
    """Render a taint as kubectl does: `key=value:Effect`."""
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint['key']}{value}:{taint['effect']}"


def parse_taint(text: str) -> dict[str, str]:
    """Read `key=value:Effect`, AKS's and kubectl's spelling."""
    rest, _, effect = text.rpartition(":")
    key, _, value = rest.partition("=")
    return {"key": key, "value": value, "effect": effect} if value else {"key": key, "effect": effect}


def short_hash(text: str, length: int = 8) -> str:
    """Return hex digits that stand for the random ones of a cloud's names, the same in each rehearsal."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def node_count(pool: PlannedPool) -> int:
    """Return how many nodes are rehearsed: one per zone, at least the minimum, at most three or the pool's maximum."""
    return max(1, min(MOST_NODES, pool.max_nodes or 1, max(pool.min_nodes, len(pool.zones))))


def spread(pool: PlannedPool) -> Sequence[str]:
    """Return the zone of each node to make, in turn; `""` where the zone is not known."""
    zones = pool.zones or ("",)
    return [zones[index % len(zones)] for index in range(node_count(pool))]


def manifest(shape: Shape, name: str, zone: str, provider_id: str) -> dict[str, Any]:
    """Return one Node as its kubelet registers it."""
    resources = allocatable(shape.machine, shape.disk_gib, shape.pods)
    located = {"topology.kubernetes.io/zone": zone} if zone else {}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": dict(FAKE),
            "labels": {
                "kubernetes.io/arch": shape.machine.arch,
                "kubernetes.io/os": "linux",
                "kubernetes.io/hostname": name,
                "beta.kubernetes.io/arch": shape.machine.arch,
                "beta.kubernetes.io/os": "linux",
                **located,
                **shape.labels,
            },
        },
        "spec": {"providerID": provider_id, "taints": [parse_taint(text) for text in shape.pool.taints]},
        "status": {
            "allocatable": resources,
            "capacity": {
                **resources,
                "cpu": str(shape.machine.cpus),
                "memory": f"{int(shape.machine.memory * 1024)}Mi",
                "ephemeral-storage": f"{shape.disk_gib}Gi",
            },
            "nodeInfo": {"architecture": shape.machine.arch, "operatingSystem": "linux"},
        },
    }


def node_view(node: Mapping[str, Any], pool: str) -> PlannedNode:
    """Return what the report shows of a node (as made here, or read back): what its pool brings."""
    labels = node["metadata"].get("labels") or {}
    return PlannedNode(
        name=node["metadata"]["name"],
        pool=pool,
        arch=labels.get("kubernetes.io/arch", ""),
        labels={key: value for key, value in labels.items() if key != RUN_LABEL},
        taints=tuple(taint_text(taint) for taint in node.get("spec", {}).get("taints") or [] if pools_own(taint)),
    )
