"""A report as Markdown, for a merge request's note or an issue.

Everything from outside stands in code, where neither Markdown nor GitLab's references (`@user`, `#1`, `/close`) mean
anything, and can't leave it. The text has no time of its own: as long as nothing changes, it is the same in every run
(logs aside), and an issue need not be edited.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from multiarch.core.printable import one_line, printable
from multiarch.core.render.words import Block, Log, Table, Words
from multiarch.core.report import (
    Check,
    Counts,
    Leaf,
    Report,
    RunDetail,
    Section,
    SectionDetail,
    leaves,
    skipped,
    worst_first,
)
from multiarch.core.verdict import Verdict

LONGEST: Final = 100_000
"""Characters of the whole text; GitLab takes 1,000,000 in a note, and nobody reads a tenth of it."""
_MOST_SECTIONS: Final = 200
_MOST_LINES: Final = 50
"""Lines of one list that stands folded away."""
_LOG: Final = 15_000
"""Characters of the end of one log, as it is written."""
_VALUE: Final = 500
"""Characters of a text from outside; the JSON report has it whole."""
_MARKS: Final = {Verdict.YES: "✅", Verdict.NO: "❌", Verdict.UNKNOWN: "❓"}
_ELSEWHERE: Final = "the JSON report of the run has everything"


def render(report: Report[RunDetail, SectionDetail], words: Words[RunDetail, SectionDetail]) -> str:
    """Return the text: at most `LONGEST` characters, and it says so when that is not everything."""
    text = _Bounded(LONGEST)
    tally = f"{words.tally(report.counts)} in {words.how_many(report)}"
    text.add(f"## {_MARKS[report.verdict]} {words.title}: {tally}\n\n")
    text.add_all(_overview(report, words))
    for section in worst_first(report.sections):
        if section.verdict is not Verdict.YES:
            text.add_all(_section(section, words))
    for section in report.sections:
        for block in words.blocks(section):
            _add_block(text, section.name, block)
    _folded(
        text, "What is well, and what was left out", [line for one in report.sections for line in _quiet(one, words)]
    )
    notes = [f"{code(section.name)}: {code(note)}" for section in report.sections for note in section.notes]
    _folded(text, "Notes", [*map(code, report.notes), *notes])
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


def _overview(report: Report[RunDetail, SectionDetail], words: Words[RunDetail, SectionDetail]) -> Iterator[str]:
    if not report.sections:
        yield f"There was no {words.section}, so nothing was checked.\n"
        return
    no, doubt, yes = (words.answers[verdict] for verdict in (Verdict.NO, Verdict.UNKNOWN, Verdict.YES))
    yield f"| | {words.section} | {no} | {doubt} | {yes} |\n|---|---|--:|--:|--:|\n"
    sections = worst_first(report.sections)
    for section in sections[:_MOST_SECTIONS]:
        yield _numbers(_MARKS[section.verdict], code(section.name, 160), section.counts)
    if rest := sections[_MOST_SECTIONS:]:
        counts = [section.counts for section in rest]
        total = Counts(
            yes=sum(one.yes for one in counts),
            no=sum(one.no for one in counts),
            could_not_tell=sum(one.could_not_tell for one in counts),
        )
        yield _numbers("", f"and {len(rest)} more", total)


def _numbers(mark: str, name: str, counts: Counts) -> str:
    return f"| {mark} | {name} | {counts.no} | {counts.could_not_tell} | {counts.yes} |\n"


def _section(section: Section[SectionDetail], words: Words[RunDetail, SectionDetail]) -> Iterator[str]:
    """Yield one section's part in pieces, each of which leaves the text well formed."""
    place = f"Cluster: {code(section.place)}\n\n" if section.place else ""
    yield f"\n### {_MARKS[section.verdict]} {code(section.name, 160)}: {words.tally(section.counts)}\n\n{place}"
    found = leaves(section.checks)
    wrong = [leaf for leaf in found if leaf.check.verdict is Verdict.NO]
    if wrong:
        yield f"| {words.answers[Verdict.NO]} | what was seen | |\n|---|---|---|\n"
        yield from (_row(leaf.check) for leaf in wrong)
    doubts = [leaf for leaf in found if leaf.check.verdict is Verdict.UNKNOWN]
    if doubts or not section.checks:
        yield "\nCould not tell:\n\n" if wrong else "Could not tell:\n\n"
    if not section.checks:
        yield f"- {words.nothing}\n"
    yield from (_doubt(leaf, words) for leaf in doubts)
    for leaf in wrong:
        yield from _fixes(leaf.check)


def _row(check: Check) -> str:
    seen = "<br>".join(code(line) for line in check.evidence.splitlines())
    return f"| {code(check.title, 160)} | {seen} | {code(check.about) if check.about else ''} |\n"


def _doubt(leaf: Leaf, words: Words[RunDetail, SectionDetail]) -> str:
    about = f" ({code(leaf.check.about)})" if leaf.check.about else ""
    why = "; ".join(leaf.check.evidence.splitlines()) or words.answers[Verdict.UNKNOWN]
    return f"- {code(leaf.check.title, 160)}{about}: {code(why)}\n"


def _fixes(check: Check) -> Iterator[str]:
    """Yield the ways out; a line to be typed is code of its own, since a fence could be left by what it holds."""
    if check.fixes:
        yield f"\n{code(check.title, 160)}:\n\n"
    for fix in check.fixes:
        yield "".join([f"- {code(fix.text)}\n", *(f"  - {code(line)}\n" for line in fix.lines)])


def _add_block(text: _Bounded, name: str, block: Block) -> None:
    """Add a command's own lines or rows, folded away."""
    if isinstance(block, Log):
        if block.failed:
            text.add(_log(name, block))
        return
    if isinstance(block, Table):
        lines = [", ".join(code(cell) for cell in row if cell) for row in block.rows]
    else:
        lines = [code(line) for line in block.lines]
    _folded(text, _entities(one_line(f"{name}: {block.title}" if block.title else name)), lines)


def _log(name: str, log: Log) -> str:
    """Return the end of a log, folded away.

    In one line and by references: nothing in it begins a line, where GitLab would take `/close` for an order.
    """
    room, kept, cut = _LOG, list[str](), False
    for line in reversed(log.end(_MOST_LINES)):
        cut = cut or len(line) > _VALUE
        written = _entities(printable(line if len(line) <= _VALUE else f"{line[: _VALUE - 1]}…"))
        room -= len(written)
        if room < 0:
            break
        kept.insert(0, written)
    more = "" if len(kept) == len(log.lines) and not cut else f"; {_ELSEWHERE}"
    title = _entities(one_line(f"{name}: {log.titled(len(kept))}{more}"))
    return f"\n<details><summary>{title}</summary>\n\n<pre>{'&#10;'.join(kept)}</pre>\n\n</details>\n"


def _quiet(section: Section[SectionDetail], words: Words[RunDetail, SectionDetail]) -> Iterator[str]:
    """Yield what is well: counted where there may be hundreds, else named."""
    name, well = (
        code(section.name, 160),
        [one.check for one in leaves(section.checks) if one.check.verdict is Verdict.YES],
    )
    if words.brief and well:
        yield f"{name}: {len(well)} {words.counted[Verdict.YES]}"
    for check in (one for one in well if one.evidence or not words.brief):
        seen = "; ".join(check.evidence.splitlines())
        about = f" ({code(check.about)})" if check.about else ""
        yield f"{name}: {code(check.title, 160)}{about}{f': {code(seen)}' if seen else ''}"
    yield from (f"{name}: nothing to check: {code(f'{one.title}: {one.evidence}')}" for one in skipped(section.checks))


def _folded(text: _Bounded, title: str, lines: Sequence[str]) -> None:
    """Add a list that is folded away, as one piece: cut off within, everything after it would be folded, too."""
    if not lines:
        return
    shown = [f"- {line}\n" for line in lines[:_MOST_LINES]]
    if len(lines) > _MOST_LINES:
        shown.append(f"- and {len(lines) - _MOST_LINES} more; {_ELSEWHERE}\n")
    text.add(f"\n<details><summary>{title} ({len(lines)})</summary>\n\n{''.join(shown)}\n</details>\n")
