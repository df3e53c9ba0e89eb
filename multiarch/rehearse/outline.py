"""What a plan alone shows and proves, before any control plane exists."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from components.policy.catalogue import RULES, violations
from components.policy.subject import Level, Violation, recorded
from multiarch.core.verdict import Verdict
from multiarch.model.nodes import nodes_for
from multiarch.model.plan.model import Plan
from multiarch.model.providers.values import UNKNOWN, SecretValue
from multiarch.rehearse.claims.stack import cluster_title
from multiarch.rehearse.report.model import Claim, StackReport

PLAN_ACCEPTED = "plan-accepted"
CLUSTER_REHEARSED = "cluster-rehearsed"
MOST_SHOWN = 5
"""Refusals or violations in one claim's evidence; the rest is counted."""


def outline(plan: Plan) -> StackReport:
    """Give the report of a stack that was planned and nothing more: its pools, its resources, the plan's claims."""
    groups = tuple(nodes_for(plan))
    began = time.monotonic()
    found = judged(plan)
    policy = policy_kept(found, time.monotonic() - began, complete=plan.complete)
    advice = [f"advice: {violation}" for violation in found if violation.level is Level.ADVISORY]
    open_pools = [group.pool.name for group in groups if group.pool.arch == "arm64" and not group.guarded]
    if open_pools:
        advice.append(
            f"no arm64 taint is promised of {', '.join(open_pools)}: pods without an arm64 image may go there"
        )
    return StackReport(
        stack=plan.stack,
        cluster=cluster_title(plan, groups),
        pools=tuple(group.pool for group in groups),
        claims=(providers_accept(plan), policy),
        notes=(*plan.notes, *advice),
        resources=len(plan.resources),
        resource_counts=dict(Counter(resource.type for resource in plan.resources)),
        timings={"plan": plan.seconds},
    )


def providers_accept(plan: Plan) -> Claim:
    """Claim that each cloud's API would accept what the program sends it."""
    refusals = [str(refusal) for refusal in plan.refusals]
    accepted = f"{sum(resource.custom for resource in plan.resources)} resources, no refusal"
    return Claim(
        id=PLAN_ACCEPTED,
        title="every provider accepts the plan",
        verdict=Verdict.NO if refusals or not plan.complete else Verdict.YES,
        evidence=_first(refusals) or accepted,
        seconds=plan.seconds,
    )


def goes_through(report: StackReport) -> bool:
    """Tell whether there is something to install: a plan that every provider accepts."""
    return any(claim.id == PLAN_ACCEPTED and claim.verdict is Verdict.YES for claim in report.claims)


def judged(plan: Plan) -> list[Violation]:
    """Judge what the plan declares by the policy pack's rules."""
    return violations(
        recorded(
            type=resource.type,
            name=resource.name,
            urn=resource.urn,
            inputs=resource.inputs,
            secret=SecretValue,
            unknown=UNKNOWN,
            protect=resource.protect,
        )
        for resource in plan.resources
    )


def policy_kept(found: Sequence[Violation], seconds: float, *, complete: bool) -> Claim:
    """Claim that no mandatory rule of the policy pack is broken; advice is a note and breaks nothing.

    Of an incomplete plan it cannot be told: what was not declared was not judged.
    """
    broken = [str(violation) for violation in found if violation.level is Level.MANDATORY]
    doubtful = [str(violation) for violation in found if violation.level is Level.COULD_NOT_TELL]
    doubtful += [] if complete else ["the plan is incomplete: what comes after the refused lookup was not judged"]
    unbroken = Verdict.UNKNOWN if doubtful else Verdict.YES
    return Claim(
        id="policy-kept",
        title="the stack keeps every mandatory policy rule",
        verdict=Verdict.NO if broken else unbroken,
        evidence=_first(broken or doubtful) or f"{len(RULES)} rules judged",
        seconds=seconds,
    )


def _first(told: Sequence[str]) -> str:
    """Join the first few; what is left out is counted, never dropped silently."""
    more = f"; and {len(told) - MOST_SHOWN} more" if len(told) > MOST_SHOWN else ""
    return "; ".join(told[:MOST_SHOWN]) + more


def unplanned(stack: str, reason: str) -> StackReport:
    """Give the report of a stack whose program ended without a plan: nothing about it can be told."""
    claim = Claim(id=PLAN_ACCEPTED, title="every provider accepts the plan", verdict=Verdict.UNKNOWN, evidence=reason)
    return StackReport(stack=stack, cluster="not planned", claims=(claim,))


def unproved(title: str, reason: str) -> Claim:
    """Give the one claim that stands for all those never put to the proof, with the reason."""
    return Claim(id=CLUSTER_REHEARSED, title=title, verdict=Verdict.UNKNOWN, evidence=reason)


def doubted(report: StackReport, reason: str) -> StackReport:
    """Take back every no of a control plane that broke meanwhile: it may have been the plane's failing.

    What was proved stays: that was seen. One claim stands for what nobody saw, so that the stack is not proved.
    """
    short = reason.partition(";")[0]  # without the last lines of its log
    claims = [
        replace(claim, verdict=Verdict.UNKNOWN, evidence=f"{claim.evidence} (but {short})")
        if claim.verdict is Verdict.NO
        else claim
        for claim in report.claims
    ]
    if all(claim.id != CLUSTER_REHEARSED for claim in claims):
        claims.append(unproved("the control plane lasts as long as the rehearsal", reason))
    return replace(report, claims=tuple(claims))
