"""What a plan alone shows and proves, before any control plane exists."""

from collections import Counter

from ops.rehearse.claims.stack import cluster_title
from ops.rehearse.nodes import nodes_for
from ops.rehearse.plan.model import Plan
from ops.rehearse.report.model import Claim, StackReport, Verdict

MOST_SHOWN = 5
"""Refusals in one claim's evidence; the rest is counted."""


def outline(plan: Plan) -> StackReport:
    """Give the report of a stack that was planned and nothing more: its pools, its resources, the plan's claims."""
    groups = tuple(nodes_for(plan))
    return StackReport(
        stack=plan.stack,
        cluster=cluster_title(plan, groups),
        pools=tuple(group.pool for group in groups),
        claims=(providers_accept(plan),),
        notes=plan.notes,
        resources=len(plan.resources),
        resource_counts=dict(Counter(resource.type for resource in plan.resources)),
        timings={"plan": plan.seconds},
    )


def providers_accept(plan: Plan) -> Claim:
    """Claim that each cloud's API would accept what the program sends it."""
    refusals = [str(refusal) for refusal in plan.refusals]
    if refusals:
        evidence = "; ".join(refusals[:MOST_SHOWN])
        evidence += f"; and {len(refusals) - MOST_SHOWN} more" if len(refusals) > MOST_SHOWN else ""
    else:
        evidence = f"{sum(resource.custom for resource in plan.resources)} resources, no refusal"
    return Claim(
        id="plan-accepted",
        title="every provider accepts the plan",
        verdict=Verdict.FAILED if refusals or not plan.complete else Verdict.PROVED,
        evidence=evidence,
        seconds=plan.seconds,
    )


def unplanned(stack: str, reason: str) -> StackReport:
    """Give the report of a stack whose program ended without a plan: nothing about it can be told."""
    claim = Claim(id="plan-accepted", title="every provider accepts the plan", verdict=Verdict.UNKNOWN, evidence=reason)
    return StackReport(stack=stack, cluster="not planned", claims=(claim,))


def unproved(title: str, reason: str) -> Claim:
    """Give the one claim that stands for all those never put to the proof, with the reason."""
    return Claim(id="cluster-rehearsed", title=title, verdict=Verdict.UNKNOWN, evidence=reason)
