"""What a stack file says of an EKS cluster and its node groups."""

from dataclasses import field
from typing import Literal

from pydantic.dataclasses import dataclass

from components.clouds.sections import Access, CloudPool
from components.keys import CONFIG


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class EksCluster:
    """A cluster of Amazon Elastic Kubernetes Service."""

    type: Literal["eks"] = "eks"
    """Which kind of cluster this is."""

    name: str
    """The cluster's name in AWS."""

    region: str
    """The AWS region that the cluster lives in, for example `eu-central-1`."""

    access: Access | None = None
    """A kubeconfig context. Without it, access is derived from the cluster, with `aws eks get-token`."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
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
