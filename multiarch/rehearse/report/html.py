"""The report as one self-contained page that draws clusters, pools, nodes, and the jobs on them.

The page fetches nothing and runs no script; its own Content-Security-Policy says so. Every value is escaped by Jinja2.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from multiarch.core.printable import printable, seconds
from multiarch.core.verdict import EXIT_CODES, Verdict
from multiarch.model.pools import PlannedNode, PlannedPool
from multiarch.rehearse.report.document import count_verdicts
from multiarch.rehearse.report.model import (
    EXIT_MEANINGS,
    JobView,
    Outcome,
    RehearsalReport,
    StackReport,
    overall,
    stack_verdict,
)

WORDS: Mapping[Verdict, str] = {Verdict.YES: "proved", Verdict.NO: "failed", Verdict.UNKNOWN: "could not tell"}
VERDICT_CLASSES: Mapping[Verdict, str] = {Verdict.YES: "proved", Verdict.NO: "failed", Verdict.UNKNOWN: "doubt"}
ARCH_CLASSES = frozenset({"amd64", "arm64"})
"""Architectures with a colour and a shape of their own; every other is drawn neutral, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _NodeBox:
    node: PlannedNode
    jobs: tuple[JobView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _PoolBox:
    pool: PlannedPool | None
    """None gathers the nodes whose pool is not in the plan, so that no node is left out of the drawing."""
    name: str
    arch: str
    busy: tuple[_NodeBox, ...]
    idle: tuple[PlannedNode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _StackBox:
    stack: StackReport
    verdict: Verdict
    pools: tuple[_PoolBox, ...]
    refused: tuple[JobView, ...]
    pending: tuple[JobView, ...]
    undrawn: tuple[JobView, ...]
    """Scheduled on a node that the report does not list."""


def render(report: RehearsalReport) -> str:
    """Return the page as text."""
    environment = Environment(
        loader=PackageLoader(__package__ or "multiarch.rehearse.report", "."),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value,
    )
    environment.filters.update(
        seconds=seconds, arch_class=_arch_class, verdict_class=VERDICT_CLASSES.__getitem__, slug=_slug
    )
    verdict = overall(report)
    return environment.get_template("page.html.j2").render(
        report=report,
        verdict=verdict,
        counts=count_verdicts(report),
        exit_code=EXIT_CODES[verdict],
        meaning=EXIT_MEANINGS[verdict],
        stacks=[_stack_box(stack) for stack in report.stacks],
        verdicts=Verdict,
        words=WORDS,
        archs=sorted(_archs(report)),
    )


def _archs(report: RehearsalReport) -> set[str]:
    pools = {pool.arch for stack in report.stacks for pool in stack.pools}
    return pools | {node.arch for stack in report.stacks for node in stack.nodes}


def _stack_box(stack: StackReport) -> _StackBox:
    drawn = {node.name for node in stack.nodes}
    placed = [job for job in stack.jobs if job.outcome is Outcome.SCHEDULED]
    return _StackBox(
        stack=stack,
        verdict=stack_verdict(stack),
        pools=tuple(_pool_boxes(stack, placed)),
        refused=tuple(job for job in stack.jobs if job.outcome is Outcome.REFUSED),
        pending=tuple(job for job in stack.jobs if job.outcome is Outcome.PENDING),
        undrawn=tuple(job for job in placed if job.node not in drawn),
    )


def _pool_boxes(stack: StackReport, placed: Sequence[JobView]) -> list[_PoolBox]:
    planned = {pool.name for pool in stack.pools}
    boxes = [
        _pool_box(pool, pool.name, pool.arch, [node for node in stack.nodes if node.pool == pool.name], placed)
        for pool in stack.pools
    ]
    strays = [node for node in stack.nodes if node.pool not in planned]
    if strays:
        boxes.append(_pool_box(None, "in no planned pool", "", strays, placed))
    return boxes


def _pool_box(
    pool: PlannedPool | None, name: str, arch: str, nodes: Sequence[PlannedNode], placed: Sequence[JobView]
) -> _PoolBox:
    boxes = [_NodeBox(node=node, jobs=tuple(job for job in placed if job.node == node.name)) for node in nodes]
    return _PoolBox(
        pool=pool,
        name=name,
        arch=arch,
        busy=tuple(box for box in boxes if box.jobs),
        idle=tuple(box.node for box in boxes if not box.jobs),
    )


def _arch_class(arch: str) -> str:
    return arch if arch in ARCH_CLASSES else "other"


def _slug(index: int) -> str:
    """Return an element id from a position: a stack's name may hold anything."""
    return f"stack-{index}"
