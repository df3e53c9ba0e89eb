"""EKS node groups and what they stand on: each rule refuses its example and accepts its neighbour."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiarch.model.clouds.eks.provider import LAUNCH_TEMPLATE, NODE_GROUP, AwsProvider
from multiarch.model.providers.base import LookupRefusedError
from multiarch.model.providers.values import UNKNOWN
from tests.unit.providers.conftest import changed

GROUP: dict[str, Any] = {
    "clusterName": "ci",
    "nodeGroupName": "arm64",
    "nodeRoleArn": "arn:aws:iam::123456789012:role/nodes",
    "subnetIds": ["subnet-0a1b2c3d4e5f60001"],
    "amiType": "AL2023_ARM_64_STANDARD",
    "capacityType": "ON_DEMAND",
    "instanceTypes": ["m7g.2xlarge", "m6g.2xlarge"],
    "scalingConfig": {"minSize": 1, "maxSize": 20, "desiredSize": 1},
    "updateConfig": {"maxUnavailablePercentage": 33},
    "labels": {"managed-by": "pulumi", "multiarch-runner.io/arch": "arm64"},
    "taints": [{"key": "kubernetes.io/arch", "value": "arm64", "effect": "NO_SCHEDULE"}],
    "launchTemplate": {"id": "lt-0123456789abcdef0", "version": "1"},
    "tags": {"managed-by": "pulumi"},
}
TEMPLATE: dict[str, Any] = {
    "metadataOptions": {"httpTokens": "required", "httpEndpoint": "enabled", "httpPutResponseHopLimit": 1},
    "blockDeviceMappings": [
        {"deviceName": "/dev/xvda", "ebs": {"volumeType": "gp3", "volumeSize": 100, "encrypted": "true"}}
    ],
    "tagSpecifications": [{"resourceType": "instance", "tags": {"Name": "arm64"}}],
}
ROLE = {
    "assumeRolePolicy": json.dumps(
        {"Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    )
}
ATTACHMENT = {"role": "nodes", "policyArn": "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"}
TAG = {"autoscalingGroupName": "eks-arm64", "tag": {"key": "k", "value": "v", "propagateAtLaunch": False}}
TAG_TOKEN, ROLE_TOKEN = "aws:autoscaling/tag:Tag", "aws:iam/role:Role"
ATTACHMENT_TOKEN = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"


def ebs(**parts: Any) -> dict[str, Any]:
    volume = {"volumeType": "gp3", "volumeSize": 100, "encrypted": "true", **parts}
    return {"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": volume}]}


def reserved(preference: str | None, **target: str) -> dict[str, Any]:
    said = {"capacityReservationPreference": preference, "capacityReservationTarget": target or None}
    return {"capacityReservationSpecification": {key: value for key, value in said.items() if value is not None}}


REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    (NODE_GROUP, GROUP, {"clusterName": ...}, "clusterName"),
    (NODE_GROUP, GROUP, {"nodeRoleArn": "nodes"}, "nodeRoleArn"),
    (NODE_GROUP, GROUP, {"subnetIds": []}, "subnetIds"),
    (NODE_GROUP, GROUP, {"subnetIds": ["net-1"]}, "subnetIds[0]"),
    (NODE_GROUP, GROUP, {"nodeGroupName": "-arm"}, "nodeGroupName"),
    (NODE_GROUP, GROUP, {"nodeGroupName": "a" * 64}, "nodeGroupName"),
    (NODE_GROUP, GROUP, {"nodeGroupNamePrefix": "arm-"}, "nodeGroupNamePrefix"),
    (NODE_GROUP, GROUP, {"scalingConfig.minSize": -1}, "scalingConfig.minSize"),
    (NODE_GROUP, GROUP, {"scalingConfig": {"minSize": 0, "maxSize": 0, "desiredSize": 0}}, "scalingConfig.maxSize"),
    (NODE_GROUP, GROUP, {"scalingConfig.maxSize": 451}, "scalingConfig.maxSize"),
    (NODE_GROUP, GROUP, {"scalingConfig.minSize": 2}, "scalingConfig.desiredSize"),
    (NODE_GROUP, GROUP, {"scalingConfig.desiredSize": 21}, "scalingConfig.desiredSize"),
    (NODE_GROUP, GROUP, {"scalingConfig.minSize": 21}, "scalingConfig.minSize"),
    (NODE_GROUP, GROUP, {"amiType": "AL2023_x86_64_STANDARD"}, "instanceTypes[0]"),
    (NODE_GROUP, GROUP, {"amiType": ...}, "instanceTypes[1]"),
    (NODE_GROUP, GROUP, {"instanceTypes": ["m7g.2xlarge", "m7i.2xlarge"]}, "instanceTypes[1]"),
    (NODE_GROUP, GROUP, {"instanceTypes": ["a1.2xlarge"]}, "instanceTypes[0]"),
    (NODE_GROUP, GROUP, {"amiType": "AL2023_ARM64"}, "amiType"),
    (NODE_GROUP, GROUP, {"capacityType": "spot"}, "capacityType"),
    (NODE_GROUP, GROUP, {"updateConfig.maxUnavailable": 1}, "updateConfig"),
    (NODE_GROUP, GROUP, {"updateConfig": {}}, "updateConfig"),
    (NODE_GROUP, GROUP, {"updateConfig": {"maxUnavailablePercentage": 101}}, "updateConfig.maxUnavailablePercentage"),
    (NODE_GROUP, GROUP, {"labels": {"kubernetes.io/role": "ci"}}, 'labels["kubernetes.io/role"]'),
    (NODE_GROUP, GROUP, {"labels": {"node-role.kubernetes.io/ci": ""}}, 'labels["node-role.kubernetes.io/ci"]'),
    (NODE_GROUP, GROUP, {"labels": {"eks.amazonaws.com/x": ""}}, 'labels["eks.amazonaws.com/x"]'),
    (NODE_GROUP, GROUP, {"taints": [{"key": "a", "effect": "NoSchedule"}]}, "taints[0].effect"),
    (NODE_GROUP, GROUP, {"taints": [{"key": "", "effect": "NO_SCHEDULE"}]}, "taints[0].key"),
    (NODE_GROUP, GROUP, {"taints": [{"key": f"k{i}", "effect": "NO_SCHEDULE"} for i in range(51)]}, "taints"),
    (NODE_GROUP, GROUP, {"launchTemplate.version": "$Latest"}, "launchTemplate.version"),
    (NODE_GROUP, GROUP, {"launchTemplate.version": ...}, "launchTemplate.version"),
    (NODE_GROUP, GROUP, {"launchTemplate.name": "arm64"}, "launchTemplate"),
    (NODE_GROUP, GROUP, {"diskSize": 100}, "diskSize"),
    (NODE_GROUP, GROUP, {"remoteAccess": {"ec2SshKey": "k"}}, "remoteAccess"),
    (NODE_GROUP, GROUP, {"tags": {f"k{i}": "v" for i in range(51)}}, "tags"),
    (NODE_GROUP, GROUP, {"tags": {"aws:owner": "ci"}}, 'tags["aws:owner"]'),
    (LAUNCH_TEMPLATE, TEMPLATE, {"name": "x"}, "name"),
    (LAUNCH_TEMPLATE, TEMPLATE, {"name": "nodes", "namePrefix": "n"}, "namePrefix"),
    (LAUNCH_TEMPLATE, TEMPLATE, {"metadataOptions.httpTokens": "yes"}, "metadataOptions.httpTokens"),
    (
        LAUNCH_TEMPLATE,
        TEMPLATE,
        {"metadataOptions.httpPutResponseHopLimit": 0},
        "metadataOptions.httpPutResponseHopLimit",
    ),
    (LAUNCH_TEMPLATE, TEMPLATE, ebs(volumeType="gp9"), "blockDeviceMappings[0].ebs.volumeType"),
    (LAUNCH_TEMPLATE, TEMPLATE, ebs(volumeSize=8), "blockDeviceMappings[0].ebs.volumeSize"),
    (LAUNCH_TEMPLATE, TEMPLATE, ebs(encrypted="yes"), "blockDeviceMappings[0].ebs.encrypted"),
    (LAUNCH_TEMPLATE, TEMPLATE, ebs(encrypted="false", kmsKeyId="k"), "blockDeviceMappings[0].ebs.kmsKeyId"),
    (LAUNCH_TEMPLATE, TEMPLATE, {"iamInstanceProfile": {"name": "p"}}, "iamInstanceProfile"),
    (LAUNCH_TEMPLATE, TEMPLATE, {"networkInterfaces": [{"subnetId": "s"}]}, "networkInterfaces[0].subnetId"),
    (LAUNCH_TEMPLATE, TEMPLATE, {"userData": "#!/bin/sh"}, "userData"),
    (LAUNCH_TEMPLATE, TEMPLATE, {"tagSpecifications": [{"resourceType": "node"}]}, "tagSpecifications[0].resourceType"),
    (ROLE_TOKEN, ROLE, {"assumeRolePolicy": "{"}, "assumeRolePolicy"),
    (ROLE_TOKEN, ROLE, {"assumeRolePolicy": "{}"}, "assumeRolePolicy"),
    (ROLE_TOKEN, ROLE, {"assumeRolePolicy": '{"Statement": [{"Effect": "Allow"}]}'}, "assumeRolePolicy"),
    (LAUNCH_TEMPLATE, TEMPLATE, reserved("all"), "capacityReservationSpecification.capacityReservationPreference"),
    (LAUNCH_TEMPLATE, TEMPLATE, reserved("open", capacityReservationId="cr-1"), "capacityReservationSpecification"),
    (ROLE_TOKEN, ROLE, {"name": "n" * 65}, "name"),
    (ROLE_TOKEN, ROLE, {"namePrefix": "n" * 39}, "namePrefix"),
    (ROLE_TOKEN, ROLE, {"name": "a", "namePrefix": "b"}, "namePrefix"),
    (ROLE_TOKEN, ROLE, {"maxSessionDuration": 60}, "maxSessionDuration"),
    (ROLE_TOKEN, ROLE, {"managedPolicyArns": ["AmazonEKS_CNI_Policy"]}, "managedPolicyArns[0]"),
    (ATTACHMENT_TOKEN, ATTACHMENT, {"role": "arn:aws:iam::123456789012:role/nodes"}, "role"),
    (ATTACHMENT_TOKEN, ATTACHMENT, {"role": ...}, "role"),
    (ATTACHMENT_TOKEN, ATTACHMENT, {"policyArn": "AmazonEKS_CNI_Policy"}, "policyArn"),
    (TAG_TOKEN, TAG, {"autoscalingGroupName": ...}, "autoscalingGroupName"),
    (TAG_TOKEN, TAG, {"tag.key": "aws:x"}, "tag.key"),
    (TAG_TOKEN, TAG, {"tag.value": "v" * 257}, "tag.value"),
]
ACCEPTED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (NODE_GROUP, GROUP, {}),
    (NODE_GROUP, GROUP, {"nodeGroupName": ..., "nodeGroupNamePrefix": "arm64-"}),
    (NODE_GROUP, GROUP, {"scalingConfig": {"minSize": 0, "maxSize": 450, "desiredSize": 0}}),
    (NODE_GROUP, GROUP, {"amiType": "BOTTLEROCKET_ARM_64"}),
    (NODE_GROUP, GROUP, {"amiType": ..., "instanceTypes": ["m7i.2xlarge"]}),
    (NODE_GROUP, GROUP, {"amiType": "CUSTOM"}),
    (NODE_GROUP, GROUP, {"amiType": "BOTTLEROCKET_ARM_64", "instanceTypes": ["a1.2xlarge"]}),
    (NODE_GROUP, GROUP, {"instanceTypes": ["z99q.future"]}),
    (NODE_GROUP, GROUP, {"capacityType": "SPOT"}),
    (NODE_GROUP, GROUP, {"updateConfig": {"maxUnavailable": 1}}),
    (NODE_GROUP, GROUP, {"taints": [{"key": "a", "effect": "NO_EXECUTE"}]}),
    (NODE_GROUP, GROUP, {"launchTemplate": ..., "diskSize": 100}),
    (NODE_GROUP, GROUP, {"launchTemplate": {"name": "nodes", "version": "3"}}),
    (NODE_GROUP, GROUP, {"nodeRoleArn": UNKNOWN, "subnetIds": UNKNOWN, "launchTemplate": UNKNOWN, "amiType": UNKNOWN}),
    (LAUNCH_TEMPLATE, TEMPLATE, {}),
    (LAUNCH_TEMPLATE, TEMPLATE, {"name": "nodes", "userData": base64.b64encode(b"#!/bin/sh").decode()}),
    (LAUNCH_TEMPLATE, TEMPLATE, ebs(volumeSize=20)),
    (LAUNCH_TEMPLATE, TEMPLATE, reserved("capacity-reservations-only")),
    (LAUNCH_TEMPLATE, TEMPLATE, reserved(None, capacityReservationId="cr-1")),
    (ROLE_TOKEN, ROLE, {"name": "nodes", "maxSessionDuration": 3600}),
    (ROLE_TOKEN, ROLE, {"assumeRolePolicy": UNKNOWN}),
    (ATTACHMENT_TOKEN, ATTACHMENT, {}),
    (TAG_TOKEN, TAG, {}),
]


@pytest.mark.parametrize(
    ("token", "inputs", "changes", "path"), REFUSED, ids=[f"{i}-{row[3]}" for i, row in enumerate(REFUSED)]
)
def test_aws_refuses(check: Any, token: str, inputs: dict[str, Any], changes: dict[str, Any], path: str) -> None:
    refusals = check(token, inputs, changes)
    assert path in [refusal.path for refusal in refusals], refusals
    assert all(refusal.source and refusal.message for refusal in refusals)


@pytest.mark.parametrize(("token", "inputs", "changes"), ACCEPTED, ids=range(len(ACCEPTED)))
def test_aws_accepts(check: Any, token: str, inputs: dict[str, Any], changes: dict[str, Any]) -> None:
    assert check(token, inputs, changes) == []


def test_an_ami_mismatch_is_worded_like_the_real_api(check: Any) -> None:
    refusals = check(NODE_GROUP, GROUP, {"amiType": ..., "instanceTypes": ["t4g.medium"]})
    expected = "[t4g.medium] is not a valid instance type for requested amiType AL2023_x86_64_STANDARD"
    assert expected in refusals[0].message


@given(low=st.integers(-2, 12), want=st.integers(-2, 12), high=st.integers(-2, 12))
def test_sizes_are_accepted_exactly_when_desired_lies_between_the_limits(low: int, want: int, high: int) -> None:
    inputs = {**GROUP, "scalingConfig": {"minSize": low, "desiredSize": want, "maxSize": high}}
    accepted = not AwsProvider().check(NODE_GROUP, "group", inputs)
    assert accepted == (0 <= low <= want <= high and high >= 1)


@pytest.mark.parametrize(
    ("template", "path"), [({"instanceType": "m7g.large"}, "instanceTypes"), ({"imageId": "ami-1"}, "amiType")]
)
def test_a_node_group_and_its_template_must_not_both_say_it(template: dict[str, Any], path: str) -> None:
    provider = AwsProvider()
    created = provider.create(LAUNCH_TEMPLATE, "template", {**TEMPLATE, **template})
    inputs = {**GROUP, "launchTemplate": {"id": created.id, "version": "1"}}
    assert [refusal.path for refusal in provider.check(NODE_GROUP, "group", inputs)] == [path]
    plain = provider.create(LAUNCH_TEMPLATE, "other", TEMPLATE)
    assert provider.check(NODE_GROUP, "group", {**inputs, "launchTemplate": {"id": plain.id, "version": "1"}}) == []


def test_outputs_that_the_program_reads_are_there() -> None:
    group = AwsProvider().create(NODE_GROUP, "group", GROUP)
    assert group.id == "ci:arm64"
    assert group.outputs["resources"][0]["autoscalingGroups"][0]["name"].startswith("eks-arm64-")
    template = AwsProvider().create(LAUNCH_TEMPLATE, "template", TEMPLATE)
    assert template.id.startswith("lt-0")
    assert template.outputs["latestVersion"] == 1
    role = AwsProvider().create(ROLE_TOKEN, "nodes", ROLE)
    assert role.outputs["arn"] == f"arn:aws:iam::123456789012:role/{role.outputs['name']}"


def test_updating_a_launch_template_makes_a_new_version() -> None:
    state = AwsProvider().create(LAUNCH_TEMPLATE, "template", TEMPLATE).outputs
    after = AwsProvider().update(LAUNCH_TEMPLATE, "template", state, {**TEMPLATE, "ebsOptimized": "true"})
    assert after["latestVersion"] == 2


@pytest.mark.parametrize(
    ("changes", "replaces"),
    [
        ({"scalingConfig.maxSize": 30}, False),
        ({"labels.team": "ci"}, False),
        ({"taints": []}, False),
        ({"launchTemplate.version": "2"}, False),
        ({"instanceTypes": ["m8g.2xlarge"]}, True),
        ({"amiType": "BOTTLEROCKET_ARM_64"}, True),
        ({"capacityType": "SPOT"}, True),
        ({"launchTemplate.id": "lt-1"}, True),
        ({"nodeGroupName": "other"}, True),
    ],
)
def test_eks_replaces_what_the_provider_forces_new(differ: Any, changes: dict[str, Any], replaces: Any) -> None:
    diff = differ(NODE_GROUP, GROUP, changes)
    assert bool(diff.replaces) == replaces
    assert bool(diff.updates) != replaces


def test_lookups_answer_what_was_asked() -> None:
    provider = AwsProvider()
    found = provider.invoke("aws:eks/getCluster:getCluster", {"name": "ci", "region": "eu-central-1"})
    assert found["arn"] == "arn:aws:eks:eu-central-1:123456789012:cluster/ci"
    assert len(found["vpcConfig"]["subnetIds"]) == 3
    assert found["certificateAuthorities"][0]["data"]
    assert provider.invoke("aws:index/getRegion:getRegion", {"region": "eu-west-1"})["region"] == "eu-west-1"
    assert provider.invoke("aws:index/getPartition:getPartition", {})["partition"] == "aws"
    assert provider.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})["accountId"] == "123456789012"
    arguments = {
        "statements": [{"actions": ["sts:AssumeRole"], "principals": [{"type": "Service", "identifiers": ["x"]}]}]
    }
    document = json.loads(provider.invoke("aws:iam/getPolicyDocument:getPolicyDocument", arguments)["json"])
    assert document["Statement"] == [{"Action": ["sts:AssumeRole"], "Effect": "Allow", "Principal": {"Service": ["x"]}}]


@pytest.mark.parametrize("args", [{"name": "-ci"}, {"name": "ci", "region": "eu-central-1a"}, {}])
def test_the_cluster_lookup_refuses_names_that_no_cluster_has(args: dict[str, Any]) -> None:
    with pytest.raises(LookupRefusedError):
        AwsProvider().invoke("aws:eks/getCluster:getCluster", args)


def test_a_region_that_is_none_is_refused_in_the_providers_configuration() -> None:
    assert AwsProvider().check_config({"region": "eu-central-1a"})[0].path == "region"
    assert AwsProvider().check_config({"region": "eu-central-1"}) == []


@pytest.mark.parametrize(
    ("token", "rule"),
    [(token, rule) for token, kind in AwsProvider.kinds.items() for rule in kind.rules],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_rule_refuses_one_of_the_examples_by_itself(token: str, rule: Any) -> None:
    assert any(list(rule(changed(inputs, changes))) for of, inputs, changes, _ in REFUSED if of == token)
