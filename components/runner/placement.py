"""Where the runner manager runs, and what the jobs tolerate: both follow from the pools."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from pydantic.dataclasses import dataclass

from components.clouds import arch_of
from components.clouds.contract import ARM64_TAINT, POOL_LABEL, ResolvedPool
from components.clouds.machines import Arch
from components.clouds.sections import CloudPool, PoolBase, Taint, TaintEffect
from components.keys import CONFIG
from components.problems import Problem
from components.runner.settings import Manager, RunnerConfig


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class RunnerPool:
    """What the runner needs to know of a node pool."""

    name: str
    """The pool's name."""

    arch: Arch
    """`amd64` or `arm64`."""

    spot: bool = False
    """Whether the cloud may take its nodes away."""

    labels: dict[str, str] = field(default_factory=dict)
    """Labels that its nodes carry."""

    taints: list[Taint] = field(default_factory=list)
    """Taints that its nodes carry, those that the cloud adds included."""


def unresolved(pools: Iterable[PoolBase]) -> list[RunnerPool]:
    """Return the pools of known architecture as the checks see them: without labels and taints."""
    return [
        RunnerPool(name=pool.name, arch=arch, spot=isinstance(pool, CloudPool) and pool.spot)
        for pool in pools
        if (arch := arch_of(pool)) is not None
    ]


def runner_pool(pool: ResolvedPool[PoolBase]) -> RunnerPool:
    """Return what matters of a resolved pool."""
    return RunnerPool(
        name=pool.name, arch=pool.arch, spot=pool.spot, labels=dict(pool.labels), taints=list(pool.node_taints)
    )


def manager_pool(runner: RunnerConfig, pools: Sequence[RunnerPool]) -> str | None:
    """Return the name of the manager's pool; None if node labels decide, or if no pool will do."""
    if runner.manager.pool is not None or runner.manager.node_selector:
        return runner.manager.pool
    steady = [pool for pool in pools if not pool.spot]
    preferred = [pool for pool in steady if pool.arch == runner.default_arch]
    return next((pool.name for pool in [*preferred, *steady]), None)


def manager_node_selector(runner: RunnerConfig, pools: Sequence[RunnerPool]) -> dict[str, str]:
    """Return the node labels of the manager's pod."""
    name = manager_pool(runner, pools)
    pool = next((pool for pool in pools if pool.name == name), None)
    if pool is None:
        return dict(runner.manager.node_selector)
    if POOL_LABEL in pool.labels:
        return {POOL_LABEL: pool.labels[POOL_LABEL]}
    # Nodes that were there before carry only what their pool says of them.
    return {**pool.labels, "kubernetes.io/arch": pool.arch.value}


def manager_tolerations(runner: RunnerConfig, pools: Sequence[RunnerPool]) -> list[dict[str, str]]:
    """Return the tolerations of the manager's pod: the taints of its own nodes, no others."""
    name = manager_pool(runner, pools)
    taints = [taint for pool in pools if pool.name == name for taint in pool.taints]
    return [_toleration(taint) for taint in [*taints, *runner.manager.taints]]


def _toleration(taint: Taint) -> dict[str, str]:
    value = {"operator": "Equal", "value": taint.value} if taint.value else {"operator": "Exists"}
    return {"key": taint.key, **value, "effect": taint.effect.value}


def job_tolerations(runner: RunnerConfig, pools: Sequence[RunnerPool]) -> Mapping[str, str]:
    """Return the jobs' tolerations as config.toml spells them: `key=value` to effect, an empty effect meaning any.

    The arm64 taint is always among them: with the default architecture's selector in place it moves no job.
    """
    taints = [ARM64_TAINT] if Arch.ARM64 in runner.architectures else []
    taints += [taint for pool in pools for taint in pool.taints]
    effects: dict[str, set[TaintEffect]] = {}
    for taint in taints:
        effects.setdefault(f"{taint.key}={taint.value}" if taint.value else taint.key, set()).add(taint.effect)
    return {key: next(iter(found)).value if len(found) == 1 else "" for key, found in sorted(effects.items())}


def check_placement(runner: RunnerConfig, pools: Sequence[RunnerPool]) -> list[Problem]:
    """Return what keeps the manager or an architecture's jobs from a node."""
    return [*_check_architectures(runner, pools), *_check_manager(runner, pools), *_check_taints(runner.manager)]


def _check_architectures(runner: RunnerConfig, pools: Sequence[RunnerPool]) -> list[Problem]:
    served = {pool.arch for pool in pools}
    problems = [
        Problem(
            path="runner.architectures",
            found=f"no pool has arch {arch}",
            consequence=f"{arch} jobs would wait {runner.poll_timeout} s for a node and fail",
            fix=f"Add a pool with arch: {arch}, or leave {arch} out of architectures.",
        )
        for arch in dict.fromkeys(runner.architectures)
        if arch not in served
    ]
    if runner.architectures and runner.default_arch not in runner.architectures:
        problems.append(
            Problem(
                path="runner.defaultArch",
                found=f"{runner.default_arch} is not among architectures",
                consequence="a job that selects no architecture would wait for a node that does not exist",
                fix=f"Use one of {', '.join(runner.architectures)}.",
            )
        )
    return problems


def _check_manager(runner: RunnerConfig, pools: Sequence[RunnerPool]) -> list[Problem]:
    manager = runner.manager
    if manager.pool is not None and manager.node_selector:
        return [
            Problem(
                path="runner.manager.nodeSelector",
                found="set together with pool",
                consequence="the pod would need a node that matches both, which is not checked",
                fix="Keep one of them.",
            )
        ]
    if manager.node_selector:
        return []
    steady = [pool.name for pool in pools if not pool.spot]
    if manager.pool is not None:
        return _check_pool(manager.pool, pools, steady)
    if steady or not pools:
        return []
    return [
        Problem(
            path="runner.manager.pool",
            found="every pool is a spot pool",
            consequence="the manager would be evicted, and all running jobs with it",
            fix="Add an on-demand pool, or name other nodes by manager.nodeSelector.",
        )
    ]


def _check_taints(manager: Manager) -> list[Problem]:
    path = "runner.manager.taints"
    if manager.taints and not manager.node_selector:
        return [
            Problem(
                path=path,
                found="set without nodeSelector",
                consequence="the manager runs on a pool of this stack, whose taints it tolerates already",
                fix="Remove it, or name the nodes that have these taints by manager.nodeSelector.",
            )
        ]
    return [
        Problem(
            path=path,
            found=f"{taint} is set {count} times",
            consequence="one is enough; another was probably meant",
            fix="Keep one of them.",
        )
        for taint, count in Counter(manager.taints).items()
        if count > 1
    ]


def _check_pool(name: str, pools: Sequence[RunnerPool], steady: list[str]) -> list[Problem]:
    path = "runner.manager.pool"
    known = [pool.name for pool in pools]
    if name not in known:
        return [
            Problem(
                path=path,
                found=f"{name!r} is not a pool of this stack",
                consequence="the manager's pod would stay pending",
                fix=f"Use one of {', '.join(steady)}, or manager.nodeSelector for nodes outside this stack."
                if steady
                else "Use manager.nodeSelector for nodes outside this stack.",
            )
        ]
    if name in steady:
        return []
    return [
        Problem(
            path=path,
            found=f"{name!r} is a spot pool",
            consequence="the manager would be evicted, and all running jobs with it",
            fix=f"Use one of {', '.join(steady)}." if steady else "Add an on-demand pool.",
        )
    ]
