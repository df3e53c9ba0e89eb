"""What a plan alone proves, before any cluster is touched: the providers accept it, and it keeps the policy."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from components.policy.catalogue import RULES, violations
from components.policy.subject import Level, Violation, recorded
from multiarch.core.report import Check
from multiarch.core.verdict import Verdict
from multiarch.model.plan.model import Plan
from multiarch.model.providers.values import UNKNOWN, SecretValue

PLAN_ACCEPTED = "plan-accepted"
MOST_SHOWN = 5
"""Refusals or violations in one check's evidence; the rest is counted."""
_TITLE = "every provider accepts the plan"


@dataclass(frozen=True, slots=True)
class PlanChecks:
    """The checks of a plan, and what the policy advises, which breaks nothing."""

    checks: tuple[Check, ...]
    advice: tuple[str, ...] = ()


def plan_checks(plan: Plan) -> PlanChecks:
    """Put to a plan what can be asked of it alone."""
    began = time.monotonic()
    found = policy_violations(plan)
    kept = policy_kept(found, time.monotonic() - began, complete=plan.complete)
    advice = tuple(f"advice: {violation}" for violation in found if violation.level is Level.ADVISORY)
    return PlanChecks((providers_accept(plan), kept), advice)


def providers_accept(plan: Plan) -> Check:
    """Check that each cloud's API would accept what the program sends it."""
    refusals = [str(refusal) for refusal in plan.refusals]
    accepted = f"{sum(resource.custom for resource in plan.resources)} resources, no refusal"
    return Check(
        id=PLAN_ACCEPTED,
        title=_TITLE,
        verdict=Verdict.NO if refusals or not plan.complete else Verdict.YES,
        evidence=_first(refusals) or accepted,
        seconds=plan.seconds,
    )


def not_planned(reason: str) -> Check:
    """Return the one check of a program that ended without a plan: nothing about it can be told."""
    return Check(id=PLAN_ACCEPTED, title=_TITLE, verdict=Verdict.UNKNOWN, evidence=reason)


def policy_violations(plan: Plan) -> list[Violation]:
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


def policy_kept(found: Sequence[Violation], seconds: float, *, complete: bool) -> Check:
    """Check that no mandatory rule of the policy pack is broken; advice is a note and breaks nothing.

    Of an incomplete plan it cannot be told: what was not declared was not judged.
    """
    broken = [str(violation) for violation in found if violation.level is Level.MANDATORY]
    doubtful = [str(violation) for violation in found if violation.level is Level.COULD_NOT_TELL]
    doubtful += [] if complete else ["the plan is incomplete: what comes after the refused lookup was not judged"]
    unbroken = Verdict.UNKNOWN if doubtful else Verdict.YES
    return Check(
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
