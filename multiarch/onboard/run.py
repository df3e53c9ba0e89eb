"""One cluster from look to stack file. Nothing is written before everything was checked."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from components.problems import ConfigError
from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.cluster.errors import ClusterError
from multiarch.cluster.look.look import look
from multiarch.cluster.look.model import Look
from multiarch.core.progress import ProgressDisplay
from multiarch.core.verdict import Verdict
from multiarch.model.clouds import marks
from multiarch.model.project import remember_stacks
from multiarch.onboard.access import access_of
from multiarch.onboard.adopt.imports import adoptions
from multiarch.onboard.answers.interview import Prompt, interview
from multiarch.onboard.answers.model import Answers
from multiarch.onboard.check import Checked, check
from multiarch.onboard.decide.decision import decide
from multiarch.onboard.decide.model import Obstacle
from multiarch.onboard.decide.obstacles import obstacles
from multiarch.onboard.outcome import Outcome
from multiarch.onboard.rehearsal import rehearse_text
from multiarch.onboard.request import Onboarding, Request
from multiarch.onboard.write.keep import with_kept
from multiarch.onboard.write.place import Place, place_of
from multiarch.onboard.write.render import render

NAMESPACES = ("gitlab-runner", "gitlab-runner-jobs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where things are shown and questions asked. Without `prompt`, nobody is asked anything."""

    display: ProgressDisplay
    prompt: Prompt | None = None
    show_look: Callable[[Look], None] = lambda _: None
    show_diff: Callable[[str], None] = lambda _: None
    """Shows what would change in a file that is there."""
    confirm: Callable[[Place], bool] = lambda _: True
    """Asked before a file is replaced."""
    label: str = ""
    """Put before the steps' names, where several clusters are looked at."""


def onboard(request: Request, stage: Stage) -> Onboarding:
    """Onboard one cluster.

    Raises ConfigError and MissingAnswersError for what the user has to mend, and KeyboardInterrupt from a prompt.
    Everything else is an outcome.
    """
    try:
        seen = _look(request, stage, _namespaces(request))
    except ClusterError as error:
        stage.display.finish(f"{stage.label}look", "no answer", sign=Verdict.UNKNOWN)
        return Onboarding(context=request.context, outcome=Outcome.COULD_NOT_TELL, message=str(error))
    stage.show_look(seen)
    before = Onboarding(
        context=request.context, outcome=Outcome.WRITTEN, message="looked, and wrote nothing", look=seen
    )
    if request.look_only:
        return before
    if in_the_way := obstacles(seen):
        return _refused(before, in_the_way)
    place = {
        "context": request.context,
        **({"kubeconfig": request.written_kubeconfig} if request.written_kubeconfig else {}),
    }
    answers = interview(seen, {**place, **request.given}, prompt=stage.prompt, proposals=request.proposals)
    looked_at = {one.name for one in seen.namespaces}
    if not {answers.namespace, answers.job_namespace} <= looked_at:
        # The namespaces were known only now: what limits pods there, and what the user may do there, is seen anew.
        try:
            seen = _look(request, stage, (answers.namespace, answers.job_namespace))
        except ClusterError as error:
            return replace(before, outcome=Outcome.COULD_NOT_TELL, message=str(error))
    return _decided(request, stage, replace(before, look=seen), answers)


def _namespaces(request: Request) -> tuple[str, str]:
    """Return the manager's namespace and the jobs', as far as they were said beforehand."""
    said = request.given
    return str(said.get("namespace") or NAMESPACES[0]), str(said.get("jobNamespace") or NAMESPACES[1])


def _look(request: Request, stage: Stage, namespaces: tuple[str, str]) -> Look:
    access = access_of(request.kubeconfig, request.context)
    name = f"{stage.label}look"
    with Connection(request.kubeconfig, request.context) as connection:
        seen = look(
            Api.of(connection),
            context=request.context,
            server=access.server,
            clouds=marks(),
            namespaces=namespaces,
            names=access.names,
            progress=lambda what: stage.display.update(name, what),
        )
    told = f"{seen.provider}, Kubernetes {seen.version}, {seen.nodes} nodes, {seen.requests} requests"
    stage.display.finish(name, told, sign=Verdict.UNKNOWN if seen.unseen else Verdict.YES)
    return seen


def _decided(request: Request, stage: Stage, before: Onboarding, answers: Answers) -> Onboarding:
    assert before.look is not None  # noqa: S101 - `onboard` has just looked
    decision = decide(before.look, answers)
    known = replace(before, answers=answers, decision=decision, adoptions=adoptions(before.look, answers))
    if decision.obstacles:
        return _refused(known, decision.obstacles)
    place = place_of(request.project, answers.stack)
    remember_stacks(request.project, [answers.stack])  # what is there is shown as a difference
    text = with_kept(render(before.look, answers, decision), place.before)
    if place.before is not None and (difference := place.diff(text)):
        stage.show_diff(difference)
    if stage.prompt is None and not request.dry_run:
        place.check(text, force=request.force)
    checked = _checked(request, stage, answers, text)
    known = replace(known, checks=checked.checks, text=text)
    if checked.verdict is not Verdict.YES:
        return replace(
            known,
            outcome=_OUTCOMES[checked.verdict],
            message="the stack file does not pass its check; nothing was written",
        )
    if request.rehearse:
        known = _rehearsed(request, stage, known)
        if known.outcome is not Outcome.WRITTEN:
            return known
    return _written(request, stage, known, place)


_OUTCOMES = {Verdict.NO: Outcome.FAILED, Verdict.UNKNOWN: Outcome.COULD_NOT_TELL}


def _refused(before: Onboarding, in_the_way: tuple[Obstacle, ...]) -> Onboarding:
    """Refuse; where each obstacle is but a doubt, say that it could not be told."""
    doubtful = all(obstacle.doubtful for obstacle in in_the_way)
    outcome = Outcome.COULD_NOT_TELL if doubtful else Outcome.IMPOSSIBLE
    return replace(before, outcome=outcome, message="\n".join(str(obstacle) for obstacle in in_the_way))


def _checked(request: Request, stage: Stage, answers: Answers, text: str) -> Checked:
    name = f"{stage.label}check"
    stage.display.update(name, "config, policy and plan")
    try:
        checked = check(request.project, answers.stack, text)
    except ConfigError:
        stage.display.finish(name, "configuration refused", sign=Verdict.NO)
        raise
    told = f"{checked.resources} resources planned, policy kept"
    good = checked.verdict is Verdict.YES
    stage.display.finish(name, told if good else _open_claims(checked), sign=checked.verdict)
    return checked


def _open_claims(checked: Checked) -> str:
    claims = (claim for claim in checked.checks if claim.verdict is not Verdict.YES)
    return "\n".join(f"{claim.title}: {claim.verdict.value}: {claim.evidence}" for claim in claims)


def _rehearsed(request: Request, stage: Stage, known: Onboarding) -> Onboarding:
    assert known.look is not None  # noqa: S101 - as above
    assert known.answers is not None  # noqa: S101 - as above
    checks = rehearse_text(request, known.answers, known.text, known.look, stage.display)
    known = replace(known, checks=checks, rehearsed=True)
    if known.verdict is Verdict.YES:
        return known
    message = "the rehearsal did not prove every claim; nothing was written"
    return replace(known, outcome=_OUTCOMES[known.verdict], message=message)


def _written(request: Request, stage: Stage, known: Onboarding, place: Place) -> Onboarding:
    if request.dry_run:
        return replace(known, message="checked; nothing was written (--dry-run)")
    if place.before == known.text:
        return replace(known, file=place.path, message=f"{_file_words(place, request)} says this already")
    if place.before is not None and stage.prompt is not None and not request.force and not stage.confirm(place):
        return replace(known, outcome=Outcome.DECLINED, message="the file stays as it is")
    place.write(known.text)
    return replace(known, file=place.path, message=f"wrote {_file_words(place, request)}")


def _file_words(place: Place, request: Request) -> str:
    """Name the file as it is seen from the project."""
    path = place.path
    return str(path.relative_to(request.project) if path.is_relative_to(request.project) else path)
