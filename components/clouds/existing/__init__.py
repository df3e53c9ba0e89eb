"""A cluster of any kind whose nodes are already there: nothing is created, all is stated."""

from typing import Final

from components.clouds.contract import ARM64_TAINT, Cloud, ForRunner, Nodes, Shell, Subject, with_arch_taint
from components.clouds.existing.sections import ExistingCluster, ExistingPool
from components.clouds.machines import NO_MACHINES, Arch
from components.problems import Problem


def _check_pool(subject: Subject[ExistingPool]) -> list[Problem]:
    """Check that what is said of the nodes does not contradict itself."""
    problems, pool = [], subject.pool
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
        problems.append(
            subject.problem(
                "name",
                "an empty string",
                "messages need a name for the pool",
                "Give it one.",
            )
        )
    if pool.arch is Arch.AMD64 and not pool.architecture_taint:
        problems.append(
            subject.problem(
                "architectureTaint",
                "false on amd64 nodes",
                "amd64 nodes never have the taint, so the key has no effect",
                "Remove it.",
            )
        )
    return problems


def _nodes(pool: ExistingPool, arch: Arch) -> Nodes:
    taints = with_arch_taint(pool.taints, arch) if pool.architecture_taint else tuple(pool.taints)
    return Nodes(labels=dict(pool.labels), taints=taints)


def _shell() -> Shell[ExistingCluster]:
    from components.clouds.existing import component  # noqa: PLC0415 - the pure part needs no pulumi

    return component


EXISTING: Final = Cloud(
    name="existing",
    package="",
    cluster=ExistingCluster,
    pool=ExistingPool,
    settings=lambda _: (),
    location=lambda _: "",
    machines=NO_MACHINES,
    domain=None,
    not_declared={
        ARM64_TAINT.key: (
            "the program expects kubernetes.io/arch=arm64:NoSchedule by architectureTaint, and no other",
            "Remove it, and set architectureTaint to say whether the nodes have it.",
        )
    },
    check_pool=_check_pool,
    nodes=_nodes,
    shell=_shell,
    runner=ForRunner(metadata=(), resolvers=(), identities={}, identity_annotation="", storage="", late_nodes=False),
    anywhere=True,
)
