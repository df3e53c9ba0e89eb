"""What jobs and manager may reach, as a stack file states it. The objects are made in network.py."""

from dataclasses import field
from enum import StrEnum

from pydantic.dataclasses import dataclass

from components.cluster_spec import CONFIG

ANYWHERE = ("0.0.0.0/0", "::/0")


class MetadataProvider(StrEnum):
    """Which address hands out a cloud identity to pods, once the metadata addresses are blocked.

    The pairing of address and dataplane is not interchangeable on GKE.
    """

    NONE = "none"
    GKE_CALICO = "gkeCalico"
    GKE_DATAPLANE_V2 = "gkeDataplaneV2"
    EKS_POD_IDENTITY = "eksPodIdentity"


class Protocol(StrEnum):
    """Transport of an extra rule."""

    TCP = "TCP"
    UDP = "UDP"


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Endpoint:
    """Addresses and TCP ports. The metadata addresses are cut out of them."""

    cidrs: list[str] = field(default_factory=lambda: list(ANYWHERE))
    """Address ranges. Anywhere by default, since policies can't name hosts; narrow it where the addresses are fixed.
    An empty list closes it."""

    ports: list[int] = field(default_factory=lambda: [443])
    """TCP ports."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class ExtraEgress:
    """One more destination of the jobs."""

    cidr: str
    """Address range."""

    ports: list[int]
    """Ports."""

    protocol: Protocol = Protocol.TCP
    """`TCP` or `UDP`."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class MetadataAccess:
    """Who may ask the cloud's metadata server for an identity. Nobody by default: it also hands out the node's own."""

    provider: MetadataProvider = MetadataProvider.NONE
    """`gkeCalico` or `gkeDataplaneV2` (Workload Identity, by the cluster's dataplane), `eksPodIdentity`, or `none`
    (also right for IRSA and for Azure, whose tokens come by another way)."""

    manager: bool = True
    """Whether the manager may, which a cache on GCS needs."""

    jobs: bool = False
    """Whether the jobs may, which pushing to Artifact Registry by Workload Identity needs."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class NetworkPolicies:
    """Default-deny policies around jobs and manager. They need a CNI that enforces NetworkPolicies."""

    enabled: bool = True
    """Make them. Off: jobs reach everything, the node's cloud identity included, unless others stop them."""

    gitlab: Endpoint = field(default_factory=Endpoint)
    """GitLab itself. The port of `gitlabUrl` is always added."""

    registry: Endpoint = field(default_factory=Endpoint)
    """The registries that jobs pull from and push to."""

    packages: Endpoint = field(default_factory=lambda: Endpoint(ports=[80, 443]))
    """Package mirrors for `RUN apt-get` and the like; Debian's use port 80."""

    api_server: Endpoint = field(default_factory=lambda: Endpoint(ports=[443, 6443]))
    """The Kubernetes API, for the manager only."""

    extra_egress: list[ExtraEgress] = field(default_factory=list)
    """Further destinations of the jobs."""

    blocked_cidrs: list[str] = field(default_factory=list)
    """Ranges to cut out of all the above, such as those of the cluster's pods and services. The cloud's metadata
    addresses are always cut out."""

    metadata: MetadataAccess = field(default_factory=MetadataAccess)
    """Exceptions for workload identity."""
