"""Default-deny network policies for jobs and manager: what each may reach, and the addresses that nobody reaches.

Policies add up: another policy on the same pods that allows everything undoes these, and a CNI that does not enforce
policies ignores them. Neither can be seen from here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit

from components.clouds import may_stand_in
from components.runner.cache import S3Cache, port_of, ranges_of
from components.runner.network import ANYWHERE, NO_IDENTITY, PRIVATE, Endpoint, MetadataAccess, NetworkPolicies
from components.runner.settings import RunnerConfig
from components.runner.values import METRICS_PORT

# Link-local addresses hold every cloud's metadata server, and with it the node's own credentials.
_LINK_LOCAL = ("169.254.0.0/16", "fe80::/10")
_NODE_LOCAL_DNS = "169.254.20.10/32"
# The cluster's DNS, and its cache on each node: GKE's Dataplane V2 sends queries to the cache, and judges them by the
# cache's label (world-federation-of-advertisers/cross-media-measurement#3569).
_DNS_PODS = ("kube-dns", "node-local-dns")


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port, or a range up to and including `end`."""

    number: int
    protocol: str = "TCP"
    end: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Addresses (`cidr` without `blocked`), or pods by the labels of their namespace and their own."""

    cidr: str | None = None
    blocked: tuple[str, ...] = ()
    namespace_labels: Mapping[str, str] | None = None
    pod_labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Peers and ports that are allowed together."""

    peers: tuple[Peer, ...]
    ports: tuple[Port, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A NetworkPolicy over all pods of a namespace. Both directions are closed but for its rules."""

    name: str
    namespace: str
    egress: tuple[Rule, ...] = ()
    ingress: tuple[Rule, ...] = ()


def network_policies(runner: RunnerConfig, cluster_type: str) -> list[Policy]:
    """Return the policies of both namespaces; none when they are turned off."""
    if not runner.network_policies.enabled:
        return []
    return [*_for_jobs(runner, cluster_type), *_for_manager(runner, cluster_type)]


def _for_jobs(runner: RunnerConfig, cluster_type: str) -> list[Policy]:
    settings, blocked = runner.network_policies, _blocked(runner, cluster_type)
    extra = tuple(
        Rule(
            peers=_peers([rule.cidr], blocked),
            ports=tuple(Port(number=port, protocol=rule.protocol.value) for port in rule.ports),
        )
        for rule in settings.extra_egress
    )
    rules = {
        "allow-dns": (_dns(settings, cluster_type),),
        "allow-gitlab": (_gitlab(runner, blocked),),
        "allow-registry": (_endpoint(settings.registry, blocked),),
        "allow-packages": (_endpoint(settings.packages, blocked),),
        "allow-extra": extra,
        "allow-metadata": _identity(settings.metadata, cluster_type) if settings.metadata.jobs else (),
        "allow-cache": _cache(runner, blocked),
    }
    return _policies(runner.job_namespace, rules)


def _for_manager(runner: RunnerConfig, cluster_type: str) -> list[Policy]:
    settings, blocked = runner.network_policies, _blocked(runner, cluster_type)
    rules = {
        "allow-dns": (_dns(settings, cluster_type),),
        "allow-gitlab": (_gitlab(runner, blocked),),
        "allow-api-server": (_endpoint(settings.api_server, blocked, private=True),),
        "allow-metadata": _identity(settings.metadata, cluster_type) if settings.metadata.manager else (),
        "allow-cache": _cache(runner, blocked),
    }
    policies = _policies(runner.namespace, rules)
    if runner.metrics.enabled:
        name = runner.metrics.namespace
        scraper = Peer(namespace_labels={"kubernetes.io/metadata.name": name} if name else {})
        ports = (Port(number=METRICS_PORT),)
        ingress = (Rule(peers=(scraper,), ports=ports),)
        policies.append(Policy(name="allow-metrics", namespace=runner.namespace, ingress=ingress))
    return policies


def _policies(namespace: str, rules: Mapping[str, Sequence[Rule]]) -> list[Policy]:
    policies = [Policy(name="default-deny", namespace=namespace)]
    for name, egress in rules.items():
        # A rule without peers would allow every address: a closed endpoint is no rule at all.
        open_rules = tuple(rule for rule in egress if rule.peers and rule.ports)
        if open_rules:
            policies.append(Policy(name=name, namespace=namespace, egress=open_rules))
    return policies


def _dns(policies: NetworkPolicies, cluster_type: str) -> Rule:
    """Return the rule for DNS; blocked ranges are not cut out of it, since they may hold the DNS Service itself."""
    pods = tuple(
        Peer(namespace_labels={"kubernetes.io/metadata.name": "kube-system"}, pod_labels={"k8s-app": name})
        for name in _DNS_PODS
    )
    clouds = [cidr for cloud in may_stand_in(cluster_type) for cidr in cloud.runner.resolvers]
    cidrs = dict.fromkeys([_NODE_LOCAL_DNS, *clouds, *policies.dns_cidrs])
    resolvers = (*pods, *(Peer(cidr=cidr) for cidr in cidrs))
    return Rule(peers=resolvers, ports=(Port(number=53, protocol="UDP"), Port(number=53)))


def _gitlab(runner: RunnerConfig, blocked: Sequence[str]) -> Rule:
    url = urlsplit(runner.gitlab_url)
    port = url.port or (443 if url.scheme == "https" else 80)
    gitlab = runner.network_policies.gitlab
    return _endpoint(Endpoint(cidrs=gitlab.cidrs, ports=list(dict.fromkeys([*gitlab.ports, port]))), blocked)


def _cache(runner: RunnerConfig, blocked: Sequence[str]) -> tuple[Rule, ...]:
    """Return the rule for the storage behind the cache; a server of one's own has its port, maybe its address, too."""
    stated, cache = runner.network_policies.cache, runner.cache
    if cache is None:
        return ()
    server = cache.server if isinstance(cache, S3Cache) else None
    own, ports = (ranges_of(server), [port_of(server)]) if server else ([], [])
    endpoint = Endpoint(
        cidrs=list(dict.fromkeys([*stated.cidrs, *own])), ports=list(dict.fromkeys([*stated.ports, *ports]))
    )
    return (_endpoint(endpoint, blocked),)


def _endpoint(endpoint: Endpoint, blocked: Sequence[str], *, private: bool = False) -> Rule:
    ports = tuple(Port(number=port) for port in endpoint.ports)
    return Rule(peers=_peers(endpoint.cidrs, blocked, private=private), ports=ports)


def _identity(access: MetadataAccess, cluster_type: str) -> tuple[Rule, ...]:
    """Return the rule for the one address that hands out the pods' own identity."""
    servers = {name: server for cloud in may_stand_in(cluster_type) for name, server in cloud.runner.identities.items()}
    if access.provider == NO_IDENTITY:
        return ()
    server = servers[access.provider]
    ports = tuple(Port(number=first, end=last if last > first else None) for first, last in server.ports)
    return (Rule(peers=(Peer(cidr=server.cidr),), ports=ports),)


def _blocked(runner: RunnerConfig, cluster_type: str) -> list[str]:
    clouds = [address for cloud in may_stand_in(cluster_type) for address in cloud.runner.metadata]
    return [*_LINK_LOCAL, *clouds, *runner.network_policies.blocked_cidrs]


def _peers(cidrs: Sequence[str], blocked: Sequence[str], *, private: bool = False) -> tuple[Peer, ...]:
    """Cut the blocked ranges out of each range; a range that lies within a blocked one is left out.

    Anywhere is the internet: private networks (the cluster's own, the company's) are open only where they are named,
    or with `private`.
    """
    holes = [ip_network(text) for text in dict.fromkeys(blocked)]
    beyond = [] if private else [ip_network(text) for text in PRIVATE]
    ranges = {text: ip_network(text) for text in cidrs}
    return tuple(
        Peer(cidr=text, blocked=_holes(wide, [*beyond, *holes] if text in ANYWHERE else holes))
        for text, wide in ranges.items()
        if not any(_inside(wide, hole) for hole in holes)
    )


def _holes(wide: IPv4Network | IPv6Network, holes: Sequence[IPv4Network | IPv6Network]) -> tuple[str, ...]:
    within = [hole for hole in dict.fromkeys(holes) if _inside(hole, wide)]
    return tuple(str(hole) for hole in within if not any(hole != other and _inside(hole, other) for other in within))


def _inside(inner: IPv4Network | IPv6Network, outer: IPv4Network | IPv6Network) -> bool:
    if isinstance(inner, IPv4Network) and isinstance(outer, IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, IPv6Network) and isinstance(outer, IPv6Network):
        return inner.subnet_of(outer)
    return False
