"""Rules on all pools together, and on a pool and its cluster."""

from collections.abc import Sequence

from components.cluster_spec import Cluster
from components.node_pools.checks.subject import Subject
from components.node_pools.pools import ExistingPool, Pool
from components.node_pools.resolved import CLOUDS, arch_of, kind_of
from components.platforms import Arch, default_machine_type
from components.problems import Problem


def check(cluster: Cluster, pools: Sequence[Pool]) -> list[Problem]:
    """Check that names are unique and that both architectures are served."""
    return [*_check_names(pools), *_check_served(cluster, pools)]


def check_kind(subject: Subject) -> list[Problem]:
    """Check that the pool is of the cluster's kind."""
    kind, wanted = kind_of(subject.pool), subject.cluster.type
    if kind == wanted:
        return []
    return [
        subject.problem(
            "name",
            f"{subject.pool.name!r} is a pool of the kind {kind}",
            f"the cluster {subject.cluster.name!r} is of the type {wanted}, which has no such pools",
            f"Write it with the keys of {wanted} pools.",
        )
    ]


def _check_names(pools: Sequence[Pool]) -> list[Problem]:
    first: dict[str, int] = {}
    problems = []
    for index, pool in enumerate(pools):
        if pool.name in first:
            problems.append(
                Problem(
                    path=f"pools[{index}].name",
                    found=f"{pool.name!r} is the name of pools[{first[pool.name]}] too",
                    consequence="one pool would take the other's place",
                    fix="Give each pool a name of its own.",
                )
            )
        first.setdefault(pool.name, index)
    return problems


def _check_served(cluster: Cluster, pools: Sequence[Pool]) -> list[Problem]:
    served = {arch_of(pool) for pool in pools}
    # A pool of unknown architecture has a problem of its own, and may be the one that serves.
    if None in served:
        return []
    return [
        Problem(
            path="pools",
            found=f"no pool is {arch}",
            consequence=f"every {arch} job would wait until it times out",
            fix=_fix(cluster, arch, all_existing=all(isinstance(pool, ExistingPool) for pool in pools)),
        )
        for arch in Arch
        if arch not in served
    ]


def _fix(cluster: Cluster, arch: Arch, *, all_existing: bool) -> str:
    cloud = CLOUDS.get(cluster.type)
    if cloud is None or (all_existing and cluster.type == "existing"):
        return f"Add a pool with arch: {arch} that names the nodes which have it."
    return f"Add a pool with arch: {arch} (machineType {default_machine_type(cloud, arch)} by default)."
