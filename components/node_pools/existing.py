"""Nodes that are already there: nothing is created. The component states what must be true of them."""

from typing import NotRequired

import pulumi

from components.cluster_spec import Access, ExistingCluster
from components.node_pools.component import NodePool, PoolArgs, spec_of
from components.node_pools.pools import ExistingPool
from components.platforms import Arch


class ExistingNodesArgs(PoolArgs):
    """Arguments of a pool of existing nodes: what its nodes are and carry."""

    arch: Arch
    """Architecture of the nodes, `amd64` or `arm64`: jobs select it by kubelet's label kubernetes.io/arch."""

    architecture_taint: NotRequired[bool]
    """Whether arm64 nodes carry `kubernetes.io/arch=arm64:NoSchedule`."""


class ExistingNodes(NodePool):
    """Nodes that someone else made, with the labels, taints and architecture that they are said to have."""

    def __init__(self, name: str, args: ExistingNodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        cluster = ExistingCluster(name=name, access=Access(context=name))
        spec = spec_of(ExistingPool, args, cluster, name)
        super().__init__("multiarch-runner:index:ExistingNodes", name, None, opts)
        self.publish(spec, [spec.name])
