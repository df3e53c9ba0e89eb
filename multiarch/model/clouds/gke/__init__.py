"""What the tools know of GKE. Source of context and login: `gcloud container clusters get-credentials`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from components.clouds.gke.sections import GkeCluster
from multiarch.cluster.look.model import Look
from multiarch.model.clouds.contract import Hindrance, KnownCloud, Naming, PoolImport, another, outside
from multiarch.model.clouds.gke.machines import machine_of
from multiarch.model.clouds.gke.marks import AUTOPILOT, MARKS
from multiarch.model.clouds.gke.nodes import node_group
from multiarch.model.clouds.gke.offer import offered
from multiarch.model.clouds.gke.own_changes import OWN_CHANGES
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


def _hindrances(look: Look) -> Iterator[Hindrance]:
    if look.flavour == AUTOPILOT:
        yield Hindrance(
            found="a GKE Autopilot cluster",
            consequence="nobody can create or choose its node pools, and Autopilot decides which "
            "capabilities a build may have",
            fix="Use a Standard cluster.",
            of_pools=False,
        )


GKE: Final = KnownCloud(
    name="gke",
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
    marks=MARKS,
    naming=Naming(separator="-", completed=None),
    own_labels=("cloud.google.com/",),
    spot_labels=("cloud.google.com/gke-spot",),
    own_changes=OWN_CHANGES,
    doubt_from_zero="",
    tolerates=True,
    dns_on_nodes=True,
    hindrances=_hindrances,
    scaling=lambda *_: (),
    offered=offered,
    # Its figures are of standard shapes without local disks.
    priced=lambda machine: "-standard-" in machine.name and not machine.local_disk,
    imports=PoolImport(
        type="gcp:container/nodePool:NodePool",
        identity=lambda part, pool: "/".join(
            [part("project", "project"), part("location", "location"), part("name", "cluster"), pool]
        ),
        ignored=("initialNodeCount", "nodeCount", "version", "nodeConfig"),
        note="Import records no taints, so the first preview shows them as a difference (magic-modules d577844); "
        "machine type, disks and service account must be set to their current values, or the pool is replaced.",
    ),
)
