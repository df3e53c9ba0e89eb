"""Whose cluster it is, and of which kind: from what nodes, version and server say, never from a guess."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from components.clouds.existing import EXISTING
from multiarch.cluster.look.contract import CloudMarks
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """A cluster's provider, what told it, and its flavour."""

    provider: str
    because: str
    flavour: str = ""


def whose(
    version: str, count: NodeCount, server: str, groups: frozenset[str], clouds: Mapping[str, CloudMarks]
) -> Whose:
    """Tell whose cluster it is.

    `version` is the API server's own, without `v`; `groups` are the API groups that it serves.
    """
    sample = next(iter(count.provider_ids), "")
    for name, marks in clouds.items():
        if told := marks.told_by(version, count):
            return Whose(provider=name, because=_because(told, sample), flavour=marks.flavour(count))
    host = urlsplit(server).hostname or ""
    for name, marks in clouds.items():
        if marks.domain and host.endswith(f".{marks.domain}") and not count.nodes:
            return Whose(provider=name, because=f"the server's name, ….{marks.domain}")
    return _other(version, count, groups, sample)


def _because(mark: str, sample: str) -> str:
    return f"{mark}, provider ID {sample}" if sample else mark


def _other(version: str, count: NodeCount, groups: frozenset[str], sample: str) -> Whose:
    flavour, mark = _flavour(version, count, groups)
    scheme = sample.partition("://")[0]
    machines = _MACHINES.get(scheme, "")
    if not count.nodes and not flavour:
        return Whose(provider=EXISTING.name, because="neither nodes, version nor server show it")
    if machines:
        return Whose(
            provider=EXISTING.name,
            because=f"provider ID {sample}, but no mark of a managed cluster on version or nodes",
            flavour=f"{flavour or 'self-managed'} on {machines}",
        )
    return Whose(provider=EXISTING.name, because=mark or _because("no mark of a cloud", sample), flavour=flavour)


def _flavour(version: str, count: NodeCount, groups: frozenset[str]) -> tuple[str, str]:
    """Name a distribution, and what told it."""
    sample = next(iter(count.provider_ids), "")
    k3d = bool(count.names) and all(name.startswith("k3d-") for name in count.names)
    marks = (
        ("kind", sample.startswith("kind://"), f"provider ID {sample}"),
        ("k3d", "+k3s" in version and k3d, f"version {version}, node names k3d-…"),
        ("k3s", "+k3s" in version, f"version {version}"),
        ("rke2", "+rke2" in version, f"version {version}"),
        ("minikube", count.carried("minikube.k8s.io/name"), "node label minikube.k8s.io/name"),
        ("microk8s", count.carried("microk8s.io/cluster"), "node label microk8s.io/cluster"),
        ("openshift", "config.openshift.io" in groups, "the API group config.openshift.io"),
        ("docker desktop", count.names == ["docker-desktop"], "the node docker-desktop"),
    )
    return next(((flavour, mark) for flavour, carried, mark in marks if carried), ("", ""))
