"""What a stack file says of an AKS cluster and its agent pools."""

from dataclasses import field
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from components.clouds.sections import DURATION, Access, CloudPool, Passed, Sysctls
from components.forms import Form, Int32, NotBlank
from components.keys import CONFIG

_SUBSCRIPTION: Final = Form(
    pattern=r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    what="subscription id",
    write="the id that `az account show --query id` prints, not the name",
)
_NAME: Final = Form(
    pattern=r"[a-z][a-z0-9]{0,11}",
    what="agent pool name",
    write="1 to 8 lower-case letters and digits, with a letter first; up to 12 with replacement: deleteFirst",
)
_SUBNET: Final = Form(
    pattern=r"/[sS]ubscriptions/\S+/[sS]ubnets/[^/\s]+",
    what="resource ID of a subnet",
    write="the whole ID that `az network vnet subnet show --query id` prints",
)
_RESERVATIONS: Final = Form(
    pattern=r"/[sS]ubscriptions/\S+/capacityReservationGroups/[^/\s]+",
    what="resource ID of a capacity reservation group",
    write="the whole ID that `az capacity reservation group show --query id` prints",
)
_SURGE: Final = Form(
    pattern=r"([1-9][0-9]?|100)%|[1-9][0-9]*", what="surge", write="a number of nodes, or a percentage from 1% to 100%"
)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class AksCluster:
    """A cluster of Azure Kubernetes Service."""

    type: Literal["aks"] = "aks"
    """Which kind of cluster this is."""

    name: NotBlank
    """The cluster's name in Azure."""

    resource_group: NotBlank
    """The resource group that holds the cluster (not the `MC_` group of its nodes)."""

    subscription_id: Annotated[str, _SUBSCRIPTION] | None = None
    """Id of the Azure subscription. Without it: that of the Azure provider's own configuration."""

    location: str | None = None
    """The Azure region, for example `westeurope`. Stating it lets machine sizes be checked against the region."""

    access: Access | None = None
    """A kubeconfig context. Without it, access is derived from the cluster, with `kubelogin`."""


class AksMode(StrEnum):
    """Whether AKS may place its own system pods on the pool."""

    USER = "User"
    SYSTEM = "System"


class OsDiskType(StrEnum):
    """Where AKS keeps a node's OS disk."""

    MANAGED = "Managed"
    EPHEMERAL = "Ephemeral"


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class AksKubeletConfig:
    """The kubelet of an AKS pool's nodes (`kubelet_config`). What is left out is AKS's default."""

    container_log_max_files: Annotated[Int32, Field(ge=2)] | None = None
    """How many log files of a container are kept."""

    container_log_max_size_mb: Annotated[Int32, Field(ge=1)] | None = None
    """Size in MB at which a container's log is rotated."""

    cpu_cfs_quota: bool | None = None
    """Whether CPU limits are enforced."""

    cpu_cfs_quota_period: Annotated[str, DURATION] | None = None
    """Period over which a CPU limit holds, `1ms` to `1s`."""

    cpu_manager_policy: Literal["none", "static"] | None = None
    """`static` gives pods with whole CPUs as request and limit CPUs of their own."""

    fail_swap_on: bool | None = None
    """Whether the kubelet refuses to start beside swap; false is needed for `swapFileSizeMb`."""

    image_gc_high_threshold: Annotated[int, Field(ge=0, le=100)] | None = None
    """Share of the disk in use, in percent, from which images are removed; 100 for never."""

    image_gc_low_threshold: Annotated[int, Field(ge=0, le=100)] | None = None
    """Share of the disk in use, in percent, at which that stops."""

    pod_max_pids: Annotated[Int32, Field(ge=-1)] | None = None
    """Most processes of a pod; -1 for the node's own limit."""

    topology_manager_policy: Literal["none", "best-effort", "restricted", "single-numa-node"] | None = None
    """How CPUs and devices are kept on one NUMA node."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class AksLinuxOsConfig:
    """Linux on an AKS pool's nodes (`linux_os_config`). What is left out is AKS's default."""

    swap_file_size_mb: Annotated[Int32, Field(ge=1)] | None = None
    """Size in MB of a swap file on each node."""

    sysctls: Sysctls = field(default_factory=dict)
    """Kernel parameters by their own names, such as `vm.max_map_count: 262144`: those that AKS lets be set."""

    transparent_huge_page_enabled: Literal["always", "madvise", "never"] | None = None
    """Which memory gets transparent huge pages."""

    transparent_huge_page_defrag: Literal["always", "defer", "defer+madvise", "madvise", "never"] | None = None
    """When the kernel makes room for huge pages."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class AksPool(CloudPool):
    """An AKS agent pool."""

    name: Annotated[str, _NAME]
    """Name of the pool, unique in the stack: at most 8 lower-case letters and digits, because the cloud's name has a
    suffix of 4; up to 12 with `replacement: deleteFirst`."""

    os_sku: str = "AzureLinux3"
    """Node operating system: `AzureLinux3` (default: small, current), `Ubuntu`, `Ubuntu2404` or `Ubuntu2204`."""

    mode: AksMode = AksMode.USER
    """`User` or `System`. An arm64 pool must be User: System pools refuse its taint."""

    os_disk_type: OsDiskType | None = None
    """`Ephemeral` (local disk: faster, no charge) or `Managed`. Left out: Ephemeral if the VM size has a local disk."""

    os_disk_size_gb: Annotated[int, Field(ge=30, le=2048)] | None = None
    """OS disk size in GB. Left out: the whole local disk when Ephemeral, AKS's default when Managed."""

    availability_zones: list[Literal["1", "2", "3"]] = field(default_factory=list)
    """Zones such as `['1', '2', '3']`. Left out: regional, AKS places the nodes. Cluster Autoscaler does not balance
    zones inside one pool."""

    max_pods: Annotated[int, Field(ge=10, le=250)] | None = None
    """Most pods per node; left out, the network plugin's default. A change replaces the pool."""

    vnet_subnet_id: Annotated[str, _SUBNET] | None = None
    """Resource ID of the nodes' subnet. Left out: the cluster's managed network."""

    pod_subnet_id: Annotated[str, _SUBNET] | None = None
    """Resource ID of the pods' subnet (dynamic IP allocation). Left out: pods share the nodes' network settings."""

    max_surge: Annotated[str, _SURGE] = "33%"
    """Extra nodes during an upgrade, a number or a percentage. Not sent for spot pools: AKS does not apply it there."""

    drain_timeout_minutes: Annotated[int, Field(ge=1, le=1440)] | None = None
    """How long an upgrade waits for running pods to end, in minutes. Left out: as long as the longest job,
    `runner.jobTimeout`."""

    secure_boot: bool = False
    """Trusted Launch: boot only signed code. AKS offers it on amd64 only. Changed in place."""

    vtpm: bool = False
    """Trusted Launch: a virtual TPM. AKS offers it on amd64 only."""

    encryption_at_host: bool = False
    """Encrypt local and cached disks on the host. The subscription needs the feature EncryptionAtHost registered. To
    encrypt OS disks with your own key, set the cluster's disk encryption set."""

    fips: bool = False
    """A FIPS-validated image. On arm64 only with AzureLinux3."""

    tags: dict[str, str] = field(default_factory=dict)
    """Azure tags of the agent pool and its scale set."""

    capacity_reservation_group_id: Annotated[str, _RESERVATIONS] | None = None
    """Resource ID of the capacity reservation group that the nodes are taken from. A change replaces the pool; where
    the reservation can't hold both, see `replacement`."""

    kubelet_config: AksKubeletConfig | None = None
    """Settings of the kubelet. A change replaces the pool."""

    linux_os_config: AksLinuxOsConfig | None = None
    """Settings of Linux. A change replaces the pool."""

    arguments: Passed = field(default_factory=dict)
    """For what has no key: further arguments of `azure_native.containerservice.AgentPool` in the SDK's spelling, for
    example `workloadRuntime: KataMshvVmIsolation`. The SDK's classes check their names and types; nothing else is
    checked. What another key or the program sets is refused. Reports list them."""
