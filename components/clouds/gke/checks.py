"""Rules on GKE node pools that relate several keys, or a key and the cloud: zones, disks, images, limits."""

import re
from typing import Final

from components.clouds.checks import check_image_gc, check_suffix
from components.clouds.contract import ARM64_TAINT, Subject
from components.clouds.gke.arguments import initial_nodes_per_zone, zones_of
from components.clouds.gke.machines import (
    DATA_ONLY_DISKS,
    DEFAULTS,
    IMAGE_TYPES,
    KNOWN_DISKS,
    REMOVED_IMAGE_TYPES,
    SERIES,
    T2A_ZONES,
    arm64_machine_for,
    arm64_processor,
    boot_disks,
    default_boot_disk,
    is_zone,
    machine_type,
    region_of,
)
from components.clouds.gke.sections import Consumption, GkePool, Limits
from components.clouds.machines import Arch
from components.problems import Problem

_NAME_LENGTH: Final = 40
# Letters of other alphabets are allowed, capitals are not (Compute Engine, "Requirements for labels").
_RESOURCE_LABEL: Final = re.compile(r"(?![\d_-])([^\WA-Z]|-){1,63}")
_RESOURCE_VALUE: Final = re.compile(r"([^\WA-Z]|-){0,63}")
_UPGRADE_AT_ONCE: Final = 20
"""Most of maxSurge and maxUnavailable together."""
_NAME_ONE: Final = "Set machineType to an arm64 one that Google has in the region, such as c4a-standard-8 (Axion)."


def check_pool(subject: Subject[GkePool]) -> list[Problem]:
    """Check what is GKE's own about a pool."""
    return [
        *check_suffix(subject, _NAME_LENGTH),
        *_check_zones(subject),
        *_check_disk(subject),
        *_check_image(subject),
        *_check_upgrade(subject),
        *_check_gvnic(subject),
        *_check_total(subject),
        *_check_resource_labels(subject),
        *_check_reservation(subject),
        *check_image_gc(subject, "imageGcLowThresholdPercent", "imageGcHighThresholdPercent"),
        *_check_architecture_taint(subject),
        *_check_taints(subject),
    ]


def _check_taints(subject: Subject[GkePool]) -> list[Problem]:
    return [
        subject.problem(
            f"taints[{position}].value",
            f"{taint.key!r} has no value",
            "GKE requires one",
            "Add a value, for example 'true'.",
        )
        for position, taint in enumerate(subject.pool.taints)
        if not taint.value and taint.key != ARM64_TAINT.key
    ]


def _check_zones(subject: Subject[GkePool]) -> list[Problem]:
    pool = subject.pool
    region = region_of(subject.location)
    for zone in pool.node_locations or ():
        if not is_zone(zone) or region_of(zone) != region:
            return [
                subject.problem(
                    "nodeLocations",
                    f"{zone!r} is not a zone of {region}",
                    "GKE refuses the pool: its nodes must be in the cluster's region",
                    f"Use zones such as {region}-a.",
                )
            ]
    zones = pool.node_locations
    if zones is not None and len(set(zones)) != max(len(zones), 1):
        return [
            subject.problem(
                "nodeLocations",
                f"{zones!r} is empty or names a zone twice",
                "GKE refuses the pool",
                "Name each zone once, or leave the key out.",
            )
        ]
    machine = subject.machine
    return _check_t2a(subject, region) if machine is not None and machine.family == "t2a" else []


def _check_t2a(subject: Subject[GkePool], region: str) -> list[Problem]:
    pool = subject.pool
    there = arm64_machine_for(region)
    use = _NAME_ONE if there is None else f"Set machineType: {there} ({_processor(there)})."
    if pool.machine_type is None and there is None:
        return [
            subject.problem(
                "machineType",
                f"not set, and no arm64 machine is known in {region or 'a cluster whose location is not given'}",
                "a machine type is never guessed: GKE might have no such machine there",
                f"{use} If the region is misspelled, correct the cluster's location.",
            )
        ]
    name = pool.machine_type or DEFAULTS[Arch.ARM64]
    if region not in T2A_ZONES:
        return [
            subject.problem(
                "machineType",
                f"{name!r} in {region}",
                f"T2A exists only in {', '.join(T2A_ZONES)}: GKE could create no node",
                use,
            )
        ]
    offered = T2A_ZONES[region]
    fix = f"Set nodeLocations: [{', '.join(offered)}]."
    if pool.node_locations is None:
        location = subject.location
        if not is_zone(location) or location in offered:
            return []
        found, key = f"the cluster's zone {location} has no T2A", "nodeLocations"
    else:
        missing = [zone for zone in pool.node_locations if zone not in offered]
        if not missing:
            return []
        found, key = f"{', '.join(missing)} has no T2A", "nodeLocations"
    return [subject.problem(key, found, f"GKE could not create {name} nodes there, and the pool would fail", fix)]


def _processor(name: str) -> str:
    machine = machine_type(name)
    return (arm64_processor(machine) if machine else None) or "arm64"


def _check_disk(subject: Subject[GkePool]) -> list[Problem]:
    pool = subject.pool
    disk, machine = pool.disk_type, subject.machine
    if disk is not None:
        if disk not in KNOWN_DISKS:
            return [
                subject.problem(
                    "diskType",
                    f"{disk!r} is not a disk type",
                    "GKE refuses the pool",
                    f"Use {default_boot_disk(machine) or 'hyperdisk-balanced'}, or leave the key out.",
                )
            ]
        if disk in DATA_ONLY_DISKS:
            return [
                subject.problem(
                    "diskType",
                    f"{disk!r} is a data disk",
                    "no node can boot from it",
                    f"Use {default_boot_disk(machine) or 'hyperdisk-balanced'}.",
                )
            ]
        taken = None if machine is None else boot_disks(machine)
        if machine is not None and taken is not None and disk not in taken:
            return [
                subject.problem(
                    "diskType",
                    f"{disk!r} on {machine.name}",
                    f"{machine.family.upper()} machines take {_kinds(taken)} only: GKE could create no node",
                    f"Use {default_boot_disk(machine)}, or leave the key out.",
                )
            ]
    return []


def _kinds(disks: frozenset[str]) -> str:
    if all(disk.startswith("pd-") for disk in disks):
        return "persistent disks (pd-balanced, pd-ssd, pd-standard)"
    if all(disk.startswith("hyperdisk-") for disk in disks):
        return "hyperdisk"
    return ", ".join(sorted(disks))


def _check_image(subject: Subject[GkePool]) -> list[Problem]:
    pool = subject.pool
    name, arch = pool.image_type.upper(), subject.arch
    use = "Use cos_containerd or ubuntu_containerd."
    if name in REMOVED_IMAGE_TYPES:
        return [subject.problem("imageType", f"{pool.image_type!r}", "GKE 1.24 removed it together with Docker", use)]
    if name not in IMAGE_TYPES:
        return [subject.problem("imageType", f"{pool.image_type!r}", "GKE offers no such node image", use)]
    if arch is not None and arch not in IMAGE_TYPES[name]:
        consequence = f"GKE does not offer this image for {arch}"
        return [subject.problem("imageType", f"{pool.image_type!r} on {arch} nodes", consequence, use)]
    if name.startswith("WINDOWS"):
        return [subject.problem("imageType", f"{pool.image_type!r}", "Linux build jobs cannot run on it", use)]
    return []


def _check_upgrade(subject: Subject[GkePool]) -> list[Problem]:
    pool = subject.pool
    if 0 < pool.max_surge + pool.max_unavailable <= _UPGRADE_AT_ONCE:
        return []
    return [
        subject.problem(
            "maxSurge",
            f"{pool.max_surge} with maxUnavailable {pool.max_unavailable}",
            "GKE needs 1 to 20 of both together, or no upgrade could proceed",
            "Use maxSurge: 1 and maxUnavailable: 0.",
        )
    ]


def _check_gvnic(subject: Subject[GkePool]) -> list[Problem]:
    machine = subject.machine
    if subject.pool.gvnic is not False or machine is None or not SERIES[machine.family].gvnic_required:
        return []
    consequence = f"{machine.family.upper()} machines need gVNIC, and GKE refuses the pool"
    return [subject.problem("gvnic", f"false on {machine.name}", consequence, "Remove it.")]


def _check_resource_labels(subject: Subject[GkePool]) -> list[Problem]:
    """Check what Compute Engine would only refuse after the pool was asked for."""
    return [
        subject.problem(
            f"resourceLabels[{key}]",
            f"'{key}: {value}' is not a valid Compute Engine label",
            "GKE refuses the pool: keys and values have at most 63 lower-case letters, digits, '-' and '_'",
            "Correct it: for example team: builds.",
        )
        for key, value in subject.pool.resource_labels.items()
        if not (_RESOURCE_LABEL.fullmatch(key) and _RESOURCE_VALUE.fullmatch(value))
    ]


def _check_reservation(subject: Subject[GkePool]) -> list[Problem]:
    affinity = subject.pool.reservation_affinity
    if affinity is None:
        return []
    specific = affinity.consume_reservation_type is Consumption.SPECIFIC
    named = affinity.key is not None and bool(affinity.values)
    if specific != named or (affinity.key is not None) != bool(affinity.values):
        found = f"{affinity.consume_reservation_type} {'without' if specific else 'with'} key and values"
        fix = "Only SPECIFIC_RESERVATION takes a key (compute.googleapis.com/reservation-name) and values: both."
        return [subject.problem("reservationAffinity", found, "GKE refuses the pool", fix)]
    if subject.pool.spot and affinity.consume_reservation_type is not Consumption.NONE:
        return [
            subject.problem(
                "reservationAffinity",
                "reserved machines with spot: true",
                "spot machines cannot use a reservation",
                "Remove one of the two.",
            )
        ]
    return []


def _check_total(subject: Subject[GkePool]) -> list[Problem]:
    """Check that a total maximum allows for the start, which has the same number of nodes in every zone."""
    pool = subject.pool
    zones = zones_of(pool, subject.location, subject.machine)
    if pool.limits is not Limits.TOTAL or zones is None or not zones or pool.min_nodes > pool.max_nodes:
        return []
    start = initial_nodes_per_zone(pool, len(zones)) * len(zones)
    if start <= pool.max_nodes or pool.max_nodes < 1:
        return []
    return [
        subject.problem(
            "maxNodes",
            f"{pool.max_nodes} in total over {len(zones)} zones",
            f"the pool starts with the same number of nodes in each zone, {start} in all for minNodes "
            f"{pool.min_nodes}: the regional total is below what it needs",
            f"Set maxNodes to {start} or more, or name fewer zones in nodeLocations.",
        )
    ]


def _check_architecture_taint(subject: Subject[GkePool]) -> list[Problem]:
    pool = subject.pool
    if pool.architecture_taint is None or subject.arch is not Arch.AMD64:
        return []
    return [
        subject.problem(
            "architectureTaint",
            f"{pool.architecture_taint} on amd64 nodes",
            "GKE taints arm64 nodes only, so the key has no effect",
            "Remove it.",
        )
    ]
