"""One stack's planned pools in a terminal, shown before any control plane exists."""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from multiarch.core.printable import one_line, seconds
from multiarch.core.render.layout import Columns, Heading, Paragraph
from multiarch.core.render.terminal import heading
from multiarch.model.pools import PlannedPool
from multiarch.rehearse.report.model import StackReport

ARCH_STYLES: Mapping[str, str] = {"amd64": "blue", "arm64": "yellow"}


def plan_table(stack: StackReport) -> RenderableType:
    """Return the pools, and what else the program declares."""
    heads = [Text(name, style="dim") for name in ("pool", "cloud", "arch", "machine type", "nodes")]
    rows = [_pool_cells(pool) for pool in stack.detail.pools]
    # Each pool is a table of its own, so that its labels may use the whole width below it; equal widths align them.
    widths = [max(cell.cell_len for cell in column) for column in zip(heads, *rows, strict=True)]
    parts: list[RenderableType] = [Heading(heading(stack.name, stack.place), "dim")]
    if stack.detail.pools:
        parts.append(_pool_row(heads, widths))
    for pool, row in zip(stack.detail.pools, rows, strict=True):
        parts.append(_pool_row(row, widths))
        parts.extend(_pool_traits(pool))
    if not stack.detail.pools:
        parts.append(Paragraph(Text("no node pools", style="dim"), 2))
    parts.extend([Paragraph(_resources(stack), 2), Text()])
    return Group(*parts)


def in_short(stack: StackReport) -> str:
    """Return the plan in a line: `23 resources; pools: amd64 (e2-standard-8, 1..20), arm64 (t2a-standard-8, 1..20)`."""
    pools = [
        f"{pool.name} ({', '.join(filter(None, (pool.machine_type, _bounds(pool).plain)))})"
        for pool in stack.detail.pools
    ]
    return "; ".join([f"{stack.detail.resources} resources", *([f"pools: {', '.join(pools)}"] if pools else [])])


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
    return Columns([[_wide(cell, width) for cell, width in zip(cells, widths, strict=True)]], indent=2)


def _wide(cell: Text, width: int) -> Text:
    padded = cell.copy()
    padded.pad_right(width - cell.cell_len)
    return padded


def _pool_traits(pool: PlannedPool) -> Iterable[RenderableType]:
    labels = [f"{key}={value}" for key, value in pool.labels.items()]
    for kind, items, style in (("zones", pool.zones, ""), ("labels", labels, ""), ("taints", pool.taints, "yellow")):
        if items:
            text = Text(" ".join(one_line(item) for item in items), style=style)
            yield Paragraph(text, 11, Text(f"    {kind}", style="dim"))


def _resources(stack: StackReport) -> Text:
    text = Text(f"{stack.detail.resources} resources", style="dim")
    counts = _short_types(stack.detail.resource_counts)
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
