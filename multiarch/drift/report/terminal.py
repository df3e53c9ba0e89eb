"""The report in a terminal: drift first, then what could not be told, and the clean counted.

Everything from outside is shown as plain `Text`, never as rich markup, and without control characters. Nothing is cut
off: a narrow terminal wraps.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from multiarch.core.printable import one_line, seconds
from multiarch.core.signs import STYLES, ascii_only, mark
from multiarch.core.verdict import EXIT_CODES, Verdict
from multiarch.drift.model import Check, DriftReport, Finding, StackReport
from multiarch.drift.report.wording import (
    CHECKS,
    NO_ANSWER,
    Counts,
    counts_of,
    date_words,
    failures,
    findings_with,
    ignored_words,
    meaning_of,
    path_words,
    remarks,
    skipped_words,
    tally_words,
    title_of,
    value_words,
    worst_first,
)

WIDE: Final = 100
"""Columns from which on a resource and its differences stand side by side."""


def print_report(console: Console, report: DriftReport) -> None:
    """Print the stacks, those with drift first and the clean ones a line each, and the summary last."""
    plain = ascii_only(console)
    for stack in worst_first(report.stacks):
        if stack.verdict is Verdict.YES:
            console.print(_clean_stack(stack, plain=plain))
        else:
            console.print(_stack(stack, plain=plain))
            console.print()
    console.print(_summary(report, plain=plain))


class _Heading:
    """A heading with a line after it where there is room, and wrapped where there is none: a rule would cut it off."""

    def __init__(self, title: Text, style: str) -> None:
        self.title = title
        self.style = style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.title.cell_len + 4 <= options.max_width:
            yield Rule(self.title, align="left", style=self.style, characters="-" if ascii_only(console) else "─")
        else:
            yield self.title


def _stack(stack: StackReport, *, plain: bool) -> RenderableType:
    title = Text.assemble((one_line(stack.stack), "bold"), (f"  {one_line(stack.cluster)}", "default"), "  ")
    parts: list[RenderableType] = [_Heading(title + _tally(counts_of(stack)), STYLES[stack.verdict])]
    drifted = findings_with(stack, Verdict.NO)
    if drifted:
        parts.append(Padding(_Findings(drifted, plain=plain), (0, 0, 0, 1)))
    doubts = _doubts(stack)
    if doubts:
        parts.append(Padding(_doubt_table(doubts, plain=plain), (0, 0, 0, 1)))
    parts.extend(Padding(Text(line, style="dim"), (0, 0, 0, 4)) for line in _quiet(stack))
    return Group(*parts)


def _clean_stack(stack: StackReport, *, plain: bool) -> RenderableType:
    line = Text.assemble(mark(Verdict.YES, ascii_only=plain), " ", (one_line(stack.stack), "bold"), "  ")
    line.append_text(_tally(counts_of(stack)))
    line.append(f"  {one_line(stack.cluster)}  {seconds(stack.seconds)}", style="dim")
    rest = [Padding(Text(text, style="dim"), (0, 0, 0, 4)) for text in _quiet(stack, counted=False)]
    return Group(line, *rest)


class _Findings:
    """Drifted resources and what differs: side by side where there is room, else one below the other."""

    def __init__(self, findings: Sequence[tuple[Check, Finding]], *, plain: bool) -> None:
        self.findings = findings
        self.plain = plain

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console
        wide = options.max_width >= WIDE
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim", expand=True)
        table.add_column("", width=2)
        table.add_column("resource, and who saw it", ratio=2, overflow="fold")
        if wide:
            table.add_column(f"wanted {_arrow(plain=self.plain)} found", ratio=3, overflow="fold")
        for check, finding in self.findings:
            resource, told = _resource(check, finding), _told(finding, plain=self.plain)
            sign = mark(Verdict.NO, ascii_only=self.plain)
            if wide:
                table.add_row(sign, resource, told)
            else:
                table.add_row(sign, Group(resource, Padding(told, (0, 0, 0, 2))))
        yield table


def _resource(check: Check, finding: Finding) -> Text:
    text = Text.assemble((title_of(finding), STYLES[Verdict.NO]), "\n", (CHECKS[check], "dim"))
    if finding.since:
        text.append(f", since {date_words(finding.since)}", style="dim")
    return text


def _told(finding: Finding, *, plain: bool) -> Text:
    lines = [
        Text.assemble(
            (path_words(difference), "bold"),
            ": ",
            (value_words(difference.wanted), "green"),
            f" {_arrow(plain=plain)} ",
            (value_words(difference.found), "red"),
        )
        for difference in finding.differences
    ]
    lines.extend(Text(remark) for remark in remarks(finding))
    return Text("\n").join(lines)


def _arrow(*, plain: bool) -> str:
    return "->" if plain else "→"


def _doubts(stack: StackReport) -> list[tuple[str, str]]:
    """Return what could not be told, and why: checks as a whole first."""
    single = [
        (f"{title_of(finding)}\n{CHECKS[check]}", "; ".join(remarks(finding)) or Verdict.UNKNOWN.value)
        for check, finding in findings_with(stack, Verdict.UNKNOWN)
    ]
    return [*((f"{name}\nthe check as a whole", one_line(reason)) for name, reason in failures(stack)), *single]


def _doubt_table(doubts: Iterable[tuple[str, str]], *, plain: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim", expand=True)
    table.add_column("", width=2)
    table.add_column("could not tell", ratio=2, overflow="fold")
    table.add_column("why", ratio=3, overflow="fold")
    for what, why in doubts:
        name, _, check = what.partition("\n")
        subject = Text.assemble((name, STYLES[Verdict.UNKNOWN]), "\n", (check, "dim"))
        table.add_row(mark(Verdict.UNKNOWN, ascii_only=plain), subject, Text(why))
    return table


def _quiet(stack: StackReport, *, counted: bool = True) -> Iterator[str]:
    clean = counts_of(stack).clean
    if counted and clean:
        yield f"{clean} clean"
    yield from (f"nothing to compare: {words}" for words in skipped_words(stack))
    yield from (f"ignored: {words}" for words in ignored_words(stack))
    yield from (f"note: {one_line(note)}" for note in stack.notes)


def _tally(counts: Counts) -> Text:
    parts = [
        (f"{counts.drifted} drifted", STYLES[Verdict.NO]) if counts.drifted else None,
        (f"{counts.unknown} could not be told", STYLES[Verdict.UNKNOWN]) if counts.unknown else None,
        (f"{counts.clean} clean", STYLES[Verdict.YES]) if counts.clean else None,
    ]
    shown = [Text(*part) for part in parts if part]
    return Text(", ").join(shown) if shown else Text(tally_words(counts), style="dim")


def _summary(report: DriftReport, *, plain: bool) -> RenderableType:
    verdict = report.verdict
    parts: list[RenderableType] = [Rule(style=STYLES[verdict], characters="-" if plain else "━")]
    parts.extend(Text(f"note: {one_line(note)}", style="dim") for note in report.notes)
    if not report.stacks:
        parts.append(Text(NO_ANSWER, style=STYLES[Verdict.UNKNOWN]))
    line = Text.assemble(mark(verdict, ascii_only=plain), " ", _tally(counts_of(report)))
    line.append(f" in {len(report.stacks)} stack{'' if len(report.stacks) == 1 else 's'}, {seconds(report.seconds)}")
    line.append(f". Exit {EXIT_CODES[verdict]}: {meaning_of(report)}.")
    return Group(*parts, line)
