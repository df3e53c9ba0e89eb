"""An AKS pool as the arguments of `azure_native.containerservice.AgentPool`. Pure: plain data, in the SDK's names.

Arguments, defaults and what is ignored: facts/nodepools.md, section 3.
"""

from typing import Any, Final

from components.node_pools.pools import AksPool, OsDiskType
from components.node_pools.resolved import PoolSpec
from components.platforms import Cloud, machine_type

# The autoscaler's and the auto-upgrade channel's own values. `count` must be sent all the same: AKS requires it even
# with autoscaling (pulumi-azure-native#2943).
IGNORE_CHANGES: Final = ("count", "orchestratorVersion")


def agent_pool(spec: PoolSpec) -> dict[str, Any]:
    """Return the arguments of a pool; `spec` must be that of an AksPool."""
    pool = _pool(spec)
    arguments: dict[str, Any] = {
        # Never auto-named: AKS takes 12 characters.
        "agent_pool_name": spec.name,
        "type": "VirtualMachineScaleSets",
        "mode": pool.mode.value,
        "vm_size": spec.machine_types[0],
        "os_type": "Linux",
        "os_sku": pool.os_sku,
        "os_disk_type": os_disk_type(spec).value,
        "enable_auto_scaling": True,
        "count": spec.min_nodes,
        "min_count": spec.min_nodes,
        "max_count": spec.max_nodes,
        "scale_down_mode": "Delete",
        "node_labels": dict(spec.labels),
        "upgrade_settings": _upgrade_settings(pool),
        "tags": {"managed-by": "pulumi", **pool.tags},
    }
    return arguments | _spot(pool) | {key: value for key, value in _optional(spec, pool).items() if value is not None}


def _pool(spec: PoolSpec) -> AksPool:
    if not isinstance(spec.pool, AksPool):
        raise TypeError(f"{spec.name} is a pool of the kind {spec.kind}, not aks")
    return spec.pool


def os_disk_type(spec: PoolSpec) -> OsDiskType:
    """Return the OS disk type: as stated, else Ephemeral where the size is known to have a local disk."""
    pool = _pool(spec)
    if pool.os_disk_type is not None:
        return pool.os_disk_type
    machine = machine_type(Cloud.AZURE, spec.machine_types[0])
    return OsDiskType.EPHEMERAL if machine is not None and machine.local_disk else OsDiskType.MANAGED


def _upgrade_settings(pool: AksPool) -> dict[str, Any]:
    settings: dict[str, Any] = {"drain_timeout_in_minutes": pool.drain_timeout_minutes}
    # A spot pool cannot surge.
    return settings if pool.spot else {"max_surge": pool.max_surge, **settings}


def _spot(pool: AksPool) -> dict[str, Any]:
    if not pool.spot:
        return {}
    # -1: up to the on-demand price, so that a node goes for want of capacity only.
    return {"scale_set_priority": "Spot", "scale_set_eviction_policy": "Delete", "spot_max_price": -1.0}


def _optional(spec: PoolSpec, pool: AksPool) -> dict[str, Any]:
    # With Ephemeral, no size means the whole local disk; a part of it would strand the rest.
    return {
        "node_taints": [str(taint) for taint in spec.taints] or None,
        "os_disk_size_gb": pool.os_disk_size_gb,
        "availability_zones": list(pool.availability_zones) or None,
        "max_pods": pool.max_pods,
        "vnet_subnet_id": pool.vnet_subnet_id,
        "pod_subnet_id": pool.pod_subnet_id,
        "enable_encryption_at_host": True if pool.encryption_at_host else None,
        "enable_fips": True if pool.fips else None,
        "security_profile": {"enable_secure_boot": pool.secure_boot, "enable_vtpm": pool.vtpm}
        if pool.secure_boot or pool.vtpm
        else None,
    }
