"""AKS agent pools: each rule refuses its example and accepts its neighbour."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiarch.model.clouds.aks import pool_nodes, pool_scaling
from multiarch.model.clouds.aks.provider import AGENT_POOL, AzureNativeProvider
from multiarch.model.providers.base import LookupRefusedError
from multiarch.model.providers.values import UNKNOWN
from tests.unit.providers.conftest import changed

POOL: dict[str, Any] = {
    "resourceGroupName": "ci",
    "resourceName": "ci",
    "agentPoolName": "arm64",
    "mode": "User",
    "type": "VirtualMachineScaleSets",
    "osType": "Linux",
    "osSKU": "AzureLinux3",
    "osDiskType": "Managed",
    "vmSize": "Standard_D8ps_v6",
    "enableAutoScaling": True,
    "count": 1,
    "minCount": 1,
    "maxCount": 20,
    "nodeLabels": {"managed-by": "pulumi", "multiarch-runner.io/arch": "arm64"},
    "nodeTaints": ["kubernetes.io/arch=arm64:NoSchedule"],
    "upgradeSettings": {"maxSurge": "33%", "drainTimeoutInMinutes": 60},
    "tags": {"managed-by": "pulumi"},
}
SPOT_TAINT = "kubernetes.azure.com/scalesetpriority=spot:NoSchedule"
SPOT: dict[str, Any] = {
    "scaleSetPriority": "Spot",
    "scaleSetEvictionPolicy": "Delete",
    "spotMaxPrice": -1,
    "nodeTaints": [*POOL["nodeTaints"], SPOT_TAINT],
    "upgradeSettings": {"drainTimeoutInMinutes": 60},
}
AMD64 = {"vmSize": "Standard_D8s_v6", "nodeTaints": []}

GROUP = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/capacityReservationGroups/c"
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"resourceGroupName": ...}, "resourceGroupName"),
    ({"resourceGroupName": "ci."}, "resourceGroupName"),
    ({"resourceName": "-ci"}, "resourceName"),
    ({"agentPoolName": ...}, "agentPoolName"),
    ({"agentPoolName": "Arm64"}, "agentPoolName"),
    ({"agentPoolName": "arm64pool1234"}, "agentPoolName"),
    ({"agentPoolName": "arm-64"}, "agentPoolName"),
    ({"mode": "Worker"}, "mode"),
    ({"mode": "System"}, "nodeTaints[0]"),
    ({**SPOT, "mode": "System"}, "scaleSetPriority"),
    ({**AMD64, "mode": "System", "count": 0, "minCount": 0}, "minCount"),
    ({"osSKU": "CBLMariner"}, "osSKU"),
    ({"osSKU": "Debian"}, "osSKU"),
    ({"osType": "Windows", "osSKU": "Windows2022"}, "osSKU"),
    ({"enableFIPS": True, "osSKU": "Ubuntu"}, "enableFIPS"),
    ({"securityProfile": {"enableSecureBoot": True}}, "securityProfile.enableSecureBoot"),
    ({"securityProfile": {"enableVTPM": True}, "osSKU": "Ubuntu"}, "securityProfile.enableVTPM"),
    ({"osDiskType": "Ephemeral"}, "osDiskType"),
    ({"osDiskType": "Local"}, "osDiskType"),
    ({"osDiskSizeGB": 16}, "osDiskSizeGB"),
    ({"vmSize": ...}, "vmSize"),
    ({"nodeLabels": {"kubernetes.io/role": "ci"}}, 'nodeLabels["kubernetes.io/role"]'),
    ({"nodeLabels": {"kubernetes.azure.com/x": "y"}}, 'nodeLabels["kubernetes.azure.com/x"]'),
    (
        {"nodeLabels": {"kubernetes.azure.com/scalesetpriority": "spot"}},
        'nodeLabels["kubernetes.azure.com/scalesetpriority"]',
    ),
    ({"nodeTaints": ["a=b:NO_SCHEDULE"]}, "nodeTaints[0]"),
    ({"nodeTaints": ["a=b"]}, "nodeTaints[0]"),
    ({"nodeTaints": [SPOT_TAINT]}, "nodeTaints[0]"),
    ({**SPOT, "nodeTaints": []}, "nodeTaints"),
    ({"count": ...}, "count"),
    ({"count": 0}, "count"),
    ({"count": 21}, "count"),
    ({"minCount": 21}, "minCount"),
    ({"maxCount": ...}, "maxCount"),
    ({"maxCount": 0, "minCount": 0, "count": 0}, "maxCount"),
    ({"enableAutoScaling": False}, "minCount"),
    ({"maxCount": 1001}, "maxCount"),
    ({"type": "ScaleSet"}, "type"),
    ({"type": "AvailabilitySet"}, "type"),
    ({"availabilityZones": ["4"]}, "availabilityZones[0]"),
    ({"maxPods": 300}, "maxPods"),
    ({"scaleSetPriority": "Low"}, "scaleSetPriority"),
    ({"spotMaxPrice": -1}, "spotMaxPrice"),
    ({"scaleSetEvictionPolicy": "Delete"}, "scaleSetEvictionPolicy"),
    ({**SPOT, "scaleSetEvictionPolicy": "Stop"}, "scaleSetEvictionPolicy"),
    ({**SPOT, "spotMaxPrice": 0}, "spotMaxPrice"),
    ({**SPOT, "upgradeSettings": {"maxSurge": "33%"}}, "upgradeSettings.maxSurge"),
    ({"upgradeSettings.maxSurge": "150%"}, "upgradeSettings.maxSurge"),
    ({"upgradeSettings.drainTimeoutInMinutes": 0}, "upgradeSettings.drainTimeoutInMinutes"),
    ({"upgradeSettings.nodeSoakDurationInMinutes": 31}, "upgradeSettings.nodeSoakDurationInMinutes"),
    ({"tags": {f"k{i}": "v" for i in range(51)}}, "tags"),
    ({"tags": {"a/b": "v"}}, 'tags["a/b"]'),
    ({"vnetSubnetID": "nodes"}, "vnetSubnetID"),
    ({"capacityReservationGroupID": "builds"}, "capacityReservationGroupID"),
    ({**SPOT, "capacityReservationGroupID": GROUP}, "capacityReservationGroupID"),
    ({"kubeletConfig": {"containerLogMaxFiles": 1}}, "kubeletConfig.containerLogMaxFiles"),
    (
        {"kubeletConfig": {"imageGcLowThreshold": 80, "imageGcHighThreshold": 80}},
        "kubeletConfig.imageGcLowThreshold",
    ),
    ({"linuxOSConfig": {"swapFileSizeMB": 1500}}, "linuxOSConfig.swapFileSizeMB"),
]
ACCEPTED: list[dict[str, Any]] = [
    {},
    {"agentPoolName": "arm64pool123"},
    {**AMD64, "mode": "System"},
    {**AMD64, "mode": "System", "nodeTaints": ["CriticalAddonsOnly=true:NoSchedule"]},
    {**AMD64, "securityProfile": {"enableSecureBoot": True, "enableVTPM": True}},
    {**AMD64, "osType": "Windows", "osSKU": "Windows2022"},
    {"osSKU": "AzureContainerLinux", "securityProfile": {"enableVTPM": True}},
    {"enableFIPS": True},
    {"vmSize": "Standard_D8pds_v6", "osDiskType": "Ephemeral"},
    {"vmSize": "Standard_Z99_v9", "osDiskType": "Ephemeral"},
    SPOT,
    {**SPOT, "nodeLabels": {"kubernetes.azure.com/scalesetpriority": "spot"}},
    {"minCount": 0, "count": 0},
    {"enableAutoScaling": False, "minCount": ..., "maxCount": ..., "count": 3},
    {"availabilityZones": ["1", "2", "3"], "maxPods": 32},
    {"upgradeSettings.maxSurge": "1"},
    {"nodeTaints": ["dedicated=ci:NoExecute", "plain:PreferNoSchedule"]},
    {"capacityReservationGroupID": GROUP},
    {"linuxOSConfig": {"swapFileSizeMB": 1500}, "kubeletConfig": {"failSwapOn": False}},
    {"vnetSubnetID": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/n"},
    {"nodeTaints": UNKNOWN, "nodeLabels": UNKNOWN, "vmSize": UNKNOWN, "count": UNKNOWN, "osSKU": UNKNOWN},
]


@pytest.mark.parametrize(("changes", "path"), REFUSED, ids=[f"{i}-{path}" for i, (_, path) in enumerate(REFUSED)])
def test_aks_refuses(check: Any, changes: dict[str, Any], path: str) -> None:
    refusals = check(AGENT_POOL, POOL, changes)
    assert path in [refusal.path for refusal in refusals], refusals
    assert all(refusal.source and refusal.message for refusal in refusals)


@pytest.mark.parametrize("changes", ACCEPTED, ids=range(len(ACCEPTED)))
def test_aks_accepts(check: Any, changes: dict[str, Any]) -> None:
    assert check(AGENT_POOL, POOL, changes) == []


def test_a_missing_count_is_worded_like_the_real_api(check: Any) -> None:
    assert check(AGENT_POOL, POOL, {"count": ...})[0].message == "Required parameter properties.count is missing (null)"


@given(low=st.integers(-2, 12), given_=st.integers(-2, 12), high=st.integers(-2, 12))
def test_counts_are_accepted_exactly_when_count_lies_between_the_limits(low: int, given_: int, high: int) -> None:
    inputs = {**POOL, "minCount": low, "count": given_, "maxCount": high}
    accepted = not AzureNativeProvider().check(AGENT_POOL, "pool", inputs)
    assert accepted == (0 <= low <= given_ <= high and high >= 1)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"maxCount": 30}, "updates"),
        ({"nodeTaints": []}, "updates"),
        ({"nodeLabels.team": "ci"}, "updates"),
        ({"vmSize": "Standard_D16ps_v6"}, "replaces"),
        ({"agentPoolName": "other"}, "replaces"),
        ({"osDiskType": "Ephemeral"}, "refused"),
        ({"scaleSetPriority": "Spot"}, "refused"),
    ],
)
def test_the_provider_replaces_little_and_aks_refuses_the_rest(differ: Any, changes: dict[str, Any], what: str) -> None:
    diff = differ(AGENT_POOL, POOL, changes)
    assert [name for name in ("updates", "replaces", "refused") if getattr(diff, name)] == [what]


def test_a_pools_outputs_are_those_that_aks_computes() -> None:
    created = AzureNativeProvider().create(AGENT_POOL, "pool", POOL)
    assert created.id.endswith("/managedClusters/ci/agentPools/arm64")
    assert created.outputs["name"] == "arm64"
    assert created.outputs["provisioningState"] == "Succeeded"


def test_the_credentials_lookup_gives_a_kubeconfig() -> None:
    args = {"resourceGroupName": "ci", "resourceName": "ci", "format": "exec"}
    found = AzureNativeProvider().invoke("azure-native:containerservice:listManagedClusterUserCredentials", args)
    config = json.loads(base64.b64decode(found["kubeconfigs"][0]["value"]))
    assert config["clusters"][0]["cluster"]["server"].startswith("https://ci-")
    assert config["current-context"] == config["contexts"][0]["name"]


@pytest.mark.parametrize("args", [{"resourceGroupName": "ci", "resourceName": "-ci"}, {"resourceName": "ci"}])
def test_lookups_refuse_names_that_no_cluster_has(args: dict[str, Any]) -> None:
    with pytest.raises(LookupRefusedError):
        AzureNativeProvider().invoke("azure-native:containerservice:getManagedCluster", args)


def test_a_subscription_that_is_no_id_is_refused_in_the_providers_configuration() -> None:
    assert AzureNativeProvider().check_config({"subscriptionId": "Production"})[0].path == "subscriptionId"
    assert AzureNativeProvider().check_config({"subscriptionId": "0" * 8 + "-0000-0000-0000-" + "0" * 12}) == []


@pytest.mark.parametrize("rule", pool_nodes.RULES + pool_scaling.RULES, ids=lambda rule: rule.__name__)
def test_every_rule_refuses_one_of_the_examples_by_itself(rule: Any) -> None:
    assert any(list(rule(changed(POOL, changes))) for changes, _ in REFUSED)
