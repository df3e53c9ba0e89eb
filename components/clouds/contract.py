"""What a cloud brings to this program, as one record; and a pool with everything that follows from its configuration.

A field that a cloud forgets is an error when its module is imported. Pure: a cloud's SDK is behind `Cloud.shell`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from components.clouds.machines import Arch, Machines, MachineType
from components.clouds.sections import Access, CloudPool, PoolBase, Replacement, Taint
from components.problems import Problem

if TYPE_CHECKING:
    from components.clouds.component import NodePool
    from components.clouds.connection import Connection

POOL_LABEL: Final = "multiarch-runner.io/pool"
ARCH_LABEL: Final = "multiarch-runner.io/arch"
MANAGED_BY: Final = ("managed-by", "pulumi")
ARM64_TAINT: Final = Taint(key="kubernetes.io/arch", value="arm64")
LONGEST_JOB: Final = 3600
"""Seconds of the longest job, where no runner says it: the default of `runner.jobTimeout`."""
DAY_MINUTES: Final = 1440
"""What GKE and AKS let a drain take at most."""

ARM64_TAINT_IS_DECLARED: Final = {
    ARM64_TAINT.key: (
        "the program declares it on arm64 pools itself; on amd64 nodes it would keep all jobs away",
        "Remove it.",
    )
}
"""For clouds that don't add the architecture's taint by themselves."""


class ClusterSection(Protocol):
    """What every cloud's cluster says of itself."""

    @property
    def type(self) -> str:
        """Which kind of cluster this is: the name of its cloud."""

    @property
    def name(self) -> str:
        """The cluster's name in its cloud."""

    @property
    def access(self) -> Access | None:
        """A kubeconfig context, if one is stated."""


C = TypeVar("C", bound=ClusterSection)
P = TypeVar("P", bound=PoolBase)
C_contra = TypeVar("C_contra", bound=ClusterSection, contravariant=True)
P_co = TypeVar("P_co", bound=PoolBase, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting of a cloud's Pulumi provider that names a place, which must be the cluster's own."""

    key: str
    """Its full key in a stack file, such as `aws:region`."""
    wanted: str
    """What the cluster says."""
    said_by: str
    """The cluster's key that says it, such as `cluster.region`."""
    required: bool
    """Whether the provider would work somewhere else without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityServer:
    """An address at which pods ask for a cloud identity."""

    cidr: str
    """The address, as a range of one."""
    ports: Sequence[tuple[int, int]]
    """TCP ports, as first and last of a range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForRunner:
    """What a cluster's cloud means for the runner in it."""

    metadata: Sequence[str]
    """Address ranges that hand out the nodes' own credentials, beside the link-local ones."""
    resolvers: Sequence[str]
    """Address ranges of resolvers on the node, beside NodeLocal DNSCache's own."""
    identities: Mapping[str, IdentityServer]
    """Who may be `networkPolicies.metadata.provider`: the ways in which pods get an identity by an address."""
    identity_annotation: str
    """The annotation that gives a service account such an identity; empty where none is needed."""
    storage: str
    """The type of `runner.cache` for which its clusters have an identity; empty where there is none."""
    late_nodes: bool
    """Whether a new node is Ready before its kubelet can be asked, so that jobs must wait for their pods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """What a pool's nodes carry.

    `labels` and `taints` are what is declared at the cloud's API (for existing nodes: what must be there); `added` are
    taints that the cloud adds by itself.
    """

    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    added: tuple[Taint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedPool(Generic[P_co]):
    """A checked pool, ready to be declared.

    `taints` are declared; `node_taints` is what the nodes carry in the end: what a pod has to tolerate.
    `machine_types` has one entry, more only where a cloud takes alternatives, none for nodes that are there.
    """

    section: P_co
    """What the stack file says of it."""
    arch: Arch
    machine_types: tuple[str, ...]
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    node_taints: tuple[Taint, ...]
    spot: bool
    protect: bool
    longest_job: int = LONGEST_JOB
    """Seconds of the longest job that its nodes may have to wait for."""

    @property
    def drain_minutes(self) -> int:
        """How long a drained node waits for its jobs, as clouds take it: at most a day."""
        return min(ceil(self.longest_job / 60), DAY_MINUTES)

    @property
    def name(self) -> str:
        """Name of the pool, unique in the stack."""
        return self.section.name

    @property
    def deleted_first(self) -> bool:
        """Whether the pool goes before its successor comes. Always said: providers would do so for a stated name."""
        return isinstance(self.section, CloudPool) and self.section.replacement is Replacement.DELETE_FIRST


class Shell(Protocol[C_contra]):
    """The part of a cloud that needs its SDK: imported only when a stack of that cloud is run."""

    ARGUMENTS: Mapping[str, type]
    """The SDK's classes for what a pool passes through, by the pool's fields: the same as in `Cloud.own`."""

    @property
    def COMPONENT(self) -> "type[NodePool]":  # noqa: N802 - a module's constant
        """The pool's component, for programs in other Pulumi languages."""

    def connect(self, cluster: C_contra) -> "Connection":
        """Look the cluster up as far as needed, and make the way to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud(Generic[C, P]):
    """Everything that the program knows of a cloud."""

    name: str
    """The cluster type: `gke`."""
    package: str
    """The Pulumi package of its provider; empty where none is used."""
    cluster: type[C]
    """The stack file's section of a cluster."""
    pool: type[P]
    """The stack file's section of a pool."""
    settings: Callable[[C], Sequence[Setting]]
    """The provider's settings that must agree with the cluster."""
    location: Callable[[C], str]
    """Where the cluster is, as far as pools depend on it; else empty."""
    machines: Machines
    """What its machine types are."""
    domain: str | None
    """The domain that the cloud keeps from users' labels and taints, besides Kubernetes' own."""
    not_declared: Mapping[str, tuple[str, str]]
    """Keys of taints that a stack file may not have, with what they would do and what to do instead."""
    check_pool: Callable[["Subject[P]"], list[Problem]]
    """Check what is the cloud's own about a pool."""
    nodes: Callable[[P, Arch], Nodes]
    """Say what the pool's nodes carry."""
    shell: Callable[[], Shell[C]]
    """Import what needs the SDK."""
    runner: ForRunner
    """What it means for the runner."""
    alternatives: Callable[[P], Sequence[str]] = field(default=lambda _: ())
    """Further machine types of a pool, where the cloud takes several."""
    machine_there: Callable[[Arch, str], str | None] | None = None
    """The machine type of a pool that states only its architecture, where that depends on the location.

    None for a location of which that is not known: `check_pool` has to refuse such a pool."""
    own: Mapping[str, Callable[[ResolvedPool[P], str], Mapping[str, Any]]] = field(default_factory=dict)
    """By each field of a pool that passes arguments through: what the pool's other keys set there (None: may set), for
    a cluster at a location."""
    drain_key: str = ""
    """The pool's key that says how many minutes a drain may take; empty where the cloud has none."""
    anywhere: bool = False
    """Whether its clusters may stand in any other cloud."""

    @property
    def creates_pools(self) -> bool:
        """Whether pools are made in it; else they are there already."""
        return issubclass(self.pool, CloudPool)

    def placed(self, pool: P, location: str) -> P:
        """Return a pool of this place: one that states only its architecture gets the machine type that is there."""
        if self.machine_there is None or not isinstance(pool, CloudPool) or pool.machine_type or pool.arch is None:
            return pool
        found = self.machine_there(pool.arch, location)
        return pool if found is None else replace(pool, machine_type=found)

    def machine_of(self, pool: P) -> MachineType | None:
        """Return the placed machine type of a pool, the default one included; None when unknown or not stated."""
        if not isinstance(pool, CloudPool):
            return None
        name = pool.machine_type or (self.machines.defaults[pool.arch] if pool.arch else None)
        return self.machines.place(name) if name is not None else None

    def arch_of(self, pool: P) -> Arch | None:
        """Return the architecture of a pool: as stated, else that of its machine type; None when nobody can tell."""
        machine = self.machine_of(pool)
        stated: Arch | None = getattr(pool, "arch", None)
        return stated or (machine.arch if machine is not None else None)

    def machine_types_of(self, pool: P) -> tuple[str, ...]:
        """Return the machine types that a pool asks for, in order of preference."""
        if not isinstance(pool, CloudPool):
            return ()
        machine = self.machine_of(pool)
        first = pool.machine_type or (machine.name if machine is not None else None)
        return (*((first,) if first is not None else ()), *self.alternatives(pool))

    def resolve(self, pool: P, longest_job: int = LONGEST_JOB) -> ResolvedPool[P]:
        """Fill in everything that follows from the configuration of a pool without problems.

        `longest_job`: seconds.
        """
        arch = self.arch_of(pool)
        if arch is None:
            raise ValueError(f"{pool.name}: the pool's architecture is not known, so it was not checked")
        nodes = self.nodes(pool, arch)
        return ResolvedPool(
            section=pool,
            arch=arch,
            machine_types=self.machine_types_of(pool),
            labels=nodes.labels,
            taints=nodes.taints,
            node_taints=(*nodes.added, *nodes.taints),
            spot=isinstance(pool, CloudPool) and pool.spot,
            protect=isinstance(pool, CloudPool) and pool.protect,
            longest_job=longest_job,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject(Generic[P]):
    """A pool under examination; `path` is its own in the stack file, such as `pools[1]`."""

    path: str
    pool: P
    cloud: Cloud[ClusterSection, P]
    location: str
    """Where its cluster is, as `Cloud.location` says."""

    @property
    def arch(self) -> Arch | None:
        """Architecture of the pool; None when nobody can tell."""
        return self.cloud.arch_of(self.pool)

    @property
    def machine(self) -> MachineType | None:
        """The placed machine type, the default included; None when unknown."""
        return self.cloud.machine_of(self.pool)

    def problem(self, key: str, found: str, consequence: str, fix: str) -> Problem:
        """Return a problem with one of the pool's keys."""
        return Problem(path=f"{self.path}.{key}", found=found, consequence=consequence, fix=fix)


def created_labels(pool: CloudPool, arch: Arch) -> dict[str, str]:
    """Return the labels of nodes that the program makes."""
    return {POOL_LABEL: pool.name, ARCH_LABEL: arch.value, MANAGED_BY[0]: MANAGED_BY[1], **pool.labels}


def with_arch_taint(taints: Sequence[Taint], arch: Arch) -> tuple[Taint, ...]:
    """Put the architecture's taint before a pool's own, where the cloud does not add it by itself."""
    return (ARM64_TAINT, *taints) if arch is Arch.ARM64 else tuple(taints)
