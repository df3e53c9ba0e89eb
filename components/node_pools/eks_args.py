"""An EKS pool as the arguments of its launch template, node group, role and tags. Pure: plain data, in the SDK's names.

Arguments, defaults and what is ignored: facts/nodepools.md, section 3.
"""

import json
from typing import Any, Final

from components.node_pools.pools import EksPool, Taint, TaintEffect
from components.node_pools.resolved import PoolSpec
from components.platforms import aws

# The autoscaler's own value from the first scale-up on.
IGNORE_CHANGES: Final = ("scalingConfig.desiredSize",)

_EFFECTS: Final = {
    TaintEffect.NO_SCHEDULE: "NO_SCHEDULE",
    TaintEffect.PREFER_NO_SCHEDULE: "PREFER_NO_SCHEDULE",
    TaintEffect.NO_EXECUTE: "NO_EXECUTE",
}
HINT: Final = "k8s.io/cluster-autoscaler/node-template"


def _pool(spec: PoolSpec) -> EksPool:
    if not isinstance(spec.pool, EksPool):
        raise TypeError(f"{spec.name} is a pool of the kind {spec.kind}, not eks")
    return spec.pool


def ami_type(spec: PoolSpec) -> str:
    """Return the AMI type, never left to EKS: it would assume x86 and refuse an arm64 instance type."""
    return _pool(spec).ami_type or aws.DEFAULT_AMI_TYPES[spec.arch]


def tags(spec: PoolSpec) -> dict[str, str]:
    """Return the AWS tags of everything that is made for a pool."""
    return {"managed-by": "pulumi", "multiarch-runner.io/pool": spec.name, **_pool(spec).tags}


def launch_template(spec: PoolSpec) -> dict[str, Any]:
    """Return the arguments of the launch template; instance types and AMI type are the node group's."""
    return {
        "block_device_mappings": _volumes(ami_type(spec), _pool(spec).disk_size_gb),
        # IMDSv2, and an answer that does not survive a second hop: build pods cannot reach the node's role.
        "metadata_options": {
            "http_endpoint": "enabled",
            "http_tokens": "required",
            "http_put_response_hop_limit": 1,
        },
        "tag_specifications": [
            {"resource_type": kind, "tags": {"Name": spec.name, **tags(spec)}} for kind in ("instance", "volume")
        ],
        "tags": tags(spec),
    }


def _volumes(ami: str, size_gb: int) -> list[dict[str, Any]]:
    data = aws.data_device(ami)
    encrypted = {"volume_type": "gp3", "encrypted": "true", "delete_on_termination": "true"}
    volumes = [{"device_name": data, "ebs": {**encrypted, "volume_size": size_gb}}]
    if data != aws.ROOT_DEVICE:
        # Bottlerocket's system volume keeps the size of its image.
        volumes.insert(0, {"device_name": aws.ROOT_DEVICE, "ebs": encrypted})
    return volumes


def node_group(spec: PoolSpec) -> dict[str, Any]:
    """Return the arguments of the node group that do not come from other resources."""
    pool = _pool(spec)
    arguments: dict[str, Any] = {
        # A prefix: a replacement is created before its predecessor goes, and needs a name of its own.
        "node_group_name_prefix": f"{spec.name}-",
        "ami_type": ami_type(spec),
        "capacity_type": "SPOT" if spec.spot else "ON_DEMAND",
        "instance_types": list(spec.machine_types),
        "scaling_config": {
            "min_size": spec.min_nodes,
            "max_size": spec.max_nodes,
            "desired_size": spec.min_nodes,
        },
        "update_config": {"max_unavailable_percentage": pool.max_unavailable_percentage},
        "node_repair_config": {"enabled": pool.node_repair},
        "labels": dict(spec.labels),
        "tags": tags(spec),
    }
    if spec.taints:
        arguments["taints"] = [eks_taint(taint) for taint in spec.taints]
    return arguments


def eks_taint(taint: Taint) -> dict[str, str]:
    """Render a taint in EKS's spelling; an empty value is left out."""
    rendered = {"key": taint.key, "effect": _EFFECTS[taint.effect]}
    return {**rendered, "value": taint.value} if taint.value else rendered


def autoscaler_hints(spec: PoolSpec) -> dict[str, str]:
    """Return the tags by which Cluster Autoscaler knows the labels and taints of a group that has no node yet.

    EKS does not copy a node group's own to its Auto Scaling group (terraform-aws-eks#2597). The architecture needs no
    hint: the autoscaler knows it from the instance type (kubernetes/autoscaler#3848).
    """
    if not _pool(spec).autoscaler_tags:
        return {}
    labels = {f"{HINT}/label/{key}": value for key, value in spec.labels.items()}
    taints = {f"{HINT}/taint/{taint.key}": f"{taint.value}:{taint.effect}" for taint in spec.taints}
    return labels | taints


def partition(region: str) -> str:
    """Return the ARN partition of a region."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def role_policies(spec: PoolSpec, region: str) -> dict[str, str]:
    """Return the policies of a created node role: a short name for each, and its ARN."""
    pool = _pool(spec)
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
