"""The clouds: the registry, and the only list of them in the program.

Each is a folder here: sections (what a stack file says), checks, machines, arguments (what its provider is given), and
component.py, the one module with its SDK, which is imported when a stack of that cloud is run. docs/clouds.md says how
to add one.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from components.clouds import checks
from components.clouds.aks import AKS
from components.clouds.contract import LONGEST_JOB, Cloud, ClusterSection, ResolvedPool
from components.clouds.eks import EKS
from components.clouds.existing import EXISTING
from components.clouds.gke import GKE
from components.clouds.machines import Arch, MachineType
from components.clouds.sections import PoolBase
from components.problems import ConfigError, Problem

CLOUDS: Final[dict[str, Cloud[Any, Any]]] = {cloud.name: cloud for cloud in (GKE, EKS, AKS, EXISTING)}
Cluster: TypeAlias = ClusterSection
"""The stack file's section of a cluster, of whichever cloud."""


def cloud_of(section: Cluster | PoolBase) -> Cloud[Any, Any]:
    """Return the cloud of a cluster or a pool."""
    for cloud in CLOUDS.values():
        if isinstance(section, cloud.cluster | cloud.pool):
            return cloud
    raise TypeError(f"{type(section).__name__} is a section of no cloud")


def may_stand_in(cluster_type: str) -> tuple[Cloud[Any, Any], ...]:
    """Return the clouds that a cluster of this type may stand in: its own, or all of them where that is not said.

    Raises ConfigError for a type that is none.
    """
    if cluster_type not in CLOUDS:
        raise ConfigError([_no_cluster_type(cluster_type)])
    cloud = CLOUDS[cluster_type]
    return tuple(CLOUDS.values()) if cloud.anywhere else (cloud,)


def _no_cluster_type(found: str) -> Problem:
    return Problem(
        path="cluster_type",
        found=f"{found!r} is not a cluster type",
        consequence="which addresses hand out the nodes' credentials would be guessed",
        fix=f"Use one of {', '.join(CLOUDS)}.",
    )


def check_pools(cluster: Cluster, pools: Sequence[PoolBase]) -> list[Problem]:
    """Return everything that is wrong with the pools of a cluster, which are of its own cloud: paths `pools[i].key`."""
    cloud = cloud_of(cluster)
    return checks.check_pools(pools, cloud, cloud.location(cluster))


def placed(cluster: Cluster, pool: PoolBase) -> PoolBase:
    """Return a pool of this cluster: one that states only its architecture gets the machine type that is there."""
    cloud = cloud_of(cluster)
    return cloud.placed(pool, cloud.location(cluster)) if isinstance(pool, cloud.pool) else pool


def resolve(pool: PoolBase, longest_job: int = LONGEST_JOB) -> ResolvedPool[Any]:
    """Fill in everything that follows from the configuration of a pool without problems; the longest job in seconds."""
    return cloud_of(pool).resolve(pool, longest_job)


def arch_of(pool: PoolBase) -> Arch | None:
    """Return the architecture of a pool; None when nobody can tell."""
    return cloud_of(pool).arch_of(pool)


def machine_type(cloud: str, name: str) -> MachineType | None:
    """Place a machine type of a cloud; None means unknown: nobody here knows its architecture."""
    return CLOUDS[cloud].machines.place(name)
