"""What the issue knows of every stack, hidden in its description: a run edits only what it looked at. Pure.

The description is made anew from it each time: what somebody edited there is neither read nor taken for an answer.
"""

import base64
import datetime as dt
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime

from multiarch.core.verdict import Verdict
from multiarch.drift.model import Check, CheckResult, ComparedStack, Comparison, Finding
from multiarch.drift.plain import read_json, to_plain
from multiarch.drift.report.wording import date_words

VERSION: Final = 2
LONGEST: Final = 500_000
"""Characters of the comment; a stack of 65 findings takes about a thousand."""
_LARGEST: Final = 64 * 1024 * 1024
"""Bytes of the JSON: a comment that somebody made may unpack to anything."""
_COMMENT: Final = re.compile(r"^<!-- multiarch drift state: ([A-Za-z0-9+/=]+) -->\r?$", re.MULTILINE)
_CARRIED: Final = "last seen "

_Instant = Annotated[AwareDatetime, AfterValidator(lambda instant: instant.astimezone(dt.UTC))]
Looked = Mapping[Check, _Instant]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All stacks as they were last told, each check by the last run that looked."""

    report: Comparison
    looked: Mapping[str, Looked] = field(default_factory=dict)
    """Stack to check to when the run began that told it."""
    text: str = ""
    """What an issue without a readable state said: of which stacks is not known, and only a whole run replaces it."""


def read_state(description: str) -> State | None:
    """Return the state that a description holds; None where none can be read: an older version's, a newer's, a broken.

    The last one counts: everything above it may quote anything.
    """
    found = _COMMENT.findall(description)
    if not found:
        return None
    try:
        unpacked = zlib.decompressobj().decompress(base64.b64decode(found[-1], validate=True), _LARGEST)
        return read_json(State, unpacked.decode(), VERSION)
    except (ValueError, zlib.error):  # base64's and UTF-8's errors are ValueErrors
        return None


def comment(state: State) -> str:
    """Write the state as a comment that Markdown does not show; empty where it would be too long for an issue."""
    document = {
        "schemaVersion": VERSION,
        "report": to_plain(Comparison, state.report),
        "looked": {
            stack: {check.value: at.isoformat() for check, at in sorted(dates.items())}
            for stack, dates in sorted(state.looked.items())
        },
        "text": state.text,
    }
    packed = base64.b64encode(zlib.compress(json.dumps(document).encode(), 9)).decode()
    return f"<!-- multiarch drift state: {packed} -->\n" if len(packed) <= LONGEST else ""


def merge(before: State | None, report: Comparison, *, whole: bool) -> State:
    """Take a run in. Stacks and checks that it did not look at stay; a whole run's stacks are all that there are."""
    known = {} if before is None else {stack.stack: stack for stack in before.report.stacks}
    dates = {} if before is None else dict(before.looked)
    new = {stack.stack: stack for stack in report.stacks}
    stacks = dict(new) if whole else {**known, **new}
    for name, stack in new.items():
        stacks[name], dates[name] = _stack(known.get(name), dates.get(name, {}), stack, report.started)
    return State(
        report=replace(report, stacks=tuple(stacks[name] for name in sorted(stacks))),
        looked={name: dates.get(name, {}) for name in stacks},
        text=before.text if before is not None and not whole else "",
    )


def knows(state: State | None, report: Comparison) -> bool:
    """Tell whether a run, or a later one, is in the state: all that it looked at."""
    if state is None:
        return False
    return all(
        check.check in state.looked.get(stack.stack, {}) and state.looked[stack.stack][check.check] >= report.started
        for stack in report.stacks
        for check in stack.checks
    )


def not_looked_at(state: State) -> dict[str, Looked]:
    """Return what the last run did not look at: stack to check to when that was told."""
    older = {
        stack: {check: at for check, at in dates.items() if at < state.report.started}
        for stack, dates in state.looked.items()
    }
    return {stack: dates for stack, dates in older.items() if dates}


def _stack(
    old: ComparedStack | None, dates: Looked, new: ComparedStack, started: dt.datetime
) -> tuple[ComparedStack, dict[Check, dt.datetime]]:
    """Put a run's checks over those known; what a later run told stays, also where this one ends after it."""
    results = {} if old is None else {one.check: one for one in old.checks}
    after = dict(dates)
    for check in new.checks:
        if check.check not in after or after[check.check] <= started:
            results[check.check] = _carried_on(results.get(check.check), check, after.get(check.check, started))
            after[check.check] = started
    cluster = new.cluster or (old.cluster if old is not None else "")
    return replace(new, cluster=cluster, checks=tuple(results[check] for check in Check if check in results)), after


def _carried_on(old: CheckResult | None, new: CheckResult, told: dt.datetime) -> CheckResult:
    """Add the drift of before that the new answer neither confirms nor ends: a doubt does not make it go away."""
    if old is None:
        return new
    verdicts = {finding.resource: finding.verdict for finding in new.findings}
    silent = Verdict.UNKNOWN if new.unanswered else Verdict.YES
    still = tuple(
        _last_seen(finding, told)
        for finding in old.findings
        if finding.verdict is Verdict.NO and verdicts.get(finding.resource, silent) is Verdict.UNKNOWN
    )
    return replace(new, findings=(*new.findings, *still))


def _last_seen(finding: Finding, told: dt.datetime) -> Finding:
    if finding.reason.startswith(_CARRIED):
        return finding
    words = f"{_CARRIED}{date_words(told)}; it could not be checked since"
    return replace(finding, reason="; ".join(filter(None, (words, finding.reason))))
