"""Rules on pools of nodes that are already there."""

from components.node_pools.checks.subject import Subject
from components.node_pools.pools import ExistingPool
from components.platforms import Arch
from components.problems import Problem


def check(subject: Subject, pool: ExistingPool) -> list[Problem]:
    """Check that what is said of the nodes does not contradict itself."""
    problems = []
    label = pool.labels.get("kubernetes.io/arch")
    if label is not None and label != pool.arch:
        problems.append(
            subject.problem(
                "labels[kubernetes.io/arch]",
                f"{label!r}, but arch is {pool.arch}",
                "no node can be both, and jobs would find none",
                f"Remove the label (kubelet sets it), or set arch: {label}.",
            )
        )
    if not pool.name:
        problems.append(subject.problem("name", "an empty string", "messages could not name the pool", "Give it one."))
    if pool.arch is Arch.AMD64 and not pool.architecture_taint:
        problems.append(
            subject.problem(
                "architectureTaint",
                "false on amd64 nodes",
                "amd64 nodes never have the taint, so that the key says nothing",
                "Remove it.",
            )
        )
    return problems
