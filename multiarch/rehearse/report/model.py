"""What a rehearsal found: one model from which every rendering is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from multiarch.core.verdict import Verdict, fold
from multiarch.model.pools import PlannedNode, PlannedPool


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One promise, and what the control plane answered when it was put to the proof."""

    id: str
    """Stable and short, for machines: `arm64-job-on-arm64-node`."""
    title: str
    verdict: Verdict
    evidence: str
    """What was seen: a node's name, the API server's own message."""
    seconds: float = 0.0


class Outcome(StrEnum):
    """What became of a job."""

    SCHEDULED = "scheduled"
    REFUSED = "refused"
    PENDING = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job given to the executor model: where its pod went, or who refused it and why."""

    name: str
    asked: str
    """What the job asked for, in words: `kubernetes.io/arch=arm64`, `no selector`."""
    outcome: Outcome
    node: str | None = None
    pod: str | None = None
    helper_image: str | None = None
    refused_by: str | None = None
    """`runner` (the executor's own rule), `admission`, `RBAC`, or `scheduler`."""
    reason: str = ""
    as_expected: bool | None = None
    """Whether this outcome is what the rehearsal expects; None where nobody could tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """What a changed stack file would do to one resource, as the real engine plans it."""

    action: str
    """`create`, `update`, `replace` or `delete`."""
    resource: str
    """Type and name."""
    paths: tuple[str, ...] = ()
    """Properties that differ."""
    reasons: tuple[str, ...] = ()
    """Of a replacement: the properties that force it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackReport:
    """One stack's rehearsal."""

    stack: str
    cluster: str
    """`gke ci (us-central1)`."""
    pools: tuple[PlannedPool, ...] = ()
    nodes: tuple[PlannedNode, ...] = ()
    jobs: tuple[JobView, ...] = ()
    claims: tuple[Claim, ...] = ()
    changes: tuple[ChangeView, ...] | None = None
    """What a changed stack file would do; None when that was not asked, or could not be told."""
    notes: tuple[str, ...] = ()
    resources: int = 0
    """How many resources the program declared."""
    resource_counts: Mapping[str, int] = field(default_factory=dict)
    """Type token to how many of it were declared: `gcp:container/nodePool:NodePool: 2`."""
    chart: str = ""
    """Which chart was installed, and whose: `gitlab-runner 0.90.1 (embedded stand-in)`."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds per step: plan, nodes, install, jobs, clean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalReport:
    """All stacks rehearsed in one run."""

    stacks: tuple[StackReport, ...]
    control_plane: str
    """`embedded v1.36.3 (cache)` or `context kind-ci of FILE`."""
    binaries: Mapping[str, str] = field(default_factory=dict)
    """Program to where it came from: `kube-apiserver: v1.36.3, built, cached`."""
    seconds: float = 0.0
    timings: Mapping[str, float] = field(default_factory=dict)


def stack_verdict(stack: StackReport) -> Verdict:
    """Answer for one stack; without claims nothing was proved, so the answer is a doubt."""
    return fold(claim.verdict for claim in stack.claims)


def overall(report: RehearsalReport) -> Verdict:
    """Answer for the whole run; a run without stacks proved nothing."""
    return fold(stack_verdict(stack) for stack in report.stacks)


EXIT_MEANINGS: Mapping[Verdict, str] = {
    Verdict.YES: "every claim was proved",
    Verdict.NO: "a claim failed",
    Verdict.UNKNOWN: "something could not be told, and that is no success",
}
"""What each exit code says, in words."""
