"""What the tools know of GKE. Source of context and login: `gcloud container clusters get-credentials`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.clouds.gke.sections import GkeCluster
from multiarch.model.clouds.contract import KnownCloud, another, outside
from multiarch.model.clouds.gke.machines import machine_of
from multiarch.model.clouds.gke.nodes import node_group
from multiarch.model.providers.base import RehearsalProvider


def _provider() -> RehearsalProvider:
    from multiarch.model.clouds.gke.provider import GcpProvider  # noqa: PLC0415 - a plan loads only its own cloud's rules

    return GcpProvider()


def _context(cluster: GkeCluster) -> re.Pattern[str]:
    return re.compile(re.escape(f"gke_{cluster.project}_{cluster.location}_{cluster.name}"))


def _login(cluster: GkeCluster) -> str:
    place = f"--location {cluster.location} --project {cluster.project}"
    return f"gcloud container clusters get-credentials {cluster.name} {place}"


def _elsewhere(cluster: GkeCluster, parts: Sequence[str], node: Mapping[str, Any]) -> str:
    """Compare `gce://<project>/<zone>/<name>`: a zonal cluster may have nodes in the region's other zones."""
    del node
    region = "-".join(cluster.location.split("-")[:2])
    return another("project", parts[0], cluster.project) or outside(parts[1:2], region)


GKE: Final = KnownCloud(
    name="gke",
    package="gcp",
    provider=_provider,
    node_groups={"gcp:container/nodePool:NodePool": node_group},
    membership="cloud.google.com/gke-nodepool",
    context=_context,
    size=machine_of,
    login=_login,
    server=re.compile(r"^gke-[0-9a-z-]+\.([a-z]+-[a-z]+[0-9]+(?:-[a-z])?)\.gke\.goog$"),
    place=lambda cluster: cluster.location,
    scheme="gce",
    machine_elsewhere=_elsewhere,
)
