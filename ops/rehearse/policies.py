"""Put the plan before the policies: one claim, and the advice as notes."""

from collections.abc import Sequence
from time import perf_counter

from components.policy.catalogue import RULES, violations
from components.policy.subject import Level, Resource, Settings, Violation, recorded
from ops.rehearse.plan.model import Plan
from ops.rehearse.providers.values import UNKNOWN, SecretValue
from ops.rehearse.report.model import Claim, Verdict


def policy_answers(plan: Plan, settings: Settings | None = None) -> tuple[Claim, tuple[str, ...]]:
    """Judge a plan: the claim that it keeps every mandatory rule, and a note for each piece of advice."""
    started = perf_counter()
    found = violations(planned_resources(plan), settings)
    broken = [item for item in found if item.level is Level.MANDATORY]
    doubts = [item for item in found if item.level is Level.COULD_NOT_TELL]
    advice = tuple(f"policy: {item}" for item in found if item.level is Level.ADVISORY)
    if broken:
        verdict, evidence = Verdict.FAILED, _told(broken)
    elif not plan.complete:
        verdict, evidence = Verdict.UNKNOWN, "the program stopped early: what it did not declare cannot be judged"
    elif doubts:
        verdict, evidence = Verdict.UNKNOWN, _told(doubts)
    else:
        verdict = Verdict.PROVED
        evidence = f"{len(RULES)} rules over {len(plan.resources)} resources, {len(advice)} advisory"
    claim = Claim(
        id="policies-kept",
        title="The plan keeps every mandatory policy",
        verdict=verdict,
        evidence=evidence,
        seconds=perf_counter() - started,
    )
    return claim, advice


def planned_resources(plan: Plan) -> list[Resource]:
    """Return the plan's resources as the rules read them: secret marks off but remembered, unknowns kept."""
    return [
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
    ]


def _told(found: Sequence[Violation]) -> str:
    return "; ".join(str(item) for item in found)
