"""What AWS's provider is given for an EKS pool, and the kubeconfig of a cluster. Pure: plain data in its spelling.

Launch template, node group, role and tags. Arguments, defaults and what is ignored: facts/nodepools.md, section 3.
"""

import json
from base64 import b64encode
from dataclasses import dataclass
from typing import Any, Final

from components.clouds.arguments import merged, plain, stated
from components.clouds.contract import ResolvedPool
from components.clouds.eks.machines import DEFAULT_AMI_TYPES, ROOT_DEVICE, data_device
from components.clouds.eks.sections import CapacityReservation, EksKubeletConfig, EksPool
from components.clouds.kubeconfig import Endpoint, exec_kubeconfig
from components.clouds.sections import Taint

# The autoscaler's own value from the first scale-up on.
IGNORE_CHANGES: Final = ("scalingConfig.desiredSize",)
POOL_TAG: Final = "multiarch-runner.io/pool"

# botocore data/partitions.json, `regionRegex`.
_PARTITIONS: Final = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
    "eu-isof-": "aws-iso-f",
    "eusc-": "aws-eusc",
}
HINT: Final = "k8s.io/cluster-autoscaler/node-template"


def kubeconfig(endpoint: Endpoint, *, name: str, region: str) -> str:
    """Return a kubeconfig (JSON) whose tokens come from `aws eks get-token`: the shell's AWS credentials."""
    return exec_kubeconfig(
        endpoint,
        command="aws",
        args=["eks", "get-token", "--cluster-name", name, "--region", region, "--output", "json"],
        hint="Install the AWS CLI, version 2",
    )


def ami_type(resolved: ResolvedPool[EksPool]) -> str:
    """Return the AMI type, never left to EKS: it would assume x86 and refuse an arm64 instance type."""
    return resolved.section.ami_type or DEFAULT_AMI_TYPES[resolved.arch]


def tags(resolved: ResolvedPool[EksPool]) -> dict[str, str]:
    """Return the AWS tags of everything that is made for a pool."""
    return {"managed-by": "pulumi", POOL_TAG: resolved.name, **resolved.section.tags}


def launch_template(resolved: ResolvedPool[EksPool]) -> dict[str, Any]:
    """Return the arguments of the launch template; instance types and AMI type are the node group's."""
    return merged(stated(own_template(resolved)), resolved.section.launch_template_arguments)


def own_template(resolved: ResolvedPool[EksPool], location: str = "") -> dict[str, Any]:
    """Return what a pool's own keys set in its launch template: None for what they leave to AWS."""
    del location  # of no consequence here
    pool = resolved.section
    reservation = pool.capacity_reservation or CapacityReservation()
    return {
        # What EKS refuses in the template beside the group's own amiType, machineType, spot and role.
        **dict.fromkeys(("imageId", "instanceType", "instanceMarketOptions", "iamInstanceProfile")),
        **dict.fromkeys(("name", "namePrefix", "region")),
        "blockDeviceMappings": _volumes(ami_type(resolved), pool),
        "capacityReservationSpecification": {
            "capacityReservationPreference": reservation.preference,
            "capacityReservationTarget": {
                "capacityReservationId": reservation.id,
                "capacityReservationResourceGroupArn": reservation.resource_group_arn,
            },
        },
        # IMDSv2, and an answer that does not survive a second hop: build pods cannot reach the node's role.
        "metadataOptions": {
            "httpEndpoint": "enabled",
            "httpTokens": "required",
            "httpPutResponseHopLimit": 1,
        },
        "tagSpecifications": [
            {"resourceType": kind, "tags": {"Name": resolved.name, **tags(resolved)}} for kind in ("instance", "volume")
        ],
        "tags": tags(resolved),
        # Free for whoever passes it through, where the program has nothing to say there.
        **({} if pool.kubelet_config is None else {"userData": _node_config(pool.kubelet_config)}),
    }


def _volumes(ami: str, pool: EksPool) -> list[dict[str, Any]]:
    data = data_device(ami)
    encrypted = {"volumeType": "gp3", "encrypted": "true", "deleteOnTermination": "true"}
    if pool.kms_key_id is not None:
        encrypted["kmsKeyId"] = pool.kms_key_id
    volumes = [{"deviceName": data, "ebs": {**encrypted, "volumeSize": pool.disk_size_gb}}]
    if data != ROOT_DEVICE:
        # Bottlerocket's system volume keeps the size of its image.
        volumes.insert(0, {"deviceName": ROOT_DEVICE, "ebs": encrypted})
    return volumes


def _node_config(kubelet: EksKubeletConfig) -> str:
    """Return user data for nodeadm, which Amazon Linux 2023 starts nodes with: EKS adds the cluster's part to it.

    Source: awslabs.github.io/amazon-eks-ami/nodeadm; EKS, "Customize managed nodes with launch templates".
    """
    spelled = plain(
        kubelet,
        imageGcHighThresholdPercent="imageGCHighThresholdPercent",
        imageGcLowThresholdPercent="imageGCLowThresholdPercent",
    )
    config = {
        "apiVersion": "node.eks.aws/v1alpha1",
        "kind": "NodeConfig",
        "spec": {"kubelet": {"config": stated(spelled)}},
    }
    lines = (
        "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="nodeconfig"',
        "",
        "--nodeconfig",
        "Content-Type: application/node.eks.aws",
        "",
        json.dumps(config, sort_keys=True),  # JSON is YAML
        "--nodeconfig--",
        "",
    )
    return b64encode("\n".join(lines).encode()).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """A group's bounds and its number of nodes, as EKS has them."""

    least: int
    most: int
    desired: int


def desired_size(pool: EksPool, there: Scaling | None) -> int | None:
    """Return how many nodes the group must be told to have; None where it may go on having as many as it has.

    AWS refuses bounds that the present number is not within ("Minimum capacity 2 can't be greater than desired size
    1", terraform-aws-eks#944), and never moves the number by itself. And the provider sends new bounds with a number:
    of an ignored one the state's, from which the autoscaler has moved on. Nodes with running jobs would go.
    `there` is None for a group that is not there.
    """
    if there is None or (there.least, there.most) == (pool.min_nodes, pool.max_nodes):
        return None
    return min(max(there.desired, pool.min_nodes), pool.max_nodes)


def node_group(resolved: ResolvedPool[EksPool], desired: int | None = None) -> dict[str, Any]:
    """Return the arguments of the node group that do not come from other resources.

    `desired` is `desired_size`'s answer; without one a new group starts with its minimum.
    """
    arguments = merged(stated(own_group(resolved)), resolved.section.arguments)
    if desired is not None:
        arguments["scalingConfig"]["desiredSize"] = desired
    return arguments


def own_group(resolved: ResolvedPool[EksPool], location: str = "") -> dict[str, Any]:
    """Return what a pool's own keys set in its node group: None for what others set."""
    del location  # of no consequence here
    pool = resolved.section
    others = ("clusterName", "diskSize", "launchTemplate", "nodeGroupName", "nodeRoleArn", "region", "subnetIds")
    return {
        **dict.fromkeys(others),
        # A prefix: a replacement is created before its predecessor goes, and needs a name of its own.
        "nodeGroupNamePrefix": f"{resolved.name}-",
        "amiType": ami_type(resolved),
        "capacityType": "SPOT" if resolved.spot else "ON_DEMAND",
        "instanceTypes": list(resolved.machine_types),
        "scalingConfig": {"minSize": pool.min_nodes, "maxSize": pool.max_nodes, "desiredSize": pool.min_nodes},
        "updateConfig": {"maxUnavailablePercentage": pool.max_unavailable_percentage},
        "nodeRepairConfig": {"enabled": pool.node_repair},
        "labels": dict(resolved.labels),
        "tags": tags(resolved),
        "taints": [eks_taint(taint) for taint in resolved.taints] or None,
    }


def eks_taint(taint: Taint) -> dict[str, str]:
    """Render a taint in EKS's spelling; an empty value is left out."""
    rendered = {"key": taint.key, "effect": taint.effect.name}
    return {**rendered, "value": taint.value} if taint.value else rendered


def autoscaler_hints(resolved: ResolvedPool[EksPool]) -> dict[str, str]:
    """Return the tags by which Cluster Autoscaler knows the labels and taints of a group that has no node yet.

    EKS does not copy a node group's own to its Auto Scaling group (terraform-aws-eks#2597). The architecture needs no
    hint: the autoscaler knows it from the instance type (kubernetes/autoscaler#3848).
    """
    if not resolved.section.autoscaler_tags:
        return {}
    labels = {f"{HINT}/label/{key}": value for key, value in resolved.labels.items()}
    taints = {f"{HINT}/taint/{taint.key}": f"{taint.value}:{taint.effect}" for taint in resolved.taints}
    return labels | taints


def partition(region: str) -> str:
    """Return the ARN partition of a region."""
    return next((name for prefix, name in _PARTITIONS.items() if region.startswith(prefix)), "aws")


def role_policies(resolved: ResolvedPool[EksPool], region: str) -> dict[str, str]:
    """Return the policies of a created node role: a short name for each, and its ARN."""
    pool = resolved.section
    names = {"worker": "AmazonEKSWorkerNodePolicy", "images": "AmazonEC2ContainerRegistryPullOnly"}
    if pool.cni_policy:
        names["cni"] = "AmazonEKS_CNI_Policy"
    if pool.ssm:
        names["ssm"] = "AmazonSSMManagedInstanceCore"
    return {short: f"arn:{partition(region)}:iam::aws:policy/{name}" for short, name in names.items()}


def assume_role_policy() -> str:
    """Return the trust policy of a node role, as JSON."""
    statement = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, sort_keys=True)
