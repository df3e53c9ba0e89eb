"""What the tools know of a cloud beside what the program does, as one record: a field that is forgotten is an error."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from components.clouds import CLOUDS
from components.clouds.contract import ClusterSection
from components.clouds.machines import MachineType
from multiarch.cluster.look.contract import CloudMarks
from multiarch.cluster.look.model import Look
from multiarch.core.verdict import Answer
from multiarch.model.nodes.machines import Machine
from multiarch.model.nodes.model import NodeGroup
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.model.providers.base import RehearsalProvider

C = TypeVar("C", bound=ClusterSection)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An arm64 machine that would be like the amd64 ones of a cluster."""

    like: str
    """Its name, by the program's own tables."""
    amd64: str
    """The machine that it is like."""
    place: str
    """The cluster's region or zone."""
    zones: Sequence[str]
    """Those that the cluster's amd64 nodes are in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The arm64 machine that there is in a place."""

    name: str
    zones: tuple[str, ...] = ()
    """The zones to keep it to; empty: the cluster's own."""
    doubt: str = ""
    """What could not be told about it; empty where all was."""
    because: str = ""
    """Why it is another one than wanted, where its size does not say it."""


class Part(Protocol):
    """Says a part of the cluster's place by its key, or that nobody told it: `<resource-group>`."""

    def __call__(self, key: str, shown: str) -> str:
        """Return the part; `shown` is its name in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolImport:
    """How a pool that is there is taken over by `pulumi import`."""

    type: str
    """Its resource type."""
    identity: Callable[[Part, str], str]
    """Its id, by the cluster's place and the pool's name."""
    ignored: tuple[str, ...]
    """What it must not be asked to change: the autoscaler's own, and what would replace it."""
    note: str
    """What else there is to know before the first `up`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """Why a stack can't work on a cluster of this cloud, by what a look saw; and what would have to change."""

    found: str
    consequence: str
    fix: str
    of_pools: bool
    """Whether only the stack's own pools are hindered; nodes that are there can be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnChange:
    """A property of the components' pools that the cloud changes by itself: no drift."""

    id: str
    """How reports call it: `gke-node-count`."""
    resource: str
    """Glob over the URN."""
    path: str
    reason: str
    source: str
    """Where that can be looked up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """What the cloud calls its pools."""

    separator: str
    """What may stand between two parts of a pool's name; empty where nothing may."""
    completed: Callable[[Mapping[str, Any]], tuple[str, str]] | None
    """Where the cloud completes a pool's name, so that two of one name can be: the name that was stated, and the prefix
    that was, by the resource's inputs. None: names are taken as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCloud(Generic[C]):
    """A cloud, as onboarding, rehearsal, drift check and doctor know it."""

    name: str
    """The cluster type, as in `components.clouds.CLOUDS`."""
    provider: Callable[[], RehearsalProvider] | None
    """The stand-in for that provider. Imported on the call: a plan loads only its own cloud's rules."""
    node_groups: Mapping[str, Callable[[PlannedResource, Plan], NodeGroup]]
    """What makes nodes, by resource type without an API version (a component: by its class), and which it makes."""
    size: Callable[[str], Machine] | None
    """Read what a machine type has off its name; None where no machine is made."""
    membership: str
    """The label by which the cloud tells a pool's nodes from others; empty where nothing does."""
    context: Callable[[C], re.Pattern[str] | None]
    """What the cloud's CLI calls the context of a cluster, without a name of one's own."""
    login: Callable[[C], str]
    """The command that makes that context; empty where there is none."""
    server: re.Pattern[str] | None
    """How the host of an API server tells where it is, as its first group."""
    place: Callable[[C], str | None]
    """Where a cluster is, as `server` tells it; None where its section does not say."""
    scheme: str
    """The scheme of its machines' provider IDs; empty where machines of any cloud may be nodes."""
    machine_elsewhere: Callable[[C, Sequence[str], Mapping[str, Any]], str]
    """Say why a node is not the cluster's: by the path of its provider ID, and the node itself; else empty."""
    marks: CloudMarks | None
    """How a look tells its clusters; None where nothing marks them."""
    naming: Naming
    """What it calls its pools."""
    own_labels: tuple[str, ...]
    """How the labels begin that it writes on nodes by itself; what the program did not state is not promised."""
    spot_labels: tuple[str, ...]
    """Those of them that follow from what the program states."""
    own_changes: tuple[OwnChange, ...]
    """What autoscalers and auto-upgrades change in pools that the components made."""
    doubt_from_zero: str
    """Why it can't be relied on to start an arm64 node from zero; empty where it can."""
    tolerates: bool
    """Whether its API server makes a pod that selects an architecture tolerate that architecture's taint."""
    dns_on_nodes: bool
    """Whether its nodes answer DNS from a cache of their own by default, so that policies must admit that one too."""
    hindrances: Callable[[Look], Iterable[Hindrance]]
    """What stands in a stack's way on some of its clusters."""
    scaling: Callable[[Look, int], Iterable[Answer]]
    """What to mind about who scales its pools, by their fewest nodes: each text with how good it is."""
    offered: Callable[[Wanted], Offer | str]
    """Find the arm64 machine for a place, or say why there is none."""
    priced: Callable[[MachineType], bool]
    """Tell whether its family's price is a machine's."""
    imports: PoolImport | None
    """How its pools are taken over; None where it has none."""

    @property
    def package(self) -> str:
        """The Pulumi package of its provider; empty where none is used."""
        return CLOUDS[self.name].package

    @property
    def from_zero(self) -> str:
        """Say in a sentence that it can't be relied on to start an arm64 node from zero; empty where it can."""
        told = f"{self.name.upper()} can't be relied on to start an arm64 node from zero: {self.doubt_from_zero}"
        return told if self.doubt_from_zero else ""


def another(what: str, found: str, wanted: str) -> str:
    """Tell of something that is another than the stack's."""
    return f"is of {what} {found}, and the stack's cluster of {wanted}" if found != wanted else ""


def outside(zone: Sequence[str], region: str) -> str:
    """Tell of a zone that is in another region; `us-east-1a` and `us-central1-a` are how zones are named."""
    if not zone or re.fullmatch(re.escape(region) + "-?[a-z]([a-z0-9-]*)", zone[0]):
        return ""
    return f"is in {zone[0]}, and the stack's cluster in {region}"
