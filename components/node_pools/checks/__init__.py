"""What is wrong with a list of node pools. Pure; every rule names the key, the consequence and the fix."""

from collections.abc import Sequence

from components.cluster_spec import Cluster
from components.node_pools.checks import aks, eks, existing, gke, machines, metadata, together
from components.node_pools.checks.subject import Subject
from components.node_pools.pools import AksPool, EksPool, ExistingPool, GkePool, Pool
from components.problems import Problem


def check_pools(cluster: Cluster, pools: Sequence[Pool]) -> list[Problem]:
    """Return everything that is wrong with the pools of a stack, in the order of the pools.

    Paths are `pools[i].key` in the stack file's spelling. An empty list means that every pool can be resolved and
    that the clouds' documented rules hold; it does not mean that the cloud has capacity or quota.
    """
    problems: list[Problem] = []
    for index, pool in enumerate(pools):
        problems += check_pool(cluster, pool, f"pools[{index}]")
    return problems + together.check_names(pools)


def check_pool(cluster: Cluster, pool: Pool, path: str) -> list[Problem]:
    """Return everything that is wrong with one pool of a cluster by itself."""
    return _check(Subject(path=path, pool=pool, cluster=cluster))


def _check(subject: Subject) -> list[Problem]:
    # The other rules would speak of a cloud that the cluster is not in.
    if wrong := together.check_kind(subject):
        return wrong
    problems = [*machines.check(subject), *machines.check_limits(subject), *metadata.check(subject)]
    match subject.pool:
        case GkePool() as pool:
            problems += gke.check(subject, pool)
        case EksPool() as pool:
            problems += eks.check(subject, pool)
        case AksPool() as pool:
            problems += aks.check(subject, pool)
        case ExistingPool() as pool:
            problems += existing.check(subject, pool)
    return problems


__all__ = ["check_pool", "check_pools"]
