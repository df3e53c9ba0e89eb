"""Where a GKE pool's nodes are, and how many it starts with. Pure."""

from components.node_pools.pools import GkePool, Limits
from components.platforms import MachineType, gcp


def zones_of(pool: GkePool, location: str, machine: MachineType | None) -> list[str] | None:
    """Return the zones of a pool in a cluster at `location` (a region or a zone).

    They are those stated, else T2A's own (a regional cluster's zones may lack it: terraform-google-kubernetes-engine
    #1437), else a zonal cluster's zone. None means that the regional cluster's zones apply, which are not known here.
    """
    if pool.node_locations is not None:
        return list(pool.node_locations)
    if gcp.is_zone(location):
        return [location]
    if machine is not None and machine.family == "t2a":
        return list(gcp.T2A_ZONES.get(location, ()))
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
