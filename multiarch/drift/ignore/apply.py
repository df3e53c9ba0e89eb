"""What is left of a report when rules have taken away what they know. Pure: reports in, reports out."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace

from multiarch.core.verdict import Verdict
from multiarch.drift.ignore.globs import name_pattern
from multiarch.drift.ignore.rule import Rule
from multiarch.drift.model import Change, CheckResult, ComparedStack, Difference, Finding

_URN_PARTS = 3
"""`urn:pulumi:<stack>` stands before the first `::` (pulumi/pulumi, sdk/go/common/resource/urn)."""


def apply_rules(stack: ComparedStack, rules: Sequence[Rule], today: dt.date) -> ComparedStack:
    """Take away the differences that a rule covers; what was taken, and why, stays with its finding.

    A finding is clean when nothing else is known to differ: with further differences that were not listed it stays
    drifted, and what could not be told of it stays a doubt. An expired rule takes nothing away, and its findings say
    that it would have.
    """
    return replace(stack, checks=tuple(_check(check, rules, today) for check in stack.checks))


def expired(rules: Sequence[Rule], today: dt.date) -> tuple[str, ...]:
    """Return a note for each rule that ignores nothing any more."""
    return tuple(
        f"{rule.id}: expired on {rule.expires}, so it ignores nothing any more ({_words_of(rule)}: {rule.reason}). "
        "Give it a new date, or remove it."
        for rule in rules
        if rule.expired(today)
    )


def unmatched(rules: Sequence[Rule], reports: Sequence[ComparedStack], today: dt.date) -> tuple[str, ...]:
    """Return a note for each of the user's rules that had nothing to ignore, given reports before rules were applied.

    Nothing is said while anything could not be told, nor of rules for stacks that were not looked at, nor of expired
    ones: of none of them is it known that they are of no use.
    """
    findings = [finding for report in reports for check in report.checks for finding in check.findings]
    if not reports or any(report.doubtful for report in reports):
        return ()
    if any(finding.uncertain or finding.more for finding in findings):
        return ()
    stacks = [report.stack for report in reports]
    useless = [
        rule
        for rule in rules
        if not rule.built_in
        and not rule.expired(today)
        and _may_concern(rule, stacks)
        and not any(rule.concerns(finding) and _covered(rule, finding) for finding in findings)
    ]
    where = ", ".join(stacks) if len(stacks) <= 3 else f"{len(stacks)} stacks"  # noqa: PLR2004 - as many as one reads
    return tuple(
        f"{rule.id}: had nothing to ignore in {where} ({_words_of(rule)}: {rule.reason}). If that stays so, remove it."
        for rule in useless
    )


def _check(check: CheckResult, rules: Sequence[Rule], today: dt.date) -> CheckResult:
    return replace(check, findings=tuple(_finding(finding, rules, today) for finding in check.findings))


def _finding(finding: Finding, rules: Sequence[Rule], today: dt.date) -> Finding:
    whole = finding.change in (Change.GONE, Change.ADDED)
    if finding.verdict is not Verdict.NO or whole or not finding.differences:
        return finding
    concerning = [rule for rule in rules if rule.concerns(finding)]
    taken: dict[Rule, list[str]] = {}
    late: dict[Rule, None] = {}
    left: list[Difference] = []
    for difference in finding.differences:
        covering = [rule for rule in concerning if rule.covers(difference.path)]
        rule = next((rule for rule in covering if not rule.expired(today)), None)
        if rule is None:
            left.append(difference)
            late.update(dict.fromkeys(covering))
        else:
            taken.setdefault(rule, []).append(difference.path)
    if not taken and not late:
        return finding
    ignored = (f"{', '.join(paths)}: {rule.reason} ({rule.id})" for rule, paths in taken.items())
    return replace(
        _without(finding, left),
        ignored=(*finding.ignored, *ignored),
        reason="; ".join(filter(None, (finding.reason, *_lateness(late)))),
    )


def _without(finding: Finding, left: list[Difference]) -> Finding:
    if left or finding.more:
        return replace(finding, differences=tuple(left))
    verdict = Verdict.UNKNOWN if finding.uncertain else Verdict.YES
    return replace(finding, verdict=verdict, change=None, differences=(), since=None)


def _lateness(late: dict[Rule, None]) -> Iterator[str]:
    for rule in late:
        yield f"was ignored until {rule.expires} by {rule.id}, which has expired"


def _covered(rule: Rule, finding: Finding) -> bool:
    return any(rule.covers(difference.path) for difference in finding.differences)


def _may_concern(rule: Rule, stacks: Sequence[str]) -> bool:
    """Tell whether a URN's glob could name one of these stacks; a glob over other names could name any."""
    head = rule.resource.split("::", 1)[0].split(":")
    if len(head) != _URN_PARTS or head[:2] != ["urn", "pulumi"]:
        return True
    return "*" in head[2] or any(name_pattern(head[2]).fullmatch(stack) for stack in stacks)


def _words_of(rule: Rule) -> str:
    return f"{rule.path} of {rule.resource}"
