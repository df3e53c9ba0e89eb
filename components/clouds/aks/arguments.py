"""What Azure's provider is given for an AKS pool, and the kubeconfig of a cluster. Pure: plain data in its spelling.

Arguments, defaults and what is ignored: facts/nodepools.md, section 3.
"""

from typing import Any, Final

from components.clouds.aks.machines import machine_type
from components.clouds.aks.sections import AksKubeletConfig, AksLinuxOsConfig, AksPool, OsDiskType
from components.clouds.arguments import merged, name_in_cloud, plain, stated
from components.clouds.contract import ResolvedPool
from components.clouds.kubeconfig import Endpoint, exec_kubeconfig

# The autoscaler's and the auto-upgrade channel's own values. `count` must be sent all the same: AKS requires it even
# with autoscaling (pulumi-azure-native#2943).
IGNORE_CHANGES: Final = ("count", "orchestratorVersion")

# What replaces a pool: what azure-native does so for (its replacement.go), and what AKS refuses to change in place
# (PropertyChangeNotAllowed), but for its place and name. Each has its source in tests of the providers' truth.
REPLACES: Final = (
    "availabilityZones",
    "capacityReservationGroupID",
    "creationData",
    "enableEncryptionAtHost",
    "enableNodePublicIP",
    "enableUltraSSD",
    "gpuInstanceProfile",
    "gpuProfile",
    "hostGroupID",
    "kubeletConfig",
    "kubeletDiskType",
    "linuxOSConfig",
    "maxPods",
    "networkProfile.nodePublicIPTags",
    "nodePublicIPPrefixID",
    "osDiskSizeGB",
    "osDiskType",
    "osType",
    "podSubnetID",
    "proximityPlacementGroupID",
    "scaleSetEvictionPolicy",
    "scaleSetPriority",
    "spotMaxPrice",
    "type",
    "vmSize",
    "vnetSubnetID",
    "windowsProfile",
)

# The kernel parameters that AKS lets be set (custom-node-configuration in its documentation), with its own names.
SYSCTLS: Final = {
    "fs.aio-max-nr": "fsAioMaxNr",
    "fs.file-max": "fsFileMax",
    "fs.inotify.max_user_watches": "fsInotifyMaxUserWatches",
    "fs.nr_open": "fsNrOpen",
    "kernel.threads-max": "kernelThreadsMax",
    "net.core.netdev_max_backlog": "netCoreNetdevMaxBacklog",
    "net.core.optmem_max": "netCoreOptmemMax",
    "net.core.rmem_default": "netCoreRmemDefault",
    "net.core.rmem_max": "netCoreRmemMax",
    "net.core.somaxconn": "netCoreSomaxconn",
    "net.core.wmem_default": "netCoreWmemDefault",
    "net.core.wmem_max": "netCoreWmemMax",
    "net.ipv4.ip_local_port_range": "netIpv4IpLocalPortRange",
    "net.ipv4.neigh.default.gc_thresh1": "netIpv4NeighDefaultGcThresh1",
    "net.ipv4.neigh.default.gc_thresh2": "netIpv4NeighDefaultGcThresh2",
    "net.ipv4.neigh.default.gc_thresh3": "netIpv4NeighDefaultGcThresh3",
    "net.ipv4.tcp_fin_timeout": "netIpv4TcpFinTimeout",
    "net.ipv4.tcp_keepalive_intvl": "netIpv4TcpkeepaliveIntvl",
    "net.ipv4.tcp_keepalive_probes": "netIpv4TcpKeepaliveProbes",
    "net.ipv4.tcp_keepalive_time": "netIpv4TcpKeepaliveTime",
    "net.ipv4.tcp_max_syn_backlog": "netIpv4TcpMaxSynBacklog",
    "net.ipv4.tcp_max_tw_buckets": "netIpv4TcpMaxTwBuckets",
    "net.netfilter.nf_conntrack_buckets": "netNetfilterNfConntrackBuckets",
    "net.netfilter.nf_conntrack_max": "netNetfilterNfConntrackMax",
    "vm.max_map_count": "vmMaxMapCount",
    "vm.swappiness": "vmSwappiness",
    "vm.vfs_cache_pressure": "vmVfsCachePressure",
}

# The one id of the Entra application behind every AKS cluster's API server (learn.microsoft.com, aks/kubelogin).
SERVER_ID: Final = "6dae42f8-4368-4678-94ff-3960e28e3630"


def kubeconfig(endpoint: Endpoint) -> str:
    """Return a kubeconfig (JSON) whose tokens come from kubelogin: `az login` on a laptop, workload identity in CI.

    kubelogin prefers the environment's AAD_LOGIN_METHOD to its own flag (pkg/internal/token/options.go), so that CI
    sets `AAD_LOGIN_METHOD=workloadidentity` and both write the same kubeconfig into the stack's state.
    """
    return exec_kubeconfig(
        endpoint,
        command="kubelogin",
        args=["get-token", "--login", "azurecli", "--server-id", SERVER_ID],
        hint="Install it with: az aks install-cli",
    )


def agent_pool(resolved: ResolvedPool[AksPool]) -> dict[str, Any]:
    """Return the arguments of a pool."""
    arguments = merged(stated(own(resolved)), resolved.section.arguments)
    # AKS takes letters and digits only, 12 in all.
    return {"agentPoolName": name_in_cloud(resolved, arguments, REPLACES, dash=""), **arguments}


def own(resolved: ResolvedPool[AksPool], location: str = "") -> dict[str, Any]:
    """Return what a pool's own keys set: None for what they leave to AKS, and for what others set."""
    del location  # of no consequence here
    pool = resolved.section
    trusted = pool.secure_boot or pool.vtpm
    return {
        **dict.fromkeys(("agentPoolName", "orchestratorVersion", "resourceGroupName", "resourceName")),
        "type": "VirtualMachineScaleSets",
        "mode": pool.mode.value,
        "vmSize": resolved.machine_types[0],
        "osType": "Linux",
        "osSKU": pool.os_sku,
        "osDiskType": os_disk_type(resolved).value,
        # With Ephemeral, no size means the whole local disk; a part of it would strand the rest.
        "osDiskSizeGB": pool.os_disk_size_gb,
        "enableAutoScaling": True,
        "count": pool.min_nodes,
        "minCount": pool.min_nodes,
        "maxCount": pool.max_nodes,
        "maxPods": pool.max_pods,
        "scaleDownMode": "Delete",
        "nodeLabels": dict(resolved.labels),
        "nodeTaints": [str(taint) for taint in resolved.taints] or None,
        "tags": {"managed-by": "pulumi", **pool.tags},
        # A set: another order is no other pool.
        "availabilityZones": sorted(pool.availability_zones) or None,
        "capacityReservationGroupID": pool.capacity_reservation_group_id,
        "enableEncryptionAtHost": True if pool.encryption_at_host else None,
        "enableFIPS": True if pool.fips else None,
        "kubeletConfig": plain(
            pool.kubelet_config or AksKubeletConfig(), containerLogMaxSizeMb="containerLogMaxSizeMB"
        ),
        "linuxOSConfig": _linux(pool.linux_os_config or AksLinuxOsConfig()),
        "podSubnetID": pool.pod_subnet_id,
        # -1: up to the on-demand price, so that a node goes for want of capacity only.
        "scaleSetPriority": "Spot" if pool.spot else None,
        "scaleSetEvictionPolicy": "Delete" if pool.spot else None,
        "spotMaxPrice": -1.0 if pool.spot else None,
        "securityProfile": {
            "enableSecureBoot": pool.secure_boot if trusted else None,
            "enableVTPM": pool.vtpm if trusted else None,
        },
        "upgradeSettings": {
            # A spot pool cannot surge.
            "maxSurge": None if pool.spot else pool.max_surge,
            "drainTimeoutInMinutes": pool.drain_timeout_minutes or resolved.drain_minutes,
        },
        "vnetSubnetID": pool.vnet_subnet_id,
    }


def _linux(config: AksLinuxOsConfig) -> dict[str, Any]:
    sysctls = {SYSCTLS[name]: value for name, value in config.sysctls.items()}
    return plain(config, swapFileSizeMb="swapFileSizeMB") | {"sysctls": sysctls or None}


def os_disk_type(resolved: ResolvedPool[AksPool]) -> OsDiskType:
    """Return the OS disk type: as stated, else Ephemeral where the size is known to have a local disk."""
    pool = resolved.section
    if pool.os_disk_type is not None:
        return pool.os_disk_type
    machine = machine_type(resolved.machine_types[0])
    return OsDiskType.EPHEMERAL if machine is not None and machine.local_disk else OsDiskType.MANAGED
