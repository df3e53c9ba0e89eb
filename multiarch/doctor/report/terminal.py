"""The report in a terminal: causes first, each with its evidence and fixes, then what is open, then what is well.

Everything from outside is shown as plain `Text`, never as rich markup, and without control characters. Nothing is cut
off: a narrow terminal wraps.
"""

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from multiarch.core.printable import one_line, printable, seconds
from multiarch.core.signs import STYLES, ascii_only, mark
from multiarch.core.verdict import EXIT_CODES, Verdict
from multiarch.doctor.model import EXIT_MEANINGS, Cause, Check, Fix, Report

_PODS_SHOWN = 3
_INDENT = 6


def print_report(console: Console, report: Report) -> None:
    """Print the whole report."""
    plain = ascii_only(console)
    console.print(_heading(report))
    for number, one in enumerate(report.causes, 1):
        _print_cause(console, number, one, plain=plain)
    for verdict in (Verdict.UNKNOWN, Verdict.YES):
        checks = [check for check in report.checks if check.verdict is verdict]
        if checks:
            console.print(Padding(_checks(checks, plain=plain), (0, 0, 1, 1)))
    for note in report.notes:
        console.print(Padding(Text(one_line(note), style="dim"), (0, 0, 0, 2), expand=False))
    console.print(_summary(report, plain=plain))


def _heading(report: Report) -> RenderableType:
    version = f", Kubernetes {report.version}" if report.version else ""
    title = Text.assemble((one_line(report.stack or "doctor"), "bold"), f"  {one_line(report.cluster)}{version}")
    parts: list[RenderableType] = [title]
    if report.runners:
        parts.append(Text(f"runners: {one_line(', '.join(report.runners))}", style="dim"))
    return Padding(Group(*parts), (0, 0, 1, 0))


def _print_cause(console: Console, number: int, one: Cause, *, plain: bool) -> None:
    sign = mark(Verdict.NO, ascii_only=plain)
    head = Text.assemble(" ", sign, (f" {number}. ", STYLES[Verdict.NO]), (one_line(one.headline), "bold"))
    if told := _pods(one):
        head.append(f"  ({told})", style="dim")
    console.print(head)
    for text in one.evidence:
        console.print(_indented(Text(one_line(text))))
    if one.pods or one.gone:
        console.print(_indented(Text(_named(one), style="dim")))
    for fix in one.fixes:
        _print_fix(console, fix, plain=plain)
    console.print()


def _print_fix(console: Console, fix: Fix, *, plain: bool) -> None:
    console.print(_indented(Text.assemble(("-> " if plain else "→ ", "green"), one_line(fix.text))))
    for line in fix.lines:
        # A line to be copied stays one line: wrapping by the terminal does not break it, wrapping by us would.
        console.print(Text(f"{' ' * _INDENT}    {printable(line)}", style="cyan"), soft_wrap=True)


def _indented(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, _INDENT), expand=False)


def _pods(one: Cause) -> str:
    parts = []
    if one.pods:
        parts.append(f"{len(one.pods)} pod{'' if len(one.pods) == 1 else 's'}")
    if one.gone:
        parts.append(f"{len(one.gone)} gone")
    return ", ".join(parts)


def _named(one: Cause) -> str:
    names = [*one.pods, *one.gone]
    rest = len(names) - _PODS_SHOWN
    return one_line(", ".join(names[:_PODS_SHOWN])) + (f" and {rest} more" if rest > 0 else "")


def _checks(checks: Sequence[Check], *, plain: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_header=False, expand=True)
    table.add_column(width=2)
    table.add_column(ratio=1, overflow="fold")
    for check in checks:
        title = Text(one_line(check.title))
        if check.about and check.about not in check.title:
            title.append(f" [{one_line(check.about)}]", style="dim")
        if check.evidence:
            title.append(f": {one_line(check.evidence)}", style="dim" if check.verdict is Verdict.YES else "")
        table.add_row(mark(check.verdict, ascii_only=plain), title)
    return table


def _summary(report: Report, *, plain: bool) -> RenderableType:
    verdict = report.verdict
    counts = {each: sum(check.verdict is each for check in report.checks) for each in Verdict}
    line = Text.assemble(mark(verdict, ascii_only=plain), " ")
    causes = len(report.causes)
    line.append(f"{causes} cause{'' if causes == 1 else 's'}", style=STYLES[verdict])
    line.append(f"; of {len(report.checks)} checks {counts[Verdict.YES]} fine")
    if counts[Verdict.UNKNOWN]:
        line.append(f", {counts[Verdict.UNKNOWN]} could not be told", style=STYLES[Verdict.UNKNOWN])
    line.append(f"; {report.requests} requests, {seconds(report.seconds)}")
    line.append(f". Exit {EXIT_CODES[verdict]}: {EXIT_MEANINGS[verdict]}.")
    return Group(Rule(style=STYLES[verdict], characters="-" if plain else "━"), line)
