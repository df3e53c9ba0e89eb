"""What a stack file says of a GKE cluster and its node pools."""

from dataclasses import field
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from components.clouds.sections import DURATION, Access, CloudPool, Passed, Sysctls
from components.forms import Form, Int32, NotBlank
from components.keys import CONFIG

# Shapes only: whether the place exists is the cloud's to say.
_PROJECT: Final = Form(
    pattern=r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]",
    what="project id",
    write="the id that `gcloud projects list` prints, not the display name: 6 to 30 of a-z, 0-9 and '-'",
)
_LOCATION: Final = Form(
    pattern=r"[a-z]+-[a-z]+[0-9]+(-[a-z])?",
    what="region or zone",
    write="the cluster's region, such as us-central1, or its zone, such as us-central1-a",
)
_NAME: Final = Form(
    pattern=r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?",
    what="GKE pool name",
    write="1 to 35 lower-case letters, digits and '-', with a letter first and no '-' at the end; up to 40 with "
    "replacement: deleteFirst",
)
_TAG: Final = Form(
    pattern=r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?",
    what="network tag",
    write="1 to 63 lower-case letters, digits and '-', with a letter first",
)
_ACCOUNT: Final = Form(
    pattern=r"default|[^\s@]+@[^\s@]+", what="e-mail address", write="name@project.iam.gserviceaccount.com"
)
_KMS_KEY: Final = Form(
    pattern=r"projects/[^/\s]+/locations/[^/\s]+/keyRings/[^/\s]+/cryptoKeys/[^/\s]+",
    what="resource name of a key",
    write="projects/<project>/locations/<location>/keyRings/<ring>/cryptoKeys/<key>",
)
_SIZE: Final = Form(pattern=r"[1-9][0-9]*(Ki|Mi)", what="size", write="a number with Ki or Mi, such as 50Mi")


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class GkeCluster:
    """A cluster of Google Kubernetes Engine."""

    type: Literal["gke"] = "gke"
    """Which kind of cluster this is."""

    name: NotBlank
    """The cluster's name in Google Cloud."""

    project: Annotated[str, _PROJECT]
    """Id of the Google Cloud project that owns the cluster."""

    location: Annotated[str, _LOCATION]
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
class GkeKubeletConfig:
    """The kubelet of a GKE pool's nodes (`kubelet_config`). What is left out is GKE's default."""

    container_log_max_files: Annotated[int, Field(ge=2, le=10)] | None = None
    """How many log files of a container are kept."""

    container_log_max_size: Annotated[str, _SIZE] | None = None
    """Size at which a container's log is rotated, `10Mi` to `500Mi`."""

    cpu_cfs_quota: bool | None = None
    """Whether CPU limits are enforced."""

    cpu_cfs_quota_period: Annotated[str, DURATION] | None = None
    """Period over which a CPU limit holds, `1ms` to `1s`."""

    cpu_manager_policy: Literal["none", "static"] | None = None
    """`static` gives pods with whole CPUs as request and limit CPUs of their own."""

    image_gc_high_threshold_percent: Annotated[int, Field(ge=10, le=85)] | None = None
    """Share of the disk in use, in percent, from which images are removed."""

    image_gc_low_threshold_percent: Annotated[int, Field(ge=10, le=85)] | None = None
    """Share of the disk in use, in percent, at which that stops."""

    image_maximum_gc_age: Annotated[str, DURATION] | None = None
    """How long an unused image is kept at most."""

    image_minimum_gc_age: Annotated[str, DURATION] | None = None
    """How long an unused image is kept at least, at most `2m`."""

    max_parallel_image_pulls: Annotated[int, Field(ge=2, le=5)] | None = None
    """How many images are pulled at the same time."""

    pod_pids_limit: Annotated[int, Field(ge=1024, le=4194304)] | None = None
    """Most processes of a pod. Builds that compile on all CPUs may need more than the default."""

    single_process_oom_kill: bool | None = None
    """Whether only the process that ran out of memory is killed, and not its whole container."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class GkeLinuxNodeConfig:
    """Linux on a GKE pool's nodes (`linux_node_config`). What is left out is GKE's default."""

    sysctls: Sysctls = field(default_factory=dict)
    """Kernel parameters by their own names, such as `vm.max_map_count: 262144`. GKE takes those that its documentation
    lists ("Customizing node system configuration")."""

    cgroup_mode: Literal["v1", "v2"] | None = None
    """Version of Linux' control groups; GKE's default is `v2`."""

    transparent_hugepage_enabled: Literal["always", "madvise", "never"] | None = None
    """Which memory gets transparent huge pages."""

    transparent_hugepage_defrag: Literal["always", "defer", "defer+madvise", "madvise", "never"] | None = None
    """When the kernel makes room for huge pages."""


class Consumption(StrEnum):
    """Which reservations of Compute Engine the nodes of a pool use."""

    ANY = "ANY_RESERVATION"
    SPECIFIC = "SPECIFIC_RESERVATION"
    NONE = "NO_RESERVATION"


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class ReservationAffinity:
    """Reservations of Compute Engine for a pool (`reservation_affinity`)."""

    consume_reservation_type: Consumption
    """`ANY_RESERVATION` (any that fits, else on demand), `SPECIFIC_RESERVATION` (those named, and no other machine) or
    `NO_RESERVATION`."""

    key: str | None = None
    """What a specific reservation is known by: `compute.googleapis.com/reservation-name`, or a label's key."""

    values: list[str] = field(default_factory=list)
    """Names of the specific reservations, of another project as `projects/<project>/reservations/<name>`."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class GkePool(CloudPool):
    """A GKE node pool."""

    name: Annotated[str, _NAME]
    """Name of the pool, unique in the stack. In the cloud a suffix is added, unless `replacement` is `deleteFirst`."""

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

    disk_size_gb: Annotated[Int32, Field(ge=10)] = 100
    """Boot disk size in GB. Image layers and build contexts live there: 100 holds a day's builds."""

    service_account: Annotated[str, _ACCOUNT] | None = None
    """E-mail of the nodes' service account. Left out: Compute Engine's default one, which is often too powerful."""

    oauth_scopes: list[str] = field(default_factory=lambda: ["https://www.googleapis.com/auth/cloud-platform"])
    """OAuth scopes of the nodes. cloud-platform leaves the decision to IAM, as Google advises. A change replaces the
    pool."""

    max_pods_per_node: Annotated[int, Field(ge=8, le=256)] | None = None
    """Most pods per node; left out, the cluster's default (usually 110). 32 suffices for builds and spares
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

    tags: list[Annotated[str, _TAG]] = field(default_factory=list)
    """Network tags of the nodes, which VPC firewall rules select."""

    resource_labels: dict[str, str] = field(default_factory=dict)
    """Labels of the Compute Engine instances (billing), not of the Kubernetes nodes."""

    max_surge: Annotated[int, Field(ge=0, le=20)] = 1
    """Extra nodes during an upgrade. 1 with maxUnavailable 0: no build capacity is lost while nodes are renewed."""

    max_unavailable: Annotated[int, Field(ge=0, le=20)] = 0
    """Nodes that may be missing during an upgrade."""

    drain_grace_minutes: Annotated[int, Field(ge=1, le=1440)] | None = None
    """How long running pods may take to end when GKE drains a node, in minutes. Left out: as long as the longest job,
    `runner.jobTimeout`."""

    private_nodes: bool | None = None
    """Whether the nodes have private addresses only; they then need Cloud NAT to reach registries. Left out: as the
    cluster's own setting."""

    boot_disk_kms_key: Annotated[str, _KMS_KEY] | None = None
    """Key of Cloud KMS that encrypts the boot disks, in the pool's region. Compute Engine's service agent needs
    `cloudkms.cryptoKeyEncrypterDecrypter` on it. Left out: Google's own key. A change replaces the pool."""

    reservation_affinity: ReservationAffinity | None = None
    """Reservations that the nodes use. Left out: as GKE does, any that fits. A change replaces the pool; where the
    reservation can't hold both, see `replacement`."""

    kubelet_config: GkeKubeletConfig | None = None
    """Settings of the kubelet. A change renews the nodes."""

    linux_node_config: GkeLinuxNodeConfig | None = None
    """Settings of Linux. A change renews the nodes."""

    arguments: Passed = field(default_factory=dict)
    """For what has no key: further arguments of `gcp.container.NodePool` in the SDK's spelling, for example
    `nodeConfig: {advancedMachineFeatures: {threadsPerCore: 1}}`. The SDK's classes check their names and types;
    nothing else is checked. What another key or the program sets is refused. Reports list them."""
