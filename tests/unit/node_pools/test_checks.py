"""Bad pools: each is refused with its path, its consequence and a fix that works."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic.alias_generators import to_camel
from pydantic_core import to_jsonable_python

from components.clouds import Cluster, check_pools
from components.clouds.aks.sections import AksCluster, AksPool
from components.clouds.eks.sections import EksCluster, EksPool
from components.clouds.existing.sections import ExistingCluster, ExistingPool
from components.clouds.gke.sections import GkeCluster, GkePool
from components.clouds.sections import Access, PoolBase, Taint
from components.problems import ConfigError, Problem
from components.reading import parse

US = GkeCluster(name="ci", project="acme-ci", location="us-central1")
EAST = GkeCluster(name="ci", project="acme-ci", location="us-east1")
NOWHERE = GkeCluster(name="ci", project="acme-ci", location="europe-nowhere9-a")
ZONAL_C = GkeCluster(name="ci", project="acme-ci", location="us-central1-c")
EKS = EksCluster(name="ci", region="eu-central-1")
AKS = AksCluster(name="ci", resource_group="ci")
KIND = ExistingCluster(name="kind", access=Access(context="kind-kind"))

TYPES: dict[type[Cluster], type[PoolBase]] = {
    GkeCluster: GkePool,
    EksCluster: EksPool,
    AksCluster: AksPool,
    ExistingCluster: ExistingPool,
}


def _problems(cluster: Cluster, keys: dict[str, Any]) -> list[Problem]:
    """Put the pool under test beside good ones of both architectures, so that only its own problems show."""
    cls: Any = TYPES[type(cluster)]
    good: dict[str, Any] = {"machine_type": "c4a-standard-8"} if isinstance(cluster, GkeCluster) else {}
    stated = {to_camel(key): value for key, value in ({"name": "tested"} | keys).items()}
    plain = to_jsonable_python(stated, by_alias=True)
    try:
        pool = parse(cls, plain, "pools[0]")
    except ConfigError as error:
        return list(error.problems)
    return check_pools(cluster, [pool, cls(name="good1", arch="arm64", **good), cls(name="good2", arch="amd64")])


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """A mistake, where it is told, some of what is told, and the keys that the told fix changes."""

    what: str
    cluster: Cluster
    keys: dict[str, Any]
    path: str
    says: tuple[str, ...]
    mended: dict[str, Any] = field(default_factory=dict)


ARCH_TAINT = Taint(key="kubernetes.io/arch", value="arm64")

RESERVATIONS = "/subscriptions/0/resourceGroups/ci/providers/Microsoft.Compute/capacityReservationGroups/builds"

BAD = [
    Bad(
        what="a machine type of the other architecture on GKE",
        cluster=US,
        keys={"arch": "arm64", "machine_type": "e2-standard-8"},
        path="machineType",
        says=(
            "'e2-standard-8' is amd64, but arch is arm64",
            "never accept arm64 jobs",
            "t2a-standard-8 (Ampere Altra)",
        ),
        mended={"machine_type": "t2a-standard-8"},
    ),
    Bad(
        what="a machine type of the other architecture on EKS",
        cluster=EKS,
        keys={"arch": "arm64", "machine_type": "m7i.xlarge"},
        path="machineType",
        says=("'m7i.xlarge' is amd64, but arch is arm64", "Use m7g.xlarge (Graviton3), or set arch: amd64."),
        mended={"machine_type": "m7g.xlarge"},
    ),
    Bad(
        what="a machine type of the other architecture on AKS",
        cluster=AKS,
        keys={"arch": "amd64", "machine_type": "Standard_D4ps_v6"},
        path="machineType",
        says=("'Standard_D4ps_v6' is arm64, but arch is amd64", "Standard_D4s_v6"),
        mended={"machine_type": "Standard_D4s_v6"},
    ),
    Bad(
        what="the trap g4dn, which is not Graviton",
        cluster=EKS,
        keys={"arch": "arm64", "machine_type": "g4dn.xlarge"},
        path="machineType",
        says=("is amd64",),
        mended={"machine_type": "g5g.xlarge"},
    ),
    Bad(
        what="an unknown machine type without arch",
        cluster=EKS,
        keys={"machine_type": "m12g.large"},
        path="machineType",
        says=("not in a known machine family", "guessed", "set arch"),
        mended={"arch": "arm64"},
    ),
    Bad(
        what="neither machine type nor arch",
        cluster=US,
        keys={},
        path="machineType",
        says=("neither machineType nor arch", "t2a-standard-8", "e2-standard-8"),
        mended={"arch": "arm64"},
    ),
    Bad(
        what="C4A with pd-balanced",
        cluster=US,
        keys={"machine_type": "c4a-standard-8", "disk_type": "pd-balanced"},
        path="diskType",
        says=("'pd-balanced' on c4a-standard-8", "hyperdisk only", "Use hyperdisk-balanced"),
        mended={"disk_type": "hyperdisk-balanced"},
    ),
    Bad(
        what="T2A with hyperdisk",
        cluster=US,
        keys={"machine_type": "t2a-standard-8", "disk_type": "hyperdisk-balanced"},
        path="diskType",
        says=("T2A machines take persistent disks", "Use pd-balanced"),
        mended={"disk_type": "pd-balanced"},
    ),
    Bad(
        what="a boot disk that is made for data",
        cluster=US,
        keys={"machine_type": "c4a-standard-8", "disk_type": "hyperdisk-ml"},
        path="diskType",
        says=("data disk", "boot"),
        mended={"disk_type": "hyperdisk-balanced"},
    ),
    Bad(
        what="a boot disk that does not exist",
        cluster=US,
        keys={"arch": "arm64", "disk_type": "pd-blanced"},
        path="diskType",
        says=("is not a disk type", "pd-balanced"),
        mended={"disk_type": "pd-balanced"},
    ),
    Bad(
        what="a boot disk that is too small",
        cluster=US,
        keys={"arch": "arm64", "disk_size_gb": 9},
        path="diskSizeGb",
        says=("9 is too small",),
        mended={"disk_size_gb": 100},
    ),
    Bad(
        what="a machine type with a slip of the keys",
        cluster=US,
        keys={"machine_type": "e2-standrd-8"},
        path="machineType",
        says=("Did you mean e2-standard-8? Otherwise set arch: amd64 or arch: arm64.",),
        mended={"machine_type": "e2-standard-8"},
    ),
    Bad(
        what="T2A in us-central1-c",
        cluster=US,
        keys={"arch": "arm64", "node_locations": ["us-central1-a", "us-central1-c"]},
        path="nodeLocations",
        says=("us-central1-c has no T2A", "[us-central1-a, us-central1-b, us-central1-f]"),
        mended={"node_locations": ["us-central1-a", "us-central1-b", "us-central1-f"]},
    ),
    Bad(
        what="T2A in a zonal cluster of us-central1-c",
        cluster=ZONAL_C,
        keys={"arch": "arm64"},
        path="nodeLocations",
        says=("the cluster's zone us-central1-c has no T2A",),
        mended={"node_locations": ["us-central1-a", "us-central1-b", "us-central1-f"]},
    ),
    Bad(
        what="T2A in a region without it",
        cluster=EAST,
        keys={"arch": "arm64"},
        path="machineType",
        says=("'t2a-standard-8' in us-east1", "us-central1, europe-west4, asia-southeast1", "n4a-standard-8 (Axion)"),
        mended={"machine_type": "n4a-standard-8"},
    ),
    Bad(
        what="an arm64 pool without a machine type in a region that no table knows",
        cluster=NOWHERE,
        keys={"arch": "arm64"},
        path="machineType",
        says=("no arm64 machine is known in europe-nowhere9", "never guessed", "correct the cluster's location"),
        mended={"machine_type": "c4a-standard-8"},
    ),
    Bad(
        what="T2A in a region that no table knows",
        cluster=NOWHERE,
        keys={"machine_type": "t2a-standard-4"},
        path="machineType",
        says=("'t2a-standard-4' in europe-nowhere9", "Set machineType to an arm64 one"),
        mended={"machine_type": "n4a-standard-4"},
    ),
    Bad(
        what="a zone of another region",
        cluster=US,
        keys={"arch": "amd64", "node_locations": ["us-east1-b"]},
        path="nodeLocations",
        says=("is not a zone of us-central1",),
        mended={"node_locations": ["us-central1-b"]},
    ),
    Bad(
        what="a zone listed twice",
        cluster=US,
        keys={"arch": "amd64", "node_locations": ["us-central1-b", "us-central1-b"]},
        path="nodeLocations",
        says=("twice",),
        mended={"node_locations": ["us-central1-b"]},
    ),
    Bad(
        what="no zone at all",
        cluster=US,
        keys={"arch": "amd64", "node_locations": []},
        path="nodeLocations",
        says=("empty",),
        mended={"node_locations": None},
    ),
    Bad(
        what="an ami type that does not fit the instance type",
        cluster=EKS,
        keys={"machine_type": "m7g.xlarge", "ami_type": "AL2023_x86_64_STANDARD"},
        path="amiType",
        says=("is amd64, but m7g.xlarge is arm64", "Use AL2023_ARM_64_STANDARD"),
        mended={"ami_type": "AL2023_ARM_64_STANDARD"},
    ),
    Bad(
        what="an x86-only ami type on arm64",
        cluster=EKS,
        keys={"machine_type": "m7g.xlarge", "ami_type": "AL2023_x86_64_NEURON"},
        path="amiType",
        says=("EKS has no AL2023_x86_64_NEURON for arm64", "AL2023_ARM_64_STANDARD"),
        mended={"ami_type": "AL2023_ARM_64_STANDARD"},
    ),
    Bad(
        what="Amazon Linux 2",
        cluster=EKS,
        keys={"arch": "arm64", "ami_type": "AL2_ARM_64"},
        path="amiType",
        says=("Amazon Linux 2", "no security fixes"),
        mended={"ami_type": "AL2023_ARM_64_STANDARD"},
    ),
    Bad(
        what="a Windows ami type",
        cluster=EKS,
        keys={"arch": "amd64", "ami_type": "WINDOWS_CORE_2022_x86_64"},
        path="amiType",
        says=("Linux build jobs cannot run",),
        mended={"ami_type": None},
    ),
    Bad(
        what="a custom ami type without an image",
        cluster=EKS,
        keys={"arch": "arm64", "ami_type": "CUSTOM"},
        path="amiType",
        says=("names no image",),
        mended={"ami_type": None},
    ),
    Bad(
        what="an ami type that EKS does not have",
        cluster=EKS,
        keys={"arch": "arm64", "ami_type": "AL2023_ARM64"},
        path="amiType",
        says=("no such AMI type", "AL2023_ARM_64_STANDARD"),
        mended={"ami_type": "AL2023_ARM_64_STANDARD"},
    ),
    Bad(
        what="Amazon Linux 2023 on first-generation Graviton",
        cluster=EKS,
        keys={"machine_type": "a1.large"},
        path="machineType",
        says=("first-generation", "Graviton2 or later"),
        mended={"machine_type": "m7g.2xlarge"},
    ),
    Bad(
        what="two architectures in one node group",
        cluster=EKS,
        keys={"machine_type": "m7g.xlarge", "alternative_machine_types": ["m6g.xlarge", "m7i.xlarge"]},
        path="alternativeMachineTypes[1]",
        says=("'m7i.xlarge' is amd64 in a group of arm64 machines", "one AMI", "m7g.xlarge"),
        mended={"alternative_machine_types": ["m6g.xlarge"]},
    ),
    Bad(
        what="an unknown further instance type without arch",
        cluster=EKS,
        keys={"machine_type": "m7g.xlarge", "alternative_machine_types": ["m12g.xlarge"]},
        path="alternativeMachineTypes[0]",
        says=("guessed",),
        mended={"arch": "arm64"},
    ),
    Bad(
        what="an instance type listed twice",
        cluster=EKS,
        keys={"machine_type": "m7g.xlarge", "alternative_machine_types": ["m7g.xlarge"]},
        path="alternativeMachineTypes",
        says=("2 instance types, 1 different",),
        mended={"alternative_machine_types": []},
    ),
    Bad(
        what="an image type that is not offered for arm64",
        cluster=US,
        keys={"arch": "arm64", "image_type": "windows_ltsc_containerd"},
        path="imageType",
        says=("does not offer this image for arm64", "cos_containerd"),
        mended={"image_type": "cos_containerd"},
    ),
    Bad(
        what="a Windows image on amd64",
        cluster=US,
        keys={"arch": "amd64", "image_type": "WINDOWS_LTSC_CONTAINERD"},
        path="imageType",
        says=("Linux build jobs",),
        mended={"image_type": "COS_CONTAINERD"},
    ),
    Bad(
        what="an image with Docker",
        cluster=US,
        keys={"arch": "amd64", "image_type": "COS"},
        path="imageType",
        says=("1.24 removed it",),
        mended={"image_type": "cos_containerd"},
    ),
    Bad(
        what="an image that GKE does not have",
        cluster=US,
        keys={"arch": "arm64", "image_type": "debian"},
        path="imageType",
        says=("no such node image",),
        mended={"image_type": "ubuntu_containerd"},
    ),
    Bad(
        what="a label under kubernetes.io on GKE",
        cluster=US,
        keys={"arch": "arm64", "labels": {"kubernetes.io/arch": "arm64"}},
        path="labels[kubernetes.io/arch]",
        says=("kubernetes.io/ is reserved", "ci.example.org/arch"),
        mended={"labels": {"ci.example.org/arch": "arm64"}},
    ),
    Bad(
        what="a label under a domain below kubernetes.io on EKS",
        cluster=EKS,
        keys={"arch": "arm64", "labels": {"node-role.kubernetes.io/builder": ""}},
        path="labels[node-role.kubernetes.io/builder]",
        says=("never join",),
        mended={"labels": {"ci.example.org/builder": ""}},
    ),
    Bad(
        what="a label under eks.amazonaws.com",
        cluster=EKS,
        keys={"arch": "arm64", "labels": {"eks.amazonaws.com/team": "a"}},
        path="labels[eks.amazonaws.com/team]",
        says=("eks.amazonaws.com/ is reserved",),
        mended={"labels": {"ci.example.org/team": "a"}},
    ),
    Bad(
        what="a label under kubernetes.azure.com",
        cluster=AKS,
        keys={"arch": "arm64", "labels": {"kubernetes.azure.com/team": "a"}},
        path="labels[kubernetes.azure.com/team]",
        says=("kubernetes.azure.com/ is reserved",),
        mended={"labels": {"ci.example.org/team": "a"}},
    ),
    Bad(
        what="a label under cloud.google.com on GKE",
        cluster=US,
        keys={"arch": "arm64", "labels": {"cloud.google.com/gke-spot": "true"}},
        path="labels[cloud.google.com/gke-spot]",
        says=("cloud.google.com/ is reserved",),
        mended={"labels": {}},
    ),
    Bad(
        what="a label that the program sets itself",
        cluster=EKS,
        keys={"arch": "arm64", "labels": {"multiarch-runner.io/arch": "amd64"}},
        path="labels[multiarch-runner.io/arch]",
        says=("sets this label itself",),
        mended={"labels": {}},
    ),
    Bad(
        what="a label key that Kubernetes refuses",
        cluster=AKS,
        keys={"arch": "arm64", "labels": {"a/b/c": "x"}},
        path="labels[a/b/c]",
        says=("'a/b/c' is not a valid key of a label",),
        mended={"labels": {"a.example.org/c": "x"}},
    ),
    Bad(
        what="a label value that Kubernetes refuses",
        cluster=KIND,
        keys={"arch": "arm64", "labels": {"team": "two words"}},
        path="labels.team",
        says=("'two words'",),
        mended={"labels": {"team": "two-words"}},
    ),
    Bad(
        what="the arm64 taint a second time on GKE",
        cluster=US,
        keys={"arch": "arm64", "taints": [ARCH_TAINT]},
        path="taints[0]",
        says=("GKE adds its own", "replaced on every update", "architectureTaint: NONE"),
        mended={"taints": []},
    ),
    Bad(
        what="the arm64 taint a second time on EKS",
        cluster=EKS,
        keys={"arch": "arm64", "taints": [ARCH_TAINT]},
        path="taints[0]",
        says=("declares it",),
        mended={"taints": []},
    ),
    Bad(
        what="a taint without a value on GKE",
        cluster=US,
        keys={"arch": "arm64", "taints": [Taint(key="dedicated")]},
        path="taints[0].value",
        says=("GKE requires one",),
        mended={"taints": [Taint(key="dedicated", value="true")]},
    ),
    Bad(
        what="a taint that Kubernetes refuses",
        cluster=EKS,
        keys={"arch": "arm64", "taints": [{"key": "-x"}]},
        path="taints[0].key",
        says=("'-x' is not a valid key of a label",),
        mended={"taints": [Taint(key="x")]},
    ),
    Bad(
        what="a taint twice",
        cluster=EKS,
        keys={"arch": "arm64", "taints": [Taint(key="x", value="1"), Taint(key="x", value="2")]},
        path="taints",
        says=("2 times",),
        mended={"taints": [Taint(key="x", value="1")]},
    ),
    Bad(
        what="the spot taint of AKS by hand",
        cluster=AKS,
        keys={"arch": "arm64", "taints": [Taint(key="kubernetes.azure.com/scalesetpriority", value="spot")]},
        path="taints[0]",
        says=("spot: true",),
        mended={"taints": [], "spot": True},
    ),
    Bad(
        what="a taint under the cloud's own domain",
        cluster=AKS,
        keys={"arch": "arm64", "taints": [Taint(key="kubernetes.azure.com/mode", value="x")]},
        path="taints[0]",
        says=("reserved",),
        mended={"taints": [Taint(key="ci.example.org/mode", value="x")]},
    ),
    Bad(
        what="an AKS pool name that is too long",
        cluster=AKS,
        keys={"name": "arm64buildpool", "arch": "arm64"},
        path="name",
        says=("1 to 8 lower-case letters",),
        mended={"name": "arm64bui"},
    ),
    Bad(
        what="an AKS pool name in upper case",
        cluster=AKS,
        keys={"name": "Arm64", "arch": "arm64"},
        path="name",
        says=("1 to 8 lower-case letters",),
        mended={"name": "arm64"},
    ),
    Bad(
        what="a GKE pool name that is too long",
        cluster=US,
        keys={"name": "a" * 41, "arch": "arm64"},
        path="name",
        says=("1 to 35", "40 with replacement: deleteFirst"),
        mended={"name": "a" * 35},
    ),
    Bad(
        what="a GKE pool name with an underscore",
        cluster=US,
        keys={"name": "arm_64", "arch": "arm64"},
        path="name",
        says=("lower-case",),
        mended={"name": "arm-64"},
    ),
    Bad(
        what="an EKS pool name with a dot",
        cluster=EKS,
        keys={"name": "arm.64", "arch": "arm64"},
        path="name",
        says=("1 to 36",),
        mended={"name": "arm_64"},
    ),
    Bad(
        what="an EKS pool name that leaves no room for the suffix",
        cluster=EKS,
        keys={"name": "a" * 37, "arch": "arm64"},
        path="name",
        says=("1 to 36 letters",),
        mended={"name": "a" * 36},
    ),
    Bad(
        what="an existing pool without a name",
        cluster=KIND,
        keys={"name": "", "arch": "arm64"},
        path="name",
        says=("empty",),
        mended={"name": "arm64"},
    ),
    Bad(
        what="an AKS arm64 pool in System mode",
        cluster=AKS,
        keys={"arch": "arm64", "mode": "System"},
        path="mode",
        says=("System on an arm64 pool", "NoSchedule taints", "Use mode: User"),
        mended={"mode": "User"},
    ),
    Bad(
        what="an AKS spot pool in System mode",
        cluster=AKS,
        keys={"arch": "amd64", "mode": "System", "spot": True},
        path="mode",
        says=("spot",),
        mended={"mode": "User"},
    ),
    Bad(
        what="an AKS System pool without nodes",
        cluster=AKS,
        keys={"arch": "amd64", "mode": "System", "min_nodes": 0},
        path="minNodes",
        says=("System",),
        mended={"min_nodes": 1},
    ),
    Bad(
        what="an AKS arm64 pool that would have to scale from zero",
        cluster=AKS,
        keys={"arch": "arm64", "min_nodes": 0},
        path="minNodes",
        says=("kubernetes/autoscaler#9322", "Use minNodes: 1"),
        mended={"min_nodes": 1},
    ),
    Bad(
        what="secure boot on AKS arm64",
        cluster=AKS,
        keys={"arch": "arm64", "secure_boot": True},
        path="secureBoot",
        says=("Trusted Launch",),
        mended={"secure_boot": False},
    ),
    Bad(
        what="a virtual TPM on AKS arm64",
        cluster=AKS,
        keys={"arch": "arm64", "vtpm": True},
        path="vtpm",
        says=("Trusted Launch",),
        mended={"vtpm": False},
    ),
    Bad(
        what="FIPS on AKS arm64 with Ubuntu",
        cluster=AKS,
        keys={"arch": "arm64", "fips": True, "os_sku": "Ubuntu"},
        path="fips",
        says=("Azure Linux 3 only",),
        mended={"os_sku": "AzureLinux3"},
    ),
    Bad(
        what="a Windows image on AKS",
        cluster=AKS,
        keys={"arch": "amd64", "os_sku": "Windows2022"},
        path="osSku",
        says=("Linux build jobs",),
        mended={"os_sku": "Ubuntu"},
    ),
    Bad(
        what="an image that AKS does not have",
        cluster=AKS,
        keys={"arch": "arm64", "os_sku": "azurelinux3"},
        path="osSku",
        says=("AzureLinux3",),
        mended={"os_sku": "AzureLinux3"},
    ),
    Bad(
        what="an ephemeral disk on a size without local disk",
        cluster=AKS,
        keys={"machine_type": "Standard_D8ps_v6", "os_disk_type": "Ephemeral"},
        path="osDiskType",
        says=("no local disk", "Use Standard_D8pds_v6"),
        mended={"machine_type": "Standard_D8pds_v6"},
    ),
    Bad(
        what="an OS disk that is too small on AKS",
        cluster=AKS,
        keys={"arch": "arm64", "os_disk_size_gb": 20},
        path="osDiskSizeGb",
        says=("20 is too small",),
        mended={"os_disk_size_gb": 128},
    ),
    Bad(
        what="a zone that Azure does not have",
        cluster=AKS,
        keys={"arch": "arm64", "availability_zones": ["westeurope-1"]},
        path="availabilityZones[0]",
        says=("Use one of 1, 2, 3",),
        mended={"availability_zones": ["1", "2", "3"]},
    ),
    Bad(
        what="too many pods on an AKS node",
        cluster=AKS,
        keys={"arch": "arm64", "max_pods": 251},
        path="maxPods",
        says=("251 is too large",),
        mended={"max_pods": 30},
    ),
    Bad(
        what="a surge that AKS cannot read",
        cluster=AKS,
        keys={"arch": "arm64", "max_surge": "a third"},
        path="maxSurge",
        says=("percentage",),
        mended={"max_surge": "33%"},
    ),
    Bad(
        what="a surge of nothing on AKS",
        cluster=AKS,
        keys={"arch": "arm64", "max_surge": "0%"},
        path="maxSurge",
        says=("1% to 100%",),
        mended={"max_surge": "100%"},
    ),
    Bad(
        what="a drain without end on AKS",
        cluster=AKS,
        keys={"arch": "arm64", "drain_timeout_minutes": 1441},
        path="drainTimeoutMinutes",
        says=("1441 is too large",),
        mended={"drain_timeout_minutes": 1440},
    ),
    Bad(
        what="min above max",
        cluster=EKS,
        keys={"arch": "arm64", "min_nodes": 5, "max_nodes": 3},
        path="minNodes",
        says=("5 is above maxNodes, 3",),
        mended={"min_nodes": 3},
    ),
    Bad(
        what="max 0",
        cluster=EKS,
        keys={"arch": "arm64", "min_nodes": 0, "max_nodes": 0},
        path="maxNodes",
        says=("0 is too small",),
        mended={"max_nodes": 1},
    ),
    Bad(
        what="a negative minimum",
        cluster=US,
        keys={"arch": "arm64", "min_nodes": -1},
        path="minNodes",
        says=("-1 is too small",),
        mended={"min_nodes": 0},
    ),
    Bad(
        what="a regional total below the minimum of its zones",
        cluster=US,
        keys={"arch": "arm64", "max_nodes": 2},
        path="maxNodes",
        says=("2 in total over 3 zones", "regional total is below", "3 or more"),
        mended={"max_nodes": 3},
    ),
    Bad(
        what="a regional total that a rounded-up start exceeds",
        cluster=US,
        keys={
            "machine_type": "c4a-standard-8",
            "node_locations": ["us-central1-a", "us-central1-b"],
            "min_nodes": 3,
            "max_nodes": 3,
        },
        path="maxNodes",
        says=("4 in all for minNodes 3",),
        mended={"max_nodes": 4},
    ),
    Bad(
        what="too many pods on a GKE node",
        cluster=US,
        keys={"arch": "arm64", "max_pods_per_node": 7},
        path="maxPodsPerNode",
        says=("7 is too small",),
        mended={"max_pods_per_node": 32},
    ),
    Bad(
        what="an upgrade that may touch no node",
        cluster=US,
        keys={"arch": "arm64", "max_surge": 0},
        path="maxSurge",
        says=("no upgrade could proceed",),
        mended={"max_surge": 1},
    ),
    Bad(
        what="a drain without time on GKE",
        cluster=US,
        keys={"arch": "arm64", "drain_grace_minutes": 0},
        path="drainGraceMinutes",
        says=("0 is too small",),
        mended={"drain_grace_minutes": 60},
    ),
    Bad(
        what="gVNIC off where there is no other card",
        cluster=US,
        keys={"machine_type": "c4a-standard-8", "gvnic": False},
        path="gvnic",
        says=("machines need gVNIC",),
        mended={"gvnic": None},
    ),
    Bad(
        what="the arm64 taint behaviour on amd64",
        cluster=US,
        keys={"arch": "amd64", "architecture_taint": "ARM"},
        path="architectureTaint",
        says=("has no effect",),
        mended={"architecture_taint": None},
    ),
    Bad(
        what="an EKS volume smaller than its image",
        cluster=EKS,
        keys={"arch": "arm64", "disk_size_gb": 10},
        path="diskSizeGb",
        says=("10 is too small",),
        mended={"disk_size_gb": 100},
    ),
    Bad(
        what="an update of no nodes on EKS",
        cluster=EKS,
        keys={"arch": "arm64", "max_unavailable_percentage": 0},
        path="maxUnavailablePercentage",
        says=("0 is too small",),
        mended={"max_unavailable_percentage": 33},
    ),
    Bad(
        what="no subnet on EKS",
        cluster=EKS,
        keys={"arch": "arm64", "subnet_ids": []},
        path="subnetIds",
        says=("empty",),
        mended={"subnet_ids": None},
    ),
    Bad(
        what="a role by name on EKS",
        cluster=EKS,
        keys={"arch": "arm64", "node_role_arn": "nodes"},
        path="nodeRoleArn",
        says=("not a valid role ARN",),
        mended={"node_role_arn": "arn:aws:iam::123456789012:role/nodes"},
    ),
    Bad(
        what="a policy for a role that is not made here",
        cluster=EKS,
        keys={"arch": "arm64", "node_role_arn": "arn:aws:iam::123456789012:role/nodes", "ssm": True},
        path="ssm",
        says=("has no effect",),
        mended={"ssm": False},
    ),
    Bad(
        what="a label too long for the autoscaler's hint",
        cluster=EKS,
        keys={"arch": "arm64", "labels": {f"{'a' * 60}.example.org/name-of-label": "x"}},
        path=f"labels[{'a' * 60}.example.org/name-of-label]",
        says=("tag keys of 128",),
        mended={"autoscaler_tags": False},
    ),
    Bad(
        what="an existing pool that contradicts itself",
        cluster=KIND,
        keys={"arch": "arm64", "labels": {"kubernetes.io/arch": "amd64"}},
        path="labels[kubernetes.io/arch]",
        says=("no node can be both",),
        mended={"labels": {"kubernetes.io/arch": "arm64"}},
    ),
    Bad(
        what="the architecture taint of amd64 nodes",
        cluster=KIND,
        keys={"arch": "amd64", "architecture_taint": False},
        path="architectureTaint",
        says=("never have the taint",),
        mended={"architecture_taint": True},
    ),
]


ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/nodes"
BAD += [
    Bad(
        what="an empty machine type beside an architecture",
        cluster=US,
        keys={"arch": "arm64", "machine_type": ""},
        path="machineType",
        says=("an empty string", "refuses the pool", "leave the key out"),
        mended={"machine_type": None},
    ),
    Bad(
        what="a machine type with a space",
        cluster=AKS,
        keys={"arch": "arm64", "machine_type": "Standard D8ps v6"},
        path="machineType",
        says=("not a machine type",),
        mended={"machine_type": "Standard_D8ps_v6"},
    ),
    Bad(
        what="a network tag with a capital",
        cluster=US,
        keys={"arch": "amd64", "tags": ["builds", "Builds"]},
        path="tags[1]",
        says=("'Builds' is not a valid network tag", "lower-case"),
        mended={"tags": ["builds"]},
    ),
    Bad(
        what="a resource label with a capital",
        cluster=US,
        keys={"arch": "amd64", "resource_labels": {"cost-center": "R and D"}},
        path="resourceLabels[cost-center]",
        says=("'cost-center: R and D'", "lower-case"),
        mended={"resource_labels": {"cost-center": "r_and-d"}},
    ),
    Bad(
        what="a service account's name in place of its e-mail",
        cluster=US,
        keys={"arch": "amd64", "service_account": "nodes"},
        path="serviceAccount",
        says=("not a valid e-mail", "name@project.iam.gserviceaccount.com"),
        mended={"service_account": "nodes@acme-ci.iam.gserviceaccount.com"},
    ),
    Bad(
        what="a subnet's name on EKS",
        cluster=EKS,
        keys={"arch": "arm64", "subnet_ids": ["subnet-0123456789abcdef0", "private-a"]},
        path="subnetIds[1]",
        says=("not a name",),
        mended={"subnet_ids": ["subnet-0123456789abcdef0"]},
    ),
    Bad(
        what="a subnet twice on EKS",
        cluster=EKS,
        keys={"arch": "arm64", "subnet_ids": ["subnet-0123456789abcdef0"] * 2},
        path="subnetIds",
        says=("listed twice",),
        mended={"subnet_ids": ["subnet-0123456789abcdef0"]},
    ),
    Bad(
        what="a tag that is reserved",
        cluster=EKS,
        keys={"arch": "arm64", "tags": {"AWS:team": "ci"}},
        path="tags[AWS:team]",
        says=("is reserved",),
        mended={"tags": {"team": "ci"}},
    ),
    Bad(
        what="more nodes than 32 bits hold",
        cluster=EKS,
        keys={"arch": "arm64", "max_nodes": 10**30},
        path="maxNodes",
        says=("is too large",),
        mended={"max_nodes": 9},
    ),
    Bad(
        what="a subnet's name on AKS",
        cluster=AKS,
        keys={"arch": "arm64", "vnet_subnet_id": "nodes"},
        path="vnetSubnetId",
        says=("not a valid resource ID of a subnet", "az network vnet subnet show"),
        mended={"vnet_subnet_id": ID},
    ),
    Bad(
        what="a subnet's name for pods on AKS",
        cluster=AKS,
        keys={"arch": "arm64", "vnet_subnet_id": ID, "pod_subnet_id": "pods"},
        path="podSubnetId",
        says=("not a valid resource ID of a subnet",),
        mended={"pod_subnet_id": ID.replace("nodes", "pods")},
    ),
    Bad(
        what="no room for the suffix of a GKE pool's successor",
        cluster=US,
        keys={"name": "a" * 36, "arch": "arm64"},
        path="name",
        says=("has 36 characters", "has a suffix in its name", "at most 35, or replacement: deleteFirst"),
        mended={"replacement": "deleteFirst"},
    ),
    Bad(
        what="no room for the suffix of an AKS pool's successor",
        cluster=AKS,
        keys={"name": "arm64build", "arch": "arm64"},
        path="name",
        says=("has 10 characters", "at most 8, or replacement: deleteFirst"),
        mended={"replacement": "deleteFirst"},
    ),
    Bad(
        what="a specific reservation on GKE that is not named",
        cluster=US,
        keys={"arch": "arm64", "reservation_affinity": {"consumeReservationType": "SPECIFIC_RESERVATION"}},
        path="reservationAffinity",
        says=("without key and values", "compute.googleapis.com/reservation-name"),
        mended={
            "reservation_affinity": {
                "consumeReservationType": "SPECIFIC_RESERVATION",
                "key": "compute.googleapis.com/reservation-name",
                "values": ["builds"],
            }
        },
    ),
    Bad(
        what="reserved spot machines on GKE",
        cluster=US,
        keys={"arch": "arm64", "spot": True, "reservation_affinity": {"consumeReservationType": "ANY_RESERVATION"}},
        path="reservationAffinity",
        says=("spot machines cannot use a reservation",),
        mended={"spot": False},
    ),
    Bad(
        what="two reservations on EKS",
        cluster=EKS,
        keys={"arch": "arm64", "capacity_reservation": {"id": "cr-0123456789abcdef0", "preference": "open"}},
        path="capacityReservation",
        says=("2 of its keys", "exactly one"),
        mended={"capacity_reservation": {"id": "cr-0123456789abcdef0"}},
    ),
    Bad(
        what="reserved spot machines on EKS",
        cluster=EKS,
        keys={"arch": "arm64", "spot": True, "capacity_reservation": {"preference": "open"}},
        path="capacityReservation",
        says=("spot machines cannot use a reservation",),
        mended={"capacity_reservation": {"preference": "none"}},
    ),
    Bad(
        what="reserved spot machines on AKS",
        cluster=AKS,
        keys={"arch": "arm64", "spot": True, "capacity_reservation_group_id": RESERVATIONS},
        path="capacityReservationGroupId",
        says=("spot machines cannot use a reservation",),
        mended={"spot": False},
    ),
    Bad(
        what="kubelet settings for Bottlerocket",
        cluster=EKS,
        keys={"arch": "arm64", "ami_type": "BOTTLEROCKET_ARM_64", "kubelet_config": {"podPidsLimit": 4096}},
        path="kubeletConfig",
        says=("only Amazon Linux 2023", "launchTemplateArguments.userData"),
        mended={"ami_type": "AL2023_ARM_64_STANDARD"},
    ),
    Bad(
        what="images that are removed before they would be",
        cluster=US,
        keys={
            "arch": "arm64",
            "kubelet_config": {"imageGcLowThresholdPercent": 80, "imageGcHighThresholdPercent": 70},
        },
        path="kubeletConfig.imageGcLowThresholdPercent",
        says=("80 is not below imageGcHighThresholdPercent, 70",),
        mended={"kubelet_config": {"imageGcLowThresholdPercent": 60, "imageGcHighThresholdPercent": 70}},
    ),
    Bad(
        what="a kernel parameter that AKS keeps",
        cluster=AKS,
        keys={"arch": "arm64", "linux_os_config": {"sysctls": {"vm.max_map_counts": 262144}}},
        path="linuxOsConfig.sysctls[vm.max_map_counts]",
        says=("Did you mean vm.max_map_count?",),
        mended={"linux_os_config": {"sysctls": {"vm.max_map_count": 262144}}},
    ),
    Bad(
        what="a kernel parameter's number as text on AKS",
        cluster=AKS,
        keys={"arch": "arm64", "linux_os_config": {"sysctls": {"vm.max_map_count": "262144"}}},
        path="linuxOsConfig.sysctls[vm.max_map_count]",
        says=("Write a whole number.",),
        mended={"linux_os_config": {"sysctls": {"vm.max_map_count": 262144}}},
    ),
    Bad(
        what="a kernel parameter's range as a number on AKS",
        cluster=AKS,
        keys={"arch": "arm64", "linux_os_config": {"sysctls": {"net.ipv4.ip_local_port_range": 1024}}},
        path="linuxOsConfig.sysctls[net.ipv4.ip_local_port_range]",
        says=("'1024 65000'",),
        mended={"linux_os_config": {"sysctls": {"net.ipv4.ip_local_port_range": "1024 65000"}}},
    ),
    Bad(
        what="the tag that tells EKS pools apart",
        cluster=EKS,
        keys={"arch": "arm64", "tags": {"multiarch-runner.io/pool": "other"}},
        path="tags[multiarch-runner.io/pool]",
        says=("sets this tag itself", "Remove it"),
        mended={"tags": {"team": "builds"}},
    ),
    Bad(
        what="swap that the kubelet refuses",
        cluster=AKS,
        keys={"arch": "arm64", "linux_os_config": {"swapFileSizeMb": 1500}},
        path="linuxOsConfig.swapFileSizeMb",
        says=("failSwapOn: false",),
        mended={"kubelet_config": {"failSwapOn": False}},
    ),
    Bad(
        what="a key of Cloud KMS by its short name",
        cluster=US,
        keys={"arch": "arm64", "boot_disk_kms_key": "nodes"},
        path="bootDiskKmsKey",
        says=("projects/<project>/locations/",),
        mended={"boot_disk_kms_key": "projects/p/locations/us-central1/keyRings/r/cryptoKeys/k"},
    ),
    Bad(
        what="a KMS key by its id on EKS",
        cluster=EKS,
        keys={"arch": "arm64", "kms_key_id": "1234abcd"},
        path="kmsKeyId",
        says=("arn:aws:kms:",),
        mended={"kms_key_id": "arn:aws:kms:eu-central-1:123456789012:key/1234abcd"},
    ),
]


@pytest.mark.parametrize("bad", BAD, ids=[bad.what for bad in BAD])
def test_a_bad_pool_is_refused_with_path_consequence_and_fix(bad: Bad) -> None:
    problems = _problems(bad.cluster, bad.keys)
    assert [problem.path for problem in problems] == [f"pools[0].{bad.path}"]
    text = str(problems[0])
    for words in bad.says:
        assert words in text
    assert problems[0].found
    assert problems[0].fix.endswith((".", "?"))


@pytest.mark.parametrize("bad", BAD, ids=[bad.what for bad in BAD])
def test_the_fix_that_is_told_mends_the_pool(bad: Bad) -> None:
    assert _problems(bad.cluster, bad.keys | bad.mended) == []


def test_a_pool_of_unknown_architecture_is_not_told_to_be_missing_as_well() -> None:
    problems = check_pools(EKS, [EksPool(name="a", arch="amd64"), EksPool(name="b", machine_type="m12g.large")])  # type: ignore[arg-type]  # as YAML gives it
    assert [problem.path for problem in problems] == ["pools[1].machineType"]


def test_two_pools_of_one_name_are_a_problem_of_the_second() -> None:
    pools = [EksPool(name="a", arch="amd64"), EksPool(name="a", arch="arm64")]  # type: ignore[arg-type]  # as YAML gives it
    (problem,) = check_pools(EKS, pools)
    assert problem.path == "pools[1].name"
    assert "pools[0]" in problem.found


def test_every_problem_of_every_pool_is_told_at_once() -> None:
    pools = [
        AksPool(name="longerthan8", arch="arm64", mode="System", secure_boot=True, min_nodes=5, max_nodes=3),  # type: ignore[arg-type]  # as YAML gives it
        AksPool(name="amd64", machine_type="Standard_NoSuch", labels={"k8s.io/x": "y"}),
    ]
    assert {problem.path for problem in check_pools(AKS, pools)} == {
        "pools[0].name",
        "pools[0].mode",
        "pools[0].secureBoot",
        "pools[0].minNodes",
        "pools[1].machineType",
        "pools[1].labels[k8s.io/x]",
    }


def test_labels_of_existing_nodes_may_be_kubelets_own() -> None:
    pools = [
        ExistingPool(name="a", arch="amd64", labels={"node.kubernetes.io/instance-type": "x"}),  # type: ignore[arg-type]  # as YAML gives it
        ExistingPool(name="b", arch="arm64"),  # type: ignore[arg-type]  # as YAML gives it
    ]
    assert check_pools(KIND, pools) == []


def test_an_unknown_boot_disk_compatibility_is_not_refused() -> None:
    pools: list[PoolBase] = [
        GkePool(name="a", machine_type="c4n-standard-8", disk_type="pd-balanced"),
        GkePool(name="b", arch="arm64"),  # type: ignore[arg-type]  # as YAML gives it
    ]
    assert check_pools(US, pools) == []
