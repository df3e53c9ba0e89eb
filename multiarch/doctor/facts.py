"""What was gathered of a cluster: plain data that every check and explanation is made from."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from components.clouds.existing import EXISTING
from multiarch.cluster.look.model import Look
from multiarch.cluster.seen import Seen
from multiarch.core.secrets import hide
from multiarch.core.verdict import Answer
from multiarch.model.clouds import KNOWN
from multiarch.model.clouds.contract import KnownCloud
from multiarch.model.pools import PlannedPool
from multiarch.model.readback import Installed

ARCH_LABEL = "kubernetes.io/arch"
JOB_LABELS = ("job.runner.gitlab.com/", "project.runner.gitlab.com/", "manager.runner.gitlab.com/")
"""gitlab-runner executors/kubernetes, buildLabels: on every job's pod, and nobody may overwrite them."""
JOB_NAME = re.compile(r"runner-[a-z0-9_-]+-project-[0-9]+-concurrent-[0-9]+")
"""Likewise its name, for runners older than those labels."""
Raw = Mapping[str, Any]
"""A Kubernetes object as the API gave it."""
NONE: Seen[tuple[Any, ...]] = Seen(())
ABSENT: Seen[Any] = Seen(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    """A taint of a node."""

    key: str
    value: str = ""
    effect: str = ""

    def __str__(self) -> str:
        """Render as kubectl does: `key=value:Effect`."""
        return f"{self.key}{'=' if self.value else ''}{self.value}:{self.effect}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node, and how much of it is taken."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    cordoned: bool = False
    ready: bool = True
    """False also where no kubelet has said anything."""
    trouble: str = ""
    """The message of its Ready condition, where that is not True."""
    allocatable: Mapping[str, Decimal] = field(default_factory=dict)
    used: Mapping[str, Decimal] | None = None
    """Requests of the pods on it, `pods` among them; None where the pods could not be listed."""
    daemons: Mapping[str, Decimal] = field(default_factory=dict)
    """Likewise of the pods that each node of its kind has from the start: of DaemonSets and static ones."""

    @property
    def arch(self) -> str:
        """Its architecture by the label that kubelets set; empty where there is none."""
        return self.labels.get(ARCH_LABEL, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event, of either API."""

    kind: str
    namespace: str
    name: str
    """Of the object that it is about."""
    uid: str = ""
    reason: str = ""
    message: str = ""
    source: str = ""
    count: int = 1
    last: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """One release of the runner, or that it could not be read."""

    name: str
    namespace: str
    installed: Installed | None = None
    missing: bool = False
    """Whether the cluster surely has no such release."""
    broken: str = ""
    """What the runner itself would not load of its config."""
    failure: str = ""
    """Why it could not be read."""
    deployment: Raw | None = None
    pods: Seen[tuple[Raw, ...]] = NONE
    """The manager's."""
    mounts: tuple["Mount", ...] = ()
    job_objects: tuple["Mount", ...] = ()
    """What the jobs' pods name by their config: the service account first."""
    rights: "Seen[tuple[Right, ...]]" = NONE

    @property
    def title(self) -> str:
        """`namespace/release`."""
        return f"{self.namespace}/{self.name}"

    @property
    def job_namespace(self) -> str:
        """Where its jobs run; empty while that is not known, and where each job gets a namespace of its own."""
        return self.installed.job_namespace if self.installed and not self.namespace_per_job else ""

    @property
    def namespace_per_job(self) -> bool:
        """Whether the runner makes a namespace for every job: then there is none to look at."""
        return self.installed is not None and self.installed.config.kubernetes.flag("namespace_per_job")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """An object that a pod can't start without."""

    kind: str
    """`Secret`, `ConfigMap`, `ServiceAccount`, `PersistentVolumeClaim`, `PriorityClass`."""
    namespace: str
    name: str
    wanted: tuple[str, ...] = ()
    """Keys that it must have."""
    there: Seen[tuple[str, ...] | None] = ABSENT
    """Its keys by name, as far as they are told without its values."""
    lacking: tuple[str, ...] = ()
    """Keys that it surely lacks; `one of a, b` where only their number tells."""
    doubt: str = ""
    """Why it can't be told whether it has all of them."""

    @property
    def missing(self) -> bool:
        """Whether it surely is not there, or surely lacks a key."""
        return self.there.missing or bool(self.lacking)


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One thing that the executor does, and whether the manager's account may."""

    verb: str
    resource: str
    allowed: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """A namespace that jobs run in."""

    name: str
    found: Seen[Raw | None] = ABSENT
    policies: Seen[tuple[Raw, ...]] = NONE

    @property
    def labels(self) -> Mapping[str, str]:
        """The namespace's labels."""
        return ((self.found.value or {}).get("metadata") or {}).get("labels") or {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What the API server says of the pod of one runner's job, asked by dry run."""

    runner: str
    """Title of the runner whose pod it is."""
    arch: str
    """Which the job selects; empty where jobs may not."""
    namespace: str
    image: str = ""
    """The job's, which a policy may judge."""
    asker: str = ""
    """As whom it was asked, in words."""
    pod: Raw | None = None
    """As admission left it, with what it added."""
    refusal: str = ""
    """The API server's own words, where it would not take the pod."""
    doubt: str = ""
    """Why there is no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that was gathered, and everything that was not."""

    now: dt.datetime
    version: str = ""
    look: Look | None = None
    nodes: Seen[tuple[Node, ...]] = NONE
    pods: Seen[tuple[Raw, ...]] = NONE
    """Pods of jobs that have not started, have failed, or do not go away. Without environment variables."""
    present: frozenset[str] = frozenset()
    """`namespace/name` of every pod of a job, those that run well included."""
    events: Seen[tuple[Event, ...]] = NONE
    """Of the namespaces of jobs and managers."""
    runners: tuple[Runner, ...] = ()
    runners_failure: str = ""
    """Why not all releases could be looked for."""
    spaces: tuple[Space, ...] = ()
    admissions: tuple[Admission, ...] = ()
    """Of the runners whose config could be read, one for each architecture that their jobs may select."""
    local_dns: Seen[bool | None] = ABSENT
    """Whether the nodes have a DNS cache (NodeLocal DNSCache) that pods are sent to."""
    logs: Mapping[str, str] = field(default_factory=dict)
    """`twin` of a container to `exec format error`, where that was its last word."""
    pools: tuple[PlannedPool, ...] = ()
    """Those of the stack's plan; empty without a stack."""
    stack: str = ""
    context: str = ""

    @property
    def cloud(self) -> KnownCloud[Any]:
        """Whose cluster it is; where nobody looked, nobody's."""
        return KNOWN[self.look.provider if self.look else EXISTING.name]

    def space(self, name: str) -> Space:
        """Return a namespace; one that was not looked at is not known."""
        for space in self.spaces:
            if space.name == name:
                return space
        return Space(name=name, found=Seen(None, f"namespace {name} was not looked at"))

    def admitted(self, runner: Runner, arch: str) -> Raw | None:
        """Return the pod of a runner's job as admission left it; None where it was refused, or not told."""
        mine = (one for one in self.admissions if one.runner == runner.title and one.arch in {arch, ""})
        return next((one.pod for one in mine), None)


def pod_key(pod: Raw) -> str:
    """Return `namespace/name`."""
    return f"{pod['metadata'].get('namespace', '')}/{pod['metadata']['name']}"


def trimmed(pod: Raw) -> dict[str, Any]:
    """Leave out what may hold secrets and is never needed: the environment that the jobs' variables became."""

    def without(containers: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
        hidden = {"env", "envFrom", "args", "command"}
        return [{key: value for key, value in item.items() if key not in hidden} for item in containers or []]

    spec = {
        **pod["spec"],
        "containers": without(pod["spec"].get("containers")),
        "initContainers": without(pod["spec"].get("initContainers")),
    }
    metadata = {key: value for key, value in pod["metadata"].items() if key not in {"managedFields", "annotations"}}
    return {"metadata": metadata, "spec": spec, "status": pod.get("status") or {}}


def is_daemon(pod: Raw) -> bool:
    """Tell whether a pod comes with its node: by a DaemonSet, or as a static pod (which the Node itself owns)."""
    owners = pod["metadata"].get("ownerReferences") or []
    return any(owner.get("kind") in {"DaemonSet", "Node"} for owner in owners)


def is_job(pod: Raw) -> bool:
    """Tell whether gitlab-runner made a pod for a job."""
    labels = pod["metadata"].get("labels") or {}
    return any(key.startswith(JOB_LABELS) for key in labels) or bool(JOB_NAME.match(pod["metadata"]["name"]))


def containers_of(pod: Raw) -> Iterator[Raw]:
    """Yield init containers, then containers, as the spec has them."""
    yield from pod["spec"].get("initContainers") or []
    yield from pod["spec"].get("containers") or []


def statuses_of(pod: Raw) -> Iterator[Raw]:
    """Yield container statuses, the init containers' first."""
    status = pod.get("status") or {}
    yield from status.get("initContainerStatuses") or []
    yield from status.get("containerStatuses") or []


def twin(pod: Raw, status: Raw) -> str:
    """Return what containers have in common that end for the same reason: name, image, and what the pod selects."""
    arch = (pod["spec"].get("nodeSelector") or {}).get(ARCH_LABEL, "")
    return f"{status['name']} {status.get('image')} {arch}"


def by_time(events: Iterable[Event]) -> list[Event]:
    """Sort events by when they last happened; those that do not say come first."""
    return sorted(events, key=moment_of)


def moment_of(event: Event) -> float:
    """Return when an event last happened, in seconds; 0 where it does not say."""
    return event.last.timestamp() if event.last else 0.0


def condition(thing: Raw, kind: str) -> Raw:
    """Return a condition of an object's status, or an empty mapping."""
    conditions = (thing.get("status") or {}).get("conditions") or []
    return next((entry for entry in conditions if entry.get("type") == kind), {})


def amount(text: Any) -> Decimal:
    """Read a quantity; what is none counts as nothing, since the API server would not have taken it."""
    try:
        return Decimal(parse_quantity(str(text)))  # type: ignore[no-untyped-call]  # the client has no types
    except ValueError:
        return Decimal(0)


def amounts(resources: Mapping[str, Any] | None) -> dict[str, Decimal]:
    """Read a resource list."""
    return {name: amount(text) for name, text in (resources or {}).items()}


def moment(text: str | None) -> dt.datetime | None:
    """Read a timestamp of the API."""
    return dt.datetime.fromisoformat(text) if text else None


def quoted(text: str, limit: int = 600) -> str:
    """Shorten a message from elsewhere to one line without secrets; control characters are the report's.

    They are hidden first: half a secret has no shape any more.
    """
    line = hide(" ".join(text.split()))
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def unique(texts: Iterable[str]) -> tuple[str, ...]:
    """Drop repetitions and empty texts, keep the order."""
    return tuple(dict.fromkeys(text for text in texts if text))
