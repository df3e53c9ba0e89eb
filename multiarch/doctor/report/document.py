"""The report as a JSON document, for programs.

Its shape is `doctor.schema.json` beside this module. Within one `schemaVersion` keys are only added.
"""

import json
from importlib import resources
from typing import Any

from multiarch.core.printable import printable
from multiarch.core.verdict import EXIT_CODES
from multiarch.doctor.catalogue import BY_ID
from multiarch.doctor.model import Cause, Check, Report

SCHEMA_VERSION = 2


def to_document(report: Report) -> dict[str, Any]:
    """Return the report as plain JSON values, in the shape of `schema()`."""
    return {
        "schemaVersion": SCHEMA_VERSION,
        "verdict": report.verdict.value,
        "exitCode": EXIT_CODES[report.verdict],
        "cluster": printable(report.cluster),
        "version": printable(report.version),
        "stack": report.stack,
        "runners": [printable(runner) for runner in report.runners],
        "causes": [_cause(one) for one in report.causes],
        "checks": [_check(check) for check in report.checks],
        "notes": [printable(note) for note in report.notes],
        "requests": report.requests,
        "seconds": round(report.seconds, 3),
    }


def render(report: Report) -> str:
    """Return the document as text. Non-ASCII is escaped: a pipe's encoding is not ours to know."""
    return json.dumps(to_document(report), indent=2) + "\n"


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the document."""
    text = resources.files(__package__).joinpath("doctor.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _cause(one: Cause) -> dict[str, Any]:
    return {
        "id": one.kind,
        "title": BY_ID[one.kind].title,
        "subject": printable(one.subject),
        "headline": printable(one.headline),
        "evidence": [printable(text) for text in one.evidence],
        "fixes": [{"text": printable(fix.text), "lines": [printable(line) for line in fix.lines]} for fix in one.fixes],
        "pods": [printable(pod) for pod in one.pods],
        "gone": [printable(pod) for pod in one.gone],
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "id": check.id,
        "about": printable(check.about),
        "title": printable(check.title),
        "verdict": check.verdict.value,
        "evidence": printable(check.evidence),
        "causes": [one.kind for one in check.causes],
    }
