"""What was compared as a report, and back; and how drift checks speak."""

from multiarch.core.printable import one_line
from multiarch.core.render import markdown
from multiarch.core.render.words import Words
from multiarch.core.report import Check, Report, Section
from multiarch.core.verdict import Verdict
from multiarch.drift.model import ANSWERS, CheckResult, Compared, ComparedStack, Comparison, Finding, Started
from multiarch.drift.report.wording import CHECKS, date_words, difference_words, remarks, title_of

DriftReport = Report[Started, Compared]


def to_report(found: Comparison) -> DriftReport:
    """Return what was compared as a report: a finding is a part of its check."""
    return Report(
        command=WORDS.command,
        sections=tuple(map(_section, found.stacks)),
        notes=found.notes,
        seconds=found.seconds,
        detail=Started(started=found.started),
    )


def from_report(report: DriftReport) -> Comparison:
    """Return what was compared, of a report that an earlier run left."""
    stacks = [
        ComparedStack(
            stack=section.name,
            cluster=section.place,
            checks=section.detail.checks,
            notes=section.notes,
            seconds=section.seconds,
            commands=section.detail.commands,
        )
        for section in report.sections
    ]
    return Comparison(stacks=tuple(stacks), started=report.detail.started, seconds=report.seconds, notes=report.notes)


def to_markdown(found: Comparison) -> str:
    """Return what was compared as Markdown."""
    return markdown.render(to_report(found), WORDS)


def _section(stack: ComparedStack) -> Section[Compared]:
    return Section(
        name=stack.stack,
        place=stack.cluster,
        checks=tuple(map(_check, stack.checks)),
        notes=stack.notes,
        seconds=stack.seconds,
        detail=Compared(checks=stack.checks, commands=stack.commands),
    )


def _check(result: CheckResult) -> Check:
    parts = [_part(finding) for finding in result.findings]
    if result.unanswered:
        parts.append(_whole(result))
    return Check(
        id=result.check.value,
        title=CHECKS[result.check],
        verdict=result.verdict,
        evidence=result.skipped,
        seconds=result.seconds,
        skipped=not parts,
        parts=tuple(parts),
    )


def _whole(result: CheckResult) -> Check:
    """Return the doubt that the check itself is, whatever it still found."""
    return Check(
        id="whole",
        title="the check as a whole",
        verdict=Verdict.UNKNOWN,
        evidence=result.failure or "it gave no answer",
        about=CHECKS[result.check],
    )


def _part(finding: Finding) -> Check:
    lines = [difference_words(difference) for difference in finding.differences]
    lines += [*remarks(finding), *(f"ignored: {one_line(rule)}" for rule in finding.ignored)]
    since = f", since {date_words(finding.since)}" if finding.since else ""
    return Check(
        id=finding.resource,
        title=title_of(finding),
        verdict=finding.verdict,
        evidence="\n".join(lines),
        about=f"{CHECKS[finding.check]}{since}",
    )


WORDS: Words[Started, Compared] = Words(
    command="drift",
    title="Drift",
    answers=ANSWERS,
    counted={Verdict.YES: "clean", Verdict.NO: "drifted", Verdict.UNKNOWN: "could not tell"},
    meanings={
        Verdict.YES: "everything compared is as it should be",
        Verdict.NO: "drift was found",
        Verdict.UNKNOWN: "something could not be checked",
    },
    doubt_beside=", and something could not be checked",
    nothing="no check was made",
    check="resource",
    brief=True,
    report_type=DriftReport,
)
