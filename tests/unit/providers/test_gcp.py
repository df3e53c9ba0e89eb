"""GKE node pools: each rule refuses its example and accepts its neighbour."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiarch.model.clouds.gke import node_pool, scaling
from multiarch.model.clouds.gke.provider import NODE_POOL, GcpProvider
from multiarch.model.providers.base import LookupRefusedError
from multiarch.model.providers.values import UNKNOWN
from tests.unit.providers.conftest import changed

ZONES = ["us-central1-a", "us-central1-b", "us-central1-f"]
POOL: dict[str, Any] = {
    "name": "arm64",
    "cluster": "ci",
    "location": "us-central1",
    "nodeLocations": ZONES,
    "initialNodeCount": 1,
    "autoscaling": {"totalMinNodeCount": 1, "totalMaxNodeCount": 20, "locationPolicy": "BALANCED"},
    "nodeConfig": {
        "machineType": "t2a-standard-8",
        "imageType": "cos_containerd",
        "bootDisk": {"diskType": "pd-balanced", "sizeGb": 100},
        "labels": {"managed-by": "pulumi", "multiarch-runner.io/arch": "arm64"},
        "oauthScopes": ["https://www.googleapis.com/auth/cloud-platform"],
    },
    "upgradeSettings": {"maxSurge": 1, "maxUnavailable": 0, "strategy": "SURGE"},
}
C4A = {"nodeConfig.machineType": "c4a-standard-8", "nodeConfig.bootDisk.diskType": "hyperdisk-balanced"}
E2 = {"nodeConfig.machineType": "e2-standard-8"}


def taint(**parts: Any) -> dict[str, Any]:
    return {"nodeConfig.taints": [{"key": "ci.example.org/dedicated", "value": "ci", "effect": "NO_SCHEDULE", **parts}]}


def reserved(**affinity: Any) -> dict[str, Any]:
    return {"nodeConfig.reservationAffinity": affinity}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"cluster": ...}, "cluster"),
    ({"location": ...}, "location"),
    ({"name": "Arm"}, "name"),
    ({"name": "a" * 41}, "name"),
    ({"name": "arm-"}, "name"),
    ({"namePrefix": "x"}, "namePrefix"),
    ({"location": "mars"}, "location"),
    ({"nodeLocations": ["us-central1"]}, "nodeLocations[0]"),
    ({**E2, "nodeLocations": ["europe-west4-a"]}, "nodeLocations[0]"),
    ({"nodeLocations": ["us-central1-c"]}, "nodeLocations[0]"),
    ({"nodeLocations": ...}, "nodeLocations"),
    ({"location": "europe-west1", "nodeLocations": ...}, "nodeConfig.machineType"),
    ({"location": "us-central1-c", "nodeLocations": ...}, "nodeLocations"),
    (
        {**C4A, "nodeConfig.machineType": "n4a-standard-8", "location": "asia-east1", "nodeLocations": ...},
        "nodeConfig.machineType",
    ),
    ({"nodeConfig.imageType": "COS"}, "nodeConfig.imageType"),
    ({"nodeConfig.imageType": "WINDOWS_LTSC_CONTAINERD"}, "nodeConfig.imageType"),
    ({"nodeConfig.bootDisk.diskType": "hyperdisk-balanced"}, "nodeConfig.bootDisk.diskType"),
    ({**C4A, "nodeConfig.bootDisk.diskType": "pd-balanced"}, "nodeConfig.bootDisk.diskType"),
    ({**C4A, "nodeConfig.bootDisk": ..., "nodeConfig.diskType": "pd-ssd"}, "nodeConfig.diskType"),
    ({"nodeConfig.bootDisk.sizeGb": 5}, "nodeConfig.bootDisk.sizeGb"),
    ({"nodeConfig.diskType": "pd-ssd"}, "nodeConfig.bootDisk.diskType"),
    ({"nodeConfig.localSsdCount": 1}, "nodeConfig.localSsdCount"),
    ({**C4A, "nodeConfig.gvnic": {"enabled": False}}, "nodeConfig.gvnic.enabled"),
    ({"nodeConfig.labels": {"kubernetes.io/arch": "arm64"}}, 'nodeConfig.labels["kubernetes.io/arch"]'),
    ({"nodeConfig.labels": {"team.k8s.io/x": "y"}}, 'nodeConfig.labels["team.k8s.io/x"]'),
    ({"nodeConfig.labels": {"a": "not a label"}}, "nodeConfig.labels.a"),
    (taint(effect="NoSchedule"), "nodeConfig.taints[0].effect"),
    (taint(value=""), "nodeConfig.taints[0].value"),
    (taint(key=""), "nodeConfig.taints[0].key"),
    (taint(key="kubernetes.io/arch", value="arm64"), "nodeConfig.taints[0].key"),
    (
        {"nodeConfig.taintConfig": {"architectureTaintBehavior": "OFF"}},
        "nodeConfig.taintConfig.architectureTaintBehavior",
    ),
    ({"nodeConfig.spot": True, "nodeConfig.preemptible": True}, "nodeConfig.spot"),
    ({"nodeConfig.serviceAccount": "ci nodes"}, "nodeConfig.serviceAccount"),
    ({"nodeConfig.oauthScopes": ["cloud platform"]}, "nodeConfig.oauthScopes[0]"),
    ({"nodeConfig.workloadMetadataConfig": {"mode": "SECURE"}}, "nodeConfig.workloadMetadataConfig.mode"),
    ({"nodeConfig.tags": ["CI"]}, "nodeConfig.tags[0]"),
    ({"nodeConfig.resourceLabels": {f"k{i}": "v" for i in range(65)}}, "nodeConfig.resourceLabels"),
    ({"nodeConfig.resourceLabels": {"Team": "ci"}}, "nodeConfig.resourceLabels.Team"),
    ({"autoscaling.maxNodeCount": 5}, "autoscaling.maxNodeCount"),
    ({"autoscaling": {"locationPolicy": "ANY"}}, "autoscaling"),
    ({"autoscaling.totalMinNodeCount": 21}, "autoscaling.totalMinNodeCount"),
    ({"autoscaling.totalMaxNodeCount": 0, "autoscaling.totalMinNodeCount": 0}, "autoscaling.totalMaxNodeCount"),
    ({"autoscaling.locationPolicy": "SPREAD"}, "autoscaling.locationPolicy"),
    ({"autoscaling.totalMaxNodeCount": 3001}, "autoscaling.totalMaxNodeCount"),
    ({"autoscaling": {"minNodeCount": 0, "maxNodeCount": 1001}}, "autoscaling.maxNodeCount"),
    ({"initialNodeCount": -1}, "initialNodeCount"),
    ({"maxPodsPerNode": 4}, "maxPodsPerNode"),
    ({"upgradeSettings.maxSurge": 0}, "upgradeSettings.maxSurge"),
    ({"upgradeSettings.maxSurge": 21}, "upgradeSettings.maxSurge"),
    ({"upgradeSettings.strategy": "FAST"}, "upgradeSettings.strategy"),
    ({"nodeDrainConfigs": [{}]}, "nodeDrainConfigs[0]"),
    ({"nodeDrainConfigs": [{"pdbTimeoutDuration": "1h"}]}, "nodeDrainConfigs[0].pdbTimeoutDuration"),
    (reserved(consumeReservationType="SOME"), "nodeConfig.reservationAffinity.consumeReservationType"),
    (reserved(consumeReservationType="SPECIFIC_RESERVATION"), "nodeConfig.reservationAffinity"),
    (reserved(consumeReservationType="ANY_RESERVATION", key="k", values=["v"]), "nodeConfig.reservationAffinity"),
    ({"nodeConfig.spot": True, **reserved(consumeReservationType="ANY_RESERVATION")}, "nodeConfig.reservationAffinity"),
    ({"nodeConfig.kubeletConfig": {"podPidsLimit": 100}}, "nodeConfig.kubeletConfig.podPidsLimit"),
    (
        {"nodeConfig.kubeletConfig": {"imageGcLowThresholdPercent": 80, "imageGcHighThresholdPercent": 70}},
        "nodeConfig.kubeletConfig.imageGcLowThresholdPercent",
    ),
    ({"nodeConfig.bootDiskKmsKey": "nodes"}, "nodeConfig.bootDiskKmsKey"),
]
ACCEPTED: list[dict[str, Any]] = [
    {},
    {"name": "a" * 40},
    {"name": ..., "namePrefix": "arm-"},
    {**E2, "nodeLocations": ["us-central1-c"]},
    {"location": "europe-west4", "nodeLocations": ...},
    {"location": "us-central1-f", "nodeLocations": ...},
    {**C4A, "nodeLocations": ["us-central1-c"]},
    {**C4A, "nodeConfig.machineType": "n4a-standard-8"},
    {"nodeConfig.imageType": "UBUNTU_CONTAINERD"},
    {**E2, "nodeConfig.imageType": "WINDOWS_LTSC_CONTAINERD"},
    {**E2, "nodeConfig.bootDisk.diskType": "pd-ssd", "nodeConfig.bootDisk.sizeGb": 10},
    {"nodeConfig.machineType": "z9-future-8", "nodeConfig.bootDisk.diskType": "hyperdisk-extreme"},
    {**C4A, "nodeConfig.gvnic": {"enabled": True}},
    {"nodeConfig.labels": {"node.kubernetes.io/pool": "x", "ci.example.org/arch": "arm64"}},
    taint(),
    taint(effect="NO_EXECUTE"),
    {"nodeConfig.taintConfig": {"architectureTaintBehavior": "NONE"}},
    {"nodeConfig.spot": True, "autoscaling.locationPolicy": "ANY"},
    {"nodeConfig.serviceAccount": "nodes@example-ci.iam.gserviceaccount.com"},
    {"autoscaling": {"minNodeCount": 0, "maxNodeCount": 1000}},
    {"autoscaling.totalMinNodeCount": 20},
    {"maxPodsPerNode": 32},
    {"nodeDrainConfigs": [{"pdbTimeoutDuration": "3600s"}]},
    {"nodeConfig.resourceLabels": {"team": "ci"}, "nodeConfig.tags": ["ci-nodes"]},
    reserved(
        consumeReservationType="SPECIFIC_RESERVATION", key="compute.googleapis.com/reservation-name", values=["r"]
    ),
    {"nodeConfig.spot": True, **reserved(consumeReservationType="NO_RESERVATION")},
    {"nodeConfig.kubeletConfig": {"podPidsLimit": 4096, "imageGcLowThresholdPercent": 60}},
    {"nodeConfig": UNKNOWN, "autoscaling": UNKNOWN, "location": UNKNOWN, "cluster": UNKNOWN},
]


@pytest.mark.parametrize(("changes", "path"), REFUSED, ids=[f"{i}-{path}" for i, (_, path) in enumerate(REFUSED)])
def test_gke_refuses(check: Any, changes: dict[str, Any], path: str) -> None:
    refusals = check(NODE_POOL, POOL, changes)
    assert path in [refusal.path for refusal in refusals], refusals
    assert all(refusal.source and refusal.message for refusal in refusals)


@pytest.mark.parametrize("changes", ACCEPTED, ids=range(len(ACCEPTED)))
def test_gke_accepts(check: Any, changes: dict[str, Any]) -> None:
    assert check(NODE_POOL, POOL, changes) == []


@given(low=st.integers(-3, 30), high=st.integers(-3, 30))
def test_limits_are_accepted_exactly_when_they_are_a_range(low: int, high: int) -> None:
    inputs = {**POOL, "autoscaling": {"totalMinNodeCount": low, "totalMaxNodeCount": high}}
    accepted = not GcpProvider().check(NODE_POOL, "pool", inputs)
    assert accepted == (0 <= low <= high and high >= 1)


def test_a_pools_outputs_are_those_that_gke_computes() -> None:
    created = GcpProvider().create(NODE_POOL, "pool", POOL)
    assert created.id == "projects/rehearsal-project/locations/us-central1/clusters/ci/nodePools/arm64"
    assert len(created.outputs["instanceGroupUrls"]) == len(ZONES)
    assert created.outputs["nodeLocations"] == ZONES
    assert created.outputs["version"]


@pytest.mark.parametrize(
    ("changes", "replaces"),
    [
        ({"nodeConfig.machineType": "t2a-standard-16"}, False),
        ({"nodeConfig.labels.extra": "x"}, False),
        ({"autoscaling.totalMaxNodeCount": 40}, False),
        ({"nodeConfig.spot": True}, True),
        ({"nodeConfig.oauthScopes": []}, True),
        ({"maxPodsPerNode": 32}, True),
        ({"initialNodeCount": 2}, True),
        ({"nodeConfig.metadata": {"a": "b"}}, True),
        ({"name": "other"}, True),
    ],
)
def test_gke_replaces_what_the_provider_forces_new(differ: Any, changes: dict[str, Any], replaces: Any) -> None:
    diff = differ(NODE_POOL, POOL, changes)
    assert bool(diff.replaces) == replaces
    assert bool(diff.updates) != replaces


def test_the_cluster_lookup_answers_with_camel_case_keys() -> None:
    found = GcpProvider().invoke("gcp:container/getCluster:getCluster", {"name": "ci", "location": "us-central1"})
    assert found["masterAuths"][0]["clusterCaCertificate"]
    assert found["nodeLocations"] == ["us-central1-a", "us-central1-b", "us-central1-c"]


@pytest.mark.parametrize("args", [{"name": "CI", "location": "us-central1"}, {"name": "ci", "location": "nowhere"}, {}])
def test_the_cluster_lookup_refuses_names_that_no_cluster_has(args: dict[str, Any]) -> None:
    with pytest.raises(LookupRefusedError):
        GcpProvider().invoke("gcp:container/getCluster:getCluster", args)


@pytest.mark.parametrize("rule", node_pool.RULES + scaling.RULES, ids=lambda rule: rule.__name__)
def test_every_rule_refuses_one_of_the_examples_by_itself(rule: Any) -> None:
    assert any(list(rule(changed(POOL, changes))) for changes, _ in REFUSED)
