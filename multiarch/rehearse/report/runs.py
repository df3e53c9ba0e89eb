"""What really ran, in words: the same ones on the page and in every text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from multiarch.core.printable import seconds
from multiarch.core.render.words import Block, Lines, Log, Table
from multiarch.core.verdict import Verdict
from multiarch.rehearse.report.model import Confinement, Reach, Rehearsed, RunView, Try

OUTCOMES: Final[Mapping[Verdict, str]] = {
    Verdict.YES: "succeeded",
    Verdict.NO: "failed",
    Verdict.UNKNOWN: "did not run",
}
NOT_READ: Final = "could not be read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Jobs that stand side by side in the pipeline."""

    name: str
    runs: tuple[RunView, ...]


def stages(runs: Sequence[RunView]) -> list[Stage]:
    """Return the pipeline's stages in their order; a job without one is a stage alone."""
    keyed = groupby(enumerate(runs), lambda item: item[1].stage or item[0])
    return [
        Stage(name=key if isinstance(key, str) else "", runs=tuple(run for _, run in found)) for key, found in keyed
    ]


def outcome(run: RunView) -> Verdict:
    """Tell what became of a job; of one that never came to a node nothing is known."""
    if not run.node:
        return Verdict.UNKNOWN
    return Verdict.YES if run.succeeded else Verdict.NO


def run_line(run: RunView) -> str:
    """Say a job in a line: `image-build: [arm64] on real-arm64 (emulated), 21.0 s`."""
    if not run.node:
        return f"{run.name}: {run.reason or OUTCOMES[Verdict.UNKNOWN]}"
    why = "" if run.succeeded else f": failed: {run.reason or 'no reason was given'}"
    return f"{run.name} on {run.node}{' (emulated)' if run.emulated else ''}, {seconds(run.seconds)}{why}"


def confined(found: Confinement | None) -> Mapping[str, str]:
    """Say how a job's container was confined, by what its first process said."""
    if found is None:
        return {"confined": NOT_READ}
    return {
        "uid:gid": f"{found.uid}:{found.gid}",
        "capabilities": " ".join(found.capabilities) or "none",
        "no new privileges": "yes" if found.no_new_privileges else "no",
        "seccomp": found.seccomp,
        "token": "mounted" if found.token_mounted else "not mounted",
    }


def reached(reach: Reach) -> Iterator[str]:
    """Say in lines whether policies are enforced, why, and what answered."""
    yield f"network policies enforced: {reach.policies_enforced}: {reach.because}"
    answers: dict[str, list[str]] = {}
    for one in reach.tries:
        answers.setdefault(one.answer, []).append(one.what)
    if answers:
        yield "; ".join(f"{answer}: {', '.join(whats)}" for answer, whats in answers.items())


def blocks(found: Rehearsed) -> Iterator[Block]:
    """Return what really ran for every text: a line a job, what was real, what was reached, and the logs."""
    if found.runs:
        yield Lines(title="what really ran", lines=tuple(map(run_line, found.runs)))
        heads = ("job", "pod", "image", "how it was confined")
        yield Table(title="jobs that really ran", heads=heads, rows=tuple(map(_row, found.runs)), only_verbose=True)
    if found.real:
        yield Table(title="what was real", heads=("part", "what it was"), rows=tuple(found.real.items()))
    if found.reach:
        yield Lines(title="what a job reached", lines=tuple(reached(found.reach)))
        rows = tuple(map(_try, found.reach.tries))
        yield Table(
            title="what a job tried to reach", heads=("what", "address", "answer"), rows=rows, only_verbose=True
        )
    for run in found.runs:
        if run.log:
            yield Log(about=run.name, lines=tuple(run.log.split("\n")), failed=not run.succeeded)


def _row(run: RunView) -> tuple[str, ...]:
    how = ", ".join(f"{name} {value}" for name, value in confined(run.confinement).items())
    return (run.name, run.pod or "none", run.image, how if run.node else "")


def _try(one: Try) -> tuple[str, ...]:
    return (one.what, one.address, one.answer)
