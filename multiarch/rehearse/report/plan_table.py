"""One stack's planned pools in a terminal, shown before any control plane exists."""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from multiarch.core.printable import one_line, seconds
from multiarch.core.render.terminal import Heading, heading
from multiarch.model.pools import PlannedPool
from multiarch.rehearse.report.model import StackReport

ARCH_STYLES: Mapping[str, str] = {"amd64": "blue", "arm64": "yellow"}


def plan_table(stack: StackReport) -> RenderableType:
    """Return the pools, and what else the program declares."""
    heads = [Text(name, style="dim") for name in ("pool", "cloud", "arch", "machine type", "nodes")]
    rows = [_pool_cells(pool) for pool in stack.detail.pools]
    # Each pool is a grid of its own, so that its labels may use the whole width below it; equal widths align them.
    widths = [max(cell.cell_len for cell in column) for column in zip(heads, *rows, strict=True)]
    parts: list[RenderableType] = [Heading(heading(stack.name, stack.place), "dim")]
    if stack.detail.pools:
        parts.append(_pool_row(heads, widths))
    for pool, row in zip(stack.detail.pools, rows, strict=True):
        parts.append(_pool_row(row, widths))
        parts.extend(_pool_traits(pool))
    if not stack.detail.pools:
        parts.append(Padding(Text("no node pools", style="dim"), (0, 0, 0, 2)))
    parts.append(Padding(_resources(stack), (0, 0, 1, 2)))
    return Group(*parts)


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
