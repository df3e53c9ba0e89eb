"""What a stack file says of a GKE cluster and its node pools."""

from dataclasses import field
from enum import StrEnum
from typing import Literal

from pydantic.dataclasses import dataclass

from components.clouds.sections import Access, CloudPool
from components.keys import CONFIG


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class GkeCluster:
    """A cluster of Google Kubernetes Engine."""

    type: Literal["gke"] = "gke"
    """Which kind of cluster this is."""

    name: str
    """The cluster's name in Google Cloud."""

    project: str
    """Id of the Google Cloud project that owns the cluster."""

    location: str
    """The cluster's own location: a region (`us-central1`) for a regional cluster, a zone (`us-central1-a`) for a
    zonal one. A zone given for a regional cluster makes every update replace its pools (pulumi-gcp#1117)."""

    access: Access | None = None
    """A kubeconfig context. Without it, access is derived from the cluster, with `gke-gcloud-auth-plugin`."""


class Limits(StrEnum):
    """What minNodes and maxNodes of a GKE pool count."""

    TOTAL = "total"
    PER_ZONE = "perZone"


class ArchitectureTaint(StrEnum):
    """GKE's own behaviour for the arm64 taint (`taint_config.architecture_taint_behavior`)."""

    ARM = "ARM"
    NONE = "NONE"


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class GkePool(CloudPool):
    """A GKE node pool."""

    node_locations: list[str] | None = None
    """Zones of the pool, for example `[us-central1-a, us-central1-f]`. Left out: T2A gets the zones of the region that
    have it (a regional cluster's own zones may lack it, and the pool would fail), others get the cluster's zones."""

    limits: Limits = Limits.TOTAL
    """What minNodes and maxNodes count: `total` nodes over all zones, or `perZone`. Per-zone limits multiply: a maximum
    of 20 in three zones is 60 machines."""

    image_type: str = "cos_containerd"
    """Node image: `cos_containerd` (default: smallest, hardened) or `ubuntu_containerd`. Windows has no arm64."""

    disk_type: str | None = None
    """Boot disk type. Left out, the family's own: `pd-balanced` where the family takes it (T2A: pd-* only), otherwise
    `hyperdisk-balanced` (C4A, N4A, C4, N4 ...: hyperdisk only)."""

    disk_size_gb: int = 100
    """Boot disk size in GB, 10 or more. Image layers and build contexts live there: 100 holds a day's builds."""

    service_account: str | None = None
    """E-mail of the nodes' service account. Left out: Compute Engine's default one, which is often too powerful."""

    oauth_scopes: list[str] = field(default_factory=lambda: ["https://www.googleapis.com/auth/cloud-platform"])
    """OAuth scopes of the nodes. cloud-platform leaves the decision to IAM, as Google advises. A change replaces the
    pool."""

    max_pods_per_node: int | None = None
    """Most pods per node, 8 to 256; left out, the cluster's default (usually 110). 32 suffices for builds and spares
    pod addresses. A change replaces the pool."""

    secure_boot: bool = True
    """Boot only signed kernels and modules. On by default; off only for nodes with unsigned kernel modules. A change
    replaces the pool."""

    integrity_monitoring: bool = True
    """Report boot measurements that differ from the baseline. A change replaces the pool."""

    gvnic: bool | None = None
    """Google's virtual NIC. Left out: on where the family requires it, otherwise GKE's default."""

    architecture_taint: ArchitectureTaint | None = None
    """Whether GKE taints arm64 nodes: `ARM` (yes) or `NONE`. Left out, GKE does taint them; older GKE versions refuse
    the setting itself, so leave it out unless you need NONE. With NONE, pods without an arm64 image land there
    and crash."""

    tags: list[str] = field(default_factory=list)
    """Network tags of the nodes, which VPC firewall rules select."""

    resource_labels: dict[str, str] = field(default_factory=dict)
    """Labels of the Compute Engine instances (billing), not of the Kubernetes nodes."""

    max_surge: int = 1
    """Extra nodes during an upgrade. 1 with maxUnavailable 0: no build capacity is lost while nodes are renewed."""

    max_unavailable: int = 0
    """Nodes that may be missing during an upgrade."""

    drain_grace_minutes: int | None = None
    """How long running pods may take to end when GKE drains a node, in minutes, at most 1440. Left out: as
    long as the longest job, `runner.jobTimeout`."""
