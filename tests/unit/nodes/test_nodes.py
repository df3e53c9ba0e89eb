"""A pool's nodes carry what their cloud puts on them, and are read off the plan's inputs alone."""

import re
from typing import Any

import pytest

from multiarch.model.clouds.aks.machines import machine_of as azure
from multiarch.model.clouds.eks.machines import machine_of as aws
from multiarch.model.clouds.gke.machines import machine_of as gcp
from multiarch.model.nodes import NodeGroup, nodes_for, owner
from multiarch.model.nodes.machines import allocatable
from multiarch.model.nodes.model import node_view, parse_taint, taint_text
from multiarch.model.plan.model import Plan, PlannedInvoke, PlannedResource
from multiarch.model.providers.values import SecretValue

ARM_TAINT = "kubernetes.io/arch=arm64:NoSchedule"
GKE, EKS, AKS = (
    "gcp:container/nodePool:NodePool",
    "aws:eks/nodeGroup:NodeGroup",
    "azure-native:containerservice:AgentPool",
)


def resource(type_: str, inputs: dict[str, Any], **more: Any) -> PlannedResource:
    return PlannedResource(urn=f"urn:{type_}", type=type_, name="logical", inputs=inputs, **more)


def group(type_: str, inputs: dict[str, Any], **plan: Any) -> NodeGroup:
    others = plan.pop("others", ())
    (found,) = nodes_for(Plan(stack="s", resources=(*others, resource(type_, inputs)), **plan))
    return found


def labels(found: NodeGroup) -> dict[str, str]:
    return dict(found.nodes[0]["metadata"]["labels"])


def node_taints(found: NodeGroup) -> set[tuple[str, ...]]:
    return {tuple(taint_text(taint) for taint in node["spec"]["taints"]) for node in found.nodes}


def gke(**config: Any) -> NodeGroup:
    inputs = {"name": "builders", "location": "us-central1", "cluster": "projects/p/locations/l/clusters/ci"}
    scaling = {"autoscaling": {"totalMinNodeCount": 1, "totalMaxNodeCount": 20}}
    return group(GKE, {**inputs, **scaling, "nodeConfig": {"machineType": "t2a-standard-8", **config}})


class TestGke:
    def test_an_arm64_pool_gets_the_arch_taint_that_nobody_declared(self) -> None:
        found = gke()
        assert found.pool.taints == (ARM_TAINT,)
        assert node_taints(found) == {(ARM_TAINT,)}
        assert found.guarded

    def test_the_taint_is_one_even_if_it_was_declared_too(self) -> None:
        declared = {"key": "kubernetes.io/arch", "value": "arm64", "effect": "NO_SCHEDULE"}
        assert gke(taints=[declared]).pool.taints == (ARM_TAINT,)

    def test_a_pool_that_opts_out_has_no_taint_and_makes_no_promise(self) -> None:
        found = gke(taintConfig={"architectureTaintBehavior": "NONE"})
        assert found.pool.taints == ()
        assert not found.guarded

    def test_an_amd64_pool_has_no_taint(self) -> None:
        found = gke(machineType="e2-standard-8")
        assert (found.pool.arch, found.pool.taints, found.guarded) == ("amd64", (), False)

    def test_effects_are_translated(self) -> None:
        taints = [{"key": "team", "value": "ci", "effect": "PREFER_NO_SCHEDULE"}]
        assert gke(taints=taints, machineType="e2-standard-8").pool.taints == ("team=ci:PreferNoSchedule",)

    def test_labels_are_gkes_and_the_declared_ones(self) -> None:
        found = labels(gke(labels={"team": "ci"}, spot=True))
        assert found["cloud.google.com/gke-nodepool"] == "builders"
        assert found["cloud.google.com/gke-spot"] == "true"
        assert found["kubernetes.io/arch"] == "arm64"
        assert found["team"] == "ci"
        assert found["topology.kubernetes.io/region"] == "us-central1"
        assert "cloud.google.com/gke-spot" not in labels(gke())

    def test_nodes_are_spread_over_the_stated_zones(self) -> None:
        inputs = {"name": "n", "nodeLocations": ["us-central1-b", "us-central1-a"], "nodeConfig": {}}
        found = group(GKE, {**inputs, "autoscaling": {"totalMinNodeCount": 0, "totalMaxNodeCount": 5}})
        zones = [node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in found.nodes]
        assert zones == ["us-central1-a", "us-central1-b"]
        assert found.nodes[0]["spec"]["providerID"].startswith("gce://project/us-central1-a/gke-cluster-n-")

    def test_limits_per_zone_multiply(self) -> None:
        inputs = {"name": "n", "location": "us-central1", "nodeConfig": {}}
        found = group(GKE, {**inputs, "autoscaling": {"minNodeCount": 1, "maxNodeCount": 5}})
        assert (found.pool.min_nodes, found.pool.max_nodes) == (3, 15)

    def test_no_more_nodes_than_the_maximum(self) -> None:
        inputs = {"name": "n", "location": "us-central1", "nodeConfig": {}}
        found = group(GKE, {**inputs, "autoscaling": {"totalMinNodeCount": 0, "totalMaxNodeCount": 1}})
        assert len(found.nodes) == 1


class TestEks:
    inputs: dict[str, Any] = {  # noqa: RUF012 - not changed
        "clusterName": "ci",
        "nodeGroupNamePrefix": "arm64-",
        "instanceTypes": ["m7g.2xlarge", "m6g.2xlarge"],
        "capacityType": "ON_DEMAND",
        "scalingConfig": {"minSize": 1, "maxSize": 20, "desiredSize": 1},
        "labels": {"multiarch-runner.io/pool": "arm64"},
    }

    def test_no_taint_that_was_not_declared(self) -> None:
        found = group(EKS, self.inputs)
        assert found.pool.taints == ()
        assert found.guarded, "EKS adds no taint itself, so an undeclared one is a broken promise"

    def test_declared_taints_are_translated(self) -> None:
        taint = {"key": "kubernetes.io/arch", "value": "arm64", "effect": "NO_SCHEDULE"}
        assert group(EKS, {**self.inputs, "taints": [taint]}).pool.taints == (ARM_TAINT,)

    def test_labels_are_ekss_and_a_prefix_is_completed(self) -> None:
        found = labels(group(EKS, self.inputs))
        assert found["eks.amazonaws.com/nodegroup"].startswith("arm64-")
        assert not found["eks.amazonaws.com/nodegroup"].endswith("-")
        assert found["eks.amazonaws.com/capacityType"] == "ON_DEMAND"
        assert found["node.kubernetes.io/instance-type"] == "m7g.2xlarge"
        assert group(EKS, self.inputs).pool.name == "arm64"

    def test_a_spot_group_is_labelled_and_not_tainted(self) -> None:
        found = group(EKS, {**self.inputs, "capacityType": "SPOT"})
        assert found.pool.spot
        assert labels(found)["eks.amazonaws.com/capacityType"] == "SPOT"
        assert found.pool.taints == ()

    def test_the_region_is_that_of_the_cluster_looked_up(self) -> None:
        arn = {"arn": "arn:aws:eks:eu-central-1:111122223333:cluster/ci"}
        invokes = (PlannedInvoke(token="aws:eks/getCluster:getCluster", args={}, result=arn),)
        found = group(EKS, self.inputs, invokes=invokes)
        assert {node["metadata"]["labels"]["topology.kubernetes.io/region"] for node in found.nodes} == {"eu-central-1"}

    def test_the_disk_is_the_launch_templates(self) -> None:
        template = resource(
            "aws:ec2/launchTemplate:LaunchTemplate",
            {"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"volumeSize": 100}}]},
            id="lt-1",
        )
        found = group(EKS, {**self.inputs, "launchTemplate": {"id": "lt-1"}}, others=(template,))
        assert found.nodes[0]["status"]["capacity"]["ephemeral-storage"] == "100Gi"

    def test_node_names_are_unique(self) -> None:
        names = [node["metadata"]["name"] for node in group(EKS, self.inputs).nodes]
        assert len(set(names)) == len(names) == 3


@pytest.mark.parametrize("stack", ["-dev-", "a" * 100, "prod."])
def test_any_name_that_pulumi_takes_can_stand_in_a_label(stack: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", owner(stack))
    assert owner(stack) != owner(f"{stack}b")
    assert owner("gke.prod") == "gke.prod"


class TestAks:
    inputs: dict[str, Any] = {  # noqa: RUF012 - not changed
        "resourceName": "ci",
        "resourceGroupName": "ci",
        "agentPoolName": "arm64",
        "vmSize": "Standard_D8ps_v6",
        "mode": "User",
        "enableAutoScaling": True,
        "count": 1,
        "minCount": 1,
        "maxCount": 20,
        "nodeTaints": [ARM_TAINT],
    }

    def test_taints_are_the_declared_ones(self) -> None:
        assert group(AKS, self.inputs).pool.taints == (ARM_TAINT,)
        assert group(AKS, {**self.inputs, "nodeTaints": []}).pool.taints == ()

    @pytest.mark.parametrize("declared", [[], ["kubernetes.azure.com/scalesetpriority=spot:NoSchedule"]])
    def test_a_spot_pool_has_the_spot_taint_once(self, declared: list[str]) -> None:
        found = group(AKS, {**self.inputs, "scaleSetPriority": "Spot", "nodeTaints": declared})
        assert found.pool.taints == ("kubernetes.azure.com/scalesetpriority=spot:NoSchedule",)
        assert labels(found)["kubernetes.azure.com/scalesetpriority"] == "spot"

    def test_labels_are_akss(self) -> None:
        found = labels(group(AKS, {**self.inputs, "nodeLabels": {"team": "ci"}}))
        assert found["kubernetes.azure.com/agentpool"] == "arm64"
        assert found["kubernetes.azure.com/mode"] == "user"
        assert found["team"] == "ci"

    def test_a_pool_without_zones_has_none_though_azure_labels_its_nodes_with_a_fault_domain(self) -> None:
        found = group(AKS, self.inputs)
        assert found.pool.zones == ()
        assert {node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in found.nodes} == {"0"}

    def test_a_versioned_type_is_the_same_resource(self) -> None:
        assert group("azure-native:containerservice/v20250901:AgentPool", self.inputs).pool.cloud == "aks"

    def test_a_pool_without_autoscaling_has_its_count(self) -> None:
        found = group(AKS, {**self.inputs, "enableAutoScaling": False, "count": 2})
        assert (found.pool.min_nodes, found.pool.max_nodes, len(found.nodes)) == (2, 2, 2)


def test_existing_nodes_are_what_the_component_states() -> None:
    stated = {
        "names": ["rack"],
        "arch": "arm64",
        "labels": {"rack": "7"},
        "taints": [ARM_TAINT],
        "min_nodes": 2,
        "max_nodes": 20,
    }
    component = resource("multiarch-runner:index:ExistingNodes", {}, custom=False, outputs=stated)
    (found,) = nodes_for(Plan(stack="s", resources=(component,)))
    assert (found.pool.name, found.pool.cloud, len(found.nodes)) == ("rack", "existing", 2)
    assert labels(found)["rack"] == "7"
    assert node_taints(found) == {(ARM_TAINT,)}
    assert found.guarded


def test_existing_nodes_without_the_stated_taint_promise_nothing() -> None:
    stated = {"names": ["rack"], "arch": "arm64", "taints": [], "min_nodes": 1, "max_nodes": 1}
    component = resource("multiarch-runner:index:ExistingNodes", {}, custom=False, outputs=stated)
    (found,) = nodes_for(Plan(stack="s", resources=(component,)))
    assert not found.guarded


def test_secret_marks_in_inputs_do_not_hide_values() -> None:
    found = group(AKS, {**TestAks.inputs, "nodeLabels": SecretValue({"team": "ci"})})
    assert labels(found)["team"] == "ci"


def test_other_resources_are_no_pools() -> None:
    assert nodes_for(Plan(stack="s", resources=(resource("kubernetes:core/v1:Namespace", {}),))) == []


@pytest.mark.parametrize(
    ("machine", "arch", "cpus", "memory"),
    [
        (gcp("t2a-standard-8"), "arm64", 8, 32),
        (gcp("c4a-highmem-4-lssd"), "arm64", 4, 32),
        (gcp("n4a-highcpu-16"), "arm64", 16, 32),
        (gcp("e2-standard-8"), "amd64", 8, 32),
        (gcp("t2d-standard-4"), "amd64", 4, 16),
        (aws("m7g.2xlarge"), "arm64", 8, 32),
        (aws("c8gn.large"), "arm64", 2, 4),
        (aws("a1.xlarge"), "arm64", 4, 8),
        (aws("g5g.xlarge"), "arm64", 4, 16),
        (aws("im4gn.large"), "arm64", 2, 16),
        (aws("x2gd.medium"), "arm64", 1, 16),
        (aws("g5.xlarge"), "amd64", 4, 16),
        (aws("g4dn.xlarge"), "amd64", 4, 16),
        (aws("m7i.2xlarge"), "amd64", 8, 32),
        (azure("Standard_D8ps_v6"), "arm64", 8, 32),
        (azure("Standard_D4pls_v6"), "arm64", 4, 8),
        (azure("Standard_E8pds_v5"), "arm64", 8, 64),
        (azure("Standard_B4ps_v2"), "arm64", 4, 16),
        (azure("Standard_D8s_v6"), "amd64", 8, 32),
        (azure("Standard_NP10s"), "amd64", 10, 40),
    ],
)
def test_machines_are_read_off_their_names(machine: Any, arch: str, cpus: int, memory: float) -> None:
    assert (machine.arch, machine.cpus, machine.memory) == (arch, cpus, memory)


def test_a_node_offers_less_than_its_machine_has() -> None:
    """GKE's published example: 8 vCPU and 32 GiB leave 7.91 CPU and about 28.3 GiB."""
    offered = allocatable(gcp("e2-standard-8"), 100, 110)
    assert offered["cpu"] == "7910m"
    assert 28 * 1024 < int(offered["memory"].removesuffix("Mi")) < 29 * 1024


@pytest.mark.parametrize("text", ["a=b:NoSchedule", "a:NoExecute", "x.io/y=z:PreferNoSchedule"])
def test_taints_survive_reading_and_writing(text: str) -> None:
    assert taint_text(parse_taint(text)) == text


def test_a_view_shows_the_nodes_own_labels_and_taints() -> None:
    found = gke()
    view = node_view(found.nodes[0], "builders")
    assert (view.pool, view.arch, view.taints) == ("builders", "arm64", (ARM_TAINT,))
