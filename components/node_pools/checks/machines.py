"""Rules on machine types, architectures and sizes that hold for every cloud."""

import re
from typing import Final

from components.node_pools.checks.subject import Subject
from components.node_pools.pools import CloudPool
from components.node_pools.resolved import CLOUDS, kind_of
from components.platforms import Arch, default_machine_type, machine_type, processor, sibling
from components.problems import Problem

# What all three clouds' names are made of; whether there is such a machine is the cloud's to say.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check(subject: Subject) -> list[Problem]:
    """Check that the architecture is known, and that the machine type has it."""
    pool = subject.pool
    if not isinstance(pool, CloudPool):
        return []
    cloud = CLOUDS[kind_of(pool)]
    if pool.machine_type is None:
        return [] if pool.arch is not None else [_nothing_stated(subject)]
    if not _NAME.fullmatch(pool.machine_type):
        return [_no_name(subject, pool.machine_type)]
    machine = machine_type(cloud, pool.machine_type)
    if machine is None:
        return [] if pool.arch is not None else [_unknown(subject, pool.machine_type)]
    if pool.arch is None or machine.arch is pool.arch:
        return []
    like = sibling(machine)
    placed = machine_type(cloud, like)
    name = processor(placed) if placed is not None else None
    return [
        subject.problem(
            "machineType",
            f"{pool.machine_type!r} is {machine.arch}, but arch is {pool.arch}",
            f"the nodes would never accept {pool.arch} jobs",
            f"Use {like}{f' ({name})' if name else ''}, or set arch: {machine.arch}.",
        )
    ]


def _nothing_stated(subject: Subject) -> Problem:
    cloud = CLOUDS[kind_of(subject.pool)]
    return subject.problem(
        "machineType",
        "neither machineType nor arch is stated",
        "nobody could tell which machines the pool should have",
        f"State machineType, or arch: arm64 ({default_machine_type(cloud, Arch.ARM64)}) or arch: amd64 "
        f"({default_machine_type(cloud, Arch.AMD64)}).",
    )


def _no_name(subject: Subject, name: str) -> Problem:
    return subject.problem(
        "machineType",
        f"{name!r} is no name of a machine type" if name else "an empty string",
        "the cloud refuses the pool",
        "Write the cloud's own name, or leave the key out and state arch.",
    )


def _unknown(subject: Subject, name: str) -> Problem:
    return subject.problem(
        "machineType",
        f"{name!r} is in none of the known families, and arch is not stated",
        "its architecture would have to be guessed, and a wrong guess sends jobs to nodes that cannot run them",
        "Correct the name, or state arch: amd64 or arch: arm64 beside it.",
    )


def check_limits(subject: Subject) -> list[Problem]:
    """Check minNodes and maxNodes."""
    low, high = subject.pool.min_nodes, subject.pool.max_nodes
    problems = []
    if low < 0:
        problems.append(
            subject.problem("minNodes", f"{low} is negative", "no cloud accepts it", "Use 0 or more; 1 is the default.")
        )
    if high < 1:
        problems.append(
            subject.problem(
                "maxNodes",
                f"{high} leaves no node",
                "jobs of this architecture would wait for ever",
                "Use 1 or more, or remove the pool.",
            )
        )
    elif low > high:
        problems.append(
            subject.problem(
                "minNodes",
                f"{low} is above maxNodes, {high}",
                "the cloud refuses the pool",
                f"Set minNodes to {high} or less, or maxNodes to {low} or more.",
            )
        )
    return problems
