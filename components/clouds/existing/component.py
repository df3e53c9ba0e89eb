"""Nodes that are already there: nothing is created. The component states what must be true of them."""

from collections.abc import Mapping
from typing import Final, TypedDict

import pulumi

from components.clouds.component import NodePool, resolved_pool
from components.clouds.connection import Connection, provider_for
from components.clouds.contract import ResolvedPool
from components.clouds.existing import EXISTING
from components.clouds.existing.sections import ExistingCluster, ExistingPool

ARGUMENTS: Final[Mapping[str, type]] = {}


def connect(cluster: ExistingCluster) -> Connection:
    """Take the way that the stack file states."""

    def declare(pool: ResolvedPool[ExistingPool]) -> NodePool:
        return ExistingNodes(pool.name, ExistingNodesArgs(pool=pool.section))

    return Connection(provider=provider_for(cluster.access, None, f"existing/{cluster.name}"), declare=declare)


class ExistingNodesArgs(TypedDict):
    """Arguments of a pool of existing nodes."""

    pool: ExistingPool
    """What its nodes are and carry, as in a stack file's `pools`."""


class ExistingNodes(NodePool):
    """Nodes that someone else made, with the labels, taints and architecture that they are said to have."""

    def __init__(self, name: str, args: ExistingNodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        pool = resolved_pool(EXISTING, args, "", name)
        super().__init__("multiarch-runner:index:ExistingNodes", name, None, opts)
        self.publish(pool, [pool.name])


COMPONENT: Final = ExistingNodes
