"""Nodes of a GKE node pool (facts: docs.cloud.google.com "prepare-arm-workloads"; nodepools.md section 2)."""

import re
from collections.abc import Mapping
from typing import Any

from multiarch.model.clouds.gke.machines import machine_of
from multiarch.model.nodes.model import NodeGroup, Shape, manifest, short_hash, spread
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.model.pools import POOL_LABEL, PlannedPool
from multiarch.model.providers.values import plain

_EFFECTS = {
    "NO_SCHEDULE": "NoSchedule",
    "PREFER_NO_SCHEDULE": "PreferNoSchedule",
    "NO_EXECUTE": "NoExecute",
}
_ZONE = re.compile(r"^[a-z]+-[a-z]+[0-9]+-[a-z]$")
_ARM_TAINT = "kubernetes.io/arch=arm64:NoSchedule"
DEFAULT_MACHINE = "e2-medium"
"""What the API takes when no machine type is sent."""


def node_group(resource: PlannedResource, plan: Plan) -> NodeGroup:
    """Return the nodes of one `gcp.container.NodePool`."""
    del plan
    inputs = plain(resource.inputs)
    config = inputs.get("nodeConfig") or {}
    machine_type = config.get("machineType") or DEFAULT_MACHINE
    machine = machine_of(machine_type)
    pool = inputs.get("name") or resource.name
    spot = bool(config.get("spot"))
    zones = _zones(inputs)
    low, high = _limits(inputs, len(zones))
    labels = {
        **(config.get("labels") or {}),
        "cloud.google.com/gke-nodepool": pool,
        "cloud.google.com/machine-family": machine_type.partition("-")[0],
        "cloud.google.com/gke-os-distribution": "ubuntu" if "ubuntu" in str(config.get("imageType")).lower() else "cos",
        "cloud.google.com/gke-provisioning": "spot" if spot else "standard",
        "node.kubernetes.io/instance-type": machine_type,
        "topology.kubernetes.io/region": zones[0].rpartition("-")[0],
        **({"cloud.google.com/gke-spot": "true"} if spot else {}),
    }
    view = PlannedPool(
        name=labels.get(POOL_LABEL, pool),
        cloud="gke",
        arch=machine.arch,
        machine_type=machine_type,
        spot=spot,
        min_nodes=low,
        max_nodes=high,
        labels=labels,
        taints=_taints(config, machine.arch),
        zones=zones,
    )
    disk = (config.get("bootDisk") or {}).get("sizeGb") or config.get("diskSizeGb") or 100
    shape = Shape(
        pool=view, machine=machine, disk_gib=int(disk), pods=int(inputs.get("maxPodsPerNode") or 110), labels=labels
    )
    project, cluster = inputs.get("project") or "project", _last(inputs.get("cluster"))
    nodes = []
    for index, zone in enumerate(spread(view)):
        name = f"gke-{cluster}-{pool}-{short_hash(pool)}-{short_hash(f'{pool} {index}', 4)}"
        nodes.append(manifest(shape, name, zone, f"gce://{project}/{zone}/{name}"))
    guarded = machine.arch == "arm64" and _behaviour(config) != "NONE"
    return NodeGroup(pool=view, nodes=tuple(nodes), guarded=guarded)


def _taints(config: Mapping[str, Any], arch: str) -> tuple[str, ...]:
    declared = [
        f"{taint['key']}={taint.get('value', '')}:{_EFFECTS.get(taint['effect'], taint['effect'])}"
        for taint in config.get("taints") or []
    ]
    # GKE adds it by itself, unless told not to; a second copy is one taint.
    own = [_ARM_TAINT] if arch == "arm64" and _behaviour(config) != "NONE" and _ARM_TAINT not in declared else []
    return (*own, *declared)


def _behaviour(config: Mapping[str, Any]) -> str:
    return str((config.get("taintConfig") or {}).get("architectureTaintBehavior") or "ARM")


def _zones(inputs: Mapping[str, Any]) -> tuple[str, ...]:
    if inputs.get("nodeLocations"):
        return tuple(sorted(inputs["nodeLocations"]))
    location = inputs.get("location") or "us-central1"
    if _ZONE.match(location):
        return (location,)
    # The cluster's own zones are not in the plan; three is what a regional cluster has.
    letters = "bcd" if location in ("europe-west1", "us-east1") else "abc"
    return tuple(f"{location}-{letter}" for letter in letters)


def _limits(inputs: Mapping[str, Any], zones: int) -> tuple[int, int]:
    scaling = inputs.get("autoscaling") or {}
    if scaling.get("totalMaxNodeCount") is not None:
        return int(scaling.get("totalMinNodeCount") or 0), int(scaling["totalMaxNodeCount"])
    if scaling.get("maxNodeCount") is not None:
        # Limits per zone multiply.
        return int(scaling.get("minNodeCount") or 0) * zones, int(scaling["maxNodeCount"]) * zones
    fixed = int(inputs.get("nodeCount") or inputs.get("initialNodeCount") or 1) * zones
    return fixed, fixed


def _last(cluster: Any) -> str:
    return str(cluster or "cluster").rpartition("/")[2]
