"""What the program promises of the nodes of each pool, and how a node is known to belong to one. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from multiarch.drift.live.request import StateResource
from multiarch.model.clouds import KNOWN
from multiarch.model.nodes import nodes_for
from multiarch.model.nodes.model import NodeGroup
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.model.providers.values import plain

_KUBERNETES_OWN: Final = ("beta.kubernetes.io/", "node.kubernetes.io/", "topology.kubernetes.io/")
_RANDOM: Final = re.compile(r"[0-9A-Za-z]{6,32}")
"""What AWS and Pulumi add to a node group's name prefix."""

LIFECYCLE_TAINTS: Final[Mapping[str, str]] = {
    "node.kubernetes.io/": "Kubernetes: not ready, unreachable, under pressure, cordoned",
    "node.cloudprovider.kubernetes.io/": "the cloud's controller: being made, or shut down",
    "ToBeDeletedByClusterAutoscaler": "Cluster Autoscaler: about to go",
    "DeletionCandidateOfClusterAutoscaler": "Cluster Autoscaler: about to go",
    "startup-taint.cluster-autoscaler.kubernetes.io/": "a DaemonSet that is not ready yet",
    "ignore-taint.cluster-autoscaler.kubernetes.io/": "a DaemonSet that is not ready yet",
    "karpenter.sh/": "Karpenter: being made, or about to go",
    "cloud.google.com/impending-node-termination": "GKE: the machine is about to go",
    "aws-node-termination-handler/": "AWS: the machine is about to go",
    "node.cilium.io/agent-not-ready": "Cilium is not ready yet",
    "ebs.csi.aws.com/agent-not-ready": "the EBS driver is not ready yet",
    "efs.csi.aws.com/agent-not-ready": "the EFS driver is not ready yet",
    "kubernetes.azure.com/upgrade": "AKS: being upgraded",
}
"""Taints that come and go with a node's life, by the beginning of their key, and whose they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What the nodes of one pool carry."""

    name: str
    urn: str
    cloud: str
    arch: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[str, ...] = ()
    """Each as `key=value:Effect`."""
    min_nodes: int = 0
    max_nodes: int = 0
    member: Mapping[str, str] = field(default_factory=dict)
    """Labels that tell a pool's nodes from others."""
    prefix: str = ""
    """How the pool's name begins that the cloud completed; then `member` is empty."""


def promises_of(plan: Plan, state: Iterable[StateResource] | None = None) -> list[Promise]:
    """Return the promise of every pool in the plan. `state` tells the names that a cloud completed."""
    remembered = {resource.urn: resource for resource in state or ()}
    return [
        _promise(group, resource, remembered.get(resource.urn))
        for resource in plan.resources
        for group in nodes_for(_alone(plan, resource))
    ]


def members(promises: Sequence[Promise], nodes: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the nodes of each pool, by its URN; and under "" those of no pool of the program's."""
    result: dict[str, list[Mapping[str, Any]]] = {urn: [] for urn in (*(promise.urn for promise in promises), "")}
    for node in nodes:
        labels = labels_of(node)
        owners = [promise for promise in promises if _belongs(labels, promise)]
        # The longest name: `ci-arm64-` also begins the group `ci-arm64-spot-...`.
        owner = max(owners, key=lambda promise: (len(promise.prefix), len(promise.member)), default=None)
        result[owner.urn if owner else ""].append(node)
    return result


def labels_of(node: Mapping[str, Any]) -> Mapping[str, str]:
    """Return a node's labels."""
    return (node.get("metadata") or {}).get("labels") or {}


def _alone(plan: Plan, resource: PlannedResource) -> Plan:
    """Return the plan as if `resource` were the only pool, to know which group is whose."""
    if not _may_be_pool(resource):
        return Plan(stack=plan.stack)
    others = tuple(one for one in plan.resources if one is resource or not _may_be_pool(one))
    return Plan(stack=plan.stack, resources=others, invokes=plan.invokes)


def _may_be_pool(resource: PlannedResource) -> bool:
    kinds = {kind.rpartition(":")[2] for known in KNOWN.values() for kind in known.node_groups}
    return resource.type.rpartition(":")[2] in kinds


def _promise(group: NodeGroup, resource: PlannedResource, remembered: StateResource | None) -> Promise:
    pool, cloud = group.pool, KNOWN[group.pool.cloud]
    own = (*_KUBERNETES_OWN, *cloud.own_labels)  # their values are only modelled: what is not stated is not promised
    kept = {key: value for key, value in pool.labels.items() if not key.startswith(own) or key in cloud.spot_labels}
    # Existing nodes are told from others by the labels that the stack states, or else by what they are.
    stated = dict(pool.labels) or {"kubernetes.io/arch": pool.arch}
    known = remembered.outputs if remembered else {}
    # The pool that was deployed, where its successor of an edit that was not has another name.
    deployed = known.get("name") or pool.labels.get(cloud.membership, "")
    member, prefix = ({cloud.membership: deployed} if cloud.membership else stated), ""
    if cloud.naming.completed is not None:
        name, begin = _completed(cloud.naming.completed, known, plain(resource.inputs))
        member, prefix = ({cloud.membership: name}, "") if name else ({}, begin or f"{resource.name}-")
    return Promise(
        name=pool.name,
        urn=resource.urn,
        cloud=pool.cloud,
        arch=pool.arch,
        labels=kept,
        taints=pool.taints,
        min_nodes=pool.min_nodes,
        max_nodes=pool.max_nodes,
        member=member,
        prefix=prefix,
    )


def _completed(
    read: Callable[[Mapping[str, Any]], tuple[str, str]], known: Mapping[str, Any], inputs: Mapping[str, Any]
) -> tuple[str, str]:
    """Return the pool's name, where that is known, and the beginning of it."""
    name, begin = read(inputs)
    return read(known)[0] or name, begin


def _belongs(labels: Mapping[str, str], promise: Promise) -> bool:
    if promise.prefix:
        name = labels.get(KNOWN[promise.cloud].membership, "")
        return name.startswith(promise.prefix) and bool(_RANDOM.fullmatch(name.removeprefix(promise.prefix)))
    return bool(promise.member) and all(labels.get(key) == value for key, value in promise.member.items())
