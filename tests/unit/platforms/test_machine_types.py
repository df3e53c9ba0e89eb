"""Which architecture a machine type has: by table, never by guess."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.clouds import CLOUDS, machine_type
from components.clouds.aks import machines as azure
from components.clouds.eks import machines as aws
from components.clouds.gke import machines as gcp
from components.clouds.machines import Arch, MachineType
from multiarch.onboard.decide.machines import MachineChoice, arm64_choice

HERE = Path(__file__).parent


def _lines(name: str) -> Iterator[list[str]]:
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split()


TABLE = [(cloud, arch, name) for cloud, arch, *names in _lines("machine_types.txt") for name in names]
EC2 = [(family, arch, disk, sizes) for family, arch, disk, *sizes in _lines("ec2_instance_types.txt")]
# Real names to grow invented ones from.
KNOWN = [(cloud, name) for cloud, arch, name in TABLE if arch != "unknown"]


@pytest.mark.parametrize(("cloud", "arch", "name"), TABLE)
def test_every_name_of_the_table_has_its_architecture(cloud: str, arch: str, name: str) -> None:
    placed = machine_type(cloud, name)
    assert (placed.arch.value if placed else "unknown") == arch


@pytest.mark.parametrize(("family", "arch", "disk", "sizes"), EC2)
def test_every_ec2_type_has_what_aws_reports_of_it(family: str, arch: str, disk: str, sizes: list[str]) -> None:
    for size in sizes:
        placed = machine_type("eks", f"{family}.{size}")
        if arch == "mac":
            assert placed is None
        else:
            assert placed is not None
            assert (placed.arch.value, placed.local_disk) == (arch, disk == "disk")


def test_no_ec2_family_is_placed_that_breaks_awss_own_naming() -> None:
    # 'g' right behind the generation is Graviton; in the accelerated families g, p and f the first letter says no
    # such thing. The table is independent of this rule, so that the two check each other.
    exceptions = {"a1": Arch.ARM64, "p6e-gb200": Arch.ARM64}
    for family in aws.FAMILIES:
        match = re.fullmatch(r"[a-z]+[0-9]*?([0-9])(?P<attributes>[a-z]*)(-.*)?", family)
        graviton = match is not None and match["attributes"].startswith("g")
        placed = machine_type("eks", f"{family}.large")
        assert placed is not None
        expected = exceptions.get(family, Arch.ARM64 if graviton else Arch.AMD64)
        # im4gn and is4gen carry the letter behind the generation as well.
        assert placed.arch is expected, family


@settings(deadline=None)
@given(st.sampled_from(KNOWN), st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=3))
def test_an_unknown_family_is_never_placed(known: tuple[str, str], junk: str) -> None:
    cloud, name = known
    head = {"gke": name.partition("-"), "eks": name.partition("."), "aks": name.partition("_")}[cloud]
    start = f"{head[0]}_Q{junk}" if cloud == "aks" else f"qq{junk}{head[1]}"
    assert machine_type(cloud, start + head[2]) is None


@settings(deadline=None)
@given(st.sampled_from(list(CLOUDS)), st.text(max_size=30))
def test_any_text_is_placed_or_unknown_without_an_error(cloud: str, name: str) -> None:
    placed = machine_type(cloud, name)
    assert placed is None or placed.name == name


@pytest.mark.parametrize(("cloud", "name"), KNOWN)
def test_a_sibling_has_the_other_architecture_and_is_known(cloud: str, name: str) -> None:
    machine = machine_type(cloud, name)
    assert machine is not None
    other = machine_type(cloud, CLOUDS[machine.cloud].machines.sibling(machine))
    assert other is not None
    assert other.arch is not machine.arch


@pytest.mark.parametrize(
    ("cloud", "name", "like"),
    [
        ("eks", "m7i.xlarge", "m7g.xlarge"),
        ("eks", "t3a.medium", "t4g.medium"),
        ("eks", "m7g.large", "m7i.large"),
        ("eks", "p5.48xlarge", "m7g.2xlarge"),
        ("gke", "e2-standard-8", "t2a-standard-8"),
        ("gke", "c4-highmem-16", "c4a-highmem-16"),
        ("gke", "n4a-standard-1", "e2-standard-8"),
        ("aks", "Standard_D8as_v5", "Standard_D8ps_v5"),
        ("aks", "Standard_D4lds_v6", "Standard_D4plds_v6"),
        ("aks", "Standard_D4ps_v6", "Standard_D4s_v6"),
        ("aks", "Standard_D8s_v7", "Standard_D8ps_v6"),
        ("aks", "Standard_D8s_v3", "Standard_D8ps_v5"),
        ("aks", "Standard_NP10s", "Standard_D8ps_v6"),
    ],
)
def test_the_like_machine_of_the_other_architecture_is_offered(cloud: str, name: str, like: str) -> None:
    machine = machine_type(cloud, name)
    assert machine is not None
    assert CLOUDS[machine.cloud].machines.sibling(machine) == like


@pytest.mark.parametrize("cloud", [name for name, cloud in CLOUDS.items() if cloud.machines.defaults])
@pytest.mark.parametrize("arch", list(Arch))
def test_the_default_machine_has_the_architecture_it_is_the_default_of(cloud: str, arch: Arch) -> None:
    placed = machine_type(cloud, CLOUDS[cloud].machines.defaults[arch])
    assert placed is not None
    assert placed.arch is arch


def test_every_arm64_machine_of_the_tables_has_a_processor_name_and_no_other_has() -> None:
    for cloud, name in KNOWN:
        machine = machine_type(cloud, name)
        assert machine is not None
        assert (CLOUDS[machine.cloud].machines.processor(machine) is not None) == (machine.arch is Arch.ARM64), name


@pytest.mark.parametrize(
    ("cloud", "name", "cpu"),
    [
        ("eks", "a1.large", "Graviton"),
        ("eks", "t4g.large", "Graviton2"),
        ("eks", "m7gd.large", "Graviton3"),
        ("eks", "i8ge.large", "Graviton4"),
        ("eks", "m9g.large", "Graviton5"),
        ("gke", "t2a-standard-8", "Ampere Altra"),
        ("gke", "c4a-standard-8", "Axion"),
        ("aks", "Standard_D8ps_v5", "Ampere Altra"),
        ("aks", "Standard_D8ps_v6", "Cobalt 100"),
    ],
)
def test_processors_are_called_by_their_names(cloud: str, name: str, cpu: str) -> None:
    machine = machine_type(cloud, name)
    assert machine is not None
    assert CLOUDS[machine.cloud].machines.processor(machine) == cpu


def azures_v7(monkeypatch: pytest.MonkeyPatch, row: str) -> None:
    monkeypatch.setitem(azure.SERIES, "D", azure.SERIES["D"] | azure.read_table(row)["D"])


def test_a_new_version_of_azures_arm64_sizes_is_named_and_suggested_by_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    azures_v7(monkeypatch, "D : v7 : ads alds als as ds ids is lds ls pds ps s : Cobalt 200")
    choice = arm64_choice("aks", "Standard_D8s_v7", "westeurope")
    assert isinstance(choice, MachineChoice)
    assert choice.name == "Standard_D8ps_v7"
    assert "Cobalt 200" in choice.because
    assert machine_type("aks", "Standard_D8pds_v7") == MachineType(
        name="Standard_D8pds_v7", cloud="aks", family="Dpds_v7", arch=Arch.ARM64, local_disk=True
    )


def test_a_new_ec2_generation_is_named_and_suggested_by_its_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "FAMILIES", aws.FAMILIES | {"m8g", "m10g", "m10i"})
    monkeypatch.setattr(aws, "_ARCH_OF", {**aws._ARCH_OF, "m10g": Arch.ARM64, "m10i": Arch.AMD64})
    monkeypatch.setitem(aws._GRAVITON, "10", "Graviton6")
    choice = arm64_choice("eks", "m10i.2xlarge", "eu-central-1")
    assert isinstance(choice, MachineChoice)
    assert choice.name == "m10g.2xlarge"
    assert "Graviton6" in choice.because


def test_a_new_gcp_series_is_named_and_suggested_by_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    row = gcp.Series(
        name="c5a",
        arch=Arch.ARM64,
        shapes=frozenset({"standard"}),
        boot_disks=None,
        like="c4",
        sizes=frozenset({"8"}),
        processor="Axion 2",
    )
    monkeypatch.setitem(gcp.SERIES, "c5a", row)
    placed = machine_type("gke", "c5a-standard-8")
    assert placed is not None
    assert gcp.MACHINES.processor(placed) == "Axion 2"
    assert gcp.MACHINES.sibling(placed) == "c4-standard-8"


def test_a_processor_that_no_row_names_is_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    azures_v7(monkeypatch, "D : v7 : ps s")
    arm64 = azure.machine_type("Standard_D8ps_v7")
    assert arm64 is not None
    assert azure.MACHINES.processor(arm64) is None
    assert aws.arm64_processor(replace(arm64, family="m77g")) is None


@pytest.mark.parametrize(
    ("name", "local_disk"),
    [
        ("Standard_D8pds_v6", True),
        ("Standard_D8plds_v5", True),
        ("Standard_E16-4ads_v5", True),
        ("Standard_D8ps_v6", False),
        ("Standard_DS2_v2", False),
        ("Standard_ND96isr_H200_v5", False),
    ],
)
def test_a_small_d_in_an_azure_size_is_a_local_disk_and_a_capital_d_is_not(name: str, *, local_disk: bool) -> None:
    machine = machine_type("aks", name)
    assert machine is not None
    assert machine.local_disk is local_disk


def test_azure_table_holds_no_feature_twice_under_two_spellings() -> None:
    assert all(
        feature == feature.lower()
        for series in azure.SERIES.values()
        for row in series.values()
        for feature in row.features
    )


def test_no_ec2_family_is_listed_under_two_architectures_or_two_disks() -> None:
    tables = [aws._ARM64_LOCAL_DISK, aws._ARM64_NO_DISK, aws._AMD64_LOCAL_DISK, aws._AMD64_NO_DISK]
    assert sum(len(table) for table in tables) == len(aws.FAMILIES)


def test_only_azures_b_d_and_e_families_have_arm64_sizes_without_an_accelerator() -> None:
    families = {
        family
        for family, series in azure.SERIES.items()
        for row in series.values()
        if any("p" in feature for feature in row.features)
    }
    assert families == {"B", "D", "E"}


def test_gcp_series_keep_their_own_name() -> None:
    assert all(name == series.name for name, series in gcp.SERIES.items())


@pytest.mark.parametrize(
    ("cloud", "name", "meant"),
    [
        ("gke", "e2-standrd-8", "e2-standard-8"),
        ("gke", "n2-hihgmem-8", "n2-highmem-8"),
        ("eks", "m7g.2xlarg", "m7g.2xlarge"),
        ("aks", "Standrd_D8ps_v6", "Standard_D8ps_v6"),
        ("gke", "c9x-standard-8", None),
        ("gke", "e2-highgpu-8", None),
        ("eks", "m7x.2xlarge", None),
        ("eks", "m12g.large", None),
        ("aks", "Standard_D8ps_v9", None),
    ],
)
def test_a_misspelled_word_is_corrected_and_a_family_is_never_exchanged(
    cloud: str, name: str, meant: str | None
) -> None:
    assert CLOUDS[cloud].machines.meant(name) == meant
