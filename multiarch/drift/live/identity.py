"""Whether a context leads to the stack's own cluster, as far as that can be told. Pure.

A wrong cluster would show as drift in everything, and a twin of the right one as nothing at all.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from components.clouds import Cluster
from components.clouds.aks.sections import AksCluster
from components.clouds.eks.sections import EksCluster
from components.clouds.existing.sections import ExistingCluster
from components.clouds.gke.sections import GkeCluster
from multiarch.drift.live.request import StateResource

_EKS_SERVER: Final = re.compile(r"[0-9A-F]{32}\.(?:[a-z0-9]+\.)?([a-z]{2}(?:-[a-z]+)+-[0-9]+)\.eks\.", re.IGNORECASE)
_AKS_SERVER: Final = re.compile(r"\.(?:hcp|privatelink)\.([a-z0-9]+)\.azmk8s\.io$")
_GKE_SERVER: Final = re.compile(r"^gke-[0-9a-z-]+\.([a-z]+-[a-z]+[0-9]+(?:-[a-z])?)\.gke\.goog$")
_CLOUD_OF: Final[Mapping[str, str]] = {"gce": "gke", "aws": "eks", "azure": "aks"}
_PROVIDER: Final = "pulumi:providers:kubernetes"


def another_cluster(
    cluster: Cluster,
    server: str,
    nodes: Iterable[Mapping[str, Any]],
    state: Iterable[StateResource] = (),
    ca: str = "",
) -> str:
    """Return why `server` is another cluster's; empty where nothing says so.

    `nodes` are those of the cluster (none where they could not be read), `state` what Pulumi deployed, `ca` the CA
    certificate that the kubeconfig trusts (PEM).
    """
    reasons = (*_by_server(cluster, server), *_by_state(server, ca, state), *_by_nodes(cluster, nodes))
    return next(iter(reasons), "")


def _by_server(cluster: Cluster, server: str) -> Iterator[str]:
    host = (urlsplit(server).hostname or "").lower()
    match cluster:
        case EksCluster() if (found := _EKS_SERVER.match(host)) and found[1] != cluster.region:
            yield f"its server is in {found[1]}, and the stack's cluster in {cluster.region}"
        case AksCluster(location=str(location)) if (found := _AKS_SERVER.search(host)) and found[1] != location.lower():
            yield f"its server is in {found[1]}, and the stack's cluster in {location}"
        case GkeCluster() if (found := _GKE_SERVER.match(host)) and found[1] != cluster.location:
            yield f"its server is in {found[1]}, and the stack's cluster in {cluster.location}"
        case _:
            return


def _by_state(server: str, ca: str, state: Iterable[StateResource]) -> Iterator[str]:
    """Compare with the endpoint that Pulumi deployed to: the address may be another, but then not the CA as well."""
    for resource in state:
        if resource.type != _PROVIDER:
            continue
        deployed = _endpoint(resource.inputs.get("kubeconfig"))
        if deployed is None or deployed[0].rstrip("/") == server.rstrip("/"):
            continue
        known = _unwrapped(_pem(deployed[1]))
        if ca and known and _unwrapped(ca) != known:
            yield f"the stack was deployed to {deployed[0]}, and neither the address nor the CA is the same"


def _by_nodes(cluster: Cluster, nodes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    if isinstance(cluster, ExistingCluster):
        return  # it may stand in any cloud
    for node in nodes:
        name, provider_id = node["metadata"]["name"], str((node.get("spec") or {}).get("providerID") or "")
        scheme, _, rest = provider_id.partition("://")
        cloud = _CLOUD_OF.get(scheme)
        if cloud is None:
            continue
        if cloud != cluster.type:
            yield f"its node {name} is a machine of another cloud ({provider_id})"
            return
        if reason := _another_place(cluster, rest.strip("/").split("/"), node):
            yield f"its node {name} {reason}"
            return


def _region(location: str) -> str:
    """Return the region of a zone or a region: a zonal cluster may have nodes in the region's other zones."""
    return "-".join(location.split("-")[:2])


def _another_place(cluster: Cluster, parts: list[str], node: Mapping[str, Any]) -> str:
    """Return what a machine's id says against it: `parts` are those of the id's path."""
    if not parts[0]:
        return ""
    match cluster:
        case GkeCluster():  # gce://<project>/<zone>/<name>
            return _another("project", parts[0], cluster.project) or _outside(parts[1:2], _region(cluster.location))
        case EksCluster():  # aws:///<zone>/<instance>
            named = (node["metadata"].get("labels") or {}).get("alpha.eksctl.io/cluster-name") or cluster.name
            return _outside(parts[:1], cluster.region) or _another("cluster", named, cluster.name)
        case AksCluster(subscription_id=str(subscription)) if parts[0] == "subscriptions" and len(parts) > 1:
            return _another("subscription", parts[1].lower(), subscription.lower())
        case _:
            return ""


def _another(what: str, found: str, wanted: str) -> str:
    return f"is of {what} {found}, and the stack's cluster of {wanted}" if found != wanted else ""


def _outside(zone: list[str], region: str) -> str:
    """Tell of a zone that is in another region; `us-east-1a` and `us-central1-a` are how zones are named."""
    if not zone or re.fullmatch(re.escape(region) + "-?[a-z]([a-z0-9-]*)", zone[0]):
        return ""
    return f"is in {zone[0]}, and the stack's cluster in {region}"


def _endpoint(kubeconfig: Any) -> tuple[str, str] | None:
    """Return server and CA of a kubeconfig as the stack's provider has it; None for a path, a secret, or none."""
    if not isinstance(kubeconfig, str) or not kubeconfig.lstrip().startswith(("{", "apiVersion")):
        return None
    try:
        cluster = yaml.safe_load(kubeconfig)["clusters"][0]["cluster"]
        return str(cluster["server"]), str(cluster.get("certificate-authority-data") or "")
    except (yaml.YAMLError, LookupError, TypeError, AttributeError):
        return None


def _pem(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _unwrapped(pem: str) -> str:
    return "".join(pem.split())
