"""A finding says what its list leaves out: an ignore rule must not call clean what it never saw."""

import datetime as dt

from multiarch.core.verdict import Verdict
from multiarch.drift.ignore import Rule, apply_rules
from multiarch.drift.live.compare import Comparison, Doubt
from multiarch.drift.live.difference import Delta
from multiarch.drift.live.lists import ABSENT
from multiarch.drift.live.shown import MOST
from multiarch.drift.live.told import finding
from multiarch.drift.model import Check, CheckResult, ComparedStack, Finding

EVERYTHING = Rule(id="mine", resource="v1 ConfigMap *", path="data", reason="known")


def deltas(count: int) -> list[Delta]:
    return [Delta(("data", f"k{number:03}"), ABSENT, "x") for number in range(count)]


def ignored(found: Finding) -> Verdict:
    report = ComparedStack(stack="gke", checks=(CheckResult(check=Check.OBJECTS, findings=(found,)),))
    return apply_rules(report, [EVERYTHING], dt.date(2026, 11, 25)).verdict


def test_differences_that_are_not_listed_are_counted_and_stay_drift() -> None:
    found = finding(Check.OBJECTS, "v1 ConfigMap a/b", Comparison(deltas=deltas(MOST + 3)))
    assert (len(found.differences), found.more, found.reason) == (MOST, 3, "")
    assert ignored(found) is Verdict.NO
    assert ignored(finding(Check.OBJECTS, "v1 ConfigMap a/b", Comparison(deltas=deltas(MOST)))) is Verdict.YES


def test_a_doubt_beside_a_difference_stays_a_doubt() -> None:
    doubt = Doubt(delta=deltas(1)[0], why="nobody says")
    found = finding(Check.OBJECTS, "v1 ConfigMap a/b", Comparison(deltas=deltas(1), doubts=[doubt]))
    assert found.uncertain
    assert ignored(found) is Verdict.UNKNOWN
