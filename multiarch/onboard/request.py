"""What `multiarch onboard` was asked to do, and what came of it for one cluster."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from components.kubeconfig_files import Files
from multiarch.cluster.look.model import Look
from multiarch.core.progress import ProgressDisplay
from multiarch.core.report import Check
from multiarch.core.verdict import Verdict, fold
from multiarch.model.nodes import NodeGroup
from multiarch.model.plan.model import Plan
from multiarch.onboard.adopt.imports import Adoption
from multiarch.onboard.answers.model import Answers, Value
from multiarch.onboard.decide.model import Decision
from multiarch.onboard.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ToRehearse:
    """A stack that is to be rehearsed, in a project of its own."""

    project: Path
    stack: str
    binaries: str
    """Where the control plane's programs come from."""
    nodes: Callable[[Plan], Sequence[NodeGroup]]
    """Makes the nodes of the planned pools."""
    bystanders: tuple[NodeGroup, ...] = ()
    """Nodes of the cluster that no planned pool has."""


Rehearse = Callable[[ToRehearse, ProgressDisplay], tuple[Check, ...]]
"""Rehearses a stack and returns its claims. Given by the whole command, since no subcommand imports another."""


def not_given(_: ToRehearse, __: ProgressDisplay) -> tuple[Check, ...]:
    """Stand for a rehearsal where none can be had."""
    raise NotImplementedError


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
    rehearse_with: Rehearse = not_given


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
    checks: tuple[Check, ...] = ()
    """Of plan and policy; and once it was rehearsed, all claims of that."""
    rehearsed: bool = False
    file: Path | None = None
    """Where the stack file is; None where none was written."""
    text: str = ""
    """The stack file's text, also where it was not written."""

    @property
    def verdict(self) -> Verdict:
        """Of all checks together."""
        return fold(check.verdict for check in self.checks)
