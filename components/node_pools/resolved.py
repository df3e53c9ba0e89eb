"""A pool with everything that follows from its configuration: architecture, machine types, labels, taints."""

from collections.abc import Mapping
from dataclasses import dataclass

from components.node_pools.pools import Pool, Taint
from components.platforms import Arch

POOL_LABEL = "multiarch-runner.io/pool"
ARCH_LABEL = "multiarch-runner.io/arch"
MANAGED_BY = ("managed-by", "pulumi")
ARM64_TAINT = Taint(key="kubernetes.io/arch", value="arm64")
AKS_SPOT_TAINT = Taint(key="kubernetes.azure.com/scalesetpriority", value="spot")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSpec:
    """A pool ready to be declared.

    `labels` and `taints` are what is declared at the cloud's API (for an existing pool: what must be there).
    `node_taints` is what the nodes carry in the end, with the taint that GKE adds by itself: what a pod has to
    tolerate. `machine_types` has one entry, more only on EKS, none for an existing pool.
    """

    kind: str
    name: str
    arch: Arch
    machine_types: tuple[str, ...]
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    node_taints: tuple[Taint, ...]
    min_nodes: int
    max_nodes: int
    spot: bool
    protect: bool
    pool: Pool
