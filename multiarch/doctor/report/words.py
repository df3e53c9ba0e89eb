"""An examination as a report, and how the doctor speaks."""

from collections.abc import Iterator, Mapping, Sequence

from multiarch.core.render.words import Words
from multiarch.core.report import Check, Report, Section
from multiarch.core.verdict import Verdict
from multiarch.doctor.model import Cause, Diagnosis, Examination
from multiarch.doctor.model import Check as Question

PODS_SHOWN = 3
DoctorReport = Report[None, Diagnosis]


def to_report(found: Examination) -> DoctorReport:
    """Return the examination as a report: a cause is a part of the check that found it, the likeliest first."""
    version = f", Kubernetes {found.version}" if found.version else ""
    section = Section(
        name=found.stack or "cluster",
        place=f"{found.cluster}{version}",
        checks=tuple(_checks(found)),
        notes=found.notes,
        seconds=found.seconds,
        detail=Diagnosis(version=found.version, runners=found.runners, causes=found.causes, requests=found.requests),
    )
    return Report(command=WORDS.command, sections=(section,), seconds=found.seconds, detail=None)


def _checks(found: Examination) -> Iterator[Check]:
    """Yield the checks, those with the likeliest causes first. A cause that several checks found is the first one's."""
    places = {(one.kind, one.subject): place for place, one in enumerate(found.causes)}
    taken: set[tuple[str, str]] = set()

    def place(check: Question) -> int:
        known = [places[key] for key in _keys(check) if key in places]
        return min(known) if known else len(places)

    for check in sorted(found.checks, key=place):
        own = sorted(places[key] for key in _keys(check) - taken if key in places)
        taken |= _keys(check)
        yield _check(check, [found.causes[number] for number in own])


def _keys(check: Question) -> set[tuple[str, str]]:
    return {(one.kind, one.subject) for one in check.causes}


def _check(check: Question, causes: Sequence[Cause]) -> Check:
    headlines = "\n".join(one.headline for one in check.causes)
    return Check(
        id=check.id,
        title=check.title,
        verdict=check.verdict,
        evidence="\n".join(filter(None, (headlines if not causes else "", check.evidence))),
        about=check.about,
        parts=tuple(map(_cause, causes)),
    )


def _cause(one: Cause) -> Check:
    return Check(
        id=one.kind,
        title=one.headline,
        verdict=Verdict.NO,
        evidence="\n".join((*one.evidence, *([f"pods: {_named(one)}"] if one.pods or one.gone else []))),
        about=_pods(one),
        fixes=one.fixes,
    )


def _pods(one: Cause) -> str:
    here = [f"{len(one.pods)} pod{'' if len(one.pods) == 1 else 's'}"] if one.pods else []
    return ", ".join([*here, *([f"{len(one.gone)} gone"] if one.gone else [])])


def _named(one: Cause) -> str:
    names = [*one.pods, *one.gone]
    rest = len(names) - PODS_SHOWN
    return ", ".join(names[:PODS_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _traits(section: Section[Diagnosis]) -> Mapping[str, str]:
    runners = {"runners": ", ".join(section.detail.runners)} if section.detail.runners else {}
    return {**runners, "requests": str(section.detail.requests)}


GROUPS: Mapping[str, tuple[str, ...]] = {
    "the API server answers": ("api",),
    "the runner's manager": ("runners-found", "manager*"),
    "the runner's config": ("config", "*selector", "helper-image", "poll-timeout"),
    "what a job's pod needs": ("rights", "job-objects", "job-namespace", "admission", "dns"),
    "the nodes": ("nodes", "taint"),
    "the jobs' pods": ("job-pods", "gone-pods"),
}
"""How a short report counts the checks."""

WORDS: Words[None, Diagnosis] = Words(
    command="doctor",
    title="Doctor",
    answers={Verdict.YES: "fine", Verdict.NO: "cause found", Verdict.UNKNOWN: "could not tell"},
    counted={Verdict.YES: "fine", Verdict.NO: "wrong", Verdict.UNKNOWN: "could not tell"},
    meanings={
        Verdict.YES: "nothing is wrong",
        Verdict.NO: "a cause was found",
        Verdict.UNKNOWN: "something could not be checked, so the cluster is not called healthy",
    },
    nothing="nothing was examined",
    section="cluster",
    groups=GROUPS,
    report_type=DoctorReport,
    traits=_traits,
)
