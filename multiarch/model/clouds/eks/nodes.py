"""Nodes of an EKS managed node group: no automatic arch or spot taint (facts: nodepools.md section 2)."""

import re
from collections.abc import Mapping
from typing import Any

from multiarch.model.clouds.eks.machines import machine_of
from multiarch.model.nodes.model import NodeGroup, Shape, manifest, short_hash, spread
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.model.pools import PlannedPool
from multiarch.model.providers.values import plain

_EFFECTS = {
    "NO_SCHEDULE": "NoSchedule",
    "PREFER_NO_SCHEDULE": "PreferNoSchedule",
    "NO_EXECUTE": "NoExecute",
}
_REGION_OF_ARN = re.compile(r"^arn:aws[^:]*:[^:]+:([a-z]{2}(?:sc)?(?:-[a-z]+)+-[0-9]+):")
DEFAULT_INSTANCE = "t3.medium"
"""What the API takes when neither the node group nor its launch template names a type."""


def node_group(resource: PlannedResource, plan: Plan) -> NodeGroup:
    """Return the nodes of one `aws.eks.NodeGroup`. Of several instance types the first is taken."""
    inputs = plain(resource.inputs)
    instance = next(iter(inputs.get("instanceTypes") or []), DEFAULT_INSTANCE)
    machine = machine_of(instance)
    pool, group = _names(inputs, resource.name)
    spot = inputs.get("capacityType") == "SPOT"
    scaling = inputs.get("scalingConfig") or {}
    region = _region(inputs, plan)
    labels = {
        **(inputs.get("labels") or {}),
        "eks.amazonaws.com/nodegroup": group,
        "eks.amazonaws.com/capacityType": inputs.get("capacityType") or "ON_DEMAND",
        "node.kubernetes.io/instance-type": instance,
        "topology.kubernetes.io/region": region,
    }
    view = PlannedPool(
        name=pool,
        cloud="eks",
        arch=machine.arch,
        machine_type=instance,
        spot=spot,
        min_nodes=int(scaling.get("minSize") or 0),
        max_nodes=int(scaling.get("maxSize") or 1),
        labels=labels,
        taints=tuple(_taint(taint) for taint in inputs.get("taints") or []),
        zones=tuple(f"{region}{letter}" for letter in "abc"),
    )
    shape = Shape(pool=view, machine=machine, disk_gib=_disk(inputs, plan), pods=_pods(machine.cpus), labels=labels)
    nodes = []
    for index, zone in enumerate(spread(view)):
        digits = short_hash(f"{pool} {index}", 17)
        address = "-".join(str(int(digits[place : place + 2], 16)) for place in (0, 2))
        nodes.append(manifest(shape, f"ip-10-0-{address}.{region}.compute.internal", zone, f"aws:///{zone}/i-{digits}"))
    return NodeGroup(pool=view, nodes=tuple(nodes), guarded=machine.arch == "arm64")


def _names(inputs: Mapping[str, Any], logical: str) -> tuple[str, str]:
    """Return the pool's name and the node group's: AWS completes a prefix with random letters."""
    if inputs.get("nodeGroupName"):
        return str(inputs["nodeGroupName"]), str(inputs["nodeGroupName"])
    prefix = str(inputs.get("nodeGroupNamePrefix") or f"{logical}-")
    return prefix.rstrip("-"), prefix + short_hash(prefix)


def _taint(taint: Mapping[str, Any]) -> str:
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint['key']}{value}:{_EFFECTS.get(taint['effect'], taint['effect'])}"


def _region(inputs: Mapping[str, Any], plan: Plan) -> str:
    if inputs.get("region"):
        return str(inputs["region"])
    for invoke in plan.invokes:
        match = _REGION_OF_ARN.match(str(plain(invoke.result).get("arn", "")))
        if match:
            return match.group(1)
    return "us-east-1"


def _disk(inputs: Mapping[str, Any], plan: Plan) -> int:
    """Return the root volume's size in GiB: the group's own, or that of the launch template it names."""
    if inputs.get("diskSize"):
        return int(inputs["diskSize"])
    wanted = (inputs.get("launchTemplate") or {}).get("id")
    for resource in plan.resources:
        if resource.type != "aws:ec2/launchTemplate:LaunchTemplate" or wanted not in (resource.id, resource.name):
            continue
        sizes = [
            (device.get("ebs") or {}).get("volumeSize")
            for device in plain(resource.inputs).get("blockDeviceMappings") or []
        ]
        return max((int(size) for size in sizes if size), default=20)
    return 20


def _pods(cpus: int) -> int:
    """Return EKS's default pod limit: network interfaces times addresses, which step up with the size."""
    for least, pods in ((16, 110), (8, 58), (4, 58), (2, 29)):
        if cpus >= least:
            return pods
    return 8
