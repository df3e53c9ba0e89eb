"""`multiarch rehearse --clean`: take off a cluster what rehearsals left there that were killed, or could not."""

import json
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.connection import Connection
from multiarch.cluster.errors import ClusterError
from multiarch.core.progress import ProgressDisplay
from multiarch.core.verdict import EXIT_CODES, Verdict, fold
from multiarch.model.nodes.marks import ANY
from multiarch.rehearse.control_plane.existing import ExistingControlPlane, use_existing
from multiarch.rehearse.install.helm import Helm
from multiarch.rehearse.install.leftovers import find_leftovers
from multiarch.rehearse.install.removal import Left, Remover, clean_command, take_off
from multiarch.rehearse.interrupts import Interrupts
from multiarch.rehearse.turn import sole_rehearsal

SCHEMA_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What came of it."""

    cluster: str
    removed: tuple[str, ...] = ()
    left: tuple[Left, ...] = ()
    unseen: tuple[str, ...] = ()
    """Parts of the API that did not answer: something may be there."""

    @property
    def verdict(self) -> Verdict:
        """Whether nothing of a rehearsal is on the cluster any more."""
        doubts = [Verdict.UNKNOWN for _ in self.unseen]
        return fold([*(one.verdict for one in self.left), *doubts] or [Verdict.YES])

    @property
    def code(self) -> int:
        """The command's exit code."""
        return EXIT_CODES[self.verdict]


def clean(kubeconfig: Path, context: str, display: ProgressDisplay) -> Cleaned:
    """Find by their label what rehearsals made, and take it off; what `--keep` left stays.

    Raises ConfigError when the cluster cannot be used, or a rehearsal of this user is running there.
    """
    plane = use_existing(kubeconfig, context)
    with sole_rehearsal(plane.server):
        cluster = f"{plane.server} (context {plane.context} of {plane.kubeconfig})"
        try:
            return _cleaned(plane, cluster, display)
        except (ClusterError, ApiRefused) as error:
            return Cleaned(cluster=cluster, unseen=(str(error),))


def _cleaned(plane: ExistingControlPlane, cluster: str, display: ProgressDisplay) -> Cleaned:
    with ExitStack() as resources:
        api = Api.of(resources.enter_context(Connection(plane.kubeconfig, plane.context)))
        program = shutil.which("helm")
        helm = resources.enter_context(Helm(Path(program), plane.kubeconfig, plane.context)) if program else None
        display.update("clean", "looking for what rehearsals left")
        found = find_leftovers(api, ANY)
        resources.enter_context(Interrupts()).hold()
        steps = Remover(api, helm, ANY).steps(found.remains)
        left = take_off(steps, lambda what: display.update("clean", f"taking off: {what}"))
        missed = {one.what for one in left}
        removed = tuple(step.what for step in steps if step.what not in missed)
        cleaned = Cleaned(cluster=cluster, removed=removed, left=tuple(left), unseen=found.unseen)
        _show(cleaned, plane, display)
        return cleaned


def _show(cleaned: Cleaned, plane: ExistingControlPlane, display: ProgressDisplay) -> None:
    for what in cleaned.removed:
        display.finish(what, "taken off")
    for one in cleaned.left:
        display.finish(one.what, f"still there: {one.why}", sign=Verdict.NO)
    for what in cleaned.unseen:
        display.finish("could not look", what, sign=Verdict.UNKNOWN)
    again = f"; once that is mended: {clean_command(plane.kubeconfig, plane.context)}"
    words = {
        Verdict.YES: "nothing of a rehearsal is on the cluster",
        Verdict.NO: f"not everything could be taken off{again}",
        Verdict.UNKNOWN: f"something may still be there{again}",
    }
    display.finish("clean", words[cleaned.verdict], sign=cleaned.verdict)


def render(cleaned: Cleaned) -> str:
    """Return the answer as JSON text."""
    document = {
        "schemaVersion": SCHEMA_VERSION,
        "verdict": cleaned.verdict.value,
        "exitCode": cleaned.code,
        "cluster": cleaned.cluster,
        "removed": cleaned.removed,
        "left": [{"what": one.what, "why": one.why} for one in cleaned.left],
        "unseen": cleaned.unseen,
    }
    return json.dumps(document, indent=2) + "\n"
