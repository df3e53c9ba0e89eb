"""Nodes that are already there: nothing is created. The component states what must be true of them."""

from typing import Final, NotRequired, cast

import pulumi

from components.clouds.component import NodePool, PoolArgs, ResolvedArgs, resolved_pool
from components.clouds.connection import Connection, provider_for
from components.clouds.contract import ResolvedPool
from components.clouds.existing import EXISTING
from components.clouds.existing.sections import ExistingCluster, ExistingPool
from components.clouds.machines import Arch


def connect(cluster: ExistingCluster) -> Connection:
    """Take the way that the stack file states."""

    def declare(pool: ResolvedPool[ExistingPool]) -> NodePool:
        return ExistingNodes(pool.name, cast("ExistingNodesArgs", ResolvedArgs(pool)))

    return Connection(provider=provider_for(cluster.access, None, f"existing/{cluster.name}"), declare=declare)


class ExistingNodesArgs(PoolArgs):
    """Arguments of a pool of existing nodes: what its nodes are and carry."""

    arch: Arch
    """Architecture of the nodes, `amd64` or `arm64`: jobs select it by kubelet's label kubernetes.io/arch."""

    architecture_taint: NotRequired[bool]
    """Whether arm64 nodes carry `kubernetes.io/arch=arm64:NoSchedule`."""


class ExistingNodes(NodePool):
    """Nodes that someone else made, with the labels, taints and architecture that they are said to have."""

    def __init__(self, name: str, args: ExistingNodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        pool = resolved_pool(EXISTING, args, "", name)
        super().__init__("multiarch-runner:index:ExistingNodes", name, None, opts)
        self.publish(pool, [pool.name])


COMPONENT: Final = ExistingNodes
