"""The report in a terminal: planned pools at once, and at the end every claim with what was seen.

Everything from outside is shown as plain `Text`, never as rich markup, and without control characters. Nothing is cut
off: a narrow terminal wraps.
"""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from multiarch.core.printable import one_line, seconds
from multiarch.core.signs import STYLES, ascii_only, mark
from multiarch.core.verdict import EXIT_CODES, Verdict
from multiarch.model.pools import PlannedPool
from multiarch.rehearse.report.document import count_verdicts
from multiarch.rehearse.report.model import (
    EXIT_MEANINGS,
    ChangeView,
    Claim,
    JobView,
    Outcome,
    RehearsalReport,
    StackReport,
    overall,
    stack_verdict,
)

ARCH_STYLES: Mapping[str, str] = {"amd64": "blue", "arm64": "yellow"}


WIDE = 110
"""Columns from which on a job fits into one line."""


def plan_table(stack: StackReport) -> RenderableType:
    """Return one stack's planned pools, to be shown before any control plane exists."""
    heads = [Text(name, style="dim") for name in ("pool", "cloud", "arch", "machine type", "nodes")]
    rows = [_pool_cells(pool) for pool in stack.pools]
    # Each pool is a grid of its own, so that its labels may use the whole width below it; equal widths align them.
    widths = [max(cell.cell_len for cell in column) for column in zip(heads, *rows, strict=True)]
    parts: list[RenderableType] = [_stack_rule(stack)]
    if stack.pools:
        parts.append(_pool_row(heads, widths))
    for pool, row in zip(stack.pools, rows, strict=True):
        parts.append(_pool_row(row, widths))
        parts.extend(_pool_traits(pool))
    if not stack.pools:
        parts.append(Padding(Text("no node pools", style="dim"), (0, 0, 0, 2)))
    parts.append(Padding(_resources(stack), (0, 0, 1, 2)))
    return Group(*parts)


def stack_result(stack: StackReport, *, ascii_only: bool) -> RenderableType:
    """Return one stack's answer: its claims, its jobs and its notes."""
    parts: list[RenderableType] = [_stack_rule(stack, verdict=stack_verdict(stack))]
    if stack.claims:
        parts.append(Padding(_claims_table(stack.claims, ascii_only=ascii_only), (0, 0, 1, 1)))
    else:
        parts.append(Padding(Text("no claim was put to the proof", style=STYLES[Verdict.UNKNOWN]), (0, 0, 1, 2)))
    if stack.jobs:
        parts.append(Padding(_Jobs(stack.jobs, ascii_only=ascii_only), (0, 0, 1, 2)))
    if stack.changes is not None:
        parts.append(Padding(_changes_table(stack.changes), (0, 0, 1, 2)))
    parts.extend(Padding(_note(note), (0, 0, 0, 2)) for note in _notes(stack))
    return Group(*parts)


def summary(report: RehearsalReport, *, ascii_only: bool) -> RenderableType:
    """Return what is left to read when everything else scrolled away: what was not proved, the count, the exit code."""
    verdict = overall(report)
    counts = count_verdicts(report)
    total = sum(counts.values())
    line = Text.assemble(mark(verdict, ascii_only=ascii_only), " ")
    line.append(f"{counts['proved']} of {total} claims proved", style=STYLES[verdict])
    if counts["failed"]:
        line.append(f", {counts['failed']} failed", style=STYLES[Verdict.NO])
    if counts["couldNotTell"]:
        line.append(f", {counts['couldNotTell']} could not be told", style=STYLES[Verdict.UNKNOWN])
    line.append(f" in {len(report.stacks)} stack{'' if len(report.stacks) == 1 else 's'}, {seconds(report.seconds)}")
    line.append(f". Exit {EXIT_CODES[verdict]}: {EXIT_MEANINGS[verdict]}.")
    parts: list[RenderableType] = [Rule(style=STYLES[verdict], characters="-" if ascii_only else "━")]
    parts.append(Text.assemble(("on   ", "dim"), one_line(report.control_plane)))
    parts.append(Text.assemble(("time ", "dim"), _timings(report.timings)))
    open_claims = _open_claims(report, ascii_only=ascii_only)
    if open_claims.row_count:
        parts.append(Padding(open_claims, (1, 0, 0, 0)))
    parts.append(Padding(line, (1, 0, 0, 0)))
    return Group(*parts)


def print_report(console: Console, report: RehearsalReport) -> None:
    """Print every stack's answer, and the summary last."""
    plain = ascii_only(console)
    for stack in report.stacks:
        console.print(stack_result(stack, ascii_only=plain))
        console.print()
    console.print(summary(report, ascii_only=plain))


class _Heading:
    """A heading with a line after it where there is room, and wrapped where there is none: a rule would cut it off."""

    def __init__(self, title: Text, style: str) -> None:
        self.title = title
        self.style = style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console
        if self.title.cell_len + 4 <= options.max_width:
            yield Rule(self.title, align="left", style=self.style)
        else:
            yield self.title


def _stack_rule(stack: StackReport, verdict: Verdict | None = None) -> _Heading:
    title = Text.assemble((one_line(stack.stack), "bold"), (f"  {one_line(stack.cluster)}", "default"))
    if verdict is not None:
        proved = sum(claim.verdict is Verdict.YES for claim in stack.claims)
        title.append(f"  {proved} of {len(stack.claims)} proved", style=STYLES[verdict])
    return _Heading(title, "dim" if verdict is None else STYLES[verdict])


def _arch(arch: str) -> Text:
    return Text(one_line(arch), style=ARCH_STYLES.get(arch, ""))


def _bounds(pool: PlannedPool) -> Text:
    text = Text(f"{pool.min_nodes}..{pool.max_nodes}")
    if pool.spot:
        text.append(" spot", style="magenta")
    return text


def _pool_cells(pool: PlannedPool) -> list[Text]:
    return [
        Text(one_line(pool.name), style="bold"),
        Text(one_line(pool.cloud)),
        _arch(pool.arch),
        Text(one_line(pool.machine_type) or "-"),
        _bounds(pool),
    ]


def _pool_row(cells: Sequence[Text], widths: Sequence[int]) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    for width in widths:
        table.add_column(width=width, overflow="fold")
    table.add_row(*cells)
    return Padding(table, (0, 0, 0, 2))


def _pool_traits(pool: PlannedPool) -> Iterable[RenderableType]:
    labels = [f"{key}={value}" for key, value in pool.labels.items()]
    for kind, items, style in (("zones ", pool.zones, ""), ("labels", labels, ""), ("taints", pool.taints, "yellow")):
        if items:
            table = Table.grid(padding=(0, 1, 0, 0))
            table.add_column(no_wrap=True, style="dim")
            table.add_column(overflow="fold")
            table.add_row(kind, Text(" ".join(one_line(item) for item in items), style=style))
            yield Padding(table, (0, 0, 0, 4))


def _resources(stack: StackReport) -> Text:
    text = Text(f"{stack.resources} resources", style="dim")
    counts = _short_types(stack.resource_counts)
    if counts:
        text.append(": " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    if "plan" in stack.timings:
        text.append(f"; planned in {seconds(stack.timings['plan'])}")
    return text


def _short_types(counts: Mapping[str, int]) -> dict[str, int]:
    """Sum up by the last word of the type token, which is what a reader knows: `NodePool`, `Namespace`."""
    short: dict[str, int] = {}
    for token, count in counts.items():
        name = one_line(token.rsplit(":", 1)[-1])
        short[name] = short.get(name, 0) + count
    return dict(sorted(short.items(), key=lambda item: (-item[1], item[0])))


def _claims_table(claims: Iterable[Claim], *, ascii_only: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_header=False, expand=True)
    table.add_column(width=2)
    table.add_column(ratio=2, overflow="fold")
    table.add_column(ratio=3, overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    for claim in claims:
        proved = claim.verdict is Verdict.YES
        table.add_row(
            mark(claim.verdict, ascii_only=ascii_only),
            Text(one_line(claim.title), style="" if proved else STYLES[claim.verdict]),
            Text(one_line(claim.evidence), style="dim" if proved else ""),
            Text(seconds(claim.seconds), style="dim"),
        )
    return table


class _Jobs:
    """Jobs and where they went. In a narrow terminal what a job asked for stands below its name, and so stays whole."""

    def __init__(self, jobs: Sequence[JobView], *, ascii_only: bool) -> None:
        self.jobs = jobs
        self.ascii_only = ascii_only

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console
        wide = options.max_width >= WIDE
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for column in ("job", "asked for", "went to") if wide else ("job, and what it asked for", "went to"):
            table.add_column(column, overflow="fold")
        for job in self.jobs:
            name, asked = Text(one_line(job.name)), Text(one_line(job.asked))
            went = _went_to(job, between="  " if wide else "\n  ", ascii_only=self.ascii_only)
            if wide:
                table.add_row(name, asked, went)
            else:
                table.add_row(Text.assemble(name, "\n  ", (asked.plain, "dim")), went)
        yield table


def _went_to(job: JobView, *, between: str, ascii_only: bool) -> Text:
    """Name the node, or who refused; the reason itself is the evidence of its claim and need not be read twice."""
    if job.outcome is Outcome.SCHEDULED:
        style = STYLES[Verdict.NO] if job.as_expected is False else ""
        text = Text(f"{'->' if ascii_only else '→'} {one_line(job.node or 'a node without a name')}", style=style)
        if job.helper_image:
            text.append(f"{between}helper {one_line(job.helper_image.rsplit(':', 1)[-1])}", style="dim")
        return text
    word = "refused" if job.outcome is Outcome.REFUSED else "pending"
    style = STYLES[Verdict.NO] if job.as_expected is False else "magenta"
    return Text(f"{word} ({one_line(job.refused_by)})" if job.refused_by else word, style=style)


def _changes_table(changes: Sequence[ChangeView]) -> RenderableType:
    """Show what an update would do; a replacement stands out, since it deletes what it replaces."""
    if not changes:
        return Text("the changed stack file would change nothing", style="dim")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    table.add_column("would", no_wrap=True)
    table.add_column("resource", overflow="fold", ratio=2)
    table.add_column("because of", overflow="fold", ratio=2)
    for change in changes:
        style = "bold red" if change.action in {"replace", "delete"} else ""
        why = ", ".join(one_line(path) for path in change.reasons or change.paths)
        table.add_row(Text(one_line(change.action), style=style), Text(one_line(change.resource)), Text(why))
    return table


def _notes(stack: StackReport) -> list[str]:
    notes = [f"chart: {stack.chart}"] if stack.chart else []
    if stack.timings:
        notes.append(f"time: {_timings(stack.timings)}")
    return notes + list(stack.notes)


def _note(note: str) -> Text:
    return Text(one_line(note), style="dim")


def _timings(timings: Mapping[str, float]) -> str:
    return ", ".join(f"{one_line(step)} {seconds(value)}" for step, value in timings.items()) or "-"


def _open_claims(report: RehearsalReport, *, ascii_only: bool) -> Table:
    """Repeat what was not proved, the failures first."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_header=False, expand=True)
    table.add_column(width=2)
    table.add_column(overflow="fold")
    table.add_column(ratio=1, overflow="fold")
    for verdict in (Verdict.NO, Verdict.UNKNOWN):
        for name, claim in _claims_with(report.stacks, verdict):
            told = Text.assemble((one_line(claim.title), STYLES[verdict]), "\n", one_line(claim.evidence))
            table.add_row(mark(verdict, ascii_only=ascii_only), Text(one_line(name), style="bold"), told)
    return table


def _claims_with(stacks: Sequence[StackReport], verdict: Verdict) -> list[tuple[str, Claim]]:
    return [(stack.stack, claim) for stack in stacks for claim in stack.claims if claim.verdict is verdict]
