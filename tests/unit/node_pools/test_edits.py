"""What an edit does to a pool that is there: its successor comes first, and what replaces nothing keeps its name.

Judged by the stand-ins, which share no code with the components.
"""

from collections.abc import Callable
from typing import Any

import pytest

from components.clouds.aks.component import AksNodePool
from components.clouds.eks.component import EksNodePool
from components.clouds.gke.component import GkeNodePool
from multiarch.model.edits import Action, Edit, edits
from multiarch.model.plan.model import Plan, PlannedResource

Record = Callable[[Callable[[], object]], Any]
POOLS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "gke": (GkeNodePool, "gcp:container/nodePool:NodePool", {"location": "us-central1"}),
    "eks": (
        EksNodePool,
        "aws:eks/nodeGroup:NodeGroup",
        {"region": "eu-central-1", "cluster_subnet_ids": ["subnet-0a1b2c3d"]},
    ),
    "aks": (AksNodePool, "azure-native:containerservice:AgentPool", {"resource_group_name": "rg"}),
}
AKS_ID = "/subscriptions/0/resourceGroups/rg/providers/Microsoft"
AFFINITY = {"consumeReservationType": "NO_RESERVATION"}
KMS = "projects/p/locations/us-central1/keyRings/r/cryptoKeys/k"
REPLACING = [
    ("gke", "spot", True),
    ("gke", "service_account", "nodes@p.iam.gserviceaccount.com"),
    ("gke", "oauth_scopes", ["https://www.googleapis.com/auth/devstorage.read_only"]),
    ("gke", "max_pods_per_node", 32),
    ("gke", "secure_boot", False),
    ("gke", "integrity_monitoring", False),
    ("gke", "boot_disk_kms_key", KMS),
    ("gke", "reservation_affinity", AFFINITY),
    ("gke", "arguments", {"nodeConfig": {"advancedMachineFeatures": {"threadsPerCore": 1}}}),
    ("gke", "arguments", {"nodeConfig": {"guestAccelerators": [{"type": "nvidia-tesla-t4", "count": 1}]}}),
    ("gke", "arguments", {"nodeConfig": {"sandboxConfig": {"type": "gvisor"}}}),
    ("aks", "machine_type", "Standard_D16ps_v6"),
    ("aks", "spot", True),
    ("aks", "os_disk_type", "Ephemeral"),
    ("aks", "os_disk_size_gb", 64),
    ("aks", "availability_zones", ["1", "2"]),
    ("aks", "max_pods", 50),
    ("aks", "vnet_subnet_id", f"{AKS_ID}.Network/virtualNetworks/n/subnets/a"),
    ("aks", "pod_subnet_id", f"{AKS_ID}.Network/virtualNetworks/n/subnets/a"),
    ("aks", "encryption_at_host", True),
    ("aks", "kubelet_config", {"podMaxPids": 4096}),
    ("aks", "linux_os_config", {"sysctls": {"vm.max_map_count": 262144}}),
    ("aks", "capacity_reservation_group_id", f"{AKS_ID}.Compute/capacityReservationGroups/g"),
    ("aks", "arguments", {"enableUltraSSD": True}),
    ("eks", "machine_type", "m7g.4xlarge"),
    ("eks", "alternative_machine_types", ["m6g.2xlarge"]),
    ("eks", "ami_type", "BOTTLEROCKET_ARM_64"),
    ("eks", "spot", True),
    ("eks", "subnet_ids", ["subnet-0a1b2c3e"]),
    ("eks", "node_role_arn", "arn:aws:iam::123456789012:role/nodes"),
]
KEEPING = [
    ("gke", "gvnic", True),
    ("gke", "arguments", {"nodeConfig": {"loggingVariant": "MAX_THROUGHPUT"}}),
    ("aks", "fips", True),
    ("aks", "os_sku", "Ubuntu"),
    ("gke", "max_nodes", 30),
    ("gke", "min_nodes", 3),
    ("gke", "machine_type", "t2a-standard-16"),
    ("gke", "disk_size_gb", 200),
    ("gke", "labels", {"team": "builds"}),
    ("gke", "tags", ["builds"]),
    ("gke", "kubelet_config", {"podPidsLimit": 4096}),
    ("gke", "linux_node_config", {"sysctls": {"vm.max_map_count": 262144}}),
    ("gke", "private_nodes", True),
    ("aks", "max_nodes", 30),
    ("aks", "labels", {"team": "builds"}),
    ("aks", "drain_timeout_minutes", 90),
    ("eks", "max_nodes", 30),
    ("eks", "labels", {"team": "builds"}),
]
Judge = Callable[..., tuple[Edit | None, str, str]]


@pytest.fixture
def judge(record: Record) -> Judge:
    """Give a function that plans a pool before and after an edit: what becomes of it, and its name in the cloud."""

    def planned(cloud: str, keys: dict[str, Any]) -> PlannedResource:
        component, token, place = POOLS[cloud]
        given: Any = {"pool": {"name": "arm64", "arch": "arm64", **keys}, "cluster_name": "ci", **place}
        made = record(lambda: component("arm64", given)).one(token)
        return PlannedResource(
            urn=made.urn,
            type=made.type,
            name=made.name,
            inputs=made.inputs,
            ignore_changes=made.ignore_changes,
            replace_on_changes=made.replace_on_changes,
            delete_before_replace=made.delete_before_replace,
        )

    def judged(cloud: str, edit: dict[str, Any], **always: Any) -> tuple[Edit | None, str, str]:
        before, after = planned(cloud, always), planned(cloud, {**always, **edit})
        found = edits(Plan(stack="s", resources=(before,)), Plan(stack="s", resources=(after,)))
        names = [str(one.inputs.get("name") or one.inputs.get("agentPoolName") or "") for one in (before, after)]
        return (found[0] if found else None), names[0], names[1]

    return judged


@pytest.mark.parametrize(("cloud", "key", "value"), REPLACING)
def test_a_replaced_pool_has_its_successor_before_it_goes(judge: Judge, cloud: str, key: str, value: Any) -> None:
    machine = {"machine_type": "Standard_D8pds_v6", "os_disk_type": "Managed"} if key == "os_disk_type" else {}
    edit, was, will = judge(cloud, {key: value}, **machine)
    assert edit is not None
    assert (edit.action, edit.deleted_first) == (Action.REPLACE, False)
    # AWS completes the name; the others would refuse a second pool of the same.
    assert was != will or cloud == "eks"


@pytest.mark.parametrize(("cloud", "key", "value"), REPLACING)
def test_a_pool_that_says_so_goes_first_and_keeps_its_name(judge: Judge, cloud: str, key: str, value: Any) -> None:
    machine = {"machine_type": "Standard_D8pds_v6", "os_disk_type": "Managed"} if key == "os_disk_type" else {}
    edit, was, will = judge(cloud, {key: value}, replacement="deleteFirst", **machine)
    assert edit is not None
    assert (edit.action, edit.deleted_first) == (Action.REPLACE, True)
    assert was == will == ("" if cloud == "eks" else "arm64")


@pytest.mark.parametrize(("cloud", "key", "value"), KEEPING)
def test_what_a_cloud_changes_in_place_leaves_the_pool_its_name(judge: Judge, cloud: str, key: str, value: Any) -> None:
    edit, was, will = judge(cloud, {key: value})
    assert edit is None or edit.action is Action.UPDATE
    assert was == will


@pytest.mark.parametrize(
    ("cloud", "key", "value", "other"),
    [
        ("gke", "oauth_scopes", ["https://a", "https://b"], ["https://b", "https://a"]),
        ("aks", "availability_zones", ["1", "2"], ["2", "1"]),
    ],
)
def test_another_order_is_no_other_pool(judge: Judge, cloud: str, key: str, value: Any, other: Any) -> None:
    edit, was, will = judge(cloud, {key: other}, **{key: value})
    assert edit is None
    assert was == will
