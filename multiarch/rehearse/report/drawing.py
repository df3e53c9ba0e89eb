"""A rehearsed stack drawn for the page: its cluster's pools and nodes, and the jobs on them."""

from collections.abc import Sequence
from dataclasses import dataclass

from multiarch.core.render.html import environment
from multiarch.model.pools import PlannedNode, PlannedPool
from multiarch.rehearse.report.model import JobView, Outcome, Rehearsed, StackReport
from multiarch.rehearse.report.runs import OUTCOMES, confined, outcome, stages


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
    pools: tuple[_PoolBox, ...]
    refused: tuple[JobView, ...]
    pending: tuple[JobView, ...]
    undrawn: tuple[JobView, ...]
    """Scheduled on a node that the report does not list."""


def draw(stack: StackReport) -> str:
    """Return the drawing as HTML."""
    found = stack.detail
    archs = {pool.arch for pool in found.pools} | {node.arch for node in found.nodes}
    templates = environment("multiarch.rehearse.report")
    drawn = templates.get_template("drawing.html.j2").render(stack=stack, box=_stack_box(found), archs=sorted(archs))
    if not (found.runs or found.real or found.reach):
        return drawn
    ran = templates.get_template("runs.html.j2").render(
        name=stack.name,
        found=found,
        stages=stages(found.runs),
        outcome=outcome,
        outcomes=OUTCOMES,
        confined=confined,
    )
    return ran + drawn


def _stack_box(found: Rehearsed) -> _StackBox:
    drawn = {node.name for node in found.nodes}
    placed = [job for job in found.jobs if job.outcome is Outcome.SCHEDULED]
    return _StackBox(
        pools=tuple(_pool_boxes(found, placed)),
        refused=tuple(job for job in found.jobs if job.outcome is Outcome.REFUSED),
        pending=tuple(job for job in found.jobs if job.outcome is Outcome.PENDING),
        undrawn=tuple(job for job in placed if job.node not in drawn),
    )


def _pool_boxes(found: Rehearsed, placed: Sequence[JobView]) -> list[_PoolBox]:
    planned = {pool.name for pool in found.pools}
    boxes = [
        _pool_box(pool, pool.name, pool.arch, [node for node in found.nodes if node.pool == pool.name], placed)
        for pool in found.pools
    ]
    strays = [node for node in found.nodes if node.pool not in planned]
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
