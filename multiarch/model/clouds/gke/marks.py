"""How a look tells a GKE cluster. Sources: facts/nodepools.md section 2; GKE's documentation of node labels."""

import re
from collections.abc import Mapping
from typing import Final

from multiarch.cluster.look.contract import CloudMarks
from multiarch.cluster.look.marks import NodeMarks
from multiarch.cluster.look.names import KubeconfigNames
from multiarch.cluster.look.network import NetworkEvidence, NetworkLook
from multiarch.cluster.look.nodes import NodeCount
from multiarch.core.verdict import Verdict, no, unknown

AUTOPILOT: Final = "gke autopilot"
_POOL: Final = "cloud.google.com/gke-nodepool"
_MACHINE: Final = re.compile(r"gce://(?P<project>[^/]+)/(?P<zone>[^/]+)/")
_NAME: Final = re.compile(r"gke_(?P<project>[^_]+)_(?P<location>[a-z0-9-]+)_(?P<name>[a-z0-9-]+)")
"""What `gcloud container clusters get-credentials` calls context, cluster and user alike."""


def _told_by(version: str, count: NodeCount) -> str:
    if "-gke." in version:
        return f"version {version}"
    return f"node labels {_POOL}" if count.carried(_POOL) and count.schemes["gce"] > 0 else ""


def _flavour(count: NodeCount) -> str:
    """Autopilot's nodes are Google's: their names start with `gk3-`, those of others with `gke-`."""
    return AUTOPILOT if count.names and all(name.startswith("gk3-") for name in count.names) else ""


def _identity(count: NodeCount, names: KubeconfigNames) -> Mapping[str, str]:
    """Where nodes and kubeconfig contradict each other, the nodes are right and the kubeconfig's part is left out."""
    machines = [match for identity in count.provider_ids if (match := _MACHINE.match(identity))]
    projects = {match["project"] for match in machines}
    regions = set(count.regions) | {match["zone"].rpartition("-")[0] for match in machines}
    found: dict[str, str] = {}
    for name in names.all():
        match = _NAME.fullmatch(name)
        if match is None or (projects and match["project"] not in projects):
            continue
        if regions and not any(
            match["location"] in (region, f"{region}-{match['location'][-1]}") for region in regions
        ):
            continue
        found = {"name": match["name"], "project": match["project"], "location": match["location"]}
        break
    if "project" not in found and len(projects) == 1:
        found["project"] = next(iter(projects))
    return found


def _network(seen: NetworkEvidence) -> NetworkLook | None:
    if seen.flavour == AUTOPILOT:
        return None
    because = "neither Dataplane V2 (DaemonSet anetd) nor Calico (calico-node) runs"
    return NetworkLook(cni="gke", policies=no(because) if seen.daemon_sets else unknown("no DaemonSet shows it"))


MARKS: Final = CloudMarks(
    told_by=_told_by,
    domain="",
    flavour=_flavour,
    identity=_identity,
    network=_network,
    scales_by_itself=True,
    nodes=NodeMarks(
        pools=(_POOL,),
        machinery=("cloud.google.com", "gke.io"),
        spot={
            "cloud.google.com/gke-spot": {"true": Verdict.YES},
            "cloud.google.com/gke-preemptible": {"true": Verdict.YES},
            "cloud.google.com/gke-provisioning": {
                "spot": Verdict.YES,
                "preemptible": Verdict.YES,
                "standard": Verdict.NO,
            },
        },
        labels_spot_only=(_POOL,),
        cluster=(_POOL,),
    ),
)
