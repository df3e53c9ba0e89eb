"""The pools of the stack file: new ones of each architecture, or those that are there."""

from collections.abc import Sequence
from typing import Final

from components.clouds.contract import ARM64_TAINT
from components.clouds.machines import Arch
from multiarch.cluster.look.model import Look, Pool
from multiarch.core.verdict import Verdict
from multiarch.model.clouds import KNOWN
from multiarch.onboard.answers.model import Answers
from multiarch.onboard.decide.model import PoolPlan

JOB_MILLIS: Final = 1350
"""What the scheduler sets aside for a job by default: 1 CPU for the build, 250m for the helper, 100m for a service."""
JOB_MIB: Final = 2432
"""Likewise: 2 GiB for the build, 256 MiB for the helper, 128 MiB for a service."""
_MOST_JOBS: Final = 20
_FEWEST_JOBS: Final = 2
_EXCLUSIVE: Final = ("node-role.kubernetes.io/", "CriticalAddonsOnly")
"""Taints that keep nodes for the cluster itself."""
_ARM64: Final = str(ARM64_TAINT)


def usable(pools: Sequence[Pool]) -> list[Pool]:
    """Return the pools whose nodes could run jobs: Linux, amd64 or arm64, and not kept for the cluster itself."""
    return [
        pool
        for pool in pools
        if pool.os == "linux"
        and pool.arch in set(Arch)
        and pool.maker not in ("fargate", "virtual kubelet")
        and not any(taint.startswith(_EXCLUSIVE) and not taint.endswith("PreferNoSchedule") for taint in pool.taints)
    ]


def chosen(pools: Sequence[Pool], arch: Arch) -> Pool | None:
    """Return the pool of an architecture that jobs should use: steady, for everybody, and the largest."""
    fit = [pool for pool in usable(pools) if pool.arch == arch.value]

    def rank(pool: Pool) -> tuple[bool, bool, bool, int, str]:
        dedicated = any(taint != _ARM64 for taint in pool.taints)
        return (pool.gpu, dedicated, pool.spot is Verdict.YES, -pool.nodes, pool.name)

    return min(fit, key=rank, default=None)


def concurrent_jobs(pools: Sequence[Pool]) -> int:
    """Return how many jobs the chosen pools hold at the same time by their CPUs, within 2 and 20."""
    picked = [pool for arch in Arch if (pool := chosen(pools, arch)) is not None]
    jobs = sum(pool.nodes * (pool.cpu_millis // JOB_MILLIS) for pool in picked)
    return min(_MOST_JOBS, max(_FEWEST_JOBS, jobs))


def pool_plans(look: Look, answers: Answers, zones: Sequence[str] = ()) -> tuple[PoolPlan, ...]:
    """Return the stack's pools, amd64 first. `zones` are for an arm64 pool that must be kept to some."""
    if answers.pools == "use":
        picked = [(arch, pool) for arch in answers.archs if (pool := chosen(look.pools, arch)) is not None]
        mixed = len({pool.name for _, pool in picked}) < len(picked)
        scaled = look.autoscaler.verdict is Verdict.YES
        return tuple(
            _there(pool, arch, name=f"{pool.name}-{arch}" if mixed else pool.name, scaled=scaled)
            for arch, pool in picked
        )
    return tuple(_new(look, answers, arch, zones if arch is Arch.ARM64 else ()) for arch in answers.archs)


def _new(look: Look, answers: Answers, arch: Arch, zones: Sequence[str]) -> PoolPlan:
    naming = KNOWN[answers.cluster_type].naming
    taken = set() if naming.completed else {pool.name for pool in look.pools if pool.named and not pool.ours}
    dash = naming.separator
    names = (arch.value, f"ci{dash}{arch.value}", *(f"ci{number}{dash}{arch.value}" for number in range(2, 100)))
    return PoolPlan(
        name=next(name for name in names if name not in taken),
        arch=arch.value,
        machine_type=answers.arm64_machine if arch is Arch.ARM64 else answers.amd64_machine,
        min_nodes=answers.min_nodes,
        max_nodes=answers.max_nodes,
        zones=tuple(zones),
        protect=answers.protect,
    )


def _there(pool: Pool, arch: Arch, *, name: str, scaled: bool) -> PoolPlan:
    taints = tuple(taint for taint in pool.taints if taint != _ARM64 and not taint.endswith(":PreferNoSchedule"))
    return PoolPlan(
        name=name,
        arch=arch.value,
        min_nodes=1,
        max_nodes=20 if scaled else max(1, pool.nodes),
        labels=pool.selector,
        taints=taints,
        architecture_taint=_ARM64 in pool.taints,
        because=f"{pool.nodes} node{'' if pool.nodes == 1 else 's'}"
        + (f", {pool.machine_type}" if pool.machine_type else ""),
        nodes=pool.nodes,
        cpu_millis=pool.cpu_millis,
        memory_mib=pool.memory_mib,
    )
