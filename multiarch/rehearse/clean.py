"""`multiarch rehearse --clean`: take off a cluster what rehearsals left there that were killed, or could not."""

import shutil
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.connection import Connection
from multiarch.cluster.errors import ClusterError
from multiarch.core.progress import ProgressDisplay
from multiarch.core.render.words import Words
from multiarch.core.report import Check, Report, Section
from multiarch.core.verdict import Verdict
from multiarch.model.nodes.marks import ANY
from multiarch.rehearse.control_plane.existing import ExistingControlPlane, use_existing
from multiarch.rehearse.install.helm import Helm
from multiarch.rehearse.install.leftovers import find_leftovers
from multiarch.rehearse.install.removal import Left, Remover, clean_command, take_off
from multiarch.rehearse.interrupts import Interrupts
from multiarch.rehearse.turn import sole_rehearsal

CleanReport = Report[None, None]
WHOLE = "nothing of a rehearsal is on the cluster"
WORDS: Words[None, None] = Words(
    command="rehearse --clean",
    title="Clean-up",
    answers={Verdict.YES: "taken off", Verdict.NO: "still there", Verdict.UNKNOWN: "could not tell"},
    counted={Verdict.YES: "fine", Verdict.NO: "still there", Verdict.UNKNOWN: "could not tell"},
    meanings={
        Verdict.YES: WHOLE,
        Verdict.NO: "not everything could be removed",
        Verdict.UNKNOWN: "something may still be there",
    },
    nothing="nobody looked",
    section="cluster",
    report_type=CleanReport,
)


def clean(kubeconfig: Path, context: str, display: ProgressDisplay) -> CleanReport:
    """Find by their label what rehearsals made, and take it off; what `--keep` left stays.

    Raises ConfigError when the cluster cannot be used, or a rehearsal of this user is running there.
    """
    began = time.monotonic()
    plane = use_existing(kubeconfig, context)
    with sole_rehearsal(plane.server):
        try:
            checks = _clean(plane, display)
        except (ClusterError, ApiRefused) as error:
            checks = [_unseen(str(error))]
    section = Section(
        name=plane.context, place=f"{plane.server} ({plane.kubeconfig})", checks=tuple(checks), detail=None
    )
    if section.verdict is not Verdict.YES:
        again = f"when that is fixed: {clean_command(plane.kubeconfig, plane.context)}"
        section = replace(section, notes=(again,))
    return Report(command=WORDS.command, sections=(section,), seconds=time.monotonic() - began, detail=None)


def _clean(plane: ExistingControlPlane, display: ProgressDisplay) -> list[Check]:
    """Take off what is there; a check for each thing, and one where there was nothing."""
    with ExitStack() as resources:
        api = Api.of(resources.enter_context(Connection(plane.kubeconfig, plane.context)))
        program = shutil.which("helm")
        helm = resources.enter_context(Helm(Path(program), plane.kubeconfig, plane.context)) if program else None
        display.update("clean", "looking for objects that rehearsals left")
        found = find_leftovers(api, ANY)
        resources.enter_context(Interrupts()).hold()
        steps = Remover(api, helm, ANY).steps(found.remains)
        left = {one.what: one for one in take_off(steps, lambda what: display.update("clean", f"removing: {what}"))}
        taken = [_taken_off(step.what, left.get(step.what)) for step in steps]
        unseen = [_unseen(what) for what in found.unseen]
        return [*taken, *unseen] or [Check(id="clean", title=WHOLE, verdict=Verdict.YES)]


def _taken_off(what: str, left: Left | None) -> Check:
    if left is None:
        return Check(id=what, title=what, verdict=Verdict.YES, evidence="taken off")
    return Check(id=what, title=what, verdict=left.verdict, evidence=f"still there: {left.why}")


def _unseen(why: str) -> Check:
    return Check(id="unseen", title="could not look", verdict=Verdict.UNKNOWN, evidence=why)
