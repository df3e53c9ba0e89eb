"""From a pool to a cloud's arguments: golden files of the whole, and invariants that must hold for any pool.

`UPDATE_GOLDEN=1 pytest tests/unit/node_pools/test_args.py` writes the golden files anew; read the diff.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from components.clouds import Cluster, check_pools, resolve
from components.clouds.aks import arguments as aks_args
from components.clouds.aks.sections import AksCluster, AksPool
from components.clouds.contract import ResolvedPool
from components.clouds.eks import arguments as eks_args
from components.clouds.eks.sections import EksCluster, EksPool
from components.clouds.gke import arguments as gke_args
from components.clouds.gke.sections import GkeCluster, GkePool
from components.clouds.sections import PoolBase, Taint
from components.reading import parse
from multiarch.model.clouds.eks.provider import AwsProvider

GOLDEN = Path(__file__).parent / "golden"
US = GkeCluster(name="ci", project="acme-ci", location="us-central1")
EKS = EksCluster(name="ci", region="eu-central-1")
AKS = AksCluster(name="ci", resource_group="ci")


def _gke(cls: type[PoolBase], location: str, **keys: Any) -> dict[str, Any]:
    cluster = GkeCluster(name="ci", project="acme-ci", location=location)
    return gke_args.node_pool(_spec(cls, cluster, keys), location)


def _spec(cls: type[PoolBase], cluster: Cluster, keys: Mapping[str, Any]) -> ResolvedPool[Any]:
    pool = parse(cls, {"name": "arm64", **keys}, "pools[0]")
    assert not [problem for problem in check_pools(cluster, [pool]) if problem.path.startswith("pools[0]")]
    return resolve(pool)


def _eks(region: str = "eu-central-1", **keys: Any) -> dict[str, Any]:
    spec = _spec(EksPool, EksCluster(name="ci", region=region), keys)
    return {
        "node_group": eks_args.node_group(spec),
        "launch_template": eks_args.launch_template(spec),
        "autoscaler_hints": eks_args.autoscaler_hints(spec),
        "role_policies": eks_args.role_policies(spec, region),
    }


def _aks(**keys: Any) -> dict[str, Any]:
    return aks_args.agent_pool(_spec(AksPool, AKS, keys))


def test_a_gke_pool_of_another_architecture_is_another_pool_and_of_another_machine_is_not() -> None:
    """Ours, not the provider's: its machine type is changed in place, and nobody knows whether an architecture is."""
    names = {
        machine: _gke(GkePool, "us-central1", arch=arch, machineType=machine)["name"]
        for machine, arch in (("c4a-standard-4", "arm64"), ("c4a-standard-8", "arm64"), ("c4-standard-4", "amd64"))
    }
    assert names["c4a-standard-4"] == names["c4a-standard-8"] != names["c4-standard-4"]


TAINTS = [{"key": "ci.example.org/dedicated", "value": "builds", "effect": "NoExecute"}]
GOLDENS: dict[str, Callable[[], Any]] = {
    "gke-arm64-default": lambda: _gke(GkePool, "us-central1", arch="arm64"),
    "gke-amd64-default": lambda: _gke(GkePool, "us-central1", name="amd64", arch="amd64"),
    "gke-c4a-spot-per-zone": lambda: _gke(
        GkePool, "europe-west1", machineType="c4a-standard-16", spot=True, limits="perZone", minNodes=0, maxNodes=5
    ),
    "gke-everything": lambda: _gke(
        GkePool,
        "us-central1-a",
        machineType="t2a-standard-16",
        labels={"team": "builds"},
        taints=TAINTS,
        nodeLocations=["us-central1-a", "us-central1-b"],
        imageType="UBUNTU_CONTAINERD",
        diskType="pd-ssd",
        diskSizeGb=200,
        serviceAccount="nodes@acme-ci.iam.gserviceaccount.com",
        oauthScopes=["https://www.googleapis.com/auth/devstorage.read_only"],
        maxPodsPerNode=32,
        secureBoot=False,
        integrityMonitoring=False,
        gvnic=True,
        architectureTaint="NONE",
        tags=["builds"],
        resourceLabels={"cost-centre": "42"},
        maxSurge=2,
        maxUnavailable=1,
        drainGraceMinutes=30,
        privateNodes=True,
        bootDiskKmsKey="projects/p/locations/us-central1/keyRings/r/cryptoKeys/k",
        reservationAffinity={
            "consumeReservationType": "SPECIFIC_RESERVATION",
            "key": "compute.googleapis.com/reservation-name",
            "values": ["builds"],
        },
        kubeletConfig={"podPidsLimit": 4096, "imageGcLowThresholdPercent": 60, "cpuManagerPolicy": "static"},
        linuxNodeConfig={
            "cgroupMode": "v2",
            "sysctls": {"vm.max_map_count": 262144},
            "transparentHugepageDefrag": "defer+madvise",
        },
        arguments={"nodeConfig": {"kubeletConfig": {"evictionSoft": {"memoryAvailable": "500Mi"}}}},
        minNodes=3,
        maxNodes=9,
    ),
    "eks-arm64-default": lambda: _eks(arch="arm64"),
    "eks-amd64-default": lambda: _eks(name="amd64", arch="amd64"),
    "eks-bottlerocket-spot": lambda: _eks(
        machineType="m7g.xlarge",
        alternativeMachineTypes=["m7gd.xlarge", "m6g.xlarge"],
        amiType="BOTTLEROCKET_ARM_64",
        spot=True,
        minNodes=0,
        maxNodes=50,
        diskSizeGb=300,
        taints=TAINTS,
        labels={"team": "builds"},
        tags={"cost-centre": "42"},
        ssm=True,
        cniPolicy=False,
        nodeRepair=False,
        maxUnavailablePercentage=50,
    ),
    "eks-reserved": lambda: _eks(
        arch="arm64",
        kmsKeyId="arn:aws:kms:eu-central-1:123456789012:key/1234abcd",
        capacityReservation={"id": "cr-0123456789abcdef0"},
        kubeletConfig={"podPidsLimit": 4096, "imageGcHighThresholdPercent": 70},
        arguments={"forceUpdateVersion": True},
        launchTemplateArguments={"ebsOptimized": "true"},
    ),
    "eks-china-without-hints": lambda: _eks("cn-north-1", arch="arm64", autoscalerTags=False),
    "aks-arm64-default": lambda: _aks(arch="arm64"),
    "aks-amd64-default": lambda: _aks(name="amd64", arch="amd64"),
    "aks-arm64-spot-local-disk": lambda: _aks(machineType="Standard_D4pds_v6", spot=True, taints=TAINTS),
    "aks-exact-name": lambda: _aks(name="arm64build", arch="arm64", replacement="deleteFirst"),
    "aks-everything": lambda: _aks(
        name="amd64",
        machineType="Standard_D8ds_v6",
        osSku="Ubuntu",
        mode="System",
        osDiskType="Managed",
        osDiskSizeGb=256,
        availabilityZones=["1", "2"],
        maxPods=50,
        vnetSubnetId="/subscriptions/0/subnets/nodes",
        podSubnetId="/subscriptions/0/subnets/pods",
        maxSurge="2",
        drainTimeoutMinutes=90,
        secureBoot=True,
        vtpm=True,
        encryptionAtHost=True,
        fips=True,
        capacityReservationGroupId="/subscriptions/0/providers/x/capacityReservationGroups/builds",
        kubeletConfig={"failSwapOn": False, "podMaxPids": 4096, "containerLogMaxSizeMb": 50},
        linuxOsConfig={"swapFileSizeMb": 1500, "sysctls": {"net.ipv4.tcp_keepalive_intvl": 30}},
        arguments={"linuxOSConfig": {"sysctls": {"netIpv4TcpTwReuse": True}}},
        labels={"team": "builds"},
        tags={"cost-centre": "42"},
    ),
}


@pytest.mark.parametrize("name", GOLDENS)
def test_the_arguments_are_those_of_the_golden_file(name: str) -> None:
    path = GOLDEN / f"{name}.json"
    found = json.dumps(GOLDENS[name](), indent=2, sort_keys=True) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


def test_no_golden_file_is_left_behind() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(GOLDENS)


def test_the_default_arm64_pool_on_gke_is_what_the_issue_says() -> None:
    pool = _gke(GkePool, "us-central1", arch="arm64")
    config = pool["nodeConfig"]
    assert config["machineType"] == "t2a-standard-8"
    assert pool["autoscaling"] == {
        "totalMinNodeCount": 1,
        "totalMaxNodeCount": 20,
        "locationPolicy": "BALANCED",
    }
    assert pool["management"] == {"autoRepair": True, "autoUpgrade": True}
    assert config["imageType"] == "cos_containerd"
    assert config["metadata"]["disable-legacy-endpoints"] == "true"
    assert config["labels"]["managed-by"] == "pulumi"
    assert pool["nodeLocations"] == ["us-central1-a", "us-central1-b", "us-central1-f"]


def test_gke_is_not_told_the_taint_that_it_adds_itself() -> None:
    spec = _spec(GkePool, US, {"arch": "arm64"})
    assert spec.taints == ()
    assert [str(taint) for taint in spec.node_taints] == ["kubernetes.io/arch=arm64:NoSchedule"]
    assert "taints" not in gke_args.node_pool(spec, "us-central1")["nodeConfig"]


def test_a_gke_pool_that_opted_out_has_no_architecture_taint() -> None:
    spec = _spec(GkePool, US, {"arch": "arm64", "architectureTaint": "NONE"})
    assert spec.node_taints == ()


def test_arm64_pools_on_eks_and_aks_carry_the_arch_taint_and_amd64_pools_do_not() -> None:
    for arch, expected in (("arm64", ["kubernetes.io/arch=arm64:NoSchedule"]), ("amd64", [])):
        eks = _spec(EksPool, EKS, {"arch": arch})
        aks = _spec(AksPool, AKS, {"arch": arch})
        assert [str(taint) for taint in eks.taints] == expected
        assert aks_args.agent_pool(aks).get("nodeTaints", []) == expected


def test_an_aks_spot_pool_declares_the_taint_and_label_that_aks_adds() -> None:
    pool = _aks(arch="arm64", spot=True)
    assert "kubernetes.azure.com/scalesetpriority=spot:NoSchedule" in pool["nodeTaints"]
    assert pool["nodeLabels"]["kubernetes.azure.com/scalesetpriority"] == "spot"
    assert "maxSurge" not in pool["upgradeSettings"]


def test_limits_are_totals_unless_per_zone_is_asked_for() -> None:
    per_zone = _gke(GkePool, "us-central1", arch="arm64", limits="perZone", maxNodes=5)["autoscaling"]
    assert per_zone == {"minNodeCount": 1, "maxNodeCount": 5, "locationPolicy": "BALANCED"}


@pytest.mark.parametrize(
    ("low", "zones", "each"),
    [(0, 3, 0), (1, 3, 1), (3, 3, 1), (4, 3, 2), (5, 1, 5), (7, 2, 4)],
)
def test_a_gke_pool_starts_with_at_least_its_minimum(low: int, zones: int, each: int) -> None:
    names = [f"us-central1-{letter}" for letter in "abf"[:zones]]
    pool = _gke(GkePool, "us-central1", arch="arm64", minNodes=low, nodeLocations=names)
    assert pool["initialNodeCount"] == each


def test_an_unstated_disk_of_an_unknown_machine_is_left_to_gke() -> None:
    config = _gke(GkePool, "us-central1", arch="arm64", machineType="q9-standard-8")["nodeConfig"]
    assert config["bootDisk"] == {"sizeGb": 100}


def test_the_ami_type_is_always_sent_to_eks() -> None:
    for arch, ami in (("arm64", "AL2023_ARM_64_STANDARD"), ("amd64", "AL2023_x86_64_STANDARD")):
        assert _eks(arch=arch)["node_group"]["amiType"] == ami


def test_instance_types_and_disk_are_in_one_place_on_eks() -> None:
    arguments = _eks(arch="arm64")
    assert "instanceType" not in arguments["launch_template"]
    assert "diskSize" not in arguments["node_group"]


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-central-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("us-isof-south-1", "aws-iso-f"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_policies_are_of_the_regions_own_partition(region: str, partition: str) -> None:
    policies = _eks(region, arch="arm64")["role_policies"].values()
    assert {arn.split(":")[1] for arn in policies} == {partition}
    answer = AwsProvider().invoke("aws:eks/getCluster:getCluster", {"name": "ci", "region": region})
    assert answer["region"] == region


@pytest.mark.parametrize("sku", ["AzureLinux3", "AzureLinux", "Ubuntu", "Ubuntu2204", "Ubuntu2404"])
def test_every_documented_system_of_aks_is_sent(sku: str) -> None:
    assert _aks(arch="arm64", osSku=sku)["osSKU"] == sku


def test_build_pods_cannot_reach_the_node_role_through_the_metadata_service() -> None:
    options = _eks(arch="arm64")["launch_template"]["metadataOptions"]
    assert options["httpTokens"] == "required"
    assert options["httpPutResponseHopLimit"] == 1


@pytest.mark.parametrize("ami", ["AL2023_ARM_64_STANDARD", "BOTTLEROCKET_ARM_64"])
def test_every_eks_volume_is_encrypted_gp3(ami: str) -> None:
    volumes = _eks(arch="arm64", amiType=ami)["launch_template"]["blockDeviceMappings"]
    assert {(volume["ebs"]["volumeType"], volume["ebs"]["encrypted"]) for volume in volumes} == {("gp3", "true")}
    sized = {volume["deviceName"] for volume in volumes if "volumeSize" in volume["ebs"]}
    assert sized == {"/dev/xvdb" if ami.startswith("BOTTLEROCKET") else "/dev/xvda"}


def test_the_autoscaler_is_told_every_label_and_taint_of_an_eks_group() -> None:
    arguments = _eks(arch="arm64", labels={"team": "builds"}, taints=TAINTS)
    hints = arguments["autoscaler_hints"]
    prefix = "k8s.io/cluster-autoscaler/node-template"
    assert hints[f"{prefix}/label/team"] == "builds"
    assert hints[f"{prefix}/taint/kubernetes.io/arch"] == "arm64:NoSchedule"
    assert hints[f"{prefix}/taint/ci.example.org/dedicated"] == "builds:NoExecute"
    assert len(hints) == len(arguments["node_group"]["labels"]) + len(arguments["node_group"]["taints"])


def test_aks_is_sent_a_count_although_it_autoscales() -> None:
    pool = _aks(arch="arm64", minNodes=2)
    assert (pool["count"], pool["enableAutoScaling"]) == (2, True)
    assert "count" in aks_args.IGNORE_CHANGES


@pytest.mark.parametrize(
    ("size", "disk"),
    [("Standard_D4pds_v6", "Ephemeral"), ("Standard_D4ps_v6", "Managed"), ("Standard_Z4ps_v9", "Managed")],
)
def test_the_os_disk_is_ephemeral_only_where_a_local_disk_is_known(size: str, disk: str) -> None:
    pool = _aks(arch="arm64", machineType=size)
    assert pool["osDiskType"] == disk
    assert "osDiskSizeGB" not in pool


def test_an_unchecked_pool_of_no_known_architecture_is_never_resolved_by_a_guess() -> None:
    with pytest.raises(ValueError, match="was not checked"):
        resolve(EksPool(name="a", machine_type="m12g.large"))


def test_an_empty_taint_value_is_written_as_each_cloud_wants_it() -> None:
    taint = Taint(key="dedicated")
    assert str(taint) == "dedicated:NoSchedule"
    assert eks_args.eks_taint(taint) == {"key": "dedicated", "effect": "NO_SCHEDULE"}
