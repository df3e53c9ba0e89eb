"""Rules on pools that hold for every cloud: machines, limits, labels, taints, names. Pure.

Every rule names the key, the consequence and the fix.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from components.clouds.arguments import SUFFIX, plain
from components.clouds.contract import ARCH_LABEL, MANAGED_BY, POOL_LABEL, Cloud, Subject
from components.clouds.machines import Arch, Machines
from components.clouds.passed import check_passed
from components.clouds.sections import CloudPool, PoolBase, Replacement, Taint
from components.problems import Problem

# What all clouds' names are made of; whether there is such a machine is the cloud's to say.
_MACHINE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# Kubernetes' own domains, which every cloud keeps from users: facts/nodepools.md, section 2.
_KUBERNETES: Final = ("kubernetes.io", "k8s.io")
OWN_LABELS: Final = (POOL_LABEL, ARCH_LABEL, MANAGED_BY[0])


def check_pools(pools: Sequence[PoolBase], cloud: Cloud[Any, Any], location: str) -> list[Problem]:
    """Return everything that is wrong with the pools of a stack, in the order of the pools.

    Paths are `pools[i].key` in the stack file's spelling. An empty list means that every pool can be resolved and
    that the clouds' documented rules hold; it does not mean that the cloud has capacity or quota.
    """
    problems: list[Problem] = []
    for index, pool in enumerate(pools):
        problems += check_pool(Subject(path=f"pools[{index}]", pool=pool, cloud=cloud, location=location))
    return problems + _check_names(pools)


def check_pool(subject: Subject[Any]) -> list[Problem]:
    """Return everything that is wrong with one pool by itself."""
    found = [
        *_check_machine(subject),
        *_check_limits(subject),
        *_check_metadata(subject),
        *subject.cloud.check_pool(subject),
    ]
    return [*found, *check_passed(subject, resolvable=not found)]


def _check_names(pools: Sequence[PoolBase]) -> list[Problem]:
    """Check that names are unique. Which architectures need a pool is the runner's to say."""
    first: dict[str, int] = {}
    problems = []
    for index, pool in enumerate(pools):
        if pool.name in first:
            problems.append(
                Problem(
                    path=f"pools[{index}].name",
                    found=f"{pool.name!r} is also the name of pools[{first[pool.name]}]",
                    consequence="one pool would replace the other",
                    fix="Give each pool a name of its own.",
                )
            )
        first.setdefault(pool.name, index)
    return problems


def _check_machine(subject: Subject[Any]) -> list[Problem]:
    """Check that the architecture is known, and that the machine type has it."""
    pool, machines = subject.pool, subject.cloud.machines
    if not isinstance(pool, CloudPool):
        return []
    if pool.machine_type is None:
        return [] if pool.arch is not None else [_nothing_stated(subject, machines)]
    if not _MACHINE_NAME.fullmatch(pool.machine_type):
        return [_no_name(subject, pool.machine_type)]
    machine = subject.machine
    if machine is None:
        return [] if pool.arch is not None else [_unknown(subject, pool.machine_type)]
    if pool.arch is None or machine.arch is pool.arch:
        return []
    like = machines.sibling(machine)
    placed = machines.place(like)
    name = machines.processor(placed) if placed is not None else None
    return [
        subject.problem(
            "machineType",
            f"{pool.machine_type!r} is {machine.arch}, but arch is {pool.arch}",
            f"the nodes would never accept {pool.arch} jobs",
            f"Use {like}{f' ({name})' if name else ''}, or set arch: {machine.arch}.",
        )
    ]


def _nothing_stated(subject: Subject[Any], machines: Machines) -> Problem:
    return subject.problem(
        "machineType",
        "neither machineType nor arch is set",
        "the pool would have no machine type",
        f"Set machineType, or arch: arm64 ({machines.defaults[Arch.ARM64]}) or arch: amd64 "
        f"({machines.defaults[Arch.AMD64]}).",
    )


def _no_name(subject: Subject[Any], name: str) -> Problem:
    return subject.problem(
        "machineType",
        f"{name!r} is not a machine type" if name else "an empty string",
        "the cloud refuses the pool",
        "Write the cloud's own name, or leave the key out and set arch.",
    )


def _unknown(subject: Subject[Any], name: str) -> Problem:
    meant = subject.cloud.machines.meant(name)
    correct = f"Did you mean {meant}? Otherwise set" if meant else "Correct the name, or set"
    return subject.problem(
        "machineType",
        f"{name!r} is not in a known machine family, and arch is not set",
        "an architecture is never guessed",
        f"{correct} arch: amd64 or arch: arm64.",
    )


def _check_limits(subject: Subject[Any]) -> list[Problem]:
    low, high = subject.pool.min_nodes, subject.pool.max_nodes
    if low <= high:
        return []
    fix = f"Set minNodes to {high} or less, or maxNodes to {low} or more."
    return [subject.problem("minNodes", f"{low} is above maxNodes, {high}", "the cloud refuses the pool", fix)]


def _check_metadata(subject: Subject[Any]) -> list[Problem]:
    problems = []
    for key in subject.pool.labels:
        problems += _check_label(subject, key)
    for position, taint in enumerate(subject.pool.taints):
        problems += _check_taint(subject, f"taints[{position}]", taint)
    return problems + _check_repeated(subject)


def check_suffix(subject: Subject[Any], longest: int, dash: str = "-") -> list[Problem]:
    """Check that the cloud, which takes names of so many characters, takes the pool's with a suffix."""
    name, room = subject.pool.name, longest - SUFFIX - len(dash)
    if len(name) <= room or subject.pool.replacement is Replacement.DELETE_FIRST:
        return []
    return [
        subject.problem(
            "name",
            f"{name!r} has {len(name)} characters",
            f"the cloud allows {longest}, and the pool that replaces this one has a suffix in its name",
            f"Use at most {room}, or replacement: deleteFirst: jobs then wait while the pool is replaced.",
        )
    ]


def check_image_gc(subject: Subject[Any], low: str, high: str) -> list[Problem]:
    """Check the order of two keys of kubeletConfig: the shares of the disk at which images are removed."""
    config = subject.pool.kubelet_config
    shares = {} if config is None else plain(config)
    least, most = shares.get(low), shares.get(high)
    if least is None or most is None or least < most:
        return []
    found = f"{least} is not below {high}, {most}"
    return [subject.problem(f"kubeletConfig.{low}", found, "the kubelet would not start", f"Use less than {most}.")]


def reserved_domain(cloud: Cloud[Any, Any], key: str) -> str | None:
    """Return the reserved domain that a label's key lies in; None when it is free."""
    return _within(key, (*_KUBERNETES, cloud.domain) if cloud.domain else _KUBERNETES)


def _within(key: str, domains: Sequence[str]) -> str | None:
    prefix, slash, _ = key.rpartition("/")
    if not slash:
        return None
    return next((domain for domain in domains if prefix == domain or prefix.endswith(f".{domain}")), None)


def _free_key(key: str) -> str:
    return f"ci.example.org/{key.rpartition('/')[2]}"


def _check_label(subject: Subject[Any], key: str) -> list[Problem]:
    path = f"labels[{key}]"
    # On existing nodes, labels are only named, not set: kubelet's own are as good as any.
    if not isinstance(subject.pool, CloudPool):
        return []
    if domain := reserved_domain(subject.cloud, key):
        return [
            subject.problem(
                path,
                f"{domain}/ is reserved",
                f"{subject.cloud.name.upper()} refuses the pool, or its nodes never join",
                f"Use a prefix of your own: {_free_key(key)}.",
            )
        ]
    if key in OWN_LABELS:
        return [
            subject.problem(
                path,
                "the program sets this label itself",
                "it could no longer tell its pools apart",
                f"Remove it, or use a key of your own: {_free_key(key)}.",
            )
        ]
    return []


def _check_taint(subject: Subject[Any], path: str, taint: Taint) -> list[Problem]:
    cloud = subject.cloud
    if taint.key in cloud.not_declared:
        consequence, fix = cloud.not_declared[taint.key]
        return [subject.problem(path, f"{taint} is declared", consequence, fix)]
    if cloud.domain is not None and (domain := _within(taint.key, [cloud.domain])):
        return [
            subject.problem(
                path,
                f"{domain}/ is reserved",
                "the cloud keeps such taints for itself",
                f"Use a prefix of your own: {_free_key(taint.key)}.",
            )
        ]
    return []


def _check_repeated(subject: Subject[Any]) -> list[Problem]:
    counts = Counter((taint.key, taint.effect) for taint in subject.pool.taints)
    return [
        subject.problem(
            "taints",
            f"{key}:{effect} is set {count} times",
            "a node has one taint for each key and effect, and the cloud refuses the list",
            "Keep one of them.",
        )
        for (key, effect), count in counts.items()
        if count > 1
    ]
