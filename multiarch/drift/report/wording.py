"""How a drift report is put into words, the same in every rendering."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from multiarch.core.printable import one_line
from multiarch.core.verdict import Verdict
from multiarch.drift.model import WORDS, Change, Check, Difference, DriftReport, Finding, StackReport

CHECKS: Final[Mapping[Check, str]] = {
    Check.STATE: "cloud against state",
    Check.CODE: "cloud against code",
    Check.OBJECTS: "objects",
    Check.RELEASE: "inside the release",
    Check.NODES: "nodes",
    Check.IMAGES: "images",
    Check.RUNNER_CONFIG: "runner's config",
    Check.WIDENED: "added beside",
}
_DOUBT: Final = "something could not be told"
NO_ANSWER: Final = "no check was made"
_WHOLE: Final[Mapping[Change | None, str]] = {
    Change.GONE: "gone",
    Change.ADDED: "added by somebody else",
    Change.CHANGED: "changed",
    None: "changed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Answers by verdict. A check that failed as a whole, or gave no answer, is a doubt of its own."""

    clean: int = 0
    drifted: int = 0
    unknown: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Add up."""
        return Counts(
            clean=self.clean + other.clean,
            drifted=self.drifted + other.drifted,
            unknown=self.unknown + other.unknown,
        )


def meaning_of(report: DriftReport) -> str:
    """Say what the exit code says, and what it can't: drift outweighs the doubts that are there beside it."""
    if report.verdict is Verdict.NO:
        return f"drift was found, and {_DOUBT}" if counts_of(report).unknown else "drift was found"
    return _DOUBT if report.verdict is Verdict.UNKNOWN else "everything compared is as it should be"


def counts_of(report: DriftReport | StackReport) -> Counts:
    """Count a report's answers. With a verdict of could-not-tell there is at least one doubt, and so for drift."""
    if isinstance(report, DriftReport):
        counts = sum(map(counts_of, report.stacks), Counts())
        return counts if report.stacks else Counts(unknown=1)
    verdicts = [finding.verdict for _, finding in findings_of(report)]
    return Counts(
        clean=verdicts.count(Verdict.YES),
        drifted=verdicts.count(Verdict.NO),
        unknown=verdicts.count(Verdict.UNKNOWN) + len(failures(report)),
    )


def findings_of(stack: StackReport) -> list[tuple[Check, Finding]]:
    """Return all findings; those of one resource follow each other, and so the same drift is read once."""
    found = [(check.check, finding) for check in stack.checks for finding in check.findings]
    first: dict[str, int] = {}
    for place, (_, finding) in enumerate(found):
        first.setdefault(finding.urn or finding.resource, place)
    return sorted(found, key=lambda pair: first[pair[1].urn or pair[1].resource])


def findings_with(stack: StackReport, verdict: Verdict) -> list[tuple[Check, Finding]]:
    """Return the findings of one verdict."""
    return [pair for pair in findings_of(stack) if pair[1].verdict is verdict]


def failures(stack: StackReport) -> list[tuple[str, str]]:
    """Return the checks that gave no answer as a whole, in words, each with its reason."""
    if not stack.checks:
        return [("all checks", NO_ANSWER)]
    return [(CHECKS[check.check], check.failure or "it gave no answer") for check in stack.checks if check.unanswered]


def title_of(finding: Finding) -> str:
    """Return the finding's resource as people call it, on one line."""
    return one_line(finding.title or finding.resource) or "a resource without a name"


def difference_words(difference: Difference, *, arrow: str = "->") -> str:
    """Return `path: wanted -> found` on one line.

    >>> difference_words(Difference(path="spec.replicas", change=Change.CHANGED, wanted="1", found="3"))
    'spec.replicas: 1 -> 3'
    """
    return f"{path_words(difference)}: {value_words(difference.wanted)} {arrow} {value_words(difference.found)}"


def path_words(difference: Difference) -> str:
    """Return the path; the resource as a whole has none."""
    return one_line(difference.path) or "the whole"


def value_words(value: str | None) -> str:
    """Return a value on one line; nothing, and an empty text, are two things."""
    return "(nothing)" if value is None else one_line(value) or '""'


def remarks(finding: Finding) -> list[str]:
    """Return what there is to say of a finding beside its differences."""
    more = [f"and {finding.more} more differences"] if finding.more else []
    part = ["part of it could not be told"] if finding.uncertain and not finding.reason else []
    reason = one_line(finding.reason)
    whole = [whole_words(finding)] if finding.verdict is Verdict.NO and not finding.differences else []
    return [*whole, *more, *part, *([reason] if reason else [])]


def whole_words(finding: Finding) -> str:
    """Say what became of the resource as a whole."""
    return _WHOLE[finding.change]


def headline(finding: Finding, *, most: int = 3) -> str:
    """Say in one line what drifted, or why it could not be told: at most `most` differences."""
    words = [difference_words(difference) for difference in finding.differences]
    left = len(words) - most
    shown = [*words[:most], *([f"and {left} more"] if left > 0 else []), *remarks(finding)]
    return "; ".join(shown) or WORDS[finding.verdict]


def ignored_words(stack: StackReport) -> list[str]:
    """Return what was ignored, and why, for each resource."""
    return [
        f"{title_of(finding)} ({CHECKS[check]}): {one_line(rule)}"
        for check, finding in findings_of(stack)
        for rule in finding.ignored
    ]


def skipped_words(stack: StackReport) -> list[str]:
    """Return the checks that had nothing to compare."""
    return [f"{CHECKS[check.check]}: {one_line(check.skipped)}" for check in stack.checks if check.skipped]


def date_words(since: dt.datetime) -> str:
    """Write an instant to the minute, in UTC: readers of one report sit in many places."""
    return f"{since.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def tally_words(counts: Counts) -> str:
    """Write counts as a person reads them."""
    parts = [
        f"{counts.drifted} drifted" if counts.drifted else "",
        f"{counts.unknown} could not be told" if counts.unknown else "",
        f"{counts.clean} clean" if counts.clean else "",
    ]
    return ", ".join(filter(None, parts)) or "nothing to compare"


def worst_first(stacks: Iterable[StackReport]) -> list[StackReport]:
    """Order stacks for reading: those with drift, those with doubts only, the clean ones."""
    return sorted(stacks, key=lambda stack: (not counts_of(stack).drifted, stack.verdict is Verdict.YES))
