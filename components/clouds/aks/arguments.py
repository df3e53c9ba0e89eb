"""What Azure's provider is given for an AKS pool, and the kubeconfig of a cluster. Pure: plain data in its spelling.

Arguments, defaults and what is ignored: facts/nodepools.md, section 3.
"""

from typing import Any, Final

from components.clouds.aks.machines import machine_type
from components.clouds.aks.sections import AksPool, OsDiskType
from components.clouds.contract import ResolvedPool
from components.clouds.kubeconfig import Endpoint, exec_kubeconfig

# The autoscaler's and the auto-upgrade channel's own values. `count` must be sent all the same: AKS requires it even
# with autoscaling (pulumi-azure-native#2943).
IGNORE_CHANGES: Final = ("count", "orchestratorVersion")

# What AKS refuses to change in place (PropertyChangeNotAllowed) and azure-native would try to: its replacement.go
# replaces for vmSize, gpuInstanceProfile and nodePublicIPTags alone (facts/clouds.md).
REFUSED_CHANGES: Final = (
    "availabilityZones",
    "enableEncryptionAtHost",
    "enableFIPS",
    "maxPods",
    "osDiskSizeGB",
    "osDiskType",
    "podSubnetID",
    "scaleSetPriority",
    "vnetSubnetID",
)

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
    pool = resolved.section
    arguments: dict[str, Any] = {
        # Never auto-named: AKS takes 12 characters.
        "agentPoolName": resolved.name,
        "type": "VirtualMachineScaleSets",
        "mode": pool.mode.value,
        "vmSize": resolved.machine_types[0],
        "osType": "Linux",
        "osSKU": pool.os_sku,
        "osDiskType": os_disk_type(resolved).value,
        "enableAutoScaling": True,
        "count": pool.min_nodes,
        "minCount": pool.min_nodes,
        "maxCount": pool.max_nodes,
        "scaleDownMode": "Delete",
        "nodeLabels": dict(resolved.labels),
        "upgradeSettings": _upgrade_settings(resolved),
        "tags": {"managed-by": "pulumi", **pool.tags},
    }
    return arguments | _spot(pool) | {key: value for key, value in _optional(resolved).items() if value is not None}


def os_disk_type(resolved: ResolvedPool[AksPool]) -> OsDiskType:
    """Return the OS disk type: as stated, else Ephemeral where the size is known to have a local disk."""
    pool = resolved.section
    if pool.os_disk_type is not None:
        return pool.os_disk_type
    machine = machine_type(resolved.machine_types[0])
    return OsDiskType.EPHEMERAL if machine is not None and machine.local_disk else OsDiskType.MANAGED


def _upgrade_settings(resolved: ResolvedPool[AksPool]) -> dict[str, Any]:
    pool = resolved.section
    settings: dict[str, Any] = {"drainTimeoutInMinutes": pool.drain_timeout_minutes or resolved.drain_minutes}
    # A spot pool cannot surge.
    return settings if pool.spot else {"maxSurge": pool.max_surge, **settings}


def _spot(pool: AksPool) -> dict[str, Any]:
    if not pool.spot:
        return {}
    # -1: up to the on-demand price, so that a node goes for want of capacity only.
    return {"scaleSetPriority": "Spot", "scaleSetEvictionPolicy": "Delete", "spotMaxPrice": -1.0}


def _optional(resolved: ResolvedPool[AksPool]) -> dict[str, Any]:
    pool = resolved.section
    # With Ephemeral, no size means the whole local disk; a part of it would strand the rest.
    return {
        "nodeTaints": [str(taint) for taint in resolved.taints] or None,
        "osDiskSizeGB": pool.os_disk_size_gb,
        "availabilityZones": list(pool.availability_zones) or None,
        "maxPods": pool.max_pods,
        "vnetSubnetID": pool.vnet_subnet_id,
        "podSubnetID": pool.pod_subnet_id,
        "enableEncryptionAtHost": True if pool.encryption_at_host else None,
        "enableFIPS": True if pool.fips else None,
        "securityProfile": {"enableSecureBoot": pool.secure_boot, "enableVTPM": pool.vtpm}
        if pool.secure_boot or pool.vtpm
        else None,
    }
