"""Compute Engine machine series, GKE node images, boot disks, and the zones that have T2A.

Sources: price map of karpenter-provider-gcp (2026-08-06) for series and shapes; its pd-csi compatibility map and
Google's Hyperdisk overview (2026) for disks, where the two conflict (C4A, N4) the overview and
terraform-provider-google#20247 win; facts/nodepools.md for T2A's regions.
"""

import re
from dataclasses import dataclass
from typing import Final

from components.clouds.machines import Arch, Machines, MachineType, words

_PD: Final = frozenset({"pd-balanced", "pd-ssd", "pd-standard"})
_PD_SSD_BACKED: Final = frozenset({"pd-balanced", "pd-ssd"})
_HYPERDISK: Final = frozenset({"hyperdisk-balanced", "hyperdisk-balanced-high-availability", "hyperdisk-extreme"})
_HYPERDISK_NOT_EXTREME: Final = _HYPERDISK - {"hyperdisk-extreme"}
_HYPERDISK_NOT_HA: Final = _HYPERDISK - {"hyperdisk-balanced-high-availability"}
_EITHER: Final = _PD | _HYPERDISK
_NEWER: Final = _PD_SSD_BACKED | _HYPERDISK

KNOWN_DISKS: Final = _EITHER | {"pd-extreme", "hyperdisk-throughput", "hyperdisk-ml"}
# Made for data, not for systems: Hyperdisk overview, 2026 ("boot disks: Hyperdisk Balanced").
DATA_ONLY_DISKS: Final = frozenset({"pd-extreme", "hyperdisk-throughput", "hyperdisk-ml"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A machine series: architecture, shapes, the boot disks it takes (None: not known), and its network card.

    `like` is the nearest series of the other architecture, `sizes` the vCPUs that both have; `processor` names an
    arm64 one. A new series is a row, and all that is needed to place, name and suggest it.
    """

    name: str
    arch: Arch
    shapes: frozenset[str]
    boot_disks: frozenset[str] | None
    custom: bool = False
    gpu: bool = False
    gvnic_required: bool = False
    like: str = ""
    sizes: frozenset[str] = frozenset()
    processor: str = ""


def _series(  # noqa: PLR0913  # one row of the table below, one argument per column
    name: str,
    arch: Arch,
    shapes: str,
    boot_disks: frozenset[str] | None,
    *,
    custom: bool = False,
    gpu: bool = False,
    gvnic_required: bool = False,
    like: str = "",
    processor: str = "",
) -> Series:
    nearest, _, sizes = like.partition(" ")
    return Series(
        name=name,
        arch=arch,
        shapes=words(shapes),
        boot_disks=boot_disks,
        custom=custom,
        gpu=gpu,
        gvnic_required=gvnic_required,
        like=nearest,
        sizes=words(sizes),
        processor=processor,
    )


_GENERAL: Final = "standard highcpu highmem"
SERIES: Final = {
    series.name: series
    for series in (
        _series("t2a", Arch.ARM64, "standard", _PD, like="t2d 1 2 4 8 16 32 48", processor="Ampere Altra"),
        _series(
            "c4a", Arch.ARM64, _GENERAL, _HYPERDISK, gvnic_required=True, like="c4 2 4 8 16 32 48", processor="Axion"
        ),
        _series(
            "n4a",
            Arch.ARM64,
            _GENERAL,
            _HYPERDISK_NOT_EXTREME,
            custom=True,
            gvnic_required=True,
            like="n4 2 4 8 16 32 48 64",
            processor="Axion",
        ),
        # Grace CPUs beside Blackwell GPUs.
        _series("a4x", Arch.ARM64, "highgpu maxgpu", _HYPERDISK, gpu=True, gvnic_required=True, processor="Grace"),
        # The older general series: t2a is the arm64 machine with the same 4 GB per vCPU and the same disks.
        _series("e2", Arch.AMD64, _GENERAL, _PD, custom=True, like="t2a 2 4 8 16 32"),
        _series("n1", Arch.AMD64, f"{_GENERAL} megamem ultramem", _PD, custom=True, like="t2a 1 2 4 8 16 32"),
        _series("n2", Arch.AMD64, _GENERAL, _EITHER, custom=True, like="t2a 2 4 8 16 32 48"),
        _series("n2d", Arch.AMD64, _GENERAL, _PD, custom=True, like="t2a 2 4 8 16 32 48"),
        _series(
            "n4",
            Arch.AMD64,
            _GENERAL,
            _HYPERDISK_NOT_EXTREME,
            custom=True,
            gvnic_required=True,
            like="n4a 2 4 8 16 32 48 64",
        ),
        _series(
            "n4d",
            Arch.AMD64,
            _GENERAL,
            _HYPERDISK_NOT_EXTREME,
            custom=True,
            gvnic_required=True,
            like="n4a 2 4 8 16 32 48 64",
        ),
        _series("t2d", Arch.AMD64, "standard", _PD, like="t2a 1 2 4 8 16 32 48"),
        _series("c2", Arch.AMD64, "standard", _PD),
        _series("c2d", Arch.AMD64, _GENERAL, _PD),
        _series("c3", Arch.AMD64, _GENERAL, _NEWER, gvnic_required=True),
        _series("c3d", Arch.AMD64, _GENERAL, _NEWER, gvnic_required=True),
        _series("c4", Arch.AMD64, _GENERAL, _HYPERDISK, gvnic_required=True, like="c4a 2 4 8 16 32 48"),
        _series("c4d", Arch.AMD64, _GENERAL, _HYPERDISK, gvnic_required=True, like="c4a 2 4 8 16 32 48 64"),
        _series("c4n", Arch.AMD64, _GENERAL, None),
        _series("h3", Arch.AMD64, "standard", frozenset({"pd-balanced", "hyperdisk-balanced"}), gvnic_required=True),
        _series("h4d", Arch.AMD64, "standard highmem", _HYPERDISK_NOT_EXTREME, gvnic_required=True),
        _series("m1", Arch.AMD64, "megamem ultramem", _EITHER),
        _series("m2", Arch.AMD64, "megamem ultramem hypermem", _EITHER),
        _series("m3", Arch.AMD64, "megamem ultramem", _EITHER, gvnic_required=True),
        _series("m4", Arch.AMD64, "megamem ultramem hypermem", _HYPERDISK_NOT_HA, gvnic_required=True),
        _series("x4", Arch.AMD64, "megamem ultramem hypermem", _HYPERDISK_NOT_HA, gvnic_required=True),
        _series("z3", Arch.AMD64, "highmem standard", _NEWER, gvnic_required=True),
        _series("a2", Arch.AMD64, "highgpu megagpu ultragpu", _EITHER, gpu=True),
        _series("a3", Arch.AMD64, "highgpu megagpu ultragpu edgegpu", _NEWER, gpu=True, gvnic_required=True),
        _series("a4", Arch.AMD64, "highgpu", _HYPERDISK_NOT_HA, gpu=True, gvnic_required=True),
        _series("g2", Arch.AMD64, "standard", _PD, custom=True, gpu=True),
        _series("g4", Arch.AMD64, "standard", _HYPERDISK, gpu=True, gvnic_required=True),
    )
}
_SHARED_CORE: Final = {"e2-micro": "e2", "e2-small": "e2", "e2-medium": "e2", "f1-micro": "n1", "g1-small": "n1"}
_PREDEFINED: Final = re.compile(
    r"(?P<series>[a-z][0-9][a-z]?)-(?P<shape>[a-z]+)-[1-9][0-9]*g?(-(?P<disk>lssd|highlssd|standardlssd))?(-metal)?"
)
_CUSTOM: Final = re.compile(
    r"((?P<series>[a-z][0-9][a-z]?)-)?custom-((micro|small|medium)|[1-9][0-9]*)-[1-9][0-9]*(-ext)?"
)

DEFAULTS: Final = {Arch.ARM64: "t2a-standard-8", Arch.AMD64: "e2-standard-8"}


def machine_type(name: str) -> MachineType | None:
    """Place a Compute Engine machine type, or return None when its series or shape is not in the table."""
    if name in _SHARED_CORE:
        return _machine(name, SERIES[_SHARED_CORE[name]], local_disk=False)
    if custom := _CUSTOM.fullmatch(name):
        series = SERIES.get(custom["series"] or "n1")
        return _machine(name, series, local_disk=False) if series and series.custom else None
    predefined = _PREDEFINED.fullmatch(name)
    series = SERIES.get(predefined["series"]) if predefined else None
    if predefined is None or series is None or predefined["shape"] not in series.shapes:
        return None
    return _machine(name, series, local_disk=predefined["disk"] is not None)


def _machine(name: str, series: Series, *, local_disk: bool) -> MachineType:
    return MachineType(
        name=name, cloud="gke", family=series.name, arch=series.arch, local_disk=local_disk, gpu=series.gpu
    )


def sibling(machine: MachineType) -> str | None:
    """Return the like machine type of the other architecture, or None when there is no sure one."""
    series, parts = SERIES[machine.family], machine.name.split("-")
    if not series.like or len(parts) != len(("series", "shape", "vcpus")):
        return None
    shapes = series.shapes & SERIES[series.like].shapes
    return f"{series.like}-{parts[1]}-{parts[2]}" if parts[1] in shapes and parts[2] in series.sizes else None


def arm64_processor(machine: MachineType) -> str | None:
    """Name the processor of an arm64 machine, where its row does."""
    return SERIES[machine.family].processor or None


MACHINES: Final = Machines(
    defaults=DEFAULTS,
    place=machine_type,
    like=sibling,
    arm64_processor=arm64_processor,
    spelled=frozenset().union(*(series.shapes for series in SERIES.values())),
)


def boot_disks(machine: MachineType) -> frozenset[str] | None:
    """Return the boot disk types a machine takes, or None when that is not known."""
    return SERIES[machine.family].boot_disks


def default_boot_disk(machine: MachineType | None) -> str | None:
    """Return pd-balanced where the machine takes it, else hyperdisk-balanced; None when not known: GKE chooses."""
    disks = None if machine is None else boot_disks(machine)
    if disks is None:
        return None
    return "pd-balanced" if "pd-balanced" in disks else "hyperdisk-balanced"


# T2A: regions by the price map; zones of us-central1 by a public GKE script ("not available in us-central1-c"), of
# the others unverified (facts/nodepools.md, section 1).
T2A_ZONES: Final = {
    "us-central1": ("us-central1-a", "us-central1-b", "us-central1-f"),
    "europe-west4": ("europe-west4-a", "europe-west4-b", "europe-west4-c"),
    "asia-southeast1": ("asia-southeast1-b", "asia-southeast1-c"),
}
# Price map of 2026-08-06. Google adds regions: for these two a missing region is no proof.
C4A_REGIONS: Final = words("""
    asia-east1 asia-northeast1 asia-south1 asia-southeast1 australia-southeast1 australia-southeast2 europe-central2
    europe-north1 europe-north2 europe-southwest1 europe-west1 europe-west2 europe-west3 europe-west4 me-central2
    northamerica-northeast1 northamerica-northeast2 northamerica-south1 southamerica-west1 us-central1 us-east1
    us-east4 us-east5 us-south1 us-west1 us-west2 us-west4
""")
N4A_REGIONS: Final = words("""
    asia-southeast1 europe-west1 europe-west2 europe-west3 europe-west4 us-central1 us-east1 us-east4 us-west1
""")
_ZONE: Final = re.compile(r"([a-z]+-[a-z]+[0-9]+)-[a-z]")


def is_zone(location: str) -> bool:
    """Tell a zone (`us-central1-a`) from a region (`us-central1`)."""
    return _ZONE.fullmatch(location) is not None


def region_of(location: str) -> str:
    """Return the region of a zone, and a region as it is."""
    match = _ZONE.fullmatch(location)
    return match[1] if match else location


def arm64_machine_for(region: str) -> str | None:
    """Return an 8-vCPU arm64 machine type that the region is known to have, T2A before N4A before C4A; None if none."""
    if region in T2A_ZONES:
        return "t2a-standard-8"
    if region in N4A_REGIONS:
        return "n4a-standard-8"
    return "c4a-standard-8" if region in C4A_REGIONS else None


def machine_there(arch: Arch, location: str) -> str | None:
    """Return the machine type of a pool that states only its architecture, in the cluster's region or zone.

    None: no table knows one there, and the pool's check refuses it.
    """
    return arm64_machine_for(region_of(location)) if arch is Arch.ARM64 else DEFAULTS[arch]


# GKE image types by name, with the architectures each is offered for. Windows nodes run no Linux build jobs, and the
# images without `_containerd` went with Docker in GKE 1.24.
IMAGE_TYPES: Final = {
    "COS_CONTAINERD": frozenset(Arch),
    "UBUNTU_CONTAINERD": frozenset(Arch),
    "WINDOWS_LTSC_CONTAINERD": frozenset({Arch.AMD64}),
    "WINDOWS_SAC_CONTAINERD": frozenset({Arch.AMD64}),
}
REMOVED_IMAGE_TYPES: Final = frozenset({"COS", "UBUNTU", "WINDOWS_LTSC", "WINDOWS_SAC"})
