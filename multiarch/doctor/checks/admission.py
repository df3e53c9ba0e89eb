"""Whether the jobs' namespaces exist, and the API server would take the jobs' pods there: by its own answers."""

from collections.abc import Iterator

from multiarch.doctor.advice import Advice, cause
from multiarch.doctor.facts import Admission, Facts, Space
from multiarch.doctor.model import Asked, Check, Fix
from multiarch.doctor.refusals import refusal_cause


def admission_checks(facts: Facts) -> Iterator[Check]:
    """Ask of every namespace that jobs run in, then of every runner's pods."""
    for space in facts.spaces:
        yield _namespace(facts, space)
    for admission in facts.admissions:
        yield _admission(facts, admission)


def _namespace(facts: Facts, space: Space) -> Check:
    asked = Asked("job-namespace", "the jobs' namespace exists", space.name)
    if not space.found.missing:
        return asked.unknown(space.found.failure) if space.found.failure else asked.fine()
    advice = Advice(facts)
    fix = (
        advice.deploy("Create it:")
        if facts.stack
        else Fix(text="Create it:", lines=(advice.kubectl(f"create namespace {space.name}"),))
    )
    return asked.judged([cause("job-namespace-missing", space.name, f"there is no namespace {space.name}", [], [fix])])


def _admission(facts: Facts, admission: Admission) -> Check:
    which = f"the pod of a job for {admission.arch}" if admission.arch else "a job's pod"
    asked = Asked("admission", f"the API server would accept {which}", f"{admission.runner} {admission.arch}".strip())
    if admission.doubt:
        return asked.unknown(admission.doubt)
    if admission.refusal:
        return asked.judged([refusal_cause(admission, Advice(facts))])
    return asked.fine(f"a dry run as {admission.asker}")
