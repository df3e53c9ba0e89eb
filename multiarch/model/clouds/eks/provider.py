"""The aws package: EKS node groups with their launch templates, roles and Auto Scaling tags, and the lookups."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from multiarch.model.clouds.eks import ec2, group_rules, iam
from multiarch.model.clouds.eks.iam import ACCOUNT, digest
from multiarch.model.providers.base import Created, LookupRefusedError, Refusal
from multiarch.model.providers.kinds import Inputs, Kind, KindProvider, Lookup, get, number, text
from multiarch.model.providers.replaced import changes

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
CERTIFICATE = "UkVIRUFSU0FM"
"""Base64 of a word, in the place of a CA certificate."""
REGION = "us-east-1"
KUBERNETES = "1.33"
SUBNETS = ["subnet-0a1b2c3d4e5f60001", "subnet-0a1b2c3d4e5f60002", "subnet-0a1b2c3d4e5f60003"]
_CLUSTER = re.compile(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}")
_REGION = re.compile(r"[a-z]{2}(sc)?(-[a-z]+)+-\d")


def get_cluster(args: Inputs) -> Mapping[str, Any]:
    """Answer `eks.getCluster` with a cluster of three subnets."""
    name, region = text(args.get("name")), text(args.get("region")) or REGION
    if not name or not _CLUSTER.fullmatch(name):
        raise LookupRefusedError(
            f"No cluster found for name: {name}", "docs.aws.amazon.com/eks DescribeCluster", "name"
        )
    if not _REGION.fullmatch(region):
        raise LookupRefusedError(f"invalid AWS Region: {region}", "pulumi-aws provider region", "region")
    return {
        "id": name,
        "name": name,
        "arn": f"arn:aws:eks:{region}:{ACCOUNT}:cluster/{name}",
        "endpoint": f"https://{digest(name, 32).upper()}.gr7.{region}.eks.amazonaws.com",
        "region": region,
        "version": KUBERNETES,
        "platformVersion": "eks.9",
        "status": "ACTIVE",
        "roleArn": f"arn:aws:iam::{ACCOUNT}:role/{name}-cluster",
        "certificateAuthorities": [{"data": CERTIFICATE}],
        "accessConfigs": [{"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}],
        "identities": [
            {"oidcs": [{"issuer": f"https://oidc.eks.{region}.amazonaws.com/id/{digest(name, 32).upper()}"}]}
        ],
        "vpcConfig": {
            "vpcId": "vpc-0a1b2c3d4e5f60000",
            "subnetIds": SUBNETS,
            "clusterSecurityGroupId": "sg-0a1b2c3d4e5f60000",
            "securityGroupIds": [],
            "endpointPrivateAccess": True,
            "endpointPublicAccess": True,
            "publicAccessCidrs": ["0.0.0.0/0"],
        },
        "tags": {},
    }


def get_node_groups(args: Inputs) -> Mapping[str, Any]:
    """Answer `eks.getNodeGroups` for a cluster on which this stack was never deployed: it has none."""
    return {"id": text(args.get("clusterName")) or "", "clusterName": args.get("clusterName"), "names": []}


def get_cluster_auth(args: Inputs) -> Mapping[str, Any]:
    """Answer `eks.getClusterAuth`; the token opens nothing."""
    token = "k8s-aws-v1.rehearsal"  # noqa: S105 - made up
    return {"id": str(args.get("name")), "name": str(args.get("name")), "token": token}


def get_caller_identity(args: Inputs) -> Mapping[str, Any]:
    """Answer `getCallerIdentity` with AWS's documentation account."""
    del args
    return {
        "id": ACCOUNT,
        "accountId": ACCOUNT,
        "arn": f"arn:aws:iam::{ACCOUNT}:user/rehearsal",
        "userId": "AIDAREHEARSAL",
    }


def get_partition(args: Inputs) -> Mapping[str, Any]:
    """Answer `getPartition`: the commercial one."""
    del args
    return {"id": "aws", "partition": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws"}


def get_region(args: Inputs) -> Mapping[str, Any]:
    """Answer `getRegion` with the region asked for."""
    region = text(args.get("region")) or REGION
    return {
        "id": region,
        "region": region,
        "name": region,
        "description": "Rehearsal",
        "endpoint": f"ec2.{region}.amazonaws.com",
    }


def get_policy_document(args: Inputs) -> Mapping[str, Any]:
    """Answer `iam.getPolicyDocument` with the document that the arguments describe."""
    statements = []
    for given in args.get("statements") or []:
        principals = {get(item, "type"): get(item, "identifiers") for item in get(given, "principals") or []}
        statement = {
            "Sid": get(given, "sid"),
            "Effect": get(given, "effect") or "Allow",
            "Action": get(given, "actions"),
            "Resource": get(given, "resources"),
            "Principal": principals or None,
        }
        statements.append({key: value for key, value in statement.items() if value is not None})
    document = json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True)
    return {"id": digest(document, 10), "json": document, "minifiedJson": document}


def _suffix(inputs: Inputs) -> str:
    """Give the generated end of a group's name: another one for a group that takes this one's place."""
    lasting = {path: get(inputs, *path.split(".")) for path in sorted(changes(AwsProvider.record, NODE_GROUP).replaces)}
    return digest(json.dumps(lasting, default=str), 7)


def _create_group(name: str, inputs: Inputs) -> Created:
    prefix = text(inputs.get("nodeGroupNamePrefix")) or f"{name}-"
    group = text(inputs.get("nodeGroupName")) or prefix + _suffix(inputs)
    cluster, region = str(inputs.get("clusterName")), text(inputs.get("region")) or REGION
    unique = digest(f"{cluster}/{group}", 32)
    scaling_group = f"eks-{group}-{unique[:8]}-{unique[8:12]}-{unique[12:16]}-{unique[16:20]}-{unique[20:32]}"
    outputs = {
        **inputs,
        "nodeGroupName": group,
        "nodeGroupNamePrefix": inputs.get("nodeGroupNamePrefix") or "",
        "arn": f"arn:aws:eks:{region}:{ACCOUNT}:nodegroup/{cluster}/{group}/{unique[:8]}",
        "region": region,
        "status": "ACTIVE",
        "capacityType": inputs.get("capacityType") or "ON_DEMAND",
        "version": inputs.get("version") or KUBERNETES,
        "releaseVersion": inputs.get("releaseVersion") or f"{KUBERNETES}.5-20261103",
        "resources": [{"autoscalingGroups": [{"name": scaling_group}], "remoteAccessSecurityGroupId": ""}],
        "tagsAll": inputs.get("tags") or {},
    }
    return Created(id=f"{cluster}:{group}", outputs=outputs)


class AwsProvider(KindProvider):
    """Amazon Web Services, as far as an EKS node group goes.

    It remembers the launch templates it made: a node group and its template must not both say the same thing.
    """

    package: ClassVar[str] = "aws"
    version: ClassVar[str] = "7.51.1"
    record: ClassVar[Path] = Path(__file__).with_name("replaced.json")
    kinds: ClassVar[Mapping[str, Kind]] = {
        NODE_GROUP: Kind(rules=group_rules.RULES, create=_create_group),
        LAUNCH_TEMPLATE: ec2.LAUNCH_TEMPLATE,
        "aws:autoscaling/tag:Tag": ec2.SCALING_TAG,
        "aws:iam/role:Role": iam.ROLE,
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": iam.ATTACHMENT,
    }
    lookups: ClassVar[Mapping[str, Lookup]] = {
        "aws:eks/getCluster:getCluster": get_cluster,
        "aws:eks/getClusterAuth:getClusterAuth": get_cluster_auth,
        "aws:eks/getNodeGroups:getNodeGroups": get_node_groups,
        "aws:iam/getPolicyDocument:getPolicyDocument": get_policy_document,
        "aws:index/getCallerIdentity:getCallerIdentity": get_caller_identity,
        "aws:index/getPartition:getPartition": get_partition,
        "aws:index/getRegion:getRegion": get_region,
    }

    def __init__(self) -> None:
        super().__init__()
        self._templates: dict[str, Inputs] = {}

    def check_config(self, inputs: Inputs) -> list[Refusal]:
        """Refuse a region that is none."""
        region = text(inputs.get("region"))
        if region is None or _REGION.fullmatch(region):
            return []
        return [
            Refusal(resource="", path="region", message=f"invalid AWS Region: {region}", source="pulumi-aws provider")
        ]

    def check(self, token: str, name: str, inputs: Inputs) -> list[Refusal]:
        """Put the rules to the inputs; for a node group also against the launch template it names."""
        refusals = super().check(token, name, inputs)
        template = self._templates.get(str(get(inputs, "launchTemplate", "id")))
        if token == NODE_GROUP and template is not None:
            refusals += list(group_rules.against_template(inputs, template))
        return refusals

    def update(self, token: str, name: str, state: Inputs, inputs: Inputs) -> Inputs:
        """Update; a launch template gets a new version each time."""
        outputs = super().update(token, name, state, inputs)
        if token != LAUNCH_TEMPLATE:
            return outputs
        return {**outputs, "latestVersion": (number(state.get("latestVersion")) or 1) + 1}

    def create(self, token: str, name: str, inputs: Inputs) -> Created:
        """Create, and remember launch templates."""
        created = super().create(token, name, inputs)
        if token == LAUNCH_TEMPLATE:
            self._templates[created.id] = inputs
        return created
