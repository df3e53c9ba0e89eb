"""A drift report that an earlier run wrote as JSON, read again."""

import json

from multiarch.core.report import SCHEMA_VERSION
from multiarch.drift.model import CheckResult, Comparison
from multiarch.drift.plain import read_json
from multiarch.drift.report.words import DriftReport, from_report

OWN_DOCUMENT = 3
"""The last version in which drift had a document of its own: stacks with checks with findings."""


def read(text: str) -> Comparison:
    """Return what was compared, as far as it is not rounded (durations, to milliseconds).

    Raises ValueError with the place of the first mistake: a text that is no report, a report of a newer version, one
    whose verdict is not that of what it holds.
    """
    if _is_own(text):
        return _checked(read_json(Comparison, text, OWN_DOCUMENT))
    document = read_json(DriftReport, text, SCHEMA_VERSION)
    report = _checked(from_report(document))
    stated = json.loads(text).get("verdict")
    if stated != report.verdict.value:
        raise ValueError(f"verdict: {stated!r}, but what it holds says {report.verdict.value!r}")
    return report


def _is_own(text: str) -> bool:
    """Tell whether the text is of a version before all commands had one document."""
    try:
        version = json.loads(text)["schemaVersion"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return False  # no report at all: said by who reads it
    return isinstance(version, int) and version <= OWN_DOCUMENT


def _checked(report: Comparison) -> Comparison:
    if report.started.tzinfo is None:
        raise ValueError("started: without a time zone")
    for at, stack in enumerate(report.stacks):
        for nth, check in enumerate(stack.checks):
            _check_findings(check, f"stacks[{at}].checks[{nth}]")
    return report


def _check_findings(check: CheckResult, place: str) -> None:
    for number, finding in enumerate(check.findings):
        if finding.check is not check.check:
            raise ValueError(f"{place}.findings[{number}].check: {finding.check.value!r} among {check.check.value!r}")
        if finding.since is not None and finding.since.tzinfo is None:
            raise ValueError(f"{place}.findings[{number}].since: without a time zone")
