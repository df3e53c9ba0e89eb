"""Images, boot disks and zones: what fits which machine."""

import pytest

from components.clouds import machine_type
from components.clouds.aks import machines as azure
from components.clouds.eks import machines as aws
from components.clouds.gke import machines as gcp
from components.clouds.machines import Arch


def _gcp_disks(name: str) -> frozenset[str] | None:
    machine = machine_type("gke", name)
    assert machine is not None
    return gcp.boot_disks(machine)


def test_t2a_boots_from_persistent_disks_only() -> None:
    disks = _gcp_disks("t2a-standard-8")
    assert disks is not None
    assert disks
    assert all(disk.startswith("pd-") for disk in disks)


@pytest.mark.parametrize(
    "name", ["c4a-standard-8", "n4a-standard-8", "n4-standard-8", "c4-standard-8", "c4d-standard-8"]
)
def test_the_fourth_generation_boots_from_hyperdisk_only(name: str) -> None:
    disks = _gcp_disks(name)
    assert disks is not None
    assert disks
    assert all(disk.startswith("hyperdisk-") for disk in disks)


@pytest.mark.parametrize("name", ["n4a-standard-8", "n4-standard-8", "n4d-standard-8"])
def test_the_n4_series_do_not_take_hyperdisk_extreme(name: str) -> None:
    disks = _gcp_disks(name)
    assert disks is not None
    assert "hyperdisk-extreme" not in disks
    assert "hyperdisk-extreme" in (_gcp_disks("c4a-standard-8") or ())


def test_the_disks_of_a_series_nobody_knows_them_of_are_unknown_and_not_all_or_none() -> None:
    assert _gcp_disks("c4n-standard-8") is None
    assert gcp.default_boot_disk(machine_type("gke", "c4n-standard-8")) is None


def test_every_series_default_boot_disk_is_one_it_takes() -> None:
    for series in gcp.SERIES.values():
        if series.boot_disks is not None:
            machine = machine_type("gke", f"{series.name}-{min(series.shapes)}-8")
            assert gcp.default_boot_disk(machine) in series.boot_disks
            assert not series.boot_disks & gcp.DATA_ONLY_DISKS


def test_t2a_zones_are_zones_of_their_regions_and_never_us_central1_c() -> None:
    for region, zones in gcp.T2A_ZONES.items():
        assert all(gcp.region_of(zone) == region for zone in zones)
    assert "us-central1-c" not in gcp.T2A_ZONES["us-central1"]


@pytest.mark.parametrize(
    ("location", "zone", "region"),
    [
        ("us-central1", False, "us-central1"),
        ("us-central1-a", True, "us-central1"),
        ("northamerica-northeast2-b", True, "northamerica-northeast2"),
    ],
)
def test_zones_and_regions_are_told_apart(location: str, *, zone: bool, region: str) -> None:
    assert (gcp.is_zone(location), gcp.region_of(location)) == (zone, region)


@pytest.mark.parametrize("region", ["us-central1", "us-east1", "europe-north1", "asia-northeast1"])
def test_the_arm64_machine_offered_for_a_region_is_arm64(region: str) -> None:
    name = gcp.arm64_machine_for(region)
    assert name is not None
    placed = machine_type("gke", name)
    assert placed is not None
    assert placed.arch is Arch.ARM64
    assert (placed.family == "t2a") == (region in gcp.T2A_ZONES)


@pytest.mark.parametrize("region", ["europe-nowhere9", "me-west1", "asia-northeast2", ""])
def test_no_arm64_machine_is_offered_for_a_region_that_no_table_knows(region: str) -> None:
    assert gcp.arm64_machine_for(region) is None


def test_an_ami_types_architecture_is_the_one_in_its_name() -> None:
    assert {name: ami.arch for name, ami in aws.AMI_TYPES.items() if ami.arch is None} == {"CUSTOM": None}
    for name, ami in aws.AMI_TYPES.items():
        if ami.arch is not None:
            assert (ami.arch is Arch.ARM64) == ("ARM_64" in name)


@pytest.mark.parametrize("arch", list(Arch))
def test_the_default_ami_type_has_its_architecture(arch: Arch) -> None:
    assert aws.AMI_TYPES[aws.DEFAULT_AMI_TYPES[arch]].arch is arch


@pytest.mark.parametrize(
    ("name", "arch", "other"),
    [
        ("BOTTLEROCKET_x86_64_NVIDIA_FIPS", Arch.ARM64, "BOTTLEROCKET_ARM_64_NVIDIA_FIPS"),
        ("AL2023_ARM_64_NVIDIA", Arch.AMD64, "AL2023_x86_64_NVIDIA"),
        ("AL2023_x86_64_NEURON", Arch.ARM64, None),
        ("WINDOWS_CORE_2022_x86_64", Arch.ARM64, None),
    ],
)
def test_the_same_ami_type_of_the_other_architecture_is_named_where_eks_has_one(
    name: str, arch: Arch, other: str | None
) -> None:
    assert aws.ami_of_other_arch(aws.AMI_TYPES[name], arch) == other


def test_bottlerocket_keeps_its_data_on_a_volume_of_its_own() -> None:
    assert aws.data_device("BOTTLEROCKET_ARM_64") == "/dev/xvdb"
    assert aws.data_device("AL2023_ARM_64_STANDARD") == "/dev/xvda"


def test_windows_images_are_not_offered_for_arm64() -> None:
    for name, archs in gcp.IMAGE_TYPES.items():
        assert (Arch.ARM64 in archs) == (not name.startswith("WINDOWS"))


def test_every_linux_os_sku_of_aks_has_arm64_images_and_none_is_windows() -> None:
    assert all(Arch.ARM64 in archs for archs in azure.OS_SKUS.values())
    assert not any(name.startswith("Windows") for name in azure.OS_SKUS)
