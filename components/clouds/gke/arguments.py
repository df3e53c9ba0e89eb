"""What Google's provider is given for a GKE pool, and the kubeconfig of a cluster. Pure: plain data in its spelling.

Arguments, defaults and what is ignored: facts/nodepools.md, section 3.
"""

from typing import Any, Final

from components.clouds.arguments import merged, name_in_cloud, plain, stated
from components.clouds.contract import ResolvedPool
from components.clouds.gke.machines import SERIES, T2A_ZONES, default_boot_disk, is_zone, machine_type
from components.clouds.gke.sections import GkeKubeletConfig, GkeLinuxNodeConfig, GkePool, Limits
from components.clouds.kubeconfig import Endpoint, exec_kubeconfig
from components.clouds.machines import MachineType
from components.clouds.sections import Taint

# The cloud changes these by itself: the autoscaler resizes, and a resize rewrites initialNodeCount, which would then
# replace the pool (pulumi-gcp#412); auto-upgrade moves the version.
IGNORE_CHANGES: Final = ("initialNodeCount", "nodeCount", "version")

# What Google's provider replaces a pool for (ForceNew in terraform-provider-google's container_node_pool and
# node_config), but for its place, its name and what is ignored; of the blocks, for their coming and going.
REPLACES: Final = (
    "maxPodsPerNode",
    "networkConfig.acceleratorNetworkProfile",
    "networkConfig.additionalNodeNetworkConfigs.network",
    "networkConfig.additionalNodeNetworkConfigs.subnetwork",
    "networkConfig.additionalPodNetworkConfigs.maxPodsPerNode",
    "networkConfig.additionalPodNetworkConfigs.secondaryPodRange",
    "networkConfig.additionalPodNetworkConfigs.subnetwork",
    "networkConfig.createPodRange",
    "networkConfig.podIpv4CidrBlock",
    "networkConfig.podRange",
    "networkConfig.subnetwork",
    "nodeConfig.advancedMachineFeatures.enableNestedVirtualization",
    "nodeConfig.advancedMachineFeatures.threadsPerCore",
    "nodeConfig.bootDiskKmsKey",
    "nodeConfig.confidentialNodes.confidentialInstanceType",
    "nodeConfig.enableConfidentialStorage",
    "nodeConfig.ephemeralStorageLocalSsdConfig.dataCacheCount",
    "nodeConfig.ephemeralStorageLocalSsdConfig.localSsdCount",
    "nodeConfig.flexStart",
    "nodeConfig.guestAccelerators.count",
    "nodeConfig.guestAccelerators.gpuDriverInstallationConfig.gpuDriverVersion",
    "nodeConfig.guestAccelerators.gpuPartitionSize",
    "nodeConfig.guestAccelerators.gpuSharingConfig.gpuSharingStrategy",
    "nodeConfig.guestAccelerators.gpuSharingConfig.maxSharedClientsPerGpu",
    "nodeConfig.guestAccelerators.type",
    "nodeConfig.hostMaintenancePolicy.maintenanceInterval",
    "nodeConfig.localNvmeSsdBlockConfig.localSsdCount",
    "nodeConfig.localSsdCount",
    "nodeConfig.localSsdEncryptionMode",
    "nodeConfig.maxRunDuration",
    "nodeConfig.metadata",
    "nodeConfig.minCpuPlatform",
    "nodeConfig.nodeGroup",
    "nodeConfig.oauthScopes",
    "nodeConfig.preemptible",
    "nodeConfig.reservationAffinity.consumeReservationType",
    "nodeConfig.reservationAffinity.key",
    "nodeConfig.reservationAffinity.values",
    "nodeConfig.secondaryBootDisks.diskImage",
    "nodeConfig.secondaryBootDisks.mode",
    "nodeConfig.serviceAccount",
    "nodeConfig.shieldedInstanceConfig.enableIntegrityMonitoring",
    "nodeConfig.shieldedInstanceConfig.enableSecureBoot",
    "nodeConfig.soleTenantConfig.nodeAffinities.key",
    "nodeConfig.soleTenantConfig.nodeAffinities.operator",
    "nodeConfig.soleTenantConfig.nodeAffinities.values",
    "nodeConfig.spot",
    "placementPolicy.policyName",
    "queuedProvisioning.enabled",
)
REPLACES_FOR_BLOCK: Final = (
    "networkConfig.additionalNodeNetworkConfigs",
    "networkConfig.additionalPodNetworkConfigs",
    "networkConfig.podCidrOverprovisionConfig",
    "nodeConfig.advancedMachineFeatures",
    "nodeConfig.ephemeralStorageLocalSsdConfig",
    "nodeConfig.guestAccelerators",
    "nodeConfig.guestAccelerators.gpuDriverInstallationConfig",
    "nodeConfig.guestAccelerators.gpuSharingConfig",
    "nodeConfig.hostMaintenancePolicy",
    "nodeConfig.localNvmeSsdBlockConfig",
    "nodeConfig.reservationAffinity",
    "nodeConfig.sandboxConfig",
    "nodeConfig.secondaryBootDisks",
    "nodeConfig.shieldedInstanceConfig",
    "nodeConfig.soleTenantConfig",
    "nodeConfig.soleTenantConfig.nodeAffinities",
    "placementPolicy",
    "queuedProvisioning",
)


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
    arguments = merged(stated(own(resolved, location)), resolved.section.arguments)
    # Google's provider changes the machine type in place; whether GKE does so across architectures, nobody knows.
    told = {**arguments, "architecture": resolved.arch.value}
    return {"name": name_in_cloud(resolved, told, ("architecture", *REPLACES), REPLACES_FOR_BLOCK), **arguments}


def own(resolved: ResolvedPool[GkePool], location: str) -> dict[str, Any]:
    """Return what a pool's own keys set: None for what they leave to GKE, and for what others set."""
    pool = resolved.section
    zones = zones_of(pool, location, machine_type(resolved.machine_types[0]))
    drain = f"{(pool.drain_grace_minutes or resolved.drain_minutes) * 60}s"
    return {
        **dict.fromkeys(("cluster", "name", "namePrefix", "nodeCount", "project", "version")),
        "location": location,
        "nodeLocations": zones,
        "initialNodeCount": initial_nodes_per_zone(pool, len(zones) if zones else None),
        "autoscaling": _autoscaling(pool),
        "management": {"autoRepair": True, "autoUpgrade": True},
        "maxPodsPerNode": pool.max_pods_per_node,
        "networkConfig": {"enablePrivateNodes": pool.private_nodes},
        "upgradeSettings": {
            "strategy": "SURGE",
            "maxSurge": pool.max_surge,
            "maxUnavailable": pool.max_unavailable,
        },
        # Deleting or replacing a pool ends its nodes without regard to disruption budgets (pulumi-gcp#255).
        "nodeDrainConfigs": [
            {
                "respectPdbDuringNodePoolDeletion": True,
                "graceTerminationDuration": drain,
                "pdbTimeoutDuration": drain,
            }
        ],
        "nodeConfig": _node_config(resolved),
    }


def _autoscaling(pool: GkePool) -> dict[str, Any]:
    total = pool.limits is Limits.TOTAL
    return {
        # Totals exclude per-zone limits.
        "totalMinNodeCount": pool.min_nodes if total else None,
        "totalMaxNodeCount": pool.max_nodes if total else None,
        "minNodeCount": None if total else pool.min_nodes,
        "maxNodeCount": None if total else pool.max_nodes,
        # Spot capacity is where it is: ANY zone; else the zones are kept even.
        "locationPolicy": "ANY" if pool.spot else "BALANCED",
    }


def _node_config(resolved: ResolvedPool[GkePool]) -> dict[str, Any]:
    pool, machine = resolved.section, machine_type(resolved.machine_types[0])
    gvnic = pool.gvnic
    if gvnic is None and machine is not None and SERIES[machine.family].gvnic_required:
        gvnic = True
    return {
        "machineType": resolved.machine_types[0],
        "imageType": pool.image_type,
        "bootDisk": {"sizeGb": pool.disk_size_gb, "diskType": pool.disk_type or default_boot_disk(machine)},
        "bootDiskKmsKey": pool.boot_disk_kms_key,
        "gvnic": {"enabled": gvnic},
        "kubeletConfig": plain(pool.kubelet_config or GkeKubeletConfig()),
        "labels": dict(resolved.labels),
        "linuxNodeConfig": _linux(pool.linux_node_config or GkeLinuxNodeConfig()),
        "metadata": {"disable-legacy-endpoints": "true"},
        # A set: another order is no other pool.
        "oauthScopes": sorted(pool.oauth_scopes),
        "reservationAffinity": None if pool.reservation_affinity is None else plain(pool.reservation_affinity),
        "resourceLabels": dict(pool.resource_labels) or None,
        "serviceAccount": pool.service_account,
        "shieldedInstanceConfig": {
            "enableSecureBoot": pool.secure_boot,
            "enableIntegrityMonitoring": pool.integrity_monitoring,
        },
        "spot": True if pool.spot else None,
        "tags": list(pool.tags) or None,
        "taintConfig": {"architectureTaintBehavior": pool.architecture_taint and pool.architecture_taint.value},
        "taints": [gke_taint(taint) for taint in resolved.taints] or None,
        # Pods see the workload's identity and never the node's.
        "workloadMetadataConfig": {"mode": "GKE_METADATA"},
    }


def _linux(config: GkeLinuxNodeConfig) -> dict[str, Any]:
    def spelled(what: str, value: str | None) -> str | None:
        return value and f"{what}_{value.upper().replace('+', '_WITH_')}"

    return {
        "cgroupMode": spelled("CGROUP_MODE", config.cgroup_mode),
        "sysctls": {name: str(value) for name, value in config.sysctls.items()} or None,
        "transparentHugepageEnabled": spelled("TRANSPARENT_HUGEPAGE_ENABLED", config.transparent_hugepage_enabled),
        "transparentHugepageDefrag": spelled("TRANSPARENT_HUGEPAGE_DEFRAG", config.transparent_hugepage_defrag),
    }


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
