"""What a plan alone shows and proves, before any control plane exists."""

from collections import Counter
from dataclasses import replace

from multiarch.core.report import Check, Section
from multiarch.core.verdict import Verdict
from multiarch.model.nodes import nodes_for
from multiarch.model.plan.model import Plan
from multiarch.model.plan_checks import PLAN_ACCEPTED, not_planned, plan_checks
from multiarch.rehearse.claims.stack import cluster_title
from multiarch.rehearse.doubt import taken_back
from multiarch.rehearse.report.model import Rehearsed, StackReport

CLUSTER_REHEARSED = "cluster-rehearsed"


def outline(plan: Plan) -> StackReport:
    """Give the report of a stack that was planned and nothing more: its pools, its resources, the plan's claims."""
    groups = tuple(nodes_for(plan))
    found = plan_checks(plan)
    advice = list(found.advice)
    open_pools = [group.pool.name for group in groups if group.pool.arch == "arm64" and not group.guarded]
    if open_pools:
        advice.append(
            f"no arm64 taint is promised of {', '.join(open_pools)}: pods without an arm64 image may go there"
        )
    detail = Rehearsed(
        pools=tuple(group.pool for group in groups),
        resources=len(plan.resources),
        resource_counts=dict(Counter(resource.type for resource in plan.resources)),
    )
    return Section(
        name=plan.stack,
        place=cluster_title(plan, groups),
        checks=found.checks,
        notes=(*plan.notes, *advice),
        timings={"plan": plan.seconds},
        detail=detail,
    )


def goes_through(report: StackReport) -> bool:
    """Tell whether there is something to install: a plan that every provider accepts."""
    return any(check.id == PLAN_ACCEPTED and check.verdict is Verdict.YES for check in report.checks)


def unplanned(stack: str, reason: str) -> StackReport:
    """Give the report of a stack whose program ended without a plan: nothing about it can be told."""
    return Section(name=stack, place="not planned", checks=(not_planned(reason),), detail=Rehearsed())


def unproved(title: str, reason: str) -> Check:
    """Give the one claim that stands for all those never put to the proof, with the reason."""
    return Check(id=CLUSTER_REHEARSED, title=title, verdict=Verdict.UNKNOWN, evidence=reason)


def doubted(report: StackReport, reason: str) -> StackReport:
    """Take back every no of a control plane that broke meanwhile: it may have been the plane's failing.

    What was proved stays: that was seen. One claim stands for what nobody saw, so that the stack is not proved.
    """
    claims = taken_back(report.checks, reason)
    if all(claim.id != CLUSTER_REHEARSED for claim in claims):
        claims.append(unproved("the control plane lasts as long as the rehearsal", reason))
    return replace(report, checks=tuple(claims))
