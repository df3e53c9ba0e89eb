"""What came of onboarding as a report, and how it speaks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from multiarch.cluster.look.model import Look
from multiarch.core.ending import worst
from multiarch.core.render.words import Block, Lines, Table, Verbatim, Words
from multiarch.core.report import Check, Report, Section
from multiarch.core.verdict import Verdict
from multiarch.onboard.adopt.imports import Adoption, lines
from multiarch.onboard.answers.model import Answers
from multiarch.onboard.decide.model import Decision, PoolPlan
from multiarch.onboard.outcome import MEANINGS
from multiarch.onboard.report.look_view import POOL_HEADS, pool_cells, traits
from multiarch.onboard.report.next_steps import next_steps
from multiarch.onboard.request import Onboarding
from multiarch.onboard.write.render import saving


@dataclass(frozen=True, slots=True, kw_only=True)
class Onboarded:
    """What onboarding knows of one cluster."""

    outcome: str
    """`written`, `failed`, `usage`, `could-not-tell`, `impossible` or `declined`."""
    exit_code: int
    """The outcome's own; the run's is the worst of its clusters'."""
    message: str
    """One sentence or more: what was done, or why nothing was."""
    look: Look | None = None
    """What was seen of the cluster; null where it did not answer."""
    answers: Answers | None = None
    """What was said, or proposed and taken; empty texts were not asked."""
    decision: Decision | None = None
    """What follows from the two."""
    adoptions: tuple[Adoption, ...] = ()
    """What is there and could be taken over."""
    file: str | None = None
    """Where the stack file is; null where none was written."""
    stack_file: str = ""
    """Its text, also where it was not written."""
    next_steps: tuple[str, ...] = ()
    """What to run next."""


OnboardReport = Report[None, Onboarded]


def to_report(results: Sequence[Onboarding], seconds: float = 0.0) -> OnboardReport:
    """Return what came of it as a report, a section for each cluster."""
    return Report(
        command=WORDS.command,
        sections=tuple(map(_section, results)),
        own_code=worst(int(one.outcome) for one in results),
        seconds=seconds,
        detail=None,
    )


def _section(found: Onboarding) -> Section[Onboarded]:
    outcome = Check(
        id="onboarded",
        title="the requested work is done",
        verdict=found.outcome.verdict,
        evidence=found.message,
        about="" if found.outcome.verdict is Verdict.YES else MEANINGS[found.outcome],
    )
    return Section(
        name=found.context,
        place=_cluster(found.look) if found.look else "",
        checks=(*found.checks, outcome),
        seconds=found.look.seconds if found.look else 0.0,
        detail=Onboarded(
            outcome=found.outcome.name.lower().replace("_", "-"),
            exit_code=int(found.outcome),
            message=found.message,
            look=found.look,
            answers=found.answers,
            decision=found.decision,
            adoptions=found.adoptions,
            file=None if found.file is None else str(found.file),
            stack_file=found.text,
            next_steps=tuple(next_steps(found)),
        ),
    )


def _cluster(look: Look) -> str:
    archs = "+".join(sorted({pool.arch for pool in look.pools})) or "no nodes"
    return f"{look.provider} {look.version} {archs}, {look.nodes} nodes"


def _blocks(section: Section[Onboarded]) -> Iterable[Block]:
    """Yield what was seen and decided, what to mind, what could be adopted, the file, and what to run next."""
    found = section.detail
    if found.look is not None:
        yield from _look_blocks(found.look)
    if found.decision is not None:
        yield from _decided(found.decision)
    if found.adoptions:
        yield Verbatim(
            title="To take over what is there instead of making a second one:", lines=tuple(lines(found.adoptions))
        )
    if found.stack_file and found.file is None:
        yield Verbatim(title="The stack file:", lines=tuple(found.stack_file.splitlines()))
    if found.next_steps:
        yield Verbatim(title="Next:", lines=found.next_steps)


def _look_blocks(look: Look) -> Iterator[Block]:
    rows = tuple((name, "" if verdict is None else verdict.value, text) for name, verdict, text in traits(look))
    yield Table(title="what was seen", heads=("of", "so", "because"), rows=rows)
    if look.pools:
        yield Table(title="node pools", heads=POOL_HEADS, rows=tuple(map(pool_cells, look.pools)))


def _decided(decision: Decision) -> Iterator[Block]:
    if decision.pools:
        yield Table(title="the stack's pools", heads=("pool", "arch", "nodes"), rows=tuple(map(_pool, decision.pools)))
    if decision.prices_of[0]:
        yield Lines(lines=(_price_line(decision),))
    for verdict in (Verdict.NO, Verdict.UNKNOWN, Verdict.YES):
        remarks = tuple(remark.text for remark in decision.remarks if remark.verdict is verdict)
        if remarks:
            yield Lines(lines=remarks, verdict=verdict)


def _pool(pool: PoolPlan) -> tuple[str, ...]:
    created = f"{pool.machine_type}, {pool.min_nodes} to {pool.max_nodes} nodes"
    zones = f" in {', '.join(pool.zones)}" if pool.zones else ""
    return pool.name, pool.arch, f"{created if pool.machine_type else pool.because}{zones}"


def _price_line(decision: Decision) -> str:
    arm64, amd64 = decision.prices_of
    found = decision.price
    if found is None:
        return f"price: not known for {arm64}{f' or {amd64}' if amd64 else ''}"
    return (
        f"price: {arm64} ${found.arm64:.4g}/h, {amd64} ${found.amd64:.4g}/h: {saving(found.saves_percent)} "
        f"(on demand, Linux, {found.region}, {found.date.isoformat()}; {found.source})"
    )


def _traits(section: Section[Onboarded]) -> Mapping[str, str]:
    answers = section.detail.answers
    return {"stack": answers.stack} if answers is not None else {}


WORDS: Words[None, Onboarded] = Words(
    command="onboard",
    title="Onboarding",
    answers={Verdict.YES: "fine", Verdict.NO: "failed", Verdict.UNKNOWN: "could not tell"},
    counted={Verdict.YES: "fine", Verdict.NO: "failed", Verdict.UNKNOWN: "could not tell"},
    meanings={
        Verdict.YES: "all requested work is done",
        Verdict.NO: "some requested work is not done",
        Verdict.UNKNOWN: "something could not be checked",
    },
    own_meanings={int(outcome): meaning for outcome, meaning in MEANINGS.items()},
    nothing="no cluster was looked at",
    section="cluster",
    report_type=OnboardReport,
    traits=_traits,
    blocks=_blocks,
)
FLEET_WORDS = replace(WORDS, brief=True, blocks=lambda _: ())
"""Of many clusters what went well is a line each."""
