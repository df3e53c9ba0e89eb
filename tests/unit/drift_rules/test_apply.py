"""Rules take away differences that they name, and never a loss, a doubt, or what they could not see."""

import dataclasses
import datetime as dt

import pytest

from multiarch.core.verdict import Verdict
from multiarch.drift.ignore import BUILT_IN, Rule, apply_rules, expired, unmatched
from multiarch.drift.model import Change, Check, CheckResult, ComparedStack, Difference, Finding

TODAY = dt.date(2026, 11, 25)
URN = "urn:pulumi:gke::acme::kubernetes:apps/v1:Deployment::web"


def difference(path: str) -> Difference:
    return Difference(path=path, change=Change.CHANGED, wanted="1", found="2")


def drifted(*paths: str, **more: object) -> Finding:
    values: dict[str, object] = {
        "check": Check.STATE,
        "resource": URN,
        "urn": URN,
        "verdict": Verdict.NO,
        "change": Change.CHANGED,
        "differences": tuple(map(difference, paths)),
        **more,
    }
    return Finding(**values)  # type: ignore[arg-type]  # a fixture: the dataclass's own fields, by name


def stack(*findings: Finding, name: str = "gke", failure: str = "") -> ComparedStack:
    return ComparedStack(stack=name, checks=(CheckResult(check=Check.STATE, findings=findings, failure=failure),))


def rule(path: str = "spec.replicas", resource: str = "*Deployment::web", **more: object) -> Rule:
    values = {"id": "mine, rule 1", "reason": "the autoscaler's", **more}
    return Rule(resource=resource, path=path, **values)  # type: ignore[arg-type]  # as above


def applied(finding: Finding, *rules: Rule) -> Finding:
    return apply_rules(stack(finding), rules, TODAY).checks[0].findings[0]


def test_a_finding_with_every_difference_ignored_is_clean_and_says_what_was_ignored() -> None:
    left = applied(drifted("spec.replicas"), rule())
    assert (left.verdict, left.change, left.differences) == (Verdict.YES, None, ())
    assert left.ignored == ("spec.replicas: the autoscaler's (mine, rule 1)",)


def test_a_finding_keeps_the_differences_that_no_rule_names() -> None:
    left = applied(drifted("spec.replicas", "spec.image"), rule())
    assert left.verdict is Verdict.NO
    assert [one.path for one in left.differences] == ["spec.image"]
    assert left.ignored


@pytest.mark.parametrize("change", [Change.GONE, Change.ADDED])
def test_a_resource_that_is_gone_or_nobodys_is_never_ignored(change: Change) -> None:
    for finding in (drifted(change=change), drifted("spec.replicas", change=change)):
        assert applied(finding, rule("**", "*")) == finding


def test_a_change_without_readable_differences_is_never_ignored() -> None:
    finding = drifted(reason="pulumi said 7, and nothing more")
    assert applied(finding, rule("**", "*")) == finding


def test_a_doubt_is_never_ignored() -> None:
    finding = drifted("spec.replicas", verdict=Verdict.UNKNOWN, change=None)
    assert applied(finding, rule("**", "*")) == finding


def test_differences_that_were_not_listed_keep_a_finding_drifted() -> None:
    left = applied(drifted("spec.replicas", more=3), rule())
    assert (left.verdict, left.more) == (Verdict.NO, 3)


def test_what_could_not_be_told_of_a_finding_stays_a_doubt() -> None:
    assert applied(drifted("spec.replicas", uncertain=True), rule()).verdict is Verdict.UNKNOWN


def test_a_failed_check_stays_a_doubt() -> None:
    report = apply_rules(stack(drifted("spec.replicas"), failure="no login"), [rule()], TODAY)
    assert report.verdict is Verdict.UNKNOWN


def test_a_rule_holds_through_its_last_day_and_no_longer() -> None:
    assert applied(drifted("spec.replicas"), rule(expires=TODAY)).verdict is Verdict.YES
    late = applied(drifted("spec.replicas"), rule(expires=TODAY - dt.timedelta(days=1)))
    assert late.verdict is Verdict.NO
    assert "has expired" in late.reason


def test_a_living_rule_does_the_work_of_an_expired_one() -> None:
    old = rule(expires=TODAY - dt.timedelta(days=1), id="old")
    left = applied(drifted("spec.replicas"), old, rule())
    assert left.verdict is Verdict.YES
    assert "expired" not in left.reason


def test_a_rule_matches_names_that_are_no_urns_and_the_urn_of_a_release_covers_its_objects() -> None:
    finding = drifted("spec.replicas", resource="apps/v1 Deployment ci/web", urn="urn:pulumi:gke::acme::Release::r")
    assert applied(finding, rule(resource="apps/v1 Deployment ci/*")).verdict is Verdict.YES
    assert applied(finding, rule(resource="*Release::r")).verdict is Verdict.YES
    assert applied(finding, rule(resource="*Release::other")) == finding


def test_an_empty_urn_is_matched_by_no_rule() -> None:
    finding = drifted("spec.replicas", resource="Node a", urn="")
    assert applied(finding, rule(resource="")) == finding


def test_each_expired_rule_has_a_note() -> None:
    rules = [rule(), rule(expires=TODAY), rule(expires=dt.date(2026, 10, 1), id="mine, rule 3")]
    (note,) = expired(rules, TODAY)
    assert note.startswith("mine, rule 3: expired on 2026-10-01")


def test_a_rule_with_nothing_to_ignore_has_a_note() -> None:
    (note,) = unmatched([rule(), rule("spec.other")], [stack(drifted("spec.replicas"))], TODAY)
    assert "spec.other of *Deployment::web" in note


def test_a_rule_is_of_use_when_one_of_several_stacks_needs_it() -> None:
    assert unmatched([rule()], [stack(drifted("spec.replicas")), stack(drifted("x"), name="eks")], TODAY) == ()


@pytest.mark.parametrize(
    "report",
    [
        stack(drifted("x"), failure="no login"),
        stack(drifted("x"), drifted(verdict=Verdict.UNKNOWN)),
        stack(drifted("x", more=1)),
        stack(drifted("x", uncertain=True)),
        ComparedStack(stack="gke"),
    ],
)
def test_no_rule_is_called_useless_while_anything_could_not_be_told(report: ComparedStack) -> None:
    assert unmatched([rule()], [stack(drifted("y"), name="other"), report], TODAY) == ()


def test_no_rule_is_called_useless_for_a_stack_that_was_not_looked_at() -> None:
    reports = [stack(drifted("x"))]
    assert unmatched([rule(resource="urn:pulumi:eks::*")], reports, TODAY) == ()
    assert unmatched([rule(resource="urn:pulumi:gke::*")], reports, TODAY) != ()
    assert unmatched([rule(resource="urn:pulumi:g?e::*")], reports, TODAY) != ()
    assert unmatched([rule(resource="urn:pulumi:*")], reports, TODAY) != ()


def test_neither_built_in_nor_expired_rules_are_called_useless() -> None:
    rules = [*BUILT_IN, rule(expires=dt.date(2020, 1, 1))]
    assert unmatched(rules, [stack(drifted("x"))], TODAY) == ()


def test_nothing_but_verdicts_differences_and_remarks_is_touched() -> None:
    before = dataclasses.replace(stack(drifted("spec.replicas")), notes=("n",), commands=("c",), cluster="k", seconds=2)
    after = apply_rules(before, [rule()], TODAY)
    assert dataclasses.replace(after, checks=()) == dataclasses.replace(before, checks=())
    assert apply_rules(before, [], TODAY) == before
