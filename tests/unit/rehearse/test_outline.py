import dataclasses

import pytest

from components.policy.subject import Level, Violation
from multiarch.core.report import Check, Section
from multiarch.core.verdict import Verdict
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.model.plan_checks import MOST_SHOWN, policy_kept, policy_violations, providers_accept
from multiarch.model.providers.base import Refusal
from multiarch.rehearse.outline import doubted, goes_through, outline, unplanned
from multiarch.rehearse.report.model import Rehearsed, StackReport

PLAN = Plan(stack="gke", resources=(PlannedResource(urn="u", type="t", name="n"),))


def planned(*checks: Check) -> StackReport:
    return Section(name="gke", place="gke ci", checks=checks, detail=Rehearsed())


def refusal(number: int) -> Refusal:
    return Refusal(resource=f"urn::pool{number}", path="nodeConfig", message="no such disk", source="docs")


def test_a_plan_without_refusal_is_accepted() -> None:
    assert providers_accept(PLAN).verdict is Verdict.YES


def test_one_refusal_fails_the_claim_and_is_its_evidence() -> None:
    claim = providers_accept(dataclasses.replace(PLAN, refusals=(refusal(1),)))
    assert claim.verdict is Verdict.NO
    assert claim.evidence == "pool1 nodeConfig: no such disk [docs]"


def test_many_refusals_are_counted_not_dropped() -> None:
    refusals = tuple(refusal(number) for number in range(MOST_SHOWN + 3))
    assert providers_accept(dataclasses.replace(PLAN, refusals=refusals)).evidence.endswith("and 3 more")


def test_an_incomplete_plan_is_never_accepted() -> None:
    assert providers_accept(dataclasses.replace(PLAN, complete=False)).verdict is Verdict.NO


def test_a_program_without_a_plan_leaves_a_doubt_not_a_success() -> None:
    assert unplanned("gke", "the program crashed").verdict is Verdict.UNKNOWN


def violation(level: Level) -> Violation:
    return Violation(rule="bounded", urn="urn::pool", message="no upper bound", fix="Set maxNodes.", level=level)


@pytest.mark.parametrize(
    ("levels", "verdict"),
    [
        ([], Verdict.YES),
        ([Level.ADVISORY], Verdict.YES),
        ([Level.COULD_NOT_TELL], Verdict.UNKNOWN),
        ([Level.COULD_NOT_TELL, Level.MANDATORY], Verdict.NO),
    ],
)
def test_only_mandatory_rules_fail_the_policy_and_a_doubt_stays_one(levels: list[Level], verdict: Verdict) -> None:
    assert policy_kept([violation(level) for level in levels], 0.0, complete=True).verdict is verdict


def test_the_policy_judges_what_the_plan_declares() -> None:
    key = PlannedResource(urn="urn::key", type="gcp:serviceaccount/key:Key", name="key")
    found = policy_violations(dataclasses.replace(PLAN, resources=(key,)))
    assert any(item.urn == "urn::key" and item.level is Level.MANDATORY for item in found)


def test_a_policy_cannot_be_told_of_an_incomplete_plan() -> None:
    assert policy_kept([], 0.0, complete=False).verdict is Verdict.UNKNOWN


def test_a_broken_policy_rule_does_not_stop_the_proof_on_the_cluster() -> None:
    broken = policy_kept([violation(Level.MANDATORY)], 0.0, complete=True)
    refused = providers_accept(dataclasses.replace(PLAN, refusals=(refusal(1),)))
    assert goes_through(planned(providers_accept(PLAN), broken))
    assert not goes_through(planned(refused))
    assert not goes_through(unplanned("gke", "the program crashed"))


def test_a_no_of_a_control_plane_that_broke_is_a_doubt_and_a_yes_stays_one() -> None:
    claims = [
        Check(id=verdict.name, title="t", verdict=verdict, evidence="seen") for verdict in (Verdict.YES, Verdict.NO)
    ]
    report = planned(*claims)
    found = doubted(report, "kwok ended with signal 9; the last lines of its log:\n  bye")
    assert [claim.verdict for claim in found.checks] == [Verdict.YES, Verdict.UNKNOWN, Verdict.UNKNOWN]
    assert found.checks[1].evidence == "seen (but kwok ended with signal 9)"
    assert found.verdict is Verdict.UNKNOWN
    assert doubted(found, "again").checks[2:] == found.checks[2:]


@pytest.mark.parametrize("taints", [[], ["kubernetes.io/arch=arm64:NoSchedule"]])
def test_an_arm64_pool_that_promises_no_taint_is_told(taints: list[str]) -> None:
    pool = PlannedResource(
        urn="urn::arm",
        type="multiarch-runner:index:ExistingNodes",
        name="arm",
        custom=False,
        outputs={"names": ["arm"], "arch": "arm64", "labels": {}, "taints": taints},
    )
    notes = outline(dataclasses.replace(PLAN, resources=(pool,))).notes
    assert any("no arm64 taint is promised of arm" in note for note in notes) is not bool(taints)
