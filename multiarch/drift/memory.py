"""What is remembered of a stack between drift checks, and what a new check makes of it. Pure."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime

from multiarch.core.verdict import Verdict
from multiarch.drift.model import Change, Check, CheckResult, ComparedStack, Finding
from multiarch.drift.plain import read_json

VERSION: Final = 2
MOST_RUNS: Final = 500
MOST_DRIFTS: Final = 10_000
MOST_PATHS: Final = 500
"""Bounds of one stack's memory; what was seen longest ago goes first."""

_Instant = Annotated[AwareDatetime, AfterValidator(lambda instant: instant.astimezone(dt.UTC))]
_Key = tuple[Check, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One check of the stack, and its verdicts."""

    at: _Instant
    verdict: Verdict
    checks: Mapping[Check, Verdict] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A resource that was drifted when it was last told of."""

    check: Check
    resource: str
    change: Change | None
    seen: _Instant
    """When a check last found it drifted."""
    paths: Mapping[str, _Instant]
    """Properties to when they were first found different. The empty path: the resource as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Everything remembered of one stack."""

    stack: str
    runs: tuple[Run, ...] = ()
    """The oldest first."""
    drifts: tuple[Drift, ...] = ()


def load(text: str) -> Memory:
    """Read a memory. Raises ValueError with the place of the mistake."""
    return read_json(Memory, text, VERSION)


def dump(memory: Memory) -> str:
    """Write a memory as JSON."""
    document = {
        "schemaVersion": VERSION,
        "stack": memory.stack,
        "runs": [
            {"at": run.at.isoformat(), "verdict": run.verdict.value, "checks": dict(run.checks)} for run in memory.runs
        ],
        "drifts": [
            {
                "check": drift.check.value,
                "resource": drift.resource,
                "change": drift.change,
                "seen": drift.seen.isoformat(),
                "paths": {path: since.isoformat() for path, since in drift.paths.items()},
            }
            for drift in memory.drifts
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def remember(memory: Memory, report: ComparedStack, now: dt.datetime) -> tuple[Memory, ComparedStack]:
    """Take a report in: return the memory after it, and the report with `since` filled in.

    A drift begins when a property is first found different. It ends when its check answers and does not find it any
    more; what could not be told, or was not looked at, neither ends nor begins anything. One that comes back begins
    anew, and so does one whose kind changes (a resource that differed, and now is gone).
    """
    before = {(drift.check, drift.resource): drift for drift in memory.drifts}
    after = _carried_on(before, report.checks)
    for finding in _findings(report, Verdict.NO):
        key = finding.check, finding.resource
        after[key] = _drift(after.get(key) or before.get(key), finding, now)
    run = Run(at=now, verdict=report.verdict, checks={check.check: check.verdict for check in report.checks})
    drifts = sorted(after.values(), key=lambda drift: drift.seen)[-MOST_DRIFTS:]
    runs = sorted((*memory.runs, run), key=lambda run: run.at)[-MOST_RUNS:]
    dated = replace(report, checks=tuple(_dated(check, after) for check in report.checks))
    return replace(memory, runs=tuple(runs), drifts=tuple(drifts)), dated


def _carried_on(before: Mapping[_Key, Drift], checks: Iterable[CheckResult]) -> dict[_Key, Drift]:
    """Return the drifts that this report does not end."""
    answered = {check.check for check in checks if not check.failure}
    told: set[_Key] = set()
    untold: set[_Key] = set()
    for check in checks:
        for finding in check.findings:
            (untold if finding.verdict is Verdict.UNKNOWN else told).add((check.check, finding.resource))
    return {
        key: drift for key, drift in before.items() if key in untold or (key not in told and key[0] not in answered)
    }


def _findings(report: ComparedStack, verdict: Verdict) -> list[Finding]:
    return [finding for check in report.checks for finding in check.findings if finding.verdict is verdict]


def _drift(known: Drift | None, finding: Finding, now: dt.datetime) -> Drift:
    old: Mapping[str, dt.datetime] = known.paths if known and known.change == finding.change else {}
    listed = [difference.path for difference in finding.differences]
    # What differs was not readable then, or is not now: the same drift, as far as anyone can tell.
    whole = old.get("")
    paths = {path: old.get(path) or whole or now for path in listed} or dict(old) or {"": now}
    if finding.more or finding.uncertain:
        paths = {**old, **paths}
    kept = dict(sorted(paths.items(), key=lambda item: item[1])[:MOST_PATHS])
    return Drift(check=finding.check, resource=finding.resource, change=finding.change, seen=now, paths=kept)


def _dated(check: CheckResult, drifts: Mapping[_Key, Drift]) -> CheckResult:
    return replace(check, findings=tuple(_since(finding, drifts) for finding in check.findings))


def _since(finding: Finding, drifts: Mapping[_Key, Drift]) -> Finding:
    if finding.verdict is not Verdict.NO:
        return finding
    drift = drifts[finding.check, finding.resource]
    # A clock that was ahead once must not date a drift into the future.
    return replace(finding, since=min((*drift.paths.values(), drift.seen)))
