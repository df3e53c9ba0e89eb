"""Node pools: what a stack file says of them, what is wrong with that, and the components that make them.

`declare` is the program's only door: it imports the component, and with it the SDK, of the one cloud that is used.
"""

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from components.cluster import ClusterHandle
    from components.node_pools.component import NodePool
    from components.node_pools.resolved import PoolSpec


def declare(spec: "PoolSpec", cluster: "ClusterHandle") -> "NodePool":
    """Declare a resolved pool in its cluster, as a component named like the pool."""
    from components.node_pools.component import arguments_of  # noqa: PLC0415  # the pure part needs no pulumi

    arguments, place = arguments_of(spec.pool), dict[str, Any]()
    match spec.kind:
        case "gke":
            from components.node_pools import gke  # noqa: PLC0415  # a stack imports its own cloud's SDK only

            place = {"location": cluster.location, "project": cluster.project, "cluster_name": cluster.name}
            return gke.GkeNodePool(spec.name, cast("gke.GkeNodePoolArgs", arguments | place))
        case "eks":
            from components.node_pools import eks  # noqa: PLC0415  # a stack imports its own cloud's SDK only

            place = {
                "region": cluster.region,
                "cluster_name": cluster.name,
                "cluster_subnet_ids": cluster.subnet_ids,
            }
            return eks.EksNodePool(spec.name, cast("eks.EksNodePoolArgs", arguments | place))
        case "aks":
            from components.node_pools import aks  # noqa: PLC0415  # a stack imports its own cloud's SDK only

            place = {"resource_group_name": cluster.resource_group, "cluster_name": cluster.name}
            return aks.AksNodePool(spec.name, cast("aks.AksNodePoolArgs", arguments | place))
        case "existing":
            from components.node_pools import existing  # noqa: PLC0415  # needs pulumi, as the other components do

            return existing.ExistingNodes(spec.name, cast("existing.ExistingNodesArgs", arguments))
        case other:
            raise ValueError(f"no kind of node pool: {other!r}")
