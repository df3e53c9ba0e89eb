"""A pool with everything that follows from its configuration: architecture, machine types, labels, taints."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from components.cluster_spec import Cluster
from components.node_pools.pools import (
    AksPool,
    ArchitectureTaint,
    CloudPool,
    EksPool,
    ExistingPool,
    GkePool,
    Pool,
    Taint,
)
from components.platforms import Arch, Cloud, MachineType, default_machine_type, machine_type
from components.problems import ConfigError, Problem

POOL_LABEL: Final = "multiarch-runner.io/pool"
ARCH_LABEL: Final = "multiarch-runner.io/arch"
MANAGED_BY: Final = ("managed-by", "pulumi")
ARM64_TAINT: Final = Taint(key="kubernetes.io/arch", value="arm64")
AKS_SPOT_TAINT: Final = Taint(key="kubernetes.azure.com/scalesetpriority", value="spot")

KINDS: Final[Mapping[str, type[Pool]]] = {"gke": GkePool, "eks": EksPool, "aks": AksPool, "existing": ExistingPool}
CLOUDS: Final = {"gke": Cloud.GCP, "eks": Cloud.AWS, "aks": Cloud.AZURE}


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


def kind_of(pool: Pool) -> str:
    """Return the cluster type that a pool belongs to: gke, eks, aks or existing."""
    return next(kind for kind, pool_type in KINDS.items() if isinstance(pool, pool_type))


def machine_of(pool: Pool) -> MachineType | None:
    """Return the placed machine type of a pool, the default one included; None when unknown or not stated."""
    if not isinstance(pool, CloudPool):
        return None
    cloud = CLOUDS[kind_of(pool)]
    if pool.machine_type is not None:
        return machine_type(cloud, pool.machine_type)
    return None if pool.arch is None else machine_type(cloud, default_machine_type(cloud, pool.arch))


def arch_of(pool: Pool) -> Arch | None:
    """Return the architecture of a pool: as stated, else that of its machine type; None when nobody can tell."""
    machine = machine_of(pool)
    return pool.arch or (machine.arch if machine is not None else None)


def machine_types_of(pool: Pool) -> tuple[str, ...]:
    """Return the machine types a pool asks for, in order of preference."""
    if not isinstance(pool, CloudPool):
        return ()
    machine = machine_of(pool)
    first = pool.machine_type or (machine.name if machine is not None else None)
    alternatives = pool.alternative_machine_types if isinstance(pool, EksPool) else []
    return ((first,) if first is not None else ()) + tuple(alternatives)


def resolve(pool: Pool, cluster: Cluster) -> PoolSpec:
    """Fill in everything that follows from a pool's configuration.

    check_pools says all that is wrong with pools; this raises ConfigError only where nothing could be resolved: a
    pool of another kind of cluster, or an architecture that is neither stated nor known.
    """
    kind, arch = kind_of(pool), arch_of(pool)
    if kind != cluster.type:
        raise ConfigError([_wrong_kind(pool, kind, cluster)])
    if arch is None:
        raise ConfigError([_no_arch(pool)])
    taints = _declared_taints(pool, arch)
    return PoolSpec(
        kind=kind,
        name=pool.name,
        arch=arch,
        machine_types=machine_types_of(pool),
        labels=_labels(pool, arch),
        taints=taints,
        node_taints=(ARM64_TAINT, *taints) if _gke_taints(pool, arch) else taints,
        min_nodes=pool.min_nodes,
        max_nodes=pool.max_nodes,
        spot=isinstance(pool, CloudPool) and pool.spot,
        protect=isinstance(pool, CloudPool) and pool.protect,
        pool=pool,
    )


def _wrong_kind(pool: Pool, kind: str, cluster: Cluster) -> Problem:
    return Problem(
        path=f"pools[{pool.name}]",
        found=f"a pool of the kind {kind}",
        consequence=f"the cluster {cluster.name!r} is of the type {cluster.type}, which has no such pools",
        fix=f"Write it with the keys of {cluster.type} pools.",
    )


def _no_arch(pool: Pool) -> Problem:
    return Problem(
        path=f"pools[{pool.name}].arch",
        found="neither arch nor a known machineType",
        consequence="no job could be sent to its nodes",
        fix="State arch: amd64 or arch: arm64.",
    )


def _labels(pool: Pool, arch: Arch) -> dict[str, str]:
    if isinstance(pool, ExistingPool):
        return dict(pool.labels)
    labels = {POOL_LABEL: pool.name, ARCH_LABEL: arch.value, MANAGED_BY[0]: MANAGED_BY[1], **pool.labels}
    if isinstance(pool, AksPool) and pool.spot:
        # AKS sets both by itself; left undeclared, the next update tries to remove them (pulumi-azure-native#959).
        labels[AKS_SPOT_TAINT.key] = AKS_SPOT_TAINT.value
    return labels


def _declared_taints(pool: Pool, arch: Arch) -> tuple[Taint, ...]:
    taints = list(pool.taints)
    existing_untainted = isinstance(pool, ExistingPool) and not pool.architecture_taint
    if arch is Arch.ARM64 and not isinstance(pool, GkePool) and not existing_untainted:
        taints.insert(0, ARM64_TAINT)
    if isinstance(pool, AksPool) and pool.spot:
        taints.append(AKS_SPOT_TAINT)
    return tuple(taints)


def _gke_taints(pool: Pool, arch: Arch) -> bool:
    """Tell whether GKE itself adds the arm64 taint: it does unless the pool opts out."""
    return isinstance(pool, GkePool) and arch is Arch.ARM64 and pool.architecture_taint is not ArchitectureTaint.NONE
