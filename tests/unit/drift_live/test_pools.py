"""Nodes are told of the pool that they belong to, against what the program promises; passing states are no drift."""

from typing import Any

import pytest

from multiarch.cluster.api import ApiRefused
from multiarch.core.verdict import Verdict
from multiarch.drift.live.nodes import check_nodes, lifecycle
from multiarch.drift.live.pools import members, promises_of
from multiarch.drift.live.request import StateResource
from multiarch.drift.model import Change, CheckResult
from multiarch.model.plan.model import Plan, PlannedResource
from tests.unit.drift_live.stubs import Cluster, planned, scene

ARM = "kubernetes.io/arch"
ARM_TAINT = {"key": ARM, "value": "arm64", "effect": "NoSchedule"}


def gke(name: str = "arm64", low: int = 1, **config: Any) -> PlannedResource:
    inputs = {
        "name": name,
        "location": "us-central1",
        "autoscaling": {"totalMinNodeCount": low, "totalMaxNodeCount": 3},
        "nodeConfig": {"machineType": "t2a-standard-8", "labels": {"team": "ci"}, **config},
    }
    return planned("gcp:container/nodePool:NodePool", inputs, name)


def eks(name: str, **more: Any) -> PlannedResource:
    inputs = {
        "nodeGroupNamePrefix": f"{name}-",
        "instanceTypes": ["m7g.large"],
        "scalingConfig": {"minSize": 1, "maxSize": 2},
        "labels": {"team": "ci"},
        "region": "us-east-1",
        **more,
    }
    return planned("aws:eks/nodeGroup:NodeGroup", inputs, name)


def node(name: str = "n1", *taints: dict[str, str], arch: str = "arm64", **labels: str) -> dict[str, Any]:
    made = {ARM: arch, "cloud.google.com/gke-nodepool": "arm64", "team": "ci", **labels}
    return {
        "metadata": {"name": name, "labels": {key: value for key, value in made.items() if value}},
        "spec": {"taints": list(taints or (ARM_TAINT,))},
        "status": {"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"architecture": arch}},
    }


def told(resource: PlannedResource, *nodes: dict[str, Any]) -> CheckResult:
    cluster = Cluster({f"/api/v1/nodes/{one['metadata']['name']}": one for one in nodes})
    return check_nodes(scene(cluster, [resource]))


def paths(result: CheckResult) -> list[str]:
    return [f"{one.change} {one.path}" for finding in result.findings for one in finding.differences]


def test_nodes_as_promised_are_clean() -> None:
    result = told(gke(), node("n1"), node("n2"))
    assert (result.verdict, len(result.findings)) == (Verdict.YES, 1)
    assert result.findings[0].urn.endswith("::arm64")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            node("n1", {"key": "x", "effect": "NoSchedule"}),
            [f"gone nodes[n1].spec.taints[{ARM}:NoSchedule]", "added nodes[n1].spec.taints[x:NoSchedule]"],
        ),
        (node("n1", {**ARM_TAINT, "value": "no"}), [f"changed nodes[n1].spec.taints[{ARM}:NoSchedule].value"]),
        (
            node("n1", {**ARM_TAINT, "effect": "NoExecute"}),
            [f"added nodes[n1].spec.taints[{ARM}:NoExecute]", f"gone nodes[n1].spec.taints[{ARM}:NoSchedule]"],
        ),
        (node(team="other"), ["changed nodes[n1].metadata.labels.team"]),
        (node(team=""), ["gone nodes[n1].metadata.labels.team"]),
        (
            node(arch="amd64"),
            [f'changed nodes[n1].metadata.labels["{ARM}"]', "changed nodes[n1].status.nodeInfo.architecture"],
        ),
    ],
)
def test_a_node_that_breaks_the_promise_is_told(changed: dict[str, Any], expected: list[str]) -> None:
    assert sorted(paths(told(gke(), node("n0"), changed))) == sorted(expected)


def test_a_label_that_only_the_cloud_sets_is_not_promised() -> None:
    other = node(**{"node.kubernetes.io/instance-type": "t2a-standard-16", "topology.kubernetes.io/region": "x"})
    assert told(gke(), other).verdict is Verdict.YES


def test_a_spot_pools_nodes_are_spot() -> None:
    assert paths(told(gke(spot=True), node())) == ['gone nodes[n1].metadata.labels["cloud.google.com/gke-spot"]']


@pytest.mark.parametrize("low", [0, 1])
def test_an_empty_pool_is_drift_only_above_its_minimum(low: int) -> None:
    (finding,) = told(gke(low=low)).findings
    assert (finding.verdict, finding.change) == ((Verdict.NO, Change.GONE) if low else (Verdict.YES, None))


def test_how_many_nodes_there_are_is_remarked_and_no_drift() -> None:
    (finding,) = told(gke(), *(node(f"n{number}") for number in range(5))).findings
    assert (finding.verdict, "above the maximum of 3" in finding.reason) == (Verdict.YES, True)


@pytest.mark.parametrize(
    "key",
    ["node.kubernetes.io/unschedulable", "ToBeDeletedByClusterAutoscaler", "node.cloudprovider.kubernetes.io/shutdown"],
)
def test_a_taint_that_comes_and_goes_is_no_drift_and_is_told_as_ignored(key: str) -> None:
    (finding,) = told(gke(), node("n1", ARM_TAINT, {"key": key, "effect": "NoSchedule"})).findings
    assert finding.verdict is Verdict.YES
    assert any(key in reason for reason in finding.ignored)
    assert not lifecycle("example.org/node.kubernetes.io")


def test_a_node_on_its_way_out_and_a_node_not_ready_are_no_drift() -> None:
    leaving = node("n1", {"key": "x", "effect": "NoSchedule"})
    leaving["metadata"]["deletionTimestamp"] = "2026-11-25T12:00:00Z"
    broken = node("n2")
    broken["status"]["conditions"] = []
    (finding,) = told(gke(), leaving, broken).findings
    assert (finding.verdict, finding.reason) == (Verdict.YES, "not ready: n2")


def test_a_login_that_may_not_see_nodes_could_not_tell() -> None:
    broken = Cluster(broken=ApiRefused(403, "Forbidden", "nodes is forbidden"))
    result = check_nodes(scene(broken, [gke()]))
    assert (result.verdict, "403" in result.failure) == (Verdict.UNKNOWN, True)


def test_a_plan_without_pools_has_nothing_to_compare() -> None:
    assert check_nodes(scene()).skipped


def group_of(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"eks.amazonaws.com/nodegroup": name}}}


def test_a_node_group_is_known_by_the_longest_prefix() -> None:
    plan = Plan(stack="s", resources=(eks("ci-arm64"), eks("ci-arm64-spot")))
    names = [
        "ci-arm64-20261125120000000000000001",
        "ci-arm64-spot-20261125120000000000000002",
        "ci-arm64-x_y",
        "other-1234567",
    ]
    found = members(promises_of(plan), [group_of(name) for name in names])
    by_pool = {urn.rpartition("::")[2]: [one["metadata"]["name"] for one in nodes] for urn, nodes in found.items()}
    assert by_pool == {"ci-arm64": names[:1], "ci-arm64-spot": names[1:2], "": names[2:]}


def test_a_node_group_is_known_by_its_name_where_the_state_has_it() -> None:
    resource = eks("ci-arm64")
    state = [StateResource(urn=resource.urn, type=resource.type, outputs={"nodeGroupName": "ci-arm64-2"})]
    promises = promises_of(Plan(stack="s", resources=(resource,)), state)
    found = members(promises, [group_of("ci-arm64-2"), group_of("ci-arm64-20261125120000000000000001")])
    assert [one["metadata"]["name"] for one in found[resource.urn]] == ["ci-arm64-2"]
    assert promises[0].labels == {"team": "ci", "eks.amazonaws.com/capacityType": "ON_DEMAND"}


def test_a_node_that_could_be_of_two_pools_is_of_the_one_that_says_more() -> None:
    common = {"names": ["a"], "arch": "amd64", "taints": [], "min_nodes": 1, "max_nodes": 2}
    wide, narrow = (
        planned("multiarch-runner:index:ExistingNodes", {}, name, outputs={**common, "labels": labels}, custom=False)
        for name, labels in (("wide", {"a": "1"}), ("narrow", {"a": "1", "b": "2"}))
    )
    for order in ((wide, narrow), (narrow, wide)):
        found = members(promises_of(Plan(stack="s", resources=order)), [node("n1", a="1", b="2"), node("n2", a="1")])
        assert [one["metadata"]["name"] for one in found[narrow.urn]] == ["n1"]
        assert [one["metadata"]["name"] for one in found[wide.urn]] == ["n2"]


def test_existing_nodes_without_stated_labels_are_known_by_their_architecture() -> None:
    outputs = {"names": ["arm64"], "arch": "arm64", "labels": {}, "taints": [], "min_nodes": 1, "max_nodes": 2}
    resource = planned("multiarch-runner:index:ExistingNodes", {}, outputs=outputs, custom=False)
    assert told(resource, node("n1", {"key": "node.kubernetes.io/x", "effect": "NoSchedule"})).verdict is Verdict.YES
    assert told(resource, node("n1", arch="amd64")).findings[0].change is Change.GONE
