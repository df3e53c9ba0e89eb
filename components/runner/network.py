"""What jobs and manager may reach, as a stack file states it. The objects are made in network_policies.py."""

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

from pydantic.dataclasses import dataclass

from components.clouds import CLOUDS, may_stand_in
from components.keys import CONFIG
from components.kubernetes_names import Cidr, Port
from components.problems import Problem

ANYWHERE = ("0.0.0.0/0", "::/0")
# Networks that are nobody's but one's own, clusters' Services among them; and the range that GKE takes for these.
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "34.118.224.0/20", "fc00::/7")


NO_IDENTITY: Final = "none"
if TYPE_CHECKING:
    MetadataProvider = str
else:
    # The choices are the clouds' own.
    MetadataProvider = Literal[(NO_IDENTITY, *(name for cloud in CLOUDS.values() for name in cloud.runner.identities))]


class Protocol(StrEnum):
    """Transport of an extra rule."""

    TCP = "TCP"
    UDP = "UDP"


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Endpoint:
    """Addresses and TCP ports. The metadata addresses are cut out of them."""

    cidrs: list[Cidr] = field(default_factory=lambda: list(ANYWHERE))
    """Address ranges. The whole internet by default (`0.0.0.0/0`, `::/0`), since policies can't name hosts; narrow it
    where the addresses are fixed. Private networks are never meant by that: name the range of a GitLab, registry or
    mirror inside yours, such as `10.20.0.0/16`. An empty list closes it."""

    ports: list[Port] = field(default_factory=lambda: [443])
    """TCP ports."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class ExtraEgress:
    """One more destination of the jobs."""

    cidr: Cidr
    """Address range."""

    ports: list[Port]
    """Ports."""

    protocol: Protocol = Protocol.TCP
    """`TCP` or `UDP`."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class MetadataAccess:
    """Who may ask the cloud's metadata server for an identity. Nobody by default: it also hands out the node's own."""

    provider: MetadataProvider = NO_IDENTITY
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
    """Whether to create them. Off: jobs reach everything, the node's cloud identity included, unless other policies
    prevent it."""

    dns_cidrs: list[Cidr] = field(default_factory=lambda: list(PRIVATE))
    """Addresses of the cluster's DNS Service, on port 53 only. A cache on the node (NodeLocal DNSCache, GKE's
    default) answers at that address itself, so a rule by pod labels does not allow it. The default is the usual
    ranges of Services; narrow it to the one address of `kubectl -n kube-system get service kube-dns`."""

    gitlab: Endpoint = field(default_factory=Endpoint)
    """GitLab itself. The port of `gitlabUrl` is always added."""

    registry: Endpoint = field(default_factory=Endpoint)
    """The registries that jobs pull from and push to."""

    packages: Endpoint = field(default_factory=lambda: Endpoint(ports=[80, 443]))
    """Package mirrors for `RUN apt-get` and the like; Debian's use port 80."""

    api_server: Endpoint = field(default_factory=lambda: Endpoint(ports=[443, 6443]))
    """The Kubernetes API, for the manager only: by default at any address, private ones too."""

    cache: Endpoint = field(default_factory=Endpoint)
    """The storage behind `runner.cache`, for jobs and manager. Without a cache it opens nothing."""

    extra_egress: list[ExtraEgress] = field(default_factory=list)
    """Further destinations of the jobs."""

    blocked_cidrs: list[Cidr] = field(default_factory=list)
    """Ranges to cut out of all the above, such as those of the cluster's pods and services. The cloud's metadata
    addresses are always cut out."""

    metadata: MetadataAccess = field(default_factory=MetadataAccess)
    """Exceptions for workload identity."""


def check_network_policies(policies: NetworkPolicies, cluster_type: str) -> list[Problem]:
    """Return what is wrong with `networkPolicies`."""
    path = "runner.networkPolicies"
    problems = []
    if policies.enabled and not policies.gitlab.cidrs:
        problems.append(
            Problem(
                path=f"{path}.gitlab.cidrs",
                found="empty",
                consequence="neither manager nor jobs would reach GitLab",
                fix="Name GitLab's address ranges, or remove the key.",
            )
        )
    provider = policies.metadata.provider
    there = [name for cloud in may_stand_in(cluster_type) for name in cloud.runner.identities]
    if provider not in (NO_IDENTITY, *there):
        problems.append(
            Problem(
                path=f"{path}.metadata.provider",
                found=f"{provider} on a cluster of type {cluster_type}",
                consequence="it opens another cloud's metadata address, and not this one's",
                fix=f"Remove it{''.join(f', or use {name}' for name in there)}.",
            )
        )
    return problems
