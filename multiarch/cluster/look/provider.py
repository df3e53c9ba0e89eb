"""Whose cluster it is, and of which kind: from what nodes, version and server say, never from a guess."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from multiarch.cluster.look.model import Provider
from multiarch.cluster.look.nodes import NodeCount

_MACHINES: Final[Mapping[str, str]] = {
    "aws": "aws",
    "gce": "google cloud",
    "azure": "azure",
    "digitalocean": "digitalocean",
    "hcloud": "hetzner cloud",
    "openstack": "openstack",
    "vsphere": "vsphere",
    "linode": "linode",
    "oci": "oracle cloud",
    "scaleway": "scaleway",
    "ibm": "ibm cloud",
    "metal3": "bare metal (metal3)",
    "equinixmetal": "equinix metal",
    "vultr": "vultr",
    "ovh": "ovh",
}
"""Schemes of provider IDs (each cloud's cloud-controller-manager) to whose machines they are."""
_HOSTS: Final = {".eks.amazonaws.com": Provider.EKS, ".azmk8s.io": Provider.AKS}
"""Domains of the API servers of clusters without a node that could tell."""
_AKS_LABELS: Final = "node labels kubernetes.azure.com/…"
_NODE_GROUP: Final = "eks.amazonaws.com/nodegroup"
_NODE_POOL: Final = "cloud.google.com/gke-nodepool"


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """A cluster's provider, what told it, and its flavour."""

    provider: Provider
    because: str
    flavour: str = ""


def whose(version: str, count: NodeCount, server: str, groups: frozenset[str]) -> Whose:
    """Tell whose cluster it is.

    `version` is the API server's own, without `v`; `groups` are the API groups that it serves. A provider ID alone
    says whose machines they are, not whose cluster: kubeadm and k3s run on them too.
    """
    sample = next(iter(count.provider_ids), "")
    marks = (
        (Provider.GKE, "-gke." in version, f"version {version}"),
        (Provider.EKS, "-eks-" in version, f"version {version}"),
        (Provider.AKS, _carried(count, "kubernetes.azure.com/cluster", "kubernetes.azure.com/mode"), _AKS_LABELS),
        (Provider.EKS, _carried(count, _NODE_GROUP) and count.schemes["aws"] > 0, f"node labels {_NODE_GROUP}"),
        (Provider.GKE, _carried(count, _NODE_POOL) and count.schemes["gce"] > 0, f"node labels {_NODE_POOL}"),
    )
    for provider, carried, mark in marks:
        if carried:
            return Whose(provider=provider, because=_because(mark, sample), flavour=_FLAVOURS[provider](count))
    host = urlsplit(server).hostname or ""
    for domain, provider in _HOSTS.items():
        if host.endswith(domain) and not count.nodes:
            return Whose(provider=provider, because=f"the server's name, …{domain}")
    return _other(version, count, groups, sample)


def _carried(count: NodeCount, *labels: str) -> bool:
    return any(count.labels.get(label) for label in labels)


def _because(mark: str, sample: str) -> str:
    return f"{mark}, provider ID {sample}" if sample else mark


def _autopilot(count: NodeCount) -> str:
    """Autopilot's nodes are Google's: their names start with `gk3-`, those of others with `gke-`."""
    return "gke autopilot" if count.names and all(name.startswith("gk3-") for name in count.names) else ""


def _eks(count: NodeCount) -> str:
    kinds = count.labels.get("eks.amazonaws.com/compute-type") or Counter[str]()
    if count.nodes and sum(kinds.values()) == count.nodes and set(kinds) == {"fargate"}:
        return "eks fargate"
    return "eks auto mode" if "auto" in kinds else ""


_FLAVOURS: Final[Mapping[Provider, Callable[[NodeCount], str]]] = {
    Provider.GKE: _autopilot,
    Provider.EKS: _eks,
    Provider.AKS: lambda _: "",
}


def _other(version: str, count: NodeCount, groups: frozenset[str], sample: str) -> Whose:
    flavour, mark = _flavour(version, count, groups)
    scheme = sample.partition("://")[0]
    machines = _MACHINES.get(scheme, "")
    if not count.nodes and not flavour:
        return Whose(provider=Provider.OTHER, because="no node tells, nor do version and server")
    if machines:
        return Whose(
            provider=Provider.OTHER,
            because=f"provider ID {sample}, but no mark of a managed cluster on version or nodes",
            flavour=f"{flavour or 'self-managed'} on {machines}",
        )
    return Whose(provider=Provider.OTHER, because=mark or _because("no mark of a cloud", sample), flavour=flavour)


def _flavour(version: str, count: NodeCount, groups: frozenset[str]) -> tuple[str, str]:
    """Name a distribution, and what told it."""
    sample = next(iter(count.provider_ids), "")
    k3d = bool(count.names) and all(name.startswith("k3d-") for name in count.names)
    marks = (
        ("kind", sample.startswith("kind://"), f"provider ID {sample}"),
        ("k3d", "+k3s" in version and k3d, f"version {version}, node names k3d-…"),
        ("k3s", "+k3s" in version, f"version {version}"),
        ("rke2", "+rke2" in version, f"version {version}"),
        ("minikube", _carried(count, "minikube.k8s.io/name"), "node label minikube.k8s.io/name"),
        ("microk8s", _carried(count, "microk8s.io/cluster"), "node label microk8s.io/cluster"),
        ("openshift", "config.openshift.io" in groups, "the API group config.openshift.io"),
        ("docker desktop", count.names == ["docker-desktop"], "the node docker-desktop"),
    )
    return next(((flavour, mark) for flavour, carried, mark in marks if carried), ("", ""))
