"""Where a GKE pool's nodes are, and how many it starts with. Pure."""

from components.cluster_spec import Cluster, GkeCluster
from components.node_pools.pools import GkePool, Limits
from components.platforms import MachineType, gcp


def zones_of(pool: GkePool, cluster: Cluster, machine: MachineType | None) -> list[str] | None:
    """Return the zones of a pool: as stated, T2A's own, or a zonal cluster's; None: the regional cluster decides."""
    if pool.node_locations is not None:
        return list(pool.node_locations)
    if not isinstance(cluster, GkeCluster):
        return None
    if gcp.is_zone(cluster.location):
        return [cluster.location]
    if machine is not None and machine.family == "t2a":
        return list(gcp.T2A_ZONES.get(cluster.location, ()))
    return None


def initial_nodes_per_zone(pool: GkePool, zones: int | None) -> int:
    """Return `initial_node_count`, which GKE counts per zone.

    It covers minNodes from the start, because Cluster Autoscaler does not raise a pool to its minimum by itself. With
    an unknown number of zones, one node per zone, or none for a minimum of none.
    """
    if pool.limits is Limits.PER_ZONE:
        return pool.min_nodes
    if zones is None:
        return min(pool.min_nodes, 1)
    return -(-pool.min_nodes // zones)
