"""The public face of the pure part: pool types, the resolved pool, its checks."""

from components.node_pools.checks import check_pools
from components.node_pools.pools import (
    AksMode,
    AksPool,
    ArchitectureTaint,
    CloudPool,
    EksPool,
    ExistingPool,
    GkePool,
    Limits,
    OsDiskType,
    Pool,
    PoolBase,
    Taint,
    TaintEffect,
)
from components.node_pools.resolved import (
    AKS_SPOT_TAINT,
    ARCH_LABEL,
    ARM64_TAINT,
    MANAGED_BY,
    POOL_LABEL,
    PoolSpec,
    resolve,
)

__all__ = [
    "AKS_SPOT_TAINT",
    "ARCH_LABEL",
    "ARM64_TAINT",
    "MANAGED_BY",
    "POOL_LABEL",
    "AksMode",
    "AksPool",
    "ArchitectureTaint",
    "CloudPool",
    "EksPool",
    "ExistingPool",
    "GkePool",
    "Limits",
    "OsDiskType",
    "Pool",
    "PoolBase",
    "PoolSpec",
    "Taint",
    "TaintEffect",
    "check_pools",
    "resolve",
]
