"""What was seen, decided and done, in a terminal. Everything from outside is plain text without control characters."""

from collections.abc import Iterator, Sequence

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from multiarch.cluster.look.model import Look, Pool, Provider
from multiarch.core.printable import one_line
from multiarch.core.signs import STYLES, ascii_only, mark
from multiarch.core.verdict import Answer, Verdict
from multiarch.onboard.adopt.imports import lines
from multiarch.onboard.decide.model import Decision, Remark
from multiarch.onboard.report.next_steps import next_steps
from multiarch.onboard.request import MEANINGS, Onboarding, Outcome
from multiarch.onboard.write.render import saving

_OUTCOMES = {Outcome.WRITTEN: Verdict.YES, Outcome.COULD_NOT_TELL: Verdict.UNKNOWN}


def look_view(look: Look, *, ascii_only: bool) -> RenderableType:
    """Return what was seen: the cluster's traits, then its pools."""
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, sign, text in _traits(look):
        shape = Text(" ") if sign is None else mark(sign, ascii_only=ascii_only)
        table.add_row(Text(name), shape, Text(one_line(text)))
    grid = Table.grid()
    grid.add_row(table)
    if look.pools:
        grid.add_row(Padding(_pools(look.pools), (1, 0, 1, 0)))
    return Padding(grid, (0, 0, 0, 1))


def _traits(look: Look) -> Iterator[tuple[str, Verdict | None, str]]:
    flavour = f" ({look.flavour})" if look.flavour else ""
    yield "cluster", None, f"{look.provider.value}{flavour}: {look.provider_because}"
    place = ", ".join(f"{key} {value}" for key, value in look.identity.items())
    yield "place", None if place else Verdict.UNKNOWN, place or "neither nodes nor kubeconfig tell"
    yield "version", None, look.version
    name = " ".join(filter(None, (look.autoscaler_name, look.autoscaler_version)))
    sign, told = _answered(look.autoscaler, name)
    outside = look.provider in (Provider.GKE, Provider.AKS) and look.autoscaler.verdict is Verdict.NO
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
        free = {Verdict.YES: "there already", Verdict.NO: "free", Verdict.UNKNOWN: "could not be told"}[seen.exists]
        limits = "; ".join((*seen.quotas, *seen.limits))
        yield "namespace", None, f"{seen.name}: {free}{f'; {limits}' if limits else ''}"


def _pools(pools: Sequence[Pool]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for head in ("pool", "arch", "machine type", "nodes", "CPU", "memory", "zones", "taints"):
        table.add_column(head, overflow="fold")
    for pool in pools:
        ready = "" if pool.ready == pool.nodes else f" ({pool.ready} ready)"
        table.add_row(
            Text(one_line(pool.name if pool.named else f"({pool.name})")),
            Text(
                f"{pool.arch}{'' if pool.os == 'linux' else f' {pool.os}'}{' spot' if pool.spot is Verdict.YES else ''}"
            ),
            Text(one_line(pool.machine_type or "?")),
            Text(f"{pool.nodes}{ready}"),
            Text(f"{pool.cpu_millis / 1000:.1f}" if pool.cpu_millis else "?"),
            Text(f"{pool.memory_mib / 1024:.1f} GiB" if pool.memory_mib else "?"),
            Text(one_line(", ".join(pool.zones) or "-")),
            Text(one_line(", ".join(pool.taints) or "-")),
        )
    return table


def print_outcome(console: Console, found: Onboarding) -> None:
    """Print what was decided, what to mind, what could be adopted, and what came of it."""
    plain = ascii_only(console)
    if found.decision is not None:
        for part in _decision_view(found.decision, plain=plain):
            console.print(part)
    if found.adoptions:
        console.print(Padding(Text("To take over what is there instead of making a second one:"), (1, 0, 0, 1)))
        for line in lines(found.adoptions):
            console.print(
                Padding(Text(one_line(line) if not line.startswith(" ") else f"  {one_line(line)}"), (0, 0, 0, 3))
            )
    sign = _OUTCOMES.get(found.outcome, Verdict.NO)
    console.print()
    for line in found.message.splitlines():
        console.print(Text.assemble(mark(sign, ascii_only=plain), " ", (one_line(line), STYLES[sign])), soft_wrap=True)
    if found.outcome is not Outcome.WRITTEN:
        console.print(Text(f"Exit {int(found.outcome)}: {MEANINGS[found.outcome]}.", style="dim"))
    for step in next_steps(found):
        console.print(Text(f"  {step}" if step else ""), soft_wrap=True)


def _decision_view(decision: Decision, *, plain: bool) -> Iterator[RenderableType]:
    for pool in decision.pools:
        created = pool.machine_type
        what = f"{pool.machine_type}, {pool.min_nodes} to {pool.max_nodes} nodes" if created else pool.because
        zones = f" in {', '.join(pool.zones)}" if pool.zones else ""
        yield Padding(
            Text.assemble((f"{pool.arch}  ", "bold"), one_line(f"pool {pool.name}: {what}{zones}")), (0, 0, 0, 1)
        )
    if decision.prices_of[0]:
        yield Padding(Text(_price_line(decision), style="dim"), (0, 0, 0, 1))
    for remark in decision.remarks:
        yield Padding(_remark(remark, plain=plain), (0, 0, 0, 1))


def _price_line(decision: Decision) -> str:
    arm64, amd64 = decision.prices_of
    found = decision.price
    if found is None:
        return f"price: none known of {arm64}{f' beside {amd64}' if amd64 else ''}"
    return (
        f"price: {arm64} ${found.arm64:.4g}/h, {amd64} ${found.amd64:.4g}/h: {saving(found.saves_percent)} "
        f"(on demand, Linux, {found.region}, {found.date.isoformat()}; {found.source})"
    )


def _remark(remark: Remark, *, plain: bool) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(mark(remark.verdict, ascii_only=plain), Text(one_line(remark.text)))
    return grid


def diff_view(diff: str) -> RenderableType:
    """Return a unified diff, coloured."""
    return Syntax(diff, "diff", background_color="default", word_wrap=True)
