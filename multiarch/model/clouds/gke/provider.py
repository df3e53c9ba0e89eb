"""The gcp package: GKE node pools as the Container API takes them, and the cluster lookup."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from multiarch.model.clouds.gke import node_pool, scaling
from multiarch.model.clouds.gke.node_pool import REGION, region_of, zones_of
from multiarch.model.providers.base import Created, LookupRefusedError
from multiarch.model.providers.kinds import Inputs, Kind, KindProvider, Lookup, items, number, text

NODE_POOL = "gcp:container/nodePool:NodePool"
PROJECT = "rehearsal-project"
VERSION = "1.33.5-gke.1125000"
CERTIFICATE = "UkVIRUFSU0FM"
"""Base64 of a word, in the place of a CA certificate."""


def _create_pool(name: str, inputs: Inputs) -> Created:
    cluster = str(text(inputs.get("cluster")) or name).rsplit("/", 1)[-1]
    location = text(inputs.get("location")) or "us-central1"
    project = text(inputs.get("project")) or PROJECT
    pool = text(inputs.get("name")) or f"{name}-1a2b3c4"
    zones = items(inputs.get("nodeLocations")) or zones_of(location)
    count = number(inputs.get("initialNodeCount"))
    groups = [
        f"https://www.googleapis.com/compute/v1/projects/{project}/zones/{zone}/instanceGroupManagers/gke-{cluster}-{pool}"
        for zone in zones
    ]
    hidden = bool(inputs.get("ignoreNodeCountChanges"))
    outputs = {
        **inputs,
        "name": pool,
        "project": project,
        "location": location,
        "nodeLocations": zones,
        "initialNodeCount": 1 if count is None else count,
        "nodeCount": 1 if count is None else count,
        "version": inputs.get("version") or VERSION,
        "instanceGroupUrls": groups,
        "managedInstanceGroupUrls": [] if hidden else groups,
        "operation": "",
    }
    identity = f"projects/{project}/locations/{location}/clusters/{cluster}/nodePools/{pool}"
    return Created(id=identity, outputs=outputs)


def get_cluster(args: Inputs) -> Mapping[str, Any]:
    """Answer `container.getCluster` with a regional or zonal cluster of three zones at most."""
    name, location = text(args.get("name")), text(args.get("location"))
    if not name or not re.fullmatch(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", name):
        raise LookupRefusedError(
            f"Invalid value for field 'cluster name': {name!r}",
            "container.googleapis.com projects.locations.clusters",
            "name",
        )
    if not location or not (REGION.fullmatch(location) or REGION.fullmatch(region_of(location))):
        raise LookupRefusedError(
            f"Location {location!r} does not exist", "container.googleapis.com projects.locations", "location"
        )
    project = text(args.get("project")) or PROJECT
    identity = f"projects/{project}/locations/{location}/clusters/{name}"
    return {
        "id": identity,
        "name": name,
        "location": location,
        "project": project,
        "selfLink": f"https://container.googleapis.com/v1/{identity}",
        "endpoint": "203.0.113.10",
        "masterVersion": VERSION,
        "minMasterVersion": VERSION,
        "nodeVersion": VERSION,
        "nodeLocations": [zone for zone in zones_of(location) if zone != location],
        "network": f"projects/{project}/global/networks/default",
        "subnetwork": f"projects/{project}/regions/{region_of(location)}/subnetworks/default",
        "masterAuths": [
            {
                "clusterCaCertificate": CERTIFICATE,
                "clientCertificate": "",
                "clientKey": "",
                "clientCertificateConfigs": [],
            }
        ],
        "workloadIdentityConfigs": [{"workloadPool": f"{project}.svc.id.goog"}],
        "releaseChannels": [{"channel": "REGULAR"}],
        "datapathProvider": "ADVANCED_DATAPATH",
    }


def get_client_config(args: Inputs) -> Mapping[str, Any]:
    """Answer `organizations.getClientConfig`; the token opens nothing."""
    del args
    token = "rehearsal-access-token"  # noqa: S105 - made up
    return {"id": PROJECT, "project": PROJECT, "region": "us-central1", "zone": "us-central1-a", "accessToken": token}


class GcpProvider(KindProvider):
    """Google Cloud, as far as a node pool program goes."""

    package: ClassVar[str] = "gcp"
    version: ClassVar[str] = "10.2.0"
    record: ClassVar[Path] = Path(__file__).with_name("replaced.json")
    kinds: ClassVar[Mapping[str, Kind]] = {
        NODE_POOL: Kind(
            rules=(*node_pool.RULES, *scaling.RULES),
            create=_create_pool,
            ignores=frozenset({"deletionPolicy", "ignoreNodeCountChanges"}),
            # pulumi-terraform-bridge, nameRequiresDeleteBeforeReplace: where the program states a name.
            delete_before_replace=True,
            named=True,
        )
    }
    lookups: ClassVar[Mapping[str, Lookup]] = {
        "gcp:container/getCluster:getCluster": get_cluster,
        "gcp:organizations/getClientConfig:getClientConfig": get_client_config,
    }
