"""A report without anything that looks like a secret. Every rendering begins with it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ops.drift.model import CheckResult, Difference, DriftReport, Finding, StackReport
from ops.reporting.secrets import hide, hide_tokens


def without_secrets(report: DriftReport, known: Sequence[str] = ()) -> DriftReport:
    """Return the report with secrets hidden: by their looks, and the `known` values wherever they stand.

    Names (stacks, resources, paths) lose only what has a token's own shape: `token=…` may be part of a name.
    """
    return replace(
        report,
        stacks=tuple(_stack(stack, known) for stack in report.stacks),
        notes=_all(report.notes, known),
    )


def _stack(stack: StackReport, known: Sequence[str]) -> StackReport:
    return replace(
        stack,
        stack=hide_tokens(stack.stack, known),
        cluster=hide_tokens(stack.cluster, known),
        checks=tuple(_check(check, known) for check in stack.checks),
        notes=_all(stack.notes, known),
        commands=_all(stack.commands, known),
    )


def _check(check: CheckResult, known: Sequence[str]) -> CheckResult:
    return replace(
        check,
        findings=tuple(_finding(finding, known) for finding in check.findings),
        failure=hide(check.failure, known),
        skipped=hide(check.skipped, known),
    )


def _finding(finding: Finding, known: Sequence[str]) -> Finding:
    return replace(
        finding,
        resource=hide_tokens(finding.resource, known),
        title=hide_tokens(finding.title, known),
        urn=hide_tokens(finding.urn, known),
        differences=tuple(_difference(difference, known) for difference in finding.differences),
        reason=hide(finding.reason, known),
        ignored=_all(finding.ignored, known),
    )


def _difference(difference: Difference, known: Sequence[str]) -> Difference:
    return replace(
        difference,
        path=hide_tokens(difference.path, known),
        wanted=None if difference.wanted is None else hide(difference.wanted, known),
        found=None if difference.found is None else hide(difference.found, known),
    )


def _all(texts: Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
    return tuple(hide(text, known) for text in texts)
