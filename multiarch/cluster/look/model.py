"""What a look at a cluster saw. Every answer may be "could not tell", which is never folded into yes or no."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from multiarch.core.verdict import Answer, Verdict, unknown

NOT_LOOKED_AT = unknown("not looked at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Nodes that belong together: by their cloud's pool label, else by architecture and machine type."""

    name: str
    """The cloud's own name; made up from architecture and type where there is none."""
    arch: str
    """As the nodes say it: `amd64`, `arm64`, or another."""
    machine_type: str
    """Empty where no label tells."""
    nodes: int
    """How many there are."""
    ready: int
    """How many of them are Ready."""
    zones: tuple[str, ...] = ()
    """Where they are."""
    taints: tuple[str, ...] = ()
    """`key=value:Effect`, those that all of its nodes have; the taints of a node in trouble are not the pool's."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Those that all of its nodes share, without the ones that Kubernetes and the cloud set on every node."""
    spot: Verdict = Verdict.UNKNOWN
    """Whether the cloud may take them away."""
    cpu_millis: int = 0
    """Of one node: the smallest allocatable."""
    memory_mib: int = 0
    """Of one node: the smallest allocatable."""
    named: bool = True
    """False for a name made up here."""
    os: str = "linux"
    """`linux` or `windows`, as the nodes say it."""
    maker: str = ""
    """Who makes its nodes, where that is not a node pool of the cloud's own: `karpenter`, `eks auto mode`, `fargate`,
    `virtual kubelet`."""
    ours: bool = False
    """Whether this package made it: its nodes carry `multiarch-runner.io/pool`."""
    selector: Mapping[str, str] = field(default_factory=dict)
    """Labels that single its nodes out: the cloud's pool label, else those that a person gave; may be empty."""
    control_plane: bool = False
    """Whether its nodes are kept for the control plane, by its taint."""
    gpu: bool = False
    """Whether its nodes offer a GPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerRelease:
    """A Helm release of gitlab-runner that is there already."""

    name: str
    """The release's name."""
    namespace: str
    """Where it is."""
    chart: str
    """`gitlab-runner-0.90.1`; empty where the release does not tell."""
    ours: bool
    """Whether this package made it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceLook:
    """A namespace that the runner or its jobs would use."""

    name: str
    """Its name."""
    exists: Verdict
    """Whether it is there already."""
    quotas: tuple[str, ...] = ()
    """One line each: `ResourceQuota team: requests.cpu 3800m of 4`."""
    limits: tuple[str, ...] = ()
    """One line each: `LimitRange defaults: Container cpu max 2`."""
    pod_security: str = ""
    """The enforced level; empty where none is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One thing that `pulumi up` does, and whether the user may."""

    verb: str
    """`create`, `patch`, …"""
    resource: str
    """`deployments.apps`, or `namespaces`."""
    namespace: str
    """Empty for the cluster."""
    allowed: Answer
    """Whether the user may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Everything that a look saw."""

    context: str
    """The kubeconfig context."""
    server: str
    """The API server's address."""
    version: str
    """Kubernetes, without `v`: `1.34.2-gke.1200`."""
    provider: str
    """Whose cluster it is, as the stack file's cluster type names it: its cloud; else `existing` (kind, k3s, …)."""
    provider_because: str
    """What told: `provider ID gce://…`, `no node tells`."""
    flavour: str = ""
    """Which kind of cluster more exactly, in lower case: `kind`, `k3s`, `gke autopilot`, `kubeadm on aws`; empty where
    nothing tells, and for an ordinary cluster of a cloud."""
    identity: Mapping[str, str] = field(default_factory=dict)
    """What of the cluster's own place the nodes tell: keys as in the stack file (`name`, `project`, `location`,
    `region`, `resourceGroup`, `subscriptionId`); missing where nothing tells."""
    pools: tuple[Pool, ...] = ()
    """Its nodes, grouped."""
    nodes: int = 0
    """How many there are."""
    autoscaler: Answer = NOT_LOOKED_AT
    """Whether there is one."""
    autoscaler_name: str = ""
    """`cluster-autoscaler`, `karpenter`, `gke`, `eks auto mode`, `aks node auto-provisioning`."""
    autoscaler_version: str = ""
    """Empty where nothing tells."""
    cni: str = ""
    """The network plugin; empty where none is known."""
    network_policies: Answer = NOT_LOOKED_AT
    """Whether anything enforces them."""
    pod_security: Answer = NOT_LOOKED_AT
    """Whether it is enforced where a namespace asks for it."""
    runners: tuple[RunnerRelease, ...] = ()
    """Helm releases of gitlab-runner."""
    runners_known: Answer = NOT_LOOKED_AT
    """Whether all namespaces could be searched for releases."""
    namespaces: tuple[NamespaceLook, ...] = ()
    """Those that the runner and its jobs would use."""
    rights: tuple[Right, ...] = ()
    """What `pulumi up` does, and whether the user may."""
    unseen: tuple[str, ...] = ()
    """What the look was not allowed to see, or got no answer for, a sentence each."""
    seconds: float = 0.0
    """How long the look took."""
    requests: int = 0
    """How many it sent."""
