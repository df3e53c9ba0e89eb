"""What a stack file says of an AKS cluster and its agent pools."""

from dataclasses import field
from enum import StrEnum
from typing import Literal

from pydantic.dataclasses import dataclass

from components.clouds.sections import Access, CloudPool
from components.keys import CONFIG


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class AksCluster:
    """A cluster of Azure Kubernetes Service."""

    type: Literal["aks"] = "aks"
    """Which kind of cluster this is."""

    name: str
    """The cluster's name in Azure."""

    resource_group: str
    """The resource group that holds the cluster (not the `MC_` group of its nodes)."""

    subscription_id: str | None = None
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
class AksPool(CloudPool):
    """An AKS agent pool."""

    os_sku: str = "AzureLinux3"
    """Node operating system: `AzureLinux3` (default: small, current), `Ubuntu` or `Ubuntu2204`."""

    mode: AksMode = AksMode.USER
    """`User` or `System`. An arm64 pool must be User: System pools refuse its taint."""

    os_disk_type: OsDiskType | None = None
    """`Ephemeral` (local disk: faster, no charge) or `Managed`. Left out: Ephemeral if the VM size has a local disk."""

    os_disk_size_gb: int | None = None
    """OS disk size in GB, 30 or more. Left out: the whole local disk when Ephemeral, AKS's default when Managed."""

    availability_zones: list[str] = field(default_factory=list)
    """Zones such as `['1', '2', '3']`. Left out: regional, AKS places the nodes. Cluster Autoscaler does not balance
    zones inside one pool."""

    max_pods: int | None = None
    """Most pods per node, 10 to 250; left out, the network plugin's default. A change replaces the pool."""

    vnet_subnet_id: str | None = None
    """Resource ID of the nodes' subnet. Left out: the cluster's managed network."""

    pod_subnet_id: str | None = None
    """Resource ID of the pods' subnet (dynamic IP allocation). Left out: pods share the nodes' network settings."""

    max_surge: str = "33%"
    """Extra nodes during an upgrade, a number or a percentage. Not sent for spot pools: AKS does not apply it there."""

    drain_timeout_minutes: int | None = None
    """How long an upgrade waits for running pods to end, in minutes, 1 to 1440. Left out: as long as the longest job,
    `runner.jobTimeout`."""

    secure_boot: bool = False
    """Trusted Launch: boot only signed code. AKS offers it on amd64 only; a pool of either kind cannot change later."""

    vtpm: bool = False
    """Trusted Launch: a virtual TPM. AKS offers it on amd64 only."""

    encryption_at_host: bool = False
    """Encrypt local and cached disks on the host. The subscription needs the feature EncryptionAtHost registered."""

    fips: bool = False
    """A FIPS-validated image. On arm64 only with AzureLinux3."""

    tags: dict[str, str] = field(default_factory=dict)
    """Azure tags of the agent pool and its scale set."""
