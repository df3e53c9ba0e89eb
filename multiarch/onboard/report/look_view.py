"""What was seen, and what would change, in a terminal. Everything from outside is plain text, without controls."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from multiarch.cluster.look.model import Look, Pool
from multiarch.core.printable import one_line
from multiarch.core.signs import mark
from multiarch.core.verdict import Answer, Verdict
from multiarch.model.clouds import KNOWN

POOL_HEADS = ("pool", "arch", "machine type", "nodes", "CPU", "memory", "zones", "taints")


def look_view(look: Look, *, ascii_only: bool) -> RenderableType:
    """Return what was seen: the cluster's traits, then its pools."""
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, sign, text in traits(look):
        shape = Text(" ") if sign is None else mark(sign, ascii_only=ascii_only)
        table.add_row(Text(name), shape, Text(one_line(text)))
    grid = Table.grid()
    grid.add_row(table)
    if look.pools:
        grid.add_row(Padding(_pools(look.pools), (1, 0, 1, 0)))
    return Padding(grid, (0, 0, 0, 1))


def traits(look: Look) -> Iterator[tuple[str, Verdict | None, str]]:
    """Yield what was seen of the cluster: a trait, its answer where it is one, and what it rests on."""
    flavour = f" ({look.flavour})" if look.flavour else ""
    yield "cluster", None, f"{look.provider}{flavour}: {look.provider_because}"
    place = ", ".join(f"{key} {value}" for key, value in look.identity.items())
    yield "place", None if place else Verdict.UNKNOWN, place or "neither nodes nor kubeconfig show it"
    yield "version", None, look.version
    name = " ".join(filter(None, (look.autoscaler_name, look.autoscaler_version)))
    sign, told = _answered(look.autoscaler, name)
    cloud = KNOWN[look.provider].marks
    outside = cloud is not None and cloud.scales_by_itself and look.autoscaler.verdict is Verdict.NO
    yield "autoscaler", None if outside else sign, told
    yield "network policies", *_answered(look.network_policies, look.cni)
    yield "Pod Security", *_answered(look.pod_security, "")
    yield from _runners(look)
    yield from _namespaces(look)
    denied = [right for right in look.rights if right.allowed.verdict is not Verdict.YES]
    if look.rights:
        told = f"{len(look.rights) - len(denied)} of the {len(look.rights)} that `up` needs"
        worst = Verdict.NO if any(right.allowed.verdict is Verdict.NO for right in denied) else Verdict.UNKNOWN
        yield "your rights", worst if denied else Verdict.YES, told
    for line in look.unseen:
        yield "not seen", Verdict.UNKNOWN, line


def _answered(told: Answer, name: str) -> tuple[Verdict, str]:
    return told.verdict, f"{name}: {told.because}" if name else told.because


def _runners(look: Look) -> Iterator[tuple[str, Verdict | None, str]]:
    if not look.runners:
        known = look.runners_known.verdict is Verdict.YES
        yield "runners", None if known else Verdict.UNKNOWN, "none" if known else look.runners_known.because
    for release in look.runners:
        chart = f" ({release.chart})" if release.chart else ""
        yield "runners", None, f"{release.namespace}/{release.name}{chart}{', of this package' if release.ours else ''}"


def _namespaces(look: Look) -> Iterator[tuple[str, Verdict | None, str]]:
    for seen in look.namespaces:
        free = {Verdict.YES: "there already", Verdict.NO: "free", Verdict.UNKNOWN: "could not tell"}[seen.exists]
        limits = "; ".join((*seen.quotas, *seen.limits))
        yield "namespace", None, f"{seen.name}: {free}{f'; {limits}' if limits else ''}"


def _pools(pools: Sequence[Pool]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for head in POOL_HEADS:
        table.add_column(head, overflow="fold")
    for pool in pools:
        table.add_row(*(Text(one_line(cell)) for cell in pool_cells(pool)))
    return table


def pool_cells(pool: Pool) -> tuple[str, ...]:
    """Return what was seen of a pool, under `POOL_HEADS`."""
    ready = "" if pool.ready == pool.nodes else f" ({pool.ready} ready)"
    return (
        pool.name if pool.named else f"({pool.name})",
        f"{pool.arch}{'' if pool.os == 'linux' else f' {pool.os}'}{' spot' if pool.spot is Verdict.YES else ''}",
        pool.machine_type or "?",
        f"{pool.nodes}{ready}",
        f"{pool.cpu_millis / 1000:.1f}" if pool.cpu_millis else "?",
        f"{pool.memory_mib / 1024:.1f} GiB" if pool.memory_mib else "?",
        ", ".join(pool.zones) or "-",
        ", ".join(pool.taints) or "-",
    )


def diff_view(diff: str) -> RenderableType:
    """Return a unified diff, coloured."""
    return Syntax(diff, "diff", background_color="default", word_wrap=True)
