"""What one answer of the CLI means: clean, drifted, or could not tell. Nothing is read into it.

Exit 7 means change and nothing else, so it is drift even where the answer doesn't say of what. Exit 0 is clean with a
whole document only: readable steps, no error diagnostic, and nothing in it that would change. All else is a doubt.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from multiarch.core.printable import one_line
from multiarch.core.verdict import Verdict
from multiarch.drift.cloud.diagnostics import (
    Diagnostic,
    errors_in,
    failure,
    has_pending_operations,
    read_diagnostics,
    reasons,
)
from multiarch.drift.cloud.diagnostics import unreachable as unreachable_clusters
from multiarch.drift.cloud.findings import Answer, findings, partial_findings, whole_stack
from multiarch.drift.cloud.state import remembered
from multiarch.drift.live.request import StateResource
from multiarch.drift.model import Check, CheckResult, Finding
from multiarch.model.pulumi_answers import NO_CHANGES_VIOLATED, QUIET, CliResult, Step, steps

PENDING = (
    "Pulumi's state has pending operations: an update is running, or was interrupted, and what was found may be "
    "half done"
)
NO_DOCUMENT = "the answer is not one whole JSON document"
NO_STEPS = "the answer has no steps that could be read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one command told."""

    result: CheckResult
    state: tuple[StateResource, ...] | None = None
    """What Pulumi remembers, where a whole answer says so."""
    notes: tuple[str, ...] = ()


def judge(check: Check, stack: str, result: CliResult) -> Judgement:
    """Judge the answer to `check` of one stack."""
    document = result.document
    if document is None:
        return _without_document(check, stack, result)
    diagnostics = read_diagnostics(document)
    notes = (PENDING,) if diagnostics and has_pending_operations(diagnostics) else ()
    planned = steps(document)
    if result.exit not in (0, NO_CHANGES_VIOLATED):
        told = Answer(check=check, steps=planned or (), diagnostics=diagnostics or ())
        return Judgement(
            result=_result(
                check,
                result,
                findings=partial_findings(told),
                failure=failure(result, told.diagnostics),
            ),
            notes=notes,
        )
    if planned is None and result.exit == NO_CHANGES_VIOLATED:
        return Judgement(result=_drifted(check, stack, result, NO_STEPS), notes=notes)
    doubt = _doubt(result, document, planned, diagnostics) or _without_refresh(check, result, planned or ())
    answer = Answer(check=check, steps=planned or (), diagnostics=diagnostics or ())
    made = () if doubt and result.exit == 0 else findings(answer)
    if doubt:
        made = tuple(finding for finding in made if finding.verdict is not Verdict.YES)
    return Judgement(
        result=_result(check, result, findings=made, failure=doubt),
        state=None if doubt else remembered(answer),
        notes=notes,
    )


def _without_document(check: Check, stack: str, result: CliResult) -> Judgement:
    unreadable = (
        f"the answer was larger than can be read ({result.overflow / 1e6:.0f} MB)" if result.overflow else NO_DOCUMENT
    )
    if result.exit == NO_CHANGES_VIOLATED:
        return Judgement(result=_drifted(check, stack, result, unreadable))
    reason = f"exit 0, but {unreadable}" if result.exit == 0 else failure(result, ())
    return Judgement(result=_result(check, result, failure=reason))


def _drifted(check: Check, stack: str, result: CliResult, why: str) -> CheckResult:
    reason = f"Pulumi found changes (exit {result.exit}), but could not tell in what: {why}"
    return _result(check, result, findings=(whole_stack(check, stack, reason),))


def _doubt(
    result: CliResult,
    document: Mapping[str, Any],
    planned: tuple[Step, ...] | None,
    diagnostics: tuple[Diagnostic, ...] | None,
) -> str:
    """Say what is wrong with a document that comes with exit 0 or 7; empty where nothing is."""
    said = f"exit {result.exit}, but"
    if not planned:
        return f"{said} {NO_STEPS if planned is None else 'it lists no resource: was the stack ever deployed?'}"
    if diagnostics is None:
        return f"{said} the answer's diagnostics could not be read"
    if errors_in(diagnostics):
        return f"{said} with errors: {'; '.join(reasons(diagnostics)[:5])}"
    if document.get("maybeCorrupt"):
        return f"{said} Pulumi says that the state may be corrupt"
    away = unreachable_clusters(diagnostics)
    if "" in away:
        return f"{said} {reasons((away[''],))[0]}"
    return _contradiction(result, document, planned)


def _without_refresh(check: Check, result: CliResult, planned: tuple[Step, ...]) -> str:
    """Doubt a plan that was made from the state alone: it is blind to every change made outside of Pulumi."""
    if check is not Check.CODE or all(step.op in {"create", "import"} for step in planned):
        return ""
    read = any(step.op == "refresh" for step in planned)
    return "" if read else f"exit {result.exit}, but the answer shows no refresh: it compares with the state alone"


def _contradiction(result: CliResult, document: Mapping[str, Any], planned: tuple[Step, ...]) -> str:
    changed = [f"{step.op} {step.resource}" for step in planned if step.op not in QUIET]
    summary = document.get("changeSummary")
    counted = sorted(str(op) for op in summary if str(op) not in QUIET) if isinstance(summary, dict) else []
    if result.exit == NO_CHANGES_VIOLATED:
        return "" if changed else f"exit {result.exit} says changes, but the answer lists none"
    listed = changed or counted
    return f"exit 0 says no changes, but the answer lists some: {one_line(', '.join(listed[:5]))}" if listed else ""


def _result(check: Check, result: CliResult, *, findings: tuple[Finding, ...] = (), failure: str = "") -> CheckResult:
    return CheckResult(check=check, findings=findings, failure=failure, seconds=result.seconds)
