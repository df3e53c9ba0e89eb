"""What Google's provider is given for a GKE pool, and the kubeconfig of a cluster. Pure: plain data in its spelling.

Arguments, defaults and what is ignored: facts/nodepools.md, section 3.
"""

from typing import Any, Final

from components.clouds.contract import ResolvedPool
from components.clouds.gke.machines import SERIES, T2A_ZONES, default_boot_disk, is_zone, machine_type
from components.clouds.gke.sections import GkePool, Limits
from components.clouds.kubeconfig import Endpoint, exec_kubeconfig
from components.clouds.machines import MachineType
from components.clouds.sections import Taint

# The cloud changes these by itself: the autoscaler resizes, and a resize rewrites initialNodeCount, which would then
# replace the pool (pulumi-gcp#412); auto-upgrade moves the version.
IGNORE_CHANGES: Final = ("initialNodeCount", "nodeCount", "version")


def kubeconfig(endpoint: Endpoint) -> str:
    """Return a kubeconfig (JSON) whose tokens come from gke-gcloud-auth-plugin: Google's application credentials."""
    return exec_kubeconfig(
        endpoint,
        command="gke-gcloud-auth-plugin",
        args=[],
        hint="Install it with: gcloud components install gke-gcloud-auth-plugin",
        cluster_info=True,
    )


def node_pool(resolved: ResolvedPool[GkePool], location: str) -> dict[str, Any]:
    """Return the arguments of a pool in a cluster at `location`."""
    pool = resolved.section
    machine = machine_type(resolved.machine_types[0])
    zones = zones_of(pool, location, machine)
    drain = pool.drain_grace_minutes or resolved.drain_minutes
    arguments: dict[str, Any] = {
        "name": resolved.name,
        "location": location,
        "initialNodeCount": initial_nodes_per_zone(pool, len(zones) if zones else None),
        "autoscaling": _autoscaling(pool),
        "management": {"autoRepair": True, "autoUpgrade": True},
        "upgradeSettings": {
            "strategy": "SURGE",
            "maxSurge": pool.max_surge,
            "maxUnavailable": pool.max_unavailable,
        },
        # Deleting or replacing a pool ends its nodes without regard to disruption budgets (pulumi-gcp#255).
        "nodeDrainConfigs": [
            {
                "respectPdbDuringNodePoolDeletion": True,
                "graceTerminationDuration": f"{drain * 60}s",
                "pdbTimeoutDuration": f"{drain * 60}s",
            }
        ],
        "nodeConfig": _node_config(resolved),
    }
    if zones is not None:
        arguments["nodeLocations"] = zones
    if pool.max_pods_per_node is not None:
        arguments["maxPodsPerNode"] = pool.max_pods_per_node
    return arguments


def _autoscaling(pool: GkePool) -> dict[str, Any]:
    # Totals exclude per-zone limits. Spot capacity is where it is: ANY zone; else the zones are kept even.
    policy = "ANY" if pool.spot else "BALANCED"
    if pool.limits is Limits.PER_ZONE:
        return {"minNodeCount": pool.min_nodes, "maxNodeCount": pool.max_nodes, "locationPolicy": policy}
    return {"totalMinNodeCount": pool.min_nodes, "totalMaxNodeCount": pool.max_nodes, "locationPolicy": policy}


def _node_config(resolved: ResolvedPool[GkePool]) -> dict[str, Any]:
    pool, machine = resolved.section, machine_type(resolved.machine_types[0])
    disk_type = pool.disk_type or default_boot_disk(machine)
    gvnic = pool.gvnic
    if gvnic is None and machine is not None and SERIES[machine.family].gvnic_required:
        gvnic = True
    config: dict[str, Any] = {
        "machineType": resolved.machine_types[0],
        "imageType": pool.image_type,
        "bootDisk": {"sizeGb": pool.disk_size_gb} | ({"diskType": disk_type} if disk_type else {}),
        "labels": dict(resolved.labels),
        "metadata": {"disable-legacy-endpoints": "true"},
        "oauthScopes": list(pool.oauth_scopes),
        "shieldedInstanceConfig": {
            "enableSecureBoot": pool.secure_boot,
            "enableIntegrityMonitoring": pool.integrity_monitoring,
        },
        # Pods see the workload's identity and never the node's.
        "workloadMetadataConfig": {"mode": "GKE_METADATA"},
    }
    optional: dict[str, Any] = {
        "spot": True if pool.spot else None,
        "serviceAccount": pool.service_account,
        "gvnic": None if gvnic is None else {"enabled": gvnic},
        "taints": [gke_taint(taint) for taint in resolved.taints] or None,
        "taintConfig": pool.architecture_taint and {"architectureTaintBehavior": pool.architecture_taint.value},
        "tags": list(pool.tags) or None,
        "resourceLabels": dict(pool.resource_labels) or None,
    }
    return config | {key: value for key, value in optional.items() if value is not None}


def gke_taint(taint: Taint) -> dict[str, str]:
    """Render a taint in GKE's spelling."""
    return {"key": taint.key, "value": taint.value, "effect": taint.effect.name}


def zones_of(pool: GkePool, location: str, machine: MachineType | None) -> list[str] | None:
    """Return the zones of a pool in a cluster at `location` (a region or a zone).

    They are those stated, else T2A's own (a regional cluster's zones may lack it: terraform-google-kubernetes-engine
    #1437), else a zonal cluster's zone. None means that the regional cluster's zones apply, which are not known here.
    """
    if pool.node_locations is not None:
        return list(pool.node_locations)
    if is_zone(location):
        return [location]
    if machine is not None and machine.family == "t2a":
        return list(T2A_ZONES.get(location, ()))
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
