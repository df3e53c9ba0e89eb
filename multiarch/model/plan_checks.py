"""What a plan alone proves, before any cluster is touched: the providers accept it, and it keeps the policy."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.policy.catalogue import RULES, violations
from components.policy.subject import UNKNOWN as NOT_KNOWN
from components.policy.subject import Level, Resource, Violation, join
from multiarch.core.report import Check
from multiarch.core.verdict import Verdict
from multiarch.model.plan.model import Plan, PlannedResource
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
    advice = _advice([violation for violation in found if violation.level is Level.ADVISORY])
    return PlanChecks((providers_accept(plan), kept), advice)


def _advice(found: Sequence[Violation]) -> tuple[str, ...]:
    """Return each advice once, with all that it is for: one for every pool alike need not be read twice."""
    places: dict[str, list[str]] = {}
    for violation in found:
        where, _, told = str(violation).partition(": ")
        places.setdefault(told, []).append(where)
    return tuple(f"advice: {', '.join(names)}: {told}" for told, names in places.items())


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
    return violations(judged(resource) for resource in plan.resources)


def judged(planned: PlannedResource) -> Resource:
    """Return a planned resource as the policy's rules read it: secret marks taken off, and remembered by their path."""
    secrets: set[str] = set()

    def taken(value: Any, at: str) -> Any:
        if isinstance(value, SecretValue):
            secrets.add(at)
            return taken(value.value, at)
        if isinstance(value, Mapping):
            return {key: taken(item, join(at, key)) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [taken(item, join(at, index)) for index, item in enumerate(value)]
        return NOT_KNOWN if value is UNKNOWN else value

    return Resource(
        type=planned.type,
        name=planned.name,
        urn=planned.urn,
        properties=taken(planned.inputs, ""),
        secret_paths=frozenset(secrets),
        protect=planned.protect,
    )


def policy_kept(found: Sequence[Violation], seconds: float, *, complete: bool) -> Check:
    """Check that no mandatory rule of the policy pack is broken; advice is a note and breaks nothing.

    Of an incomplete plan it cannot be told: what was not declared was not judged.
    """
    broken = [str(violation) for violation in found if violation.level is Level.MANDATORY]
    doubtful = [str(violation) for violation in found if violation.level is Level.COULD_NOT_TELL]
    doubtful += [] if complete else ["the plan is incomplete: what comes after the refused lookup was not checked"]
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
