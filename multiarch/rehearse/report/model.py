"""What only a rehearsal knows: pools, nodes, jobs and changes. Its claims are checks like every command's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from multiarch.core.report import Report, Seconds, Section
from multiarch.core.verdict import Verdict
from multiarch.model.pools import PlannedNode, PlannedPool


class Outcome(StrEnum):
    """What became of a job."""

    SCHEDULED = "scheduled"
    REFUSED = "refused"
    PENDING = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job given to the executor model: where its pod went, or who refused it and why."""

    name: str
    """The job's name in the pipeline."""
    asked: str
    """What the job asked for, in words: `kubernetes.io/arch=arm64`, `no selector`."""
    outcome: Outcome
    """What became of it."""
    node: str | None = None
    """Where its pod went."""
    pod: str | None = None
    """Its pod's name."""
    helper_image: str | None = None
    """Image of the helper container."""
    refused_by: str | None = None
    """`runner` (the executor's own rule), `admission`, `RBAC`, or `scheduler`."""
    reason: str = ""
    """Who refused it said why."""
    as_expected: bool | None = None
    """Whether this outcome is what the rehearsal expects; None where nobody could tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """What a changed stack file would do to one resource, as the stand-ins (with `--engine`: the engine) know it."""

    action: str
    """`create`, `update`, `update (nodes are replaced)`, `replace (new one first)`, `replace (deleted first)`,
    `delete`, or `refused` by the cloud."""
    resource: str
    """Type and name."""
    paths: tuple[str, ...] = ()
    """Properties that differ."""
    reasons: tuple[str, ...] = ()
    """Of a replacement: the properties that force it. Of a refusal: those that the cloud does not change."""
    keys: tuple[str, ...] = ()
    """Keys of the stack file that it comes from, such as `pools[1].diskType`; empty with `--engine`."""
    jobs_lost: str = ""
    """Which running jobs end with it, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """What a container's first process said of itself, read inside the container."""

    uid: int
    """Of the process."""
    gid: int
    """Likewise."""
    capabilities: tuple[str, ...]
    """The bounding set: what it could ever have. `CHOWN`, without `CAP_`, sorted."""
    no_new_privileges: bool
    """Whether no program that it starts can gain rights, setuid or not."""
    seccomp: str
    """`filter`, `none`, `strict`: /proc/PID/status, `Seccomp`."""
    token_mounted: bool
    """Whether there was a service account's token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A job, or an image, that really ran on a node."""

    name: str
    """The job's name in the pipeline: `image-build: [arm64]`."""
    stage: str = ""
    """Its stage: those that follow each other in one stand side by side in the picture of the pipeline."""
    node: str = ""
    """Where it ran; empty: nowhere."""
    arch: str = ""
    """The node's architecture."""
    emulated: bool = False
    """Whether that is not the machine's own: its time says nothing."""
    pod: str = ""
    """Its pod's name."""
    image: str = ""
    """Of its build container, with what that really was where it was made here."""
    succeeded: bool
    """Whether it ran to its end, and well."""
    reason: str = ""
    """Why it did not."""
    seconds: Seconds = 0.0
    """How long it took, its pod's start included."""
    confinement: Confinement | None = None
    """None where it could not be read."""
    log: str = ""
    """What it said, as `kept_log` (logs.py) keeps it: without escape sequences and secrets, and bounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One address that a job tried to reach."""

    what: str
    """For people: `the API server`, `a pod of another namespace`."""
    address: str
    """Host and port."""
    answer: str
    """`reached`, `refused` (somebody answered, nobody listens there), or `no answer`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a job reached over the network, by trying."""

    policies_enforced: Verdict
    """Whether what the stack's NetworkPolicies forbid could not be reached, and would have been without them."""
    because: str
    """What that was seen by."""
    tries: tuple[Try, ...] = ()
    """What it tried to reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What a rehearsal knows of one stack beside its claims."""

    pools: tuple[PlannedPool, ...] = ()
    """Node pools that the stack plans."""
    nodes: tuple[PlannedNode, ...] = ()
    """Nodes that were there for its jobs."""
    jobs: tuple[JobView, ...] = ()
    """Jobs that were given to its runner."""
    changes: tuple[ChangeView, ...] | None = None
    """What a changed stack file would do; None when that was not asked, or could not be told."""
    runs: tuple[RunView, ...] = ()
    """What really ran, with `--run`: the pipeline's jobs, then the image on each node."""
    real: Mapping[str, str] = field(default_factory=dict)
    """With `--run`: each part to what stood in its place: `builder: kaniko v1.28.6, its own image`, or what was made
    here and how that differs."""
    reach: Reach | None = None
    """With `--run`: what a job reached over the network."""
    resources: int = 0
    """How many resources the program declared."""
    resource_counts: Mapping[str, int] = field(default_factory=dict)
    """Type token to how many of it were declared: `gcp:container/nodePool:NodePool: 2`."""
    chart: str = ""
    """Which chart was installed, and whose: `gitlab-runner 0.90.1 (embedded stand-in)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsOn:
    """What a rehearsal as a whole stood on."""

    control_plane: str
    """`embedded v1.36.3 (cache)` or `context kind-ci of FILE`."""
    binaries: Mapping[str, str] = field(default_factory=dict)
    """Program to where it came from: `kube-apiserver: v1.36.3, built, cached`."""


StackReport = Section[Rehearsed]
"""One stack's rehearsal."""
RehearsalReport = Report[RunsOn, Rehearsed]
"""All stacks rehearsed in one run."""
