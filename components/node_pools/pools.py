"""Node pools as a stack file writes them: one type per cloud over a small base.

YAML keys are the camelCase of the fields. The docstring under a field is its entry in the config reference and
its description in the JSON Schema, so it states the unit, the reason of the default, and what the choice costs.
"""

from dataclasses import field
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass

from components.platforms import Arch

SETTINGS = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True)


class TaintEffect(StrEnum):
    """What a taint does to pods that do not tolerate it, as Kubernetes spells it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Limits(StrEnum):
    """What minNodes and maxNodes of a GKE pool count."""

    TOTAL = "total"
    PER_ZONE = "perZone"


class ArchitectureTaint(StrEnum):
    """GKE's own behaviour for the arm64 taint (`taint_config.architecture_taint_behavior`)."""

    ARM = "ARM"
    NONE = "NONE"


class AksMode(StrEnum):
    """Whether AKS may place its own system pods on the pool."""

    USER = "User"
    SYSTEM = "System"


class OsDiskType(StrEnum):
    """Where AKS keeps a node's OS disk."""

    MANAGED = "Managed"
    EPHEMERAL = "Ephemeral"


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Taint:
    """A taint in Kubernetes spelling; each cloud's own spelling is rendered from it."""

    key: str
    """Taint key, for example `ci.example.org/dedicated`."""

    value: str = ""
    """Taint value, at most 63 characters. GKE requires one; the others allow it to be empty."""

    effect: TaintEffect = TaintEffect.NO_SCHEDULE
    """`NoSchedule`, `PreferNoSchedule` or `NoExecute`. NoSchedule by default: it keeps new pods off and evicts none."""

    def __str__(self) -> str:
        """Render as `key=value:Effect`, the spelling of kubectl and AKS; an empty value drops the `=`."""
        return f"{self.key}={self.value}:{self.effect}" if self.value else f"{self.key}:{self.effect}"


# Pydantic reads attribute docstrings of the class itself, not of its bases, so that the shared fields below carry
# their descriptions in Field.
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class PoolBase:
    """What every node pool has, created or already there."""

    name: Annotated[
        str,
        Field(
            description="Name of the pool, unique in the stack. The cloud's own naming rules are checked "
            "(AKS: at most 12 lowercase letters and digits)."
        ),
    ]
    labels: Annotated[
        dict[str, str],
        Field(
            description="Further node labels. On created pools `multiarch-runner.io/pool`, `multiarch-runner.io/arch` "
            "and `managed-by` are always set."
        ),
    ] = field(default_factory=dict)
    taints: Annotated[
        list[Taint],
        Field(
            description="Further taints. The arm64 architecture taint is not written here: it is declared where the "
            "cloud does not add it by itself. Build jobs tolerate the taints of every pool of the stack, so that a "
            "taint keeps other workloads off."
        ),
    ] = field(default_factory=list)
    min_nodes: Annotated[
        int,
        Field(
            description="Fewest nodes, 0 or more. 1 by default: the first build of the day does not wait for a "
            "machine. 0 saves that machine's price and costs its boot time; arm64 pools on AKS need 1.",
            json_schema_extra={"minimum": 0},
        ),
    ] = 1
    max_nodes: Annotated[
        int,
        Field(
            description="Most nodes, at least 1 and at least minNodes. It bounds the bill, and the number of jobs "
            "that run at the same time.",
            json_schema_extra={"minimum": 1},
        ),
    ] = 20


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class CloudPool(PoolBase):
    """What every pool has that is created in a cloud."""

    arch: Annotated[
        Arch | None,
        Field(
            description="`amd64` or `arm64`. Follows from machineType where that is known, and must be stated for a "
            "machine type that is not."
        ),
    ] = None
    machine_type: Annotated[
        str | None,
        Field(
            description="Machine type, EC2 instance type or Azure VM size. Left out, arch chooses one with 8 vCPUs "
            "and 32 GiB."
        ),
    ] = None
    spot: Annotated[
        bool,
        Field(
            description="Spot capacity: cheaper, but a running build can lose its machine at short notice. Off by "
            "default."
        ),
    ] = False
    protect: Annotated[
        bool,
        Field(description="Refuse to delete the pool until this is false again. Set it in production."),
    ] = False


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
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

    drain_grace_minutes: int = 60
    """How long running pods may take to end when GKE drains a node, in minutes, at most 1440. As long as the
    longest job."""


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class EksPool(CloudPool):
    """An EKS managed node group with its launch template and, unless given, its node role."""

    alternative_machine_types: list[str] = field(default_factory=list)
    """Further instance types of the same architecture and a similar size, in order of preference. Spot finds capacity
    far more often with three or more. Cluster Autoscaler sizes the group by the first type."""

    ami_type: str | None = None
    """EKS AMI type. Left out: `AL2023_x86_64_STANDARD` or `AL2023_ARM_64_STANDARD` by arch. It is always sent: EKS
    itself would assume x86 and refuse an arm64 instance type."""

    subnet_ids: list[str] | None = None
    """Subnets of the nodes. Left out: the cluster's own."""

    node_role_arn: str | None = None
    """ARN of an existing node role. Left out: a role is created with the worker, image pull and CNI policies."""

    disk_size_gb: int = 100
    """Size in GB of the encrypted gp3 volume with images and build contexts, 20 or more. 100 holds a day's builds."""

    max_unavailable_percentage: int = 33
    """Share of the nodes, in percent (1 to 100), that an upgrade may renew at the same time."""

    autoscaler_tags: bool = True
    """Tag the Auto Scaling group with the pool's labels and taints, which Cluster Autoscaler needs to scale from zero
    (EKS does not copy them). Off if another tool writes these tags."""

    node_repair: bool = True
    """Let EKS replace nodes that its health checks find broken."""

    cni_policy: bool = True
    """Attach AmazonEKS_CNI_Policy to the created role. Off where the VPC CNI plugin has a role of its own, as AWS
    advises: build pods then cannot borrow it."""

    ssm: bool = False
    """Attach AmazonSSMManagedInstanceCore to the created role, for shell access to nodes through Session Manager."""

    tags: dict[str, str] = field(default_factory=dict)
    """AWS tags of the node group, its launch template, instances and volumes."""


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class AksPool(CloudPool):
    """An AKS agent pool."""

    os_sku: str = "AzureLinux3"
    """Node operating system: `AzureLinux3` (default: small, current), `Ubuntu`, `Ubuntu2204` or `Ubuntu2404`."""

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

    drain_timeout_minutes: int = 60
    """How long an upgrade waits for running pods to end, in minutes, 1 to 1440. As long as the longest job."""

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


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class ExistingPool(PoolBase):
    """Nodes that are already there (on-premises, kind, someone else's pool): nothing is created, all is stated.

    Its labels and taints are those which the nodes carry already; the labels tell these nodes from others.
    """

    arch: Arch
    """Architecture of the nodes, `amd64` or `arm64`: jobs select it by kubelet's label kubernetes.io/arch."""

    architecture_taint: bool = True
    """Whether arm64 nodes carry `kubernetes.io/arch=arm64:NoSchedule`. On by default, as on the clouds: without the
    taint, pods that have no arm64 image land there and crash."""


Pool = GkePool | EksPool | AksPool | ExistingPool
