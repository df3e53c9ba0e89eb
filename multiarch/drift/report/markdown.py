"""The report as Markdown, for a merge request's note or an issue.

Everything from outside stands in code, where neither Markdown nor GitLab's references (`@user`, `#1`, `/close`) mean
anything, and can't leave it. The text has no time of its own: as long as nothing changes, it is the same in every run,
and an issue need not be edited.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from multiarch.core.printable import one_line
from multiarch.core.verdict import Verdict
from multiarch.drift.model import Check, DriftReport, Finding, StackReport
from multiarch.drift.report.wording import (
    CHECKS,
    Counts,
    counts_of,
    date_words,
    failures,
    findings_with,
    ignored_words,
    path_words,
    remarks,
    skipped_words,
    tally_words,
    title_of,
    value_words,
    worst_first,
)

LONGEST: Final = 100_000
"""Characters of the whole text; GitLab takes 1,000,000 in a note, and nobody reads a tenth of it."""
_MOST_STACKS: Final = 200
_MOST_LINES: Final = 50
"""Lines of one list that stands folded away."""
_VALUE: Final = 160
"""Characters of a value from outside; the JSON report has it whole."""
_TITLES: Final = {
    Verdict.YES: "No drift",
    Verdict.NO: "Drift",
    Verdict.UNKNOWN: "Could not tell everything",
}
_MARKS: Final = {Verdict.YES: "✅", Verdict.NO: "❌", Verdict.UNKNOWN: "❓"}
_ELSEWHERE: Final = "the JSON report of the run has everything"


def render(report: DriftReport) -> str:
    """Return the text: at most `LONGEST` characters, and it says so when that is not everything."""
    text = _Bounded(LONGEST)
    text.add(f"## {_MARKS[report.verdict]} {_headline(report)}\n\n")
    text.add_all(_overview(report))
    for stack in worst_first(report.stacks):
        if stack.verdict is not Verdict.YES:
            text.add_all(_stack(stack))
    _folded(text, "Clean, and ignored", [line for stack in report.stacks for line in _quiet(stack)])
    _folded(text, "Notes", [*map(code, report.notes), *_stack_notes(report.stacks)])
    return text.written()


def code(text: str, longest: int = _VALUE) -> str:
    """Return text as inline code that nothing in it can end, in a table's cell and outside of one.

    >>> code("spec.replicas")
    '`spec.replicas`'
    >>> code("a|b")
    '<code>a&#124;b</code>'
    """
    line = one_line(text)
    line = line if len(line) <= longest else f"{line[: longest - 1]}…"
    if not line.strip() or "|" in line:
        # A table's cell ends at a bar even within backticks, and what escapes it depends on what stands before it.
        return f"<code>{_entities(line)}</code>"
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    padding = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{padding}{line}{padding}{fence}"


def _entities(line: str) -> str:
    """Write everything but letters, digits and spaces as references, which are never read as markup."""
    return "".join(letter if letter.isalnum() or letter == " " else f"&#{ord(letter)};" for letter in line)


class _Bounded:
    """A text that takes pieces until it is full, always leaving room for its end."""

    _END: Final = 200

    def __init__(self, longest: int) -> None:
        self._room = longest - self._END
        self._pieces: list[str] = []
        self._whole = True

    def add(self, piece: str) -> None:
        """Take a piece, whole or not at all."""
        self.add_all([piece])

    def add_all(self, pieces: Iterable[str]) -> None:
        """Take pieces that build on each other, until one does not fit."""
        for piece in pieces:
            if len(piece) > self._room:
                self._whole = False
                return
            self._room -= len(piece)
            self._pieces.append(piece)

    def written(self) -> str:
        """Return the text; one that is not whole says so."""
        end = "" if self._whole else f"\nThis is not all, since the text would be too long; {_ELSEWHERE}.\n"
        return "".join(self._pieces) + end


def _headline(report: DriftReport) -> str:
    counts, stacks = counts_of(report), _stacks(len(report.stacks))
    return f"{_TITLES[report.verdict]}: {tally_words(counts)} in {stacks}"


def _overview(report: DriftReport) -> Iterator[str]:
    if not report.stacks:
        yield "No stack was checked, so nothing can be told.\n"
        return
    stacks = worst_first(report.stacks)
    yield "| | stack | drifted | could not tell | clean |\n|---|---|--:|--:|--:|\n"
    for stack in stacks[:_MOST_STACKS]:
        counts = counts_of(stack)
        yield (
            f"| {_MARKS[stack.verdict]} | {code(stack.stack)} "
            f"| {counts.drifted} | {counts.unknown} | {counts.clean} |\n"
        )
    if len(stacks) > _MOST_STACKS:
        rest = sum((counts_of(stack) for stack in stacks[_MOST_STACKS:]), Counts())
        yield f"| | and {_stacks(len(stacks) - _MOST_STACKS)} | {rest.drifted} | {rest.unknown} | {rest.clean} |\n"


def _stack(stack: StackReport) -> Iterator[str]:
    """Yield one stack's part in pieces, each of which leaves the text well formed."""
    cluster = f"Cluster: {code(stack.cluster)}\n\n" if stack.cluster else ""
    yield f"\n### {_MARKS[stack.verdict]} {code(stack.stack)}: {tally_words(counts_of(stack))}\n\n{cluster}"
    drifted = findings_with(stack, Verdict.NO)
    if drifted:
        dated = any(finding.since for _, finding in drifted)
        yield f"| drifted | wanted → found | seen by |{' since |' if dated else ''}\n"
        yield f"|---|---|---|{'---|' if dated else ''}\n"
        yield from (_row(check, finding, dated=dated) for check, finding in drifted)
    doubts = [(code(title_of(finding)), CHECKS[check], _why(finding)) for check, finding in _doubts(stack)]
    doubts = [*((f"**{name}** as a whole", "", reason) for name, reason in failures(stack)), *doubts]
    if doubts:
        yield "\nCould not tell:\n\n" if drifted else "Could not tell:\n\n"
    for resource, name, reason in doubts:
        yield f"- {resource}{f' ({name})' if name else ''}: {code(reason, 500)}\n"


def _doubts(stack: StackReport) -> list[tuple[Check, Finding]]:
    return findings_with(stack, Verdict.UNKNOWN)


def _why(finding: Finding) -> str:
    return "; ".join(remarks(finding)) or Verdict.UNKNOWN.value


def _row(check: Check, finding: Finding, *, dated: bool) -> str:
    differences = [
        f"{code(path_words(one))}: {code(value_words(one.wanted))} → {code(value_words(one.found))}"
        for one in finding.differences
    ]
    told = "<br>".join([*differences, *(code(remark, 500) for remark in remarks(finding))])
    since = f" {date_words(finding.since) if finding.since else ''} |" if dated else ""
    return f"| {code(title_of(finding))} | {told} | {CHECKS[check]} |{since}\n"


def _quiet(stack: StackReport) -> Iterator[str]:
    clean = counts_of(stack).clean
    name = code(stack.stack)
    if clean:
        yield f"{name}: {clean} clean"
    yield from (f"{name}: nothing to compare: {code(words)}" for words in skipped_words(stack))
    yield from (f"{name}: ignored: {code(words, 500)}" for words in ignored_words(stack))


def _stack_notes(stacks: Sequence[StackReport]) -> Iterator[str]:
    for stack in stacks:
        yield from (f"{code(stack.stack)}: {code(note, 500)}" for note in stack.notes)


def _folded(text: _Bounded, title: str, lines: Sequence[str]) -> None:
    """Add a list that is folded away, as one piece: cut off within, everything after it would be folded, too."""
    if not lines:
        return
    shown = [f"- {line}\n" for line in lines[:_MOST_LINES]]
    if len(lines) > _MOST_LINES:
        shown.append(f"- and {len(lines) - _MOST_LINES} more; {_ELSEWHERE}\n")
    text.add(f"\n<details><summary>{title} ({len(lines)})</summary>\n\n{''.join(shown)}\n</details>\n")


def _stacks(count: int) -> str:
    return f"{count} stack{'' if count == 1 else 's'}"
