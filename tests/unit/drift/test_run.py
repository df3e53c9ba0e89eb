"""Several stacks side by side: one stack's surprise is its own."""

import datetime as dt
import io
from pathlib import Path

import pytest
from rich.console import Console

from multiarch.core.progress import ProgressDisplay
from multiarch.core.secrets import hide_in, remember_environment
from multiarch.core.verdict import Verdict
from multiarch.drift import run
from multiarch.drift.cloud.check import CloudAnswer, CloudRequest
from multiarch.drift.live import check as live_check
from multiarch.drift.live.request import LiveAnswer, LiveRequest
from multiarch.drift.model import Check, CheckResult, ComparedStack, Comparison, Finding
from multiarch.drift.run import Options, check_drift, merged

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)


def clean(check: Check) -> CheckResult:
    return CheckResult(check=check, findings=(Finding(check=check, resource="r", verdict=Verdict.YES),))


def checked(monkeypatch: pytest.MonkeyPatch, raising: Exception) -> dict[str, ComparedStack]:
    """Check three stacks, of which the second raises."""

    def check_cloud(request: CloudRequest, *_: object) -> CloudAnswer:
        if request.stack == "b":
            raise raising
        return CloudAnswer(results=(clean(Check.STATE),), state=None)

    monkeypatch.setattr(run, "check_cloud", check_cloud)
    options = Options(project=Path(), stacks=("a", "b", "c"), checks=frozenset({Check.STATE}), jobs=2)
    with ProgressDisplay(Console(file=io.StringIO())) as display:
        return {stack.stack: stack for stack in check_drift(options, display).stacks}


def test_an_unforeseen_error_is_that_stacks_doubt_and_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    found = checked(monkeypatch, LookupError("surprise"))
    assert [found[name].verdict for name in "abc"] == [Verdict.YES, Verdict.UNKNOWN, Verdict.YES]
    assert found["b"].checks[0].failure == "unforeseen: LookupError: surprise"


def test_an_unforeseen_errors_text_shows_no_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    remember_environment({"AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI-not-real"})
    found = hide_in(checked(monkeypatch, LookupError("signed with wJalrXUtnFEMI-not-real"))["b"])
    assert found.checks[0].failure == "unforeseen: LookupError: signed with [secret]"


LIMIT = 3.0


def times_left(monkeypatch: pytest.MonkeyPatch, *, waited: float, worked: float) -> list[float]:
    """Check two stacks whose commands wait and work that long by a clock of the test's; what the living checks get."""
    clock, left = [1000.0], list[float]()

    def check_cloud(request: CloudRequest, *_: object) -> CloudAnswer:
        assert request.limit == LIMIT
        clock[0] += waited + worked
        return CloudAnswer(results=(clean(Check.STATE),), state=None, seconds=worked)

    def check_live(request: LiveRequest, _: object) -> LiveAnswer:
        left.append(request.deadline - clock[0])
        return LiveAnswer(cluster="", results=(clean(Check.NODES),))

    monkeypatch.setattr(run, "check_cloud", check_cloud)
    monkeypatch.setattr(live_check, "check_live", check_live)
    checks = frozenset({Check.STATE, Check.NODES})
    options = Options(project=Path(), stacks=("a", "b"), checks=checks, jobs=1, time_limit=LIMIT, now=lambda: clock[0])
    with ProgressDisplay(Console(file=io.StringIO())) as display:
        check_drift(options, display)
    return left


def test_waiting_for_others_takes_nothing_of_a_stacks_time_and_its_own_work_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert times_left(monkeypatch, waited=3600, worked=0) == [LIMIT, LIMIT]
    assert times_left(monkeypatch, waited=3600, worked=2) == [LIMIT - 2, LIMIT - 2]
    assert times_left(monkeypatch, waited=0, worked=5) == [LIMIT - 5, LIMIT - 5]


def test_an_interrupt_in_a_stack_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        checked(monkeypatch, KeyboardInterrupt())  # type: ignore[arg-type]  # no Exception, and that is the point


def report(started: dt.datetime, *stacks: ComparedStack) -> Comparison:
    return Comparison(stacks=stacks, started=started)


def test_of_two_reports_of_a_stack_the_newer_counts() -> None:
    old = ComparedStack(stack="a", checks=(CheckResult(check=Check.STATE, failure="old"),))
    new = ComparedStack(stack="a", checks=(clean(Check.STATE),))
    later = NOW + dt.timedelta(hours=1)
    for reports in ([report(NOW, old), report(later, new)], [report(later, new), report(NOW, old)]):
        assert merged(reports, ()).stacks == (new,)


def test_a_merge_of_nothing_is_a_doubt() -> None:
    assert merged([], ()).verdict is Verdict.UNKNOWN
    assert merged([], ("a",)).verdict is Verdict.UNKNOWN
