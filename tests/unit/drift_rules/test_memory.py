"""A drift begins when it is first seen and ends when a check says so; a doubt does neither."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiarch.core.verdict import Verdict
from multiarch.drift.memory import MOST_DRIFTS, MOST_RUNS, Memory, dump, load, remember
from multiarch.drift.model import Change, Check, CheckResult, ComparedStack, Difference, Finding
from multiarch.drift.plain import NewerVersionError


def day(number: int) -> dt.datetime:
    return dt.datetime(2026, 11, number, 6, tzinfo=dt.UTC)


def drifted(*paths: str, resource: str = "Deployment web", **more: object) -> Finding:
    values: dict[str, object] = {
        "check": Check.OBJECTS,
        "resource": resource,
        "verdict": Verdict.NO,
        "change": Change.CHANGED,
        "differences": tuple(Difference(path=path, change=Change.CHANGED) for path in paths),
        **more,
    }
    return Finding(**values)  # type: ignore[arg-type]  # a fixture: the dataclass's own fields, by name


def clean(resource: str = "Deployment web") -> Finding:
    return Finding(check=Check.OBJECTS, resource=resource, verdict=Verdict.YES)


def doubt(resource: str = "Deployment web") -> Finding:
    return Finding(check=Check.OBJECTS, resource=resource, verdict=Verdict.UNKNOWN, reason="403")


def gone(resource: str = "Deployment web") -> Finding:
    return drifted(resource=resource, change=Change.GONE)


def run(*findings: Finding, failure: str = "", check: Check = Check.OBJECTS) -> ComparedStack:
    return ComparedStack(stack="gke", checks=(CheckResult(check=check, findings=findings, failure=failure),))


NOT_LOOKED = ComparedStack(stack="gke", checks=(CheckResult(check=Check.NODES, skipped="no pools"),))


def since_after(*reports: ComparedStack) -> dt.datetime | None:
    """Take in one report a day; return the `since` of the last one's first finding."""
    memory = Memory(stack="gke")
    for number, report in enumerate(reports, start=1):
        memory, dated = remember(memory, report, day(number))
        memory = load(dump(memory))
    return dated.checks[0].findings[0].since


def test_a_drift_keeps_the_day_on_which_it_was_first_seen() -> None:
    assert since_after(run(drifted("a"))) == day(1)
    assert since_after(run(clean()), run(drifted("a")), run(drifted("a")), run(drifted("a"))) == day(2)


@pytest.mark.parametrize(
    "between",
    [
        run(doubt()),
        run(failure="no login"),
        run(clean("another"), failure="out of time"),
        run(doubt(), failure="out of time"),
        NOT_LOOKED,
        ComparedStack(stack="gke"),
    ],
)
def test_what_could_not_be_told_or_was_not_looked_at_ends_no_drift(between: ComparedStack) -> None:
    assert since_after(run(drifted("a")), between, run(drifted("a"))) == day(1)


@pytest.mark.parametrize("between", [run(clean()), run(clean("another")), run(clean(), failure="of others")])
def test_a_drift_that_went_away_and_came_back_begins_anew(between: ComparedStack) -> None:
    assert since_after(run(drifted("a")), between, run(drifted("a"))) == day(3)


def test_a_doubt_begins_no_drift() -> None:
    assert since_after(run(doubt())) is None
    assert since_after(run(doubt()), run(drifted("a"))) == day(2)


def test_what_a_failed_check_still_found_is_dated() -> None:
    assert since_after(run(drifted("a"), failure="x"), run(drifted("a"), failure="x")) == day(1)


def test_the_drift_of_another_property_is_another_drift() -> None:
    assert since_after(run(drifted("a")), run(drifted("b"))) == day(2)
    assert since_after(run(drifted("a")), run(drifted("a", "b")), run(drifted("b"))) == day(2)
    assert since_after(run(drifted("a")), run(drifted("a", "b"))) == day(1)


def test_another_kind_of_drift_is_another_drift() -> None:
    assert since_after(run(drifted("a")), run(gone())) == day(2)
    assert since_after(run(gone()), run(gone())) == day(1)


def test_differences_that_were_not_readable_are_taken_for_the_same_drift() -> None:
    assert since_after(run(drifted()), run(drifted("a"))) == day(1)
    assert since_after(run(drifted("a")), run(drifted()), run(drifted("a"))) == day(1)


@pytest.mark.parametrize("partly", [drifted("b", more=3), drifted("b", uncertain=True)])
def test_a_property_that_was_not_listed_may_still_differ(partly: Finding) -> None:
    assert since_after(run(drifted("a")), run(partly), run(drifted("a"))) == day(1)


def test_checks_date_the_same_resource_each_for_itself() -> None:
    state = drifted("a", check=Check.STATE)
    assert since_after(run(drifted("a")), run(state, check=Check.STATE)) == day(2)


def test_a_clock_that_was_ahead_dates_no_drift_into_the_future() -> None:
    memory, _ = remember(Memory(stack="gke"), run(drifted("a")), day(20))
    _, dated = remember(memory, run(drifted("a")), day(3))
    assert dated.checks[0].findings[0].since == day(3)


def test_only_since_is_filled_in() -> None:
    report = run(drifted("a"), clean("b"), doubt("c"))
    _, dated = remember(Memory(stack="gke"), report, day(1))
    assert [finding.since for finding in dated.checks[0].findings] == [day(1), None, None]
    assert dated == run(drifted("a", since=day(1)), clean("b"), doubt("c"))


def test_verdicts_are_kept_in_the_order_of_time() -> None:
    memory = Memory(stack="gke")
    for number, report in ((2, run(clean())), (1, run(drifted("a"))), (3, run(failure="x"))):
        memory, _ = remember(memory, report, day(number))
    assert [one.verdict for one in memory.runs] == [Verdict.NO, Verdict.YES, Verdict.UNKNOWN]
    assert memory.runs[0].checks == {Check.OBJECTS: Verdict.NO}


def test_a_memory_has_bounds() -> None:
    memory = Memory(stack="gke")
    for minute in range(MOST_RUNS + 10):
        memory, _ = remember(memory, ComparedStack(stack="gke"), day(1) + dt.timedelta(minutes=minute))
    assert len(memory.runs) == MOST_RUNS
    assert memory.runs[0].at == day(1) + dt.timedelta(minutes=10)
    many = run(*(drifted("a", resource=str(number)) for number in range(MOST_DRIFTS)))
    memory, _ = remember(memory, many, day(2))
    memory, _ = remember(memory, run(drifted("a", resource="late"), failure="x"), day(3))
    assert len(memory.drifts) == MOST_DRIFTS
    assert "late" in {drift.resource for drift in memory.drifts}


STEPS = st.lists(
    st.sampled_from(["same", "doubt", "failed", "elsewhere", "clean", "absent"]).map(
        {
            "same": run(drifted("a")),
            "doubt": run(doubt()),
            "failed": run(failure="x"),
            "elsewhere": NOT_LOOKED,
            "clean": run(clean()),
            "absent": run(),
        }.__getitem__
    ),
    max_size=20,
)


@given(STEPS)
def test_since_is_the_first_sight_after_the_last_end(steps: list[ComparedStack]) -> None:
    expected = None
    for number, report in enumerate([*steps, run(drifted("a"))], start=1):
        if report == run(drifted("a")):
            expected = expected or day(number)
        elif report in (run(clean()), run()):
            expected = None
    assert since_after(*steps, run(drifted("a"))) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "schemaVersion"),
        ('{"schemaVersion": true, "stack": "a"}', "schemaVersion"),
        ('{"schemaVersion": 1}', "stack"),
        (
            '{"schemaVersion": 1, "stack": "a", "runs": [{"at": "2026-11-25T06:00:00", "verdict": "clean"}]}',
            "runs[0].at",
        ),
        ('{"schemaVersion": 1, "stack": "a", "drifts": [{}]}', "drifts[0]"),
        ('{"schemaVersion": 1, "stack": "a", "drifts": [{"check": "nonsense"}]}', "drifts[0].check"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_text_that_is_no_memory_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told.replace("[", r"\[").replace("]", r"\]")):
        load(text)


def test_a_newer_memory_is_not_taken_for_a_damaged_one() -> None:
    with pytest.raises(NewerVersionError):
        load('{"schemaVersion": 99}')


@given(
    st.text(max_size=60)
    | st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda x: st.lists(x, max_size=3)).map(repr)
)
def test_whatever_the_text_it_is_a_memory_or_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any message will do
        load(text)
