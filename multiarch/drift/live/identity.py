"""Whether a context leads to the stack's own cluster, as far as that can be told. Pure.

A wrong cluster would show as drift in everything, and a twin of the right one as nothing at all.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from components.clouds import Cluster
from multiarch.drift.live.request import StateResource
from multiarch.model.clouds import KNOWN

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
    known, host = KNOWN[cluster.type], (urlsplit(server).hostname or "").lower()
    found, wanted = known.server and known.server.search(host), known.place(cluster)
    if found and wanted and found[1] != wanted.lower():
        yield f"its server is in {found[1]}, and the stack's cluster in {wanted}"


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
    known = KNOWN[cluster.type]
    if not known.scheme:
        return  # it may stand in any cloud
    schemes = {each.scheme for each in KNOWN.values() if each.scheme}
    for node in nodes:
        name, provider_id = node["metadata"]["name"], str((node.get("spec") or {}).get("providerID") or "")
        scheme, _, rest = provider_id.partition("://")
        if scheme not in schemes:
            continue
        if scheme != known.scheme:
            yield f"its node {name} is a machine of another cloud ({provider_id})"
            return
        parts = rest.strip("/").split("/")
        if parts[0] and (reason := known.machine_elsewhere(cluster, parts, node)):
            yield f"its node {name} {reason}"
            return


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
