"""A report in a terminal: the worst first, and what the exit code means last.

It is short where nobody asks for more: what is wrong and what is open stand whole, what is well is counted by groups.
Everything from outside is shown as plain `Text`, never as rich markup, and without control characters. Nothing is cut
off, and no word is broken: see `layout`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.rule import Rule
from rich.text import Text

from multiarch.core import report as model
from multiarch.core.printable import one_line, seconds
from multiarch.core.render.layout import (
    GAP,
    WIDE,
    Beside,
    Columns,
    Heading,
    Paragraph,
    Verbatim,
    longest_word,
    show,
)
from multiarch.core.render.words import Block, Lines, Log, Table, Words
from multiarch.core.report import Check, Fix, Leaf, Report, RunDetail, Section, SectionDetail, leaves, worst_first
from multiarch.core.signs import STYLES, ascii_only, mark
from multiarch.core.verdict import Verdict, fold

INDENT: Final = 4
_LOG_LINES: Final = 20
"""Of a failed program's log in a short report."""
_TIME: Final = 7
"""Columns of all times below some minutes."""


def print_report(
    console: Console,
    report: Report[RunDetail, SectionDetail],
    words: Words[RunDetail, SectionDetail],
    *,
    verbose: bool = False,
) -> None:
    """Print every section, those that are not well first, and the summary last."""
    shared = {} if verbose else _shared_notes(report)
    page = _Page(words=words, verbose=verbose, plain=ascii_only(console), shared=shared)
    for section in worst_first(report.sections):
        show(console, page.section(section))
    show(console, page.summary(report))


def heading(name: str, place: str) -> Text:
    """Return a section's name, and where it is."""
    return Text.assemble((one_line(name), "bold"), (f"  {one_line(place)}", "default") if place else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page(Generic[RunDetail, SectionDetail]):
    """One report's terminal: whose words it speaks, how much it says, and whether it has more than ASCII."""

    words: Words[RunDetail, SectionDetail]
    verbose: bool
    plain: bool
    shared: Mapping[str, Sequence[str]]
    """Notes of several sections, to their names: a short report has them once, at its end."""

    def section(self, section: Section[SectionDetail]) -> Iterator[RenderableType]:
        """Yield one section: a line, where all is well in a short report of many."""
        title, tally = heading(section.name, section.place), self._tally(section.counts)
        one_liner = self.words.brief and not self.verbose and section.verdict is Verdict.YES
        if one_liner:
            yield Text.assemble(self._mark(Verdict.YES), " ", title, "  ", tally, _dim(f"  {seconds(section.seconds)}"))
        else:
            yield Heading(Text("  ").join([title, tally]), STYLES[section.verdict])
            yield from self._checks(section)
        yield from (Paragraph(_dim(line), INDENT) for line in self._asides(section))
        for block in self.words.blocks(section):
            if self.verbose or not block.only_verbose:
                yield from self._block(block)
        if not one_liner:
            yield Text()

    def _checks(self, section: Section[SectionDetail]) -> Iterator[RenderableType]:
        """Yield what is wrong, what is open and what is well."""
        if not section.checks:
            yield Paragraph(Text(self.words.nothing, style=STYLES[Verdict.UNKNOWN]), INDENT)
        found = leaves(section.checks)
        yield from self._listed([leaf for leaf in found if leaf.check.verdict is Verdict.NO])
        yield from self._listed([leaf for leaf in found if leaf.check.verdict is Verdict.UNKNOWN])
        if self.verbose:
            yield from self._listed([leaf for leaf in found if leaf.check.verdict is Verdict.YES])
        elif not self.words.brief:
            yield from self._groups(found)

    def _listed(self, found: list[Leaf]) -> Iterator[RenderableType]:
        """Yield answers with what was seen; with its fixes a check is a paragraph of its own."""
        for check in (leaf.check for leaf in found if leaf.check.fixes):
            yield from self._with_fixes(check)
        timed = any(leaf.check.seconds for leaf in found)
        yield from (_Seen(leaf.check, self._sign(leaf.check.verdict), timed) for leaf in found if not leaf.check.fixes)

    def _groups(self, found: list[Leaf]) -> Iterator[RenderableType]:
        """Yield a line for each group: how many of its answers are as they should be."""
        groups: dict[str, list[Verdict]] = {}
        for leaf in found:
            groups.setdefault(self.words.group_of(leaf.whole or leaf.check), []).append(leaf.check.verdict)
        width = max((cell_len(one_line(title)) for title in groups if title in self.words.groups), default=0)
        for title, verdicts in groups.items():
            told, well = Text(one_line(title)), verdicts.count(Verdict.YES)
            if title in self.words.groups or len(verdicts) > 1:
                told.pad_right(max(0, width - told.cell_len))
                told.append(f"  {well} of {len(verdicts)} {self.words.counted[Verdict.YES]}", style="dim")
            elif not well:
                continue  # stands above, whole
            yield Paragraph(told, INDENT, self._sign(fold(verdicts)))

    def _with_fixes(self, check: Check) -> Iterator[RenderableType]:
        title = Text.assemble((one_line(check.title), "bold"), *_about(check, "  (", ")"))
        yield Paragraph(title, INDENT, self._sign(check.verdict))
        yield from (Paragraph(Text(one_line(line)), INDENT) for line in check.evidence.splitlines())
        for fix in check.fixes:
            yield from self._fix(fix)
        yield Text()

    def _fix(self, fix: Fix) -> Iterator[RenderableType]:
        arrow = Text(" " * INDENT + ("-> " if self.plain else "→ "), style="green")
        yield Paragraph(Text(one_line(fix.text)), arrow.cell_len, arrow)
        yield Verbatim(fix.lines, INDENT * 2)

    def _block(self, block: Block) -> Iterator[RenderableType]:
        if isinstance(block, Log):
            yield from self._log(block)
            return
        if block.title:
            yield Paragraph(_dim(one_line(block.title)), GAP)
        if isinstance(block, Table):
            heads = [_dim(one_line(head)) for head in block.heads]
            yield Columns([[Text(one_line(cell)) for cell in row] for row in block.rows], heads, GAP)
        elif isinstance(block, Lines):
            sign = None if block.verdict is None else self._sign(block.verdict)
            yield from (Paragraph(Text(one_line(line)), INDENT, sign) for line in block.lines)
        else:
            yield Verbatim(block.lines, GAP)

    def _log(self, log: Log) -> Iterator[RenderableType]:
        """Yield a log: whole where everything was asked for, else its end, which says what went wrong."""
        lines = log.lines if self.verbose else log.end(_LOG_LINES)
        more = "; all with --verbose" if len(lines) < len(log.lines) else ""
        yield Paragraph(_dim(one_line(log.titled(len(lines)) + more)), GAP)
        yield Verbatim(lines, INDENT, "")

    def _asides(self, section: Section[SectionDetail]) -> Iterator[str]:
        """Yield what is neither wrong nor open, and still worth a line."""
        if self.words.brief and not self.verbose:
            well = [leaf for leaf in leaves(section.checks) if leaf.check.verdict is Verdict.YES]
            for check in (leaf.check for leaf in well if leaf.check.evidence):
                about = f" ({check.about})" if check.about else ""
                yield one_line(f"{check.title}{about}: {'; '.join(check.evidence.splitlines())}")
        for check in model.skipped(section.checks):
            yield one_line(f"nothing to check: {check.title}: {check.evidence}")
        traits = [one_line(f"{name}: {value}") for name, value in self.words.traits(section).items()]
        yield from traits if self.verbose or not traits else ["; ".join(traits)]
        if section.timings and self.verbose:
            yield f"time: {_timings(section.timings)}"
        for note in section.notes:
            if note not in self.shared:
                yield f"note: {one_line(note)}"

    def summary(self, report: Report[RunDetail, SectionDetail]) -> Iterator[RenderableType]:
        """Yield what is left to read when everything else scrolled away."""
        yield Rule(style=STYLES[report.verdict], characters="-" if self.plain else "━")
        lines = {"on": next(iter(self.words.facts(report).values()), "")}
        if self.verbose:
            lines["time"] = _timings(report.timings)
        for name, line in lines.items():
            if line:
                yield Paragraph(Text(one_line(line)), 6, _dim(name))
        yield from (Paragraph(_dim(f"note: {one_line(note)}")) for note in report.notes)
        for note, names in self.shared.items():
            yield Paragraph(_dim(one_line(f"note ({', '.join(names)}): {note}")))
        if not report.sections:
            yield Text(self.words.nothing, style=STYLES[Verdict.UNKNOWN])
        if self.words.repeats and (self.verbose or len(report.sections) > 1):
            yield from self._repeated(report)
        if not self.verbose and report.counts.yes:
            more = f"--verbose: every {self.words.check} with what was seen; --html FILE: a page"
            yield Paragraph(_dim(more), 6, _dim("more"))
        told = f"in {self.words.how_many(report)}, {seconds(report.seconds)}. {self.words.ending(report)}."
        yield Paragraph(Text(" ").join([self._mark(report.verdict), self._tally(report.counts), Text(told)]))

    def _repeated(self, report: Report[RunDetail, SectionDetail]) -> Iterator[RenderableType]:
        """Repeat what is not well, what is wrong first; what was seen of it only where there is room for everything."""
        for verdict in (Verdict.NO, Verdict.UNKNOWN):
            for section in report.sections:
                for check in (one.check for one in leaves(section.checks) if one.check.verdict is verdict):
                    title = Text(one_line(check.title), style=STYLES[verdict])
                    told = Text.assemble((one_line(section.name), "bold"), "  ", title)
                    if self.verbose:
                        told.append(f"\n{one_line(check.evidence)}")
                    yield Paragraph(told, INDENT, self._sign(verdict))

    def _mark(self, verdict: Verdict) -> Text:
        return mark(verdict, ascii_only=self.plain)

    def _sign(self, verdict: Verdict) -> Text:
        return Text.assemble(" ", self._mark(verdict))

    def _tally(self, counts: model.Counts) -> Text:
        parts = [Text(text, style=STYLES[verdict]) for text, verdict in self.words.tally_parts(counts)]
        return Text(", ").join(parts) if parts else _dim(self.words.tally(counts))


@dataclass(frozen=True, slots=True)
class _Seen:
    """A check and what was seen: side by side where both have room, else one below the other."""

    check: Check
    sign: Text
    timed: bool
    """Whether the checks around it have times."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the one or the other."""
        del console
        took = _dim(seconds(self.check.seconds) if self.check.seconds else "")
        style = "" if self.check.verdict is Verdict.YES else STYLES[self.check.verdict]
        title = Text.assemble((one_line(self.check.title), style))
        about = Text.assemble(*_about(self.check, "", ""))
        subject = Text("\n").join([title, about]) if about else title
        seen = _evidence_text(self.check)
        room = options.max_width - INDENT - GAP - (_TIME + GAP if self.timed else 0)
        left = room * 2 // 5
        if options.max_width >= WIDE and longest_word(subject) <= left and longest_word(seen) <= room - left:
            cells = [(self.sign, INDENT - GAP), (subject, left), (seen, room - left)]
            yield Beside([*cells, (Text(str(took).rjust(_TIME), style="dim"), _TIME)])
            return
        if took:
            title = Text.assemble(title, "  ", took)
        below = [part for part in (title, about, seen) if part]
        yield Paragraph(below[0], INDENT, self.sign)
        yield from (Paragraph(part, INDENT + GAP) for part in below[1:])


def _shared_notes(report: Report[RunDetail, SectionDetail]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for section in report.sections:
        for note in dict.fromkeys(section.notes):
            names.setdefault(note, []).append(section.name)
    return {note: found for note, found in names.items() if len(found) > 1}


def _about(check: Check, before: str, after: str) -> list[tuple[str, str]]:
    if not check.about or check.about in check.title:
        return []
    return [(f"{before}{one_line(check.about)}{after}", "dim")]


def _evidence_text(check: Check) -> Text:
    style = "dim" if check.verdict is Verdict.YES else ""
    return Text("\n", style=style).join(Text(one_line(line), style=style) for line in check.evidence.splitlines())


def _timings(timings: Mapping[str, float]) -> str:
    return ", ".join(f"{one_line(step)} {seconds(value)}" for step, value in timings.items())


def _dim(text: str) -> Text:
    return Text(text, style="dim")
