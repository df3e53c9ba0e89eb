"""What the tools know of a cloud beside what the program does, as one record: a field that is forgotten is an error."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from components.clouds.contract import ClusterSection
from multiarch.model.nodes.machines import Machine
from multiarch.model.nodes.model import NodeGroup
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.model.providers.base import RehearsalProvider

C = TypeVar("C", bound=ClusterSection)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCloud(Generic[C]):
    """A cloud, as rehearsal, drift check and doctor know it."""

    name: str
    """The cluster type, as in `components.clouds.CLOUDS`."""
    package: str
    """The Pulumi package of its provider; empty where none is used."""
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


def another(what: str, found: str, wanted: str) -> str:
    """Tell of something that is another than the stack's."""
    return f"is of {what} {found}, and the stack's cluster of {wanted}" if found != wanted else ""


def outside(zone: Sequence[str], region: str) -> str:
    """Tell of a zone that is in another region; `us-east-1a` and `us-central1-a` are how zones are named."""
    if not zone or re.fullmatch(re.escape(region) + "-?[a-z]([a-z0-9-]*)", zone[0]):
        return ""
    return f"is in {zone[0]}, and the stack's cluster in {region}"
