"""A GKE pool as the arguments of `gcp.container.NodePool`. Pure: plain data, in the SDK's own names.

Arguments, defaults and what is ignored: facts/nodepools.md, section 3.
"""

from typing import Any, Final

from components.node_pools.gke_placement import initial_nodes_per_zone, zones_of
from components.node_pools.pools import GkePool, Limits, Taint, TaintEffect
from components.node_pools.resolved import PoolSpec
from components.platforms import Cloud, gcp, machine_type

# The cloud changes these by itself: the autoscaler resizes, and a resize rewrites initialNodeCount, which would then
# replace the pool (pulumi-gcp#412); auto-upgrade moves the version.
IGNORE_CHANGES: Final = ("initialNodeCount", "nodeCount", "version")

_EFFECTS: Final = {
    TaintEffect.NO_SCHEDULE: "NO_SCHEDULE",
    TaintEffect.PREFER_NO_SCHEDULE: "PREFER_NO_SCHEDULE",
    TaintEffect.NO_EXECUTE: "NO_EXECUTE",
}


def node_pool(spec: PoolSpec, location: str) -> dict[str, Any]:
    """Return the arguments of a pool in a cluster at `location`; `spec` must be that of a GkePool."""
    pool = _pool(spec)
    machine = machine_type(Cloud.GCP, spec.machine_types[0])
    zones = zones_of(pool, location, machine)
    arguments: dict[str, Any] = {
        "name": spec.name,
        "location": location,
        "initial_node_count": initial_nodes_per_zone(pool, len(zones) if zones else None),
        "autoscaling": _autoscaling(pool),
        "management": {"auto_repair": True, "auto_upgrade": True},
        "upgrade_settings": {
            "strategy": "SURGE",
            "max_surge": pool.max_surge,
            "max_unavailable": pool.max_unavailable,
        },
        # Deleting or replacing a pool ends its nodes without regard to disruption budgets (pulumi-gcp#255).
        "node_drain_configs": [
            {
                "respect_pdb_during_node_pool_deletion": True,
                "grace_termination_duration": f"{pool.drain_grace_minutes * 60}s",
                "pdb_timeout_duration": f"{pool.drain_grace_minutes * 60}s",
            }
        ],
        "node_config": _node_config(spec, pool),
    }
    if zones is not None:
        arguments["node_locations"] = zones
    if pool.max_pods_per_node is not None:
        arguments["max_pods_per_node"] = pool.max_pods_per_node
    return arguments


def _pool(spec: PoolSpec) -> GkePool:
    if not isinstance(spec.pool, GkePool):
        raise TypeError(f"{spec.name} is a pool of the kind {spec.kind}, not gke")
    return spec.pool


def _autoscaling(pool: GkePool) -> dict[str, Any]:
    # Totals exclude per-zone limits. Spot capacity is where it is: ANY zone; else the zones are kept even.
    policy = "ANY" if pool.spot else "BALANCED"
    if pool.limits is Limits.PER_ZONE:
        return {"min_node_count": pool.min_nodes, "max_node_count": pool.max_nodes, "location_policy": policy}
    return {"total_min_node_count": pool.min_nodes, "total_max_node_count": pool.max_nodes, "location_policy": policy}


def _node_config(spec: PoolSpec, pool: GkePool) -> dict[str, Any]:
    machine = machine_type(Cloud.GCP, spec.machine_types[0])
    disk_type = pool.disk_type or gcp.default_boot_disk(machine)
    gvnic = pool.gvnic
    if gvnic is None and machine is not None and gcp.SERIES[machine.family].gvnic_required:
        gvnic = True
    config: dict[str, Any] = {
        "machine_type": spec.machine_types[0],
        "image_type": pool.image_type,
        "boot_disk": {"size_gb": pool.disk_size_gb} | ({"disk_type": disk_type} if disk_type else {}),
        "labels": dict(spec.labels),
        "metadata": {"disable-legacy-endpoints": "true"},
        "oauth_scopes": list(pool.oauth_scopes),
        "shielded_instance_config": {
            "enable_secure_boot": pool.secure_boot,
            "enable_integrity_monitoring": pool.integrity_monitoring,
        },
        # Pods see the workload's identity and never the node's.
        "workload_metadata_config": {"mode": "GKE_METADATA"},
    }
    optional: dict[str, Any] = {
        "spot": True if pool.spot else None,
        "service_account": pool.service_account,
        "gvnic": None if gvnic is None else {"enabled": gvnic},
        "taints": [gke_taint(taint) for taint in spec.taints] or None,
        "taint_config": pool.architecture_taint and {"architecture_taint_behavior": pool.architecture_taint.value},
        "tags": list(pool.tags) or None,
        "resource_labels": dict(pool.resource_labels) or None,
    }
    return config | {key: value for key, value in optional.items() if value is not None}


def gke_taint(taint: Taint) -> dict[str, str]:
    """Render a taint in GKE's spelling."""
    return {"key": taint.key, "value": taint.value, "effect": _EFFECTS[taint.effect]}
