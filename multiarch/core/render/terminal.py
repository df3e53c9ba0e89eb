"""A report in a terminal: the worst first, and what the exit code means last.

Everything from outside is shown as plain `Text`, never as rich markup, and without control characters. Nothing is cut
off: a narrow terminal wraps, and a line to be copied is left to the terminal to wrap.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table as Grid
from rich.text import Text

from multiarch.core import report as model
from multiarch.core.printable import one_line, printable, seconds
from multiarch.core.render.words import Block, Lines, Table, Words
from multiarch.core.report import Check, Fix, Leaf, Report, RunDetail, Section, SectionDetail, leaves, worst_first
from multiarch.core.signs import STYLES, ascii_only, mark
from multiarch.core.verdict import Verdict

WIDE: Final = 100
"""Columns from which on a check and what was seen stand side by side."""
INDENT: Final = 4


def print_report(
    console: Console, report: Report[RunDetail, SectionDetail], words: Words[RunDetail, SectionDetail]
) -> None:
    """Print every section, those that are not well first, and the summary last."""
    for section in worst_first(report.sections):
        _print_section(console, section, words)
    for part in _summary(console, report, words):
        console.print(part)


class Heading:
    """A heading with a line after it where there is room, and wrapped where there is none: a rule would cut it off."""

    def __init__(self, title: Text, style: str) -> None:
        self.title = title
        self.style = style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the rule, or the title alone."""
        if self.title.cell_len + 4 <= options.max_width:
            yield Rule(self.title, align="left", style=self.style, characters="-" if ascii_only(console) else "─")
        else:
            yield self.title


def heading(name: str, place: str) -> Text:
    """Return a section's name, and where it is."""
    return Text.assemble((one_line(name), "bold"), (f"  {one_line(place)}", "default") if place else "")


def _print_section(console: Console, section: Section[SectionDetail], words: Words[RunDetail, SectionDetail]) -> None:
    plain = ascii_only(console)
    if words.brief and section.verdict is Verdict.YES:
        title = Text.assemble(mark(Verdict.YES, ascii_only=plain), " ", heading(section.name, section.place), "  ")
        console.print(title + _tally(section.counts, words) + Text(f"  {seconds(section.seconds)}", style="dim"))
    else:
        title = heading(section.name, section.place) + Text("  ") + _tally(section.counts, words)
        console.print(Heading(title, STYLES[section.verdict]))
        _print_checks(console, section, words)
    for line in _asides(section, words):
        console.print(Padding(Text(line, style="dim"), (0, 0, 0, INDENT)))
    for block in words.blocks(section):
        _print_block(console, block)
    if not (words.brief and section.verdict is Verdict.YES):
        console.print()


def _print_checks(console: Console, section: Section[SectionDetail], words: Words[RunDetail, SectionDetail]) -> None:
    """Print what is wrong, what is open and what is well; with its fixes a check is a paragraph of its own."""
    if not section.checks:
        console.print(Padding(Text(words.nothing, style=STYLES[Verdict.UNKNOWN]), (0, 0, 0, INDENT)))
    for verdict in (Verdict.NO, Verdict.UNKNOWN, Verdict.YES):
        found = [leaf for leaf in leaves(section.checks) if leaf.check.verdict is verdict]
        for leaf in found:
            if leaf.check.fixes:
                _print_with_fixes(console, leaf.check)
        rows = [leaf for leaf in found if not leaf.check.fixes]
        if rows and not (words.brief and verdict is Verdict.YES):
            console.print(Padding(_Checks(rows), (0, 0, 0, 1)))


def _print_with_fixes(console: Console, check: Check) -> None:
    sign = mark(check.verdict, ascii_only=ascii_only(console))
    console.print(Text.assemble(" ", sign, " ", (one_line(check.title), "bold"), *_about(check, "  (", ")")))
    for line in check.evidence.splitlines():
        console.print(_indented(Text(one_line(line))))
    for fix in check.fixes:
        _print_fix(console, fix)
    console.print()


def _print_fix(console: Console, fix: Fix) -> None:
    arrow = "-> " if ascii_only(console) else "→ "
    console.print(_indented(Text.assemble((arrow, "green"), one_line(fix.text))))
    _print_verbatim(console, fix.lines, INDENT * 2)


def _print_verbatim(console: Console, lines: Iterable[str], indent: int) -> None:
    for line in lines:
        # A line to be copied stays one line: wrapping by the terminal does not break it, wrapping by us would.
        console.print(Text(f"{' ' * indent}{printable(line)}", style="cyan"), soft_wrap=True)


def _indented(content: RenderableType) -> Padding:
    return Padding(content, (0, 0, 0, INDENT), expand=False)


class _Checks:
    """Checks and what was seen: side by side where there is room, else one below the other."""

    def __init__(self, found: Sequence[Leaf]) -> None:
        self.found = found

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = options.max_width >= WIDE
        timed = any(leaf.check.seconds for leaf in self.found)
        table = Grid(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_header=False, expand=True)
        table.add_column(width=2)
        table.add_column(ratio=2, overflow="fold")
        if wide:
            table.add_column(ratio=3, overflow="fold")
        if timed:
            table.add_column(justify="right", no_wrap=True, min_width=6)  # of all times below a minute
        for leaf in self.found:
            sign = mark(leaf.check.verdict, ascii_only=ascii_only(console))
            subject, seen = _subject(leaf), _evidence_text(leaf.check)
            cells: list[RenderableType] = [subject, seen] if wide else [Group(subject, Padding(seen, (0, 0, 0, 2)))]
            took = seconds(leaf.check.seconds) if leaf.check.seconds else ""
            time = [Text(took, style="dim")] if timed else []
            table.add_row(sign, *cells, *time)
        yield table


def _subject(leaf: Leaf) -> Text:
    style = "" if leaf.check.verdict is Verdict.YES else STYLES[leaf.check.verdict]
    return Text.assemble((one_line(leaf.check.title), style), *_about(leaf.check, "\n", ""))


def _about(check: Check, before: str, after: str) -> list[tuple[str, str]]:
    if not check.about or check.about in check.title:
        return []
    return [(f"{before}{one_line(check.about)}{after}", "dim")]


def _evidence_text(check: Check) -> Text:
    style = "dim" if check.verdict is Verdict.YES else ""
    return Text("\n", style=style).join(Text(one_line(line), style=style) for line in check.evidence.splitlines())


def _print_block(console: Console, block: Block) -> None:
    if block.title:
        console.print(Padding(Text(one_line(block.title), style="dim"), (0, 0, 0, 2)))
    if isinstance(block, Table):
        console.print(Padding(_Rows(block), (0, 0, 0, 2)))
    elif isinstance(block, Lines):
        sign = [mark(block.verdict, ascii_only=ascii_only(console)), Text(" ")] if block.verdict else []
        for line in block.lines:
            console.print(_indented(Text.assemble(*sign, one_line(line))))
    else:
        _print_verbatim(console, block.lines, 2)


class _Rows:
    """A table whose cells are never cut off; in a narrow terminal each row is a paragraph."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console
        wide = options.max_width >= WIDE
        grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_header=wide)
        for head in self.table.heads if wide else ("",):
            grid.add_column(one_line(head), overflow="fold")
        for row in self.table.rows:
            cells = [Text(one_line(cell)) for cell in row]
            grid.add_row(*cells if wide else [Text("\n  ").join(cell for cell in cells if cell.plain)])
        yield grid


def _asides(section: Section[SectionDetail], words: Words[RunDetail, SectionDetail]) -> Iterator[str]:
    """Yield what is neither wrong nor open, and still worth a line."""
    if words.brief:
        well = [leaf for leaf in leaves(section.checks) if leaf.check.verdict is Verdict.YES]
        for check in (leaf.check for leaf in well if leaf.check.evidence):
            about = f" ({check.about})" if check.about else ""
            yield one_line(f"{check.title}{about}: {'; '.join(check.evidence.splitlines())}")
    for check in model.skipped(section.checks):
        yield one_line(f"nothing to check: {check.title}: {check.evidence}")
    for name, value in words.traits(section).items():
        yield one_line(f"{name}: {value}")
    if section.timings:
        yield f"time: {_timings(section.timings)}"
    for note in section.notes:
        yield f"note: {one_line(note)}"


def _timings(timings: Mapping[str, float]) -> str:
    return ", ".join(f"{one_line(step)} {seconds(value)}" for step, value in timings.items())


def _tally(counts: model.Counts, words: Words[RunDetail, SectionDetail]) -> Text:
    parts = [Text(text, style=STYLES[verdict]) for text, verdict in words.tally_parts(counts)]
    return Text(", ").join(parts) if parts else Text(words.tally(counts), style="dim")


def _summary(
    console: Console, report: Report[RunDetail, SectionDetail], words: Words[RunDetail, SectionDetail]
) -> Iterator[RenderableType]:
    """Yield what is left to read when everything else scrolled away."""
    plain, style = ascii_only(console), STYLES[report.verdict]
    yield Rule(style=style, characters="-" if plain else "━")
    for value in list(words.facts(report).values())[:1]:
        yield Text.assemble(("on    ", "dim"), one_line(value))
    if report.timings:
        yield Text.assemble(("time  ", "dim"), _timings(report.timings))
    yield from (Text(f"note: {one_line(note)}", style="dim") for note in report.notes)
    if not report.sections:
        yield Text(words.nothing, style=STYLES[Verdict.UNKNOWN])
    if words.repeats:
        yield from _repeated(report, plain=plain)
    line = Text.assemble(mark(report.verdict, ascii_only=plain), " ") + _tally(report.counts, words)
    yield line + Text(f" in {words.how_many(report)}, {seconds(report.seconds)}. {words.ending(report)}.")


def _repeated(report: Report[RunDetail, SectionDetail], *, plain: bool) -> Iterator[RenderableType]:
    """Repeat what is not well, what is wrong first."""
    table = Grid(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_header=False, expand=True)
    table.add_column(width=2)
    table.add_column(overflow="fold")
    table.add_column(ratio=1, overflow="fold")
    for verdict in (Verdict.NO, Verdict.UNKNOWN):
        for section in report.sections:
            for leaf in (one for one in leaves(section.checks) if one.check.verdict is verdict):
                told = Text.assemble((one_line(leaf.check.title), STYLES[verdict]), "\n", one_line(leaf.check.evidence))
                table.add_row(mark(verdict, ascii_only=plain), Text(one_line(section.name), style="bold"), told)
    if table.row_count:
        yield Padding(table, (1, 0))
