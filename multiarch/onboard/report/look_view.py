"""What was seen, and what would change, in a terminal. Everything from outside is plain text, without controls."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from multiarch.cluster.look.model import Look, Pool
from multiarch.core.printable import one_line, printable
from multiarch.core.render.layout import Columns, Paragraph
from multiarch.core.signs import mark
from multiarch.core.verdict import Answer, Verdict
from multiarch.model.clouds import KNOWN

POOL_HEADS = ("pool", "arch", "machine type", "nodes", "CPU", "memory", "zones", "taints")


def look_view(look: Look, *, ascii_only: bool) -> RenderableType:
    """Return what was seen: the cluster's traits, then its pools."""
    found = list(traits(look))
    width = max(len(name) for name, _, _ in found)
    parts: list[RenderableType] = []
    for name, sign, text in found:
        shape = Text("") if sign is None else mark(sign, ascii_only=ascii_only)
        lead = Text.assemble(" ", (name.ljust(width), "dim"), " ", shape)
        parts.append(Paragraph(Text(one_line(text)), width + 5, lead))
    if look.pools:
        parts.extend([Text(), _pools(look.pools), Text()])
    return Group(*parts)


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


def _pools(pools: Sequence[Pool]) -> RenderableType:
    rows = [[Text(one_line(cell)) for cell in pool_cells(pool)] for pool in pools]
    return Columns(rows, [Text(head, style="dim") for head in POOL_HEADS], 1)


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
    """Return a unified diff, coloured; a line of it stays one line."""
    styles = {"+": "green", "-": "red", "@": "cyan"}
    lines = [Text(printable(line), style=styles.get(line[:1], ""), no_wrap=True) for line in diff.splitlines()]
    return Group(*lines)
