"""What `multiarch onboard` was asked to do, and what came of it for one cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from components.kubeconfig_files import Files
from multiarch.cluster.look.model import Look
from multiarch.core import ending
from multiarch.onboard.adopt.imports import Adoption
from multiarch.onboard.answers.model import Answers, Value
from multiarch.onboard.check import Checked
from multiarch.onboard.decide.model import Decision
from multiarch.rehearse.report.model import RehearsalReport


class Outcome(IntEnum):
    """What came of onboarding a cluster: the exit codes. 0 to 3 mean what they mean for every command."""

    WRITTEN = ending.WELL
    FAILED = ending.WRONG
    USAGE = ending.USAGE
    COULD_NOT_TELL = ending.COULD_NOT_TELL
    IMPOSSIBLE = 4
    DECLINED = 5


MEANINGS: Mapping[Outcome, str] = {
    Outcome.WRITTEN: "written, or looked at where no more was asked",
    Outcome.FAILED: "the plan, the policy or the rehearsal failed",
    Outcome.USAGE: "usage or configuration",
    Outcome.COULD_NOT_TELL: "could not tell",
    Outcome.IMPOSSIBLE: "it can't work on this cluster",
    Outcome.DECLINED: "you said no",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One cluster to onboard."""

    project: Path
    kubeconfig: Files
    context: str
    written_kubeconfig: str = ""
    """The kubeconfig as the stack file shall name it; empty for the default one."""
    given: Mapping[str, Value] = field(default_factory=dict)
    proposals: bool = False
    look_only: bool = False
    dry_run: bool = False
    force: bool = False
    rehearse: bool = False
    binaries: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Onboarding:
    """What came of it."""

    context: str
    outcome: Outcome
    message: str
    """One sentence or more: what was done, or why nothing was."""
    look: Look | None = None
    answers: Answers | None = None
    decision: Decision | None = None
    adoptions: tuple[Adoption, ...] = ()
    checked: Checked | None = None
    rehearsal: RehearsalReport | None = None
    file: Path | None = None
    """Where the stack file is; None where none was written."""
    text: str = ""
    """The stack file's text, also where it was not written."""
