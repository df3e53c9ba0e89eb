"""What a stack file says of an EKS cluster and its node groups."""

from dataclasses import field
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from components.clouds.sections import Access, CloudPool, Passed
from components.forms import Form, Int32, NotBlank, once
from components.keys import CONFIG

# Shapes only: whether the region exists is AWS's to say.
_REGION: Final = Form(
    pattern=r"[a-z]{2}(sc)?(-[a-z]+)+-[0-9]+", what="AWS region", write="a region, such as eu-central-1, not a zone"
)
_NAME: Final = Form(
    pattern=r"[0-9A-Za-z][A-Za-z0-9_-]{0,35}",
    what="node group name",
    write="1 to 36 letters, digits, '-' and '_', with a letter or digit first: AWS adds 27 of its own",
)
_SUBNET: Final = Form(pattern=r"subnet-[0-9a-z]+", what="subnet id", write="the id, subnet-..., not a name or ARN")
_ROLE: Final = Form(
    pattern=r"arn:aws[a-z-]*:iam::[0-9]{12}:role/\S+", what="role ARN", write="arn:aws:iam::<account>:role/<name>"
)
_KMS_KEY: Final = Form(
    pattern=r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:(key|alias)/\S+",
    what="ARN of a key",
    write="arn:aws:kms:<region>:<account>:key/<id>",
)
_RESERVATION: Final = Form(pattern=r"cr-[0-9a-f]{8,17}", what="id of a capacity reservation", write="its id, cr-...")
_GROUP: Final = Form(
    pattern=r"arn:aws[a-z-]*:resource-groups:[a-z0-9-]+:[0-9]{12}:group/\S+",
    what="ARN of a resource group",
    write="arn:aws:resource-groups:<region>:<account>:group/<name>",
)
_SIZE: Final = Form(pattern=r"[1-9][0-9]*(Ki|Mi|Gi)", what="size", write="a number with Ki, Mi or Gi, such as 50Mi")


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class EksCluster:
    """A cluster of Amazon Elastic Kubernetes Service."""

    type: Literal["eks"] = "eks"
    """Which kind of cluster this is."""

    name: NotBlank
    """The cluster's name in AWS."""

    region: Annotated[str, _REGION]
    """The AWS region that the cluster lives in, for example `eu-central-1`."""

    access: Access | None = None
    """A kubeconfig context. Without it, access is derived from the cluster, with `aws eks get-token`."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class CapacityReservation:
    """On-demand capacity reservations for a pool (`capacity_reservation_specification`): exactly one of the keys."""

    preference: Literal["open", "none", "capacity-reservations-only"] | None = None
    """`open` (any that fits, else on demand), `none`, or `capacity-reservations-only`."""

    id: Annotated[str, _RESERVATION] | None = None
    """Id of the one reservation to use."""

    resource_group_arn: Annotated[str, _GROUP] | None = None
    """ARN of the resource group whose reservations to use."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class EksKubeletConfig:
    """The kubelet of an EKS pool's nodes. What is left out is the AMI's default."""

    container_log_max_files: Annotated[Int32, Field(ge=2)] | None = None
    """How many log files of a container are kept."""

    container_log_max_size: Annotated[str, _SIZE] | None = None
    """Size at which a container's log is rotated."""

    cpu_manager_policy: Literal["none", "static"] | None = None
    """`static` gives pods with whole CPUs as request and limit CPUs of their own."""

    image_gc_high_threshold_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    """Share of the disk in use, in percent, from which images are removed; 100 for never."""

    image_gc_low_threshold_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    """Share of the disk in use, in percent, at which that stops."""

    max_parallel_image_pulls: Annotated[Int32, Field(ge=2)] | None = None
    """How many images are pulled at the same time."""

    pod_pids_limit: Annotated[Int32, Field(ge=1024)] | None = None
    """Most processes of a pod. Builds that compile on all CPUs may need more than the default."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class EksPool(CloudPool):
    """An EKS managed node group with its launch template and, unless given, its node role."""

    name: Annotated[str, _NAME]
    """Name of the pool, unique in the stack. AWS adds a suffix, so that a replacement can exist beside it."""

    alternative_machine_types: list[str] = field(default_factory=list)
    """Further instance types of the same architecture and a similar size, in order of preference. Spot finds capacity
    far more often with three or more. Cluster Autoscaler sizes the group by the first type."""

    ami_type: str | None = None
    """EKS AMI type. Left out: `AL2023_x86_64_STANDARD` or `AL2023_ARM_64_STANDARD` by arch. It is always sent: EKS
    itself would assume x86 and refuse an arm64 instance type."""

    subnet_ids: Annotated[list[Annotated[str, _SUBNET]], Field(min_length=1), AfterValidator(once)] | None = None
    """Subnets of the nodes; a change replaces the pool. Left out: an existing pool keeps its subnets, a new pool
    gets the cluster's. To use a subnet that the cluster gets later, list it here."""

    node_role_arn: Annotated[str, _ROLE] | None = None
    """ARN of an existing node role. Left out: a role is created with the worker, image pull and CNI policies."""

    disk_size_gb: Annotated[Int32, Field(ge=20)] = 100
    """Size in GB of the encrypted gp3 volume with images and build contexts. 100 holds a day's builds."""

    max_unavailable_percentage: Annotated[int, Field(ge=1, le=100)] = 33
    """Share of the nodes, in percent, that an upgrade may renew at the same time."""

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

    kms_key_id: Annotated[str, _KMS_KEY] | None = None
    """ARN of the KMS key that encrypts the nodes' volumes; the service-linked role of EC2 Auto Scaling must be allowed
    to use it. Left out: the account's default key for EBS."""

    capacity_reservation: CapacityReservation | None = None
    """Capacity reservations that the nodes use. Left out: as EC2 does, any open one that fits."""

    kubelet_config: EksKubeletConfig | None = None
    """Settings of the kubelet, as a NodeConfig in the launch template's user data, which Amazon Linux 2023 reads.
    A change renews the nodes. Bottlerocket's own settings, and Linux' kernel parameters: `launchTemplateArguments`."""

    arguments: Passed = field(default_factory=dict)
    """For what has no key: further arguments of `aws.eks.NodeGroup` in the SDK's spelling, for example
    `forceUpdateVersion: true`. The SDK's classes check their names and types; nothing else is checked. What another
    key or the program sets is refused. Reports list them."""

    launch_template_arguments: Passed = field(default_factory=dict)
    """Likewise further arguments of `aws.ec2.LaunchTemplate`, for example `ebsOptimized: 'true'`."""
