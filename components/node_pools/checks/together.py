"""Rules on all pools together, and on a pool and its cluster."""

from collections.abc import Sequence

from components.node_pools.checks.subject import Subject
from components.node_pools.pools import Pool
from components.node_pools.resolved import kind_of
from components.problems import Problem


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


def check_names(pools: Sequence[Pool]) -> list[Problem]:
    """Check that names are unique. Which architectures need a pool is the runner's to say."""
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
