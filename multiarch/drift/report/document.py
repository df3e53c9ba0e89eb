"""The report as a JSON document, for programs, and back.

Its shape is `drift.schema.json` beside this module. Within one `schemaVersion` keys are only added: a reader that
ignores what it does not know keeps working. A key that changes its meaning or goes away raises the version.
"""

import json
from importlib import resources
from typing import Any, Final

from multiarch.core.verdict import EXIT_CODES
from multiarch.drift.model import CheckResult, Difference, DriftReport, Finding, StackReport
from multiarch.drift.plain import read_json
from multiarch.drift.report.wording import Counts, counts_of

SCHEMA_VERSION: Final = 3
"""1: drift had exit code 7, and a doubt outweighed it. 2: verdicts were `clean` and `drifted`."""


def render(report: DriftReport) -> str:
    """Return the document as text. Non-ASCII is escaped: a pipe's encoding is not ours to know."""
    return json.dumps(to_document(report), indent=2) + "\n"


def read(text: str) -> DriftReport:
    """Return the report that `render` wrote, as far as it is not rounded (durations, to milliseconds).

    Raises ValueError with the place of the first mistake: a text that is no report, a report of a newer version, one
    whose verdict is not that of what it holds.
    """
    report = read_json(DriftReport, text, SCHEMA_VERSION)
    if report.started.tzinfo is None:
        raise ValueError("started: without a time zone")
    for at, stack in enumerate(report.stacks):
        for nth, check in enumerate(stack.checks):
            _check_findings(check, f"stacks[{at}].checks[{nth}]")
    stated: dict[str, Any] = json.loads(text)
    if stated["schemaVersion"] == SCHEMA_VERSION and stated.get("verdict") != report.verdict.value:
        raise ValueError(f"verdict: {stated.get('verdict')!r}, but what it holds says {report.verdict.value!r}")
    return report


def to_document(report: DriftReport) -> dict[str, Any]:
    """Return the report as plain JSON values, in the shape of `schema()`."""
    return {
        "schemaVersion": SCHEMA_VERSION,
        "verdict": report.verdict.value,
        "exitCode": EXIT_CODES[report.verdict],
        "started": report.started.isoformat(),
        "seconds": _seconds(report.seconds),
        "counts": _counts(counts_of(report)),
        "notes": list(report.notes),
        "stacks": [_stack(stack) for stack in report.stacks],
    }


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the document."""
    text = resources.files(__package__).joinpath("drift.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _check_findings(check: CheckResult, place: str) -> None:
    for number, finding in enumerate(check.findings):
        if finding.check is not check.check:
            raise ValueError(f"{place}.findings[{number}].check: {finding.check.value!r} among {check.check.value!r}")
        if finding.since is not None and finding.since.tzinfo is None:
            raise ValueError(f"{place}.findings[{number}].since: without a time zone")


def _stack(stack: StackReport) -> dict[str, Any]:
    return {
        "stack": stack.stack,
        "cluster": stack.cluster,
        "verdict": stack.verdict.value,
        "seconds": _seconds(stack.seconds),
        "counts": _counts(counts_of(stack)),
        "checks": [_check(check) for check in stack.checks],
        "notes": list(stack.notes),
        "commands": list(stack.commands),
    }


def _check(check: CheckResult) -> dict[str, Any]:
    return {
        "check": check.check.value,
        "verdict": check.verdict.value,
        "failure": check.failure,
        "skipped": check.skipped,
        "seconds": _seconds(check.seconds),
        "findings": [_finding(finding) for finding in check.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check.value,
        "resource": finding.resource,
        "title": finding.title,
        "urn": finding.urn,
        "verdict": finding.verdict.value,
        "change": None if finding.change is None else finding.change.value,
        "differences": [_difference(difference) for difference in finding.differences],
        "more": finding.more,
        "uncertain": finding.uncertain,
        "reason": finding.reason,
        "ignored": list(finding.ignored),
        "since": None if finding.since is None else finding.since.isoformat(),
    }


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "path": difference.path,
        "change": difference.change.value,
        "wanted": difference.wanted,
        "found": difference.found,
    }


def _counts(counts: Counts) -> dict[str, int]:
    return {"clean": counts.clean, "drifted": counts.drifted, "couldNotTell": counts.unknown}


def _seconds(value: float) -> float:
    """Milliseconds are enough; more digits are noise in a diff."""
    return round(value, 3)
