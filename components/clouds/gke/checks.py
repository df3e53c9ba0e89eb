"""Rules on GKE clusters and node pools: place, name, zones, disks, images, limits."""

import re
from typing import Final

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
    boot_disks,
    default_boot_disk,
    is_zone,
    region_of,
)
from components.clouds.gke.sections import GkeCluster, GkePool, Limits
from components.clouds.machines import Arch
from components.problems import Problem

# Shapes only: whether the place exists is the cloud's to say.
_LOCATION: Final = re.compile(r"[a-z]+-[a-z]+[0-9]+(-[a-z])?")
_PROJECT: Final = re.compile(r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
_NAME: Final = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")
_SMALLEST_DISK_GB: Final = 10
_PODS: Final = range(8, 257)
_DRAIN_MINUTES: Final = range(1, 1441)
_TAG: Final = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
# Letters of other alphabets are allowed, capitals are not (Compute Engine, "Requirements for labels").
_RESOURCE_LABEL: Final = re.compile(r"(?![\d_-])([^\WA-Z]|-){1,63}")
_RESOURCE_VALUE: Final = re.compile(r"([^\WA-Z]|-){0,63}")
# GKE surge upgrades: maxSurge + maxUnavailable is at least 1 and at most 20.
_UPGRADE_AT_ONCE: Final = range(1, 21)


def check_place(cluster: GkeCluster) -> list[Problem]:
    """Check project and location."""
    problems = []
    if not _PROJECT.fullmatch(cluster.project):
        problems.append(
            Problem(
                path="cluster.project",
                found=f"{cluster.project!r} is not a project id",
                consequence="Google Cloud takes ids here (6 to 30 of a-z, 0-9 and '-'), not display names",
                fix="Take the id from `gcloud projects list`.",
            )
        )
    if not _LOCATION.fullmatch(cluster.location):
        problems.append(
            Problem(
                path="cluster.location",
                found=f"{cluster.location!r} is no region or zone",
                consequence="Google Cloud would not find the cluster",
                fix="Use the cluster's region, such as us-central1, or its zone, such as us-central1-a.",
            )
        )
    return problems


def check_pool(subject: Subject[GkePool]) -> list[Problem]:
    """Check what is GKE's own about a pool."""
    return [
        *_check_name(subject),
        *_check_zones(subject),
        *_check_disk(subject),
        *_check_image(subject),
        *_check_numbers(subject),
        *_check_total(subject),
        *_check_names(subject),
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


def _check_name(subject: Subject[GkePool]) -> list[Problem]:
    pool = subject.pool
    if _NAME.fullmatch(pool.name):
        return []
    return [
        subject.problem(
            "name",
            f"{pool.name!r} is no GKE pool name",
            "GKE refuses the pool",
            "Use 1 to 40 lower-case letters, digits and '-', with a letter first and no '-' at the end.",
        )
    ]


def _check_zones(subject: Subject[GkePool]) -> list[Problem]:
    pool = subject.pool
    region = region_of(subject.location)
    for zone in pool.node_locations or ():
        if not is_zone(zone) or region_of(zone) != region:
            return [
                subject.problem(
                    "nodeLocations",
                    f"{zone!r} is no zone of {region}",
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
    name = pool.machine_type or DEFAULTS[Arch.ARM64]
    if region not in T2A_ZONES:
        return [
            subject.problem(
                "machineType",
                f"{name!r} in {region}",
                f"T2A exists only in {', '.join(T2A_ZONES)}: GKE could create no node",
                f"Set machineType: {arm64_machine_for(region)} ({_processor(region)}).",
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


def _processor(region: str) -> str:
    return "Axion" if not arm64_machine_for(region).startswith("t2a") else "Ampere Altra"


def _check_disk(subject: Subject[GkePool]) -> list[Problem]:
    pool = subject.pool
    disk, machine = pool.disk_type, subject.machine
    if disk is not None:
        if disk not in KNOWN_DISKS:
            return [
                subject.problem(
                    "diskType",
                    f"{disk!r} is no disk type",
                    "GKE refuses the pool",
                    f"Use {default_boot_disk(machine) or 'hyperdisk-balanced'}, or leave the key out.",
                )
            ]
        if disk in DATA_ONLY_DISKS:
            return [
                subject.problem(
                    "diskType",
                    f"{disk!r} is a disk for data",
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
    if pool.disk_size_gb < _SMALLEST_DISK_GB:
        return [
            subject.problem(
                "diskSizeGb",
                f"{pool.disk_size_gb} GB",
                f"GKE's smallest boot disk has {_SMALLEST_DISK_GB} GB",
                "Use 100, or at least 50 where images are small.",
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


def _check_numbers(subject: Subject[GkePool]) -> list[Problem]:
    pool = subject.pool
    problems = []
    if pool.max_pods_per_node is not None and pool.max_pods_per_node not in _PODS:
        problems.append(
            subject.problem(
                "maxPodsPerNode", f"{pool.max_pods_per_node}", "GKE takes 8 to 256", "32 suffices for build jobs."
            )
        )
    at_once = pool.max_surge + pool.max_unavailable
    if min(pool.max_surge, pool.max_unavailable) < 0 or at_once not in _UPGRADE_AT_ONCE:
        problems.append(
            subject.problem(
                "maxSurge",
                f"{pool.max_surge} with maxUnavailable {pool.max_unavailable}",
                "GKE needs 1 to 20 of both together, or no upgrade could proceed",
                "Use maxSurge: 1 and maxUnavailable: 0.",
            )
        )
    machine = subject.machine
    if pool.gvnic is False and machine is not None and SERIES[machine.family].gvnic_required:
        problems.append(
            subject.problem(
                "gvnic",
                f"false on {machine.name}",
                f"{machine.family.upper()} machines have no other network card, and GKE refuses the pool",
                "Remove it.",
            )
        )
    if pool.drain_grace_minutes is not None and pool.drain_grace_minutes not in _DRAIN_MINUTES:
        problems.append(
            subject.problem(
                "drainGraceMinutes",
                f"{pool.drain_grace_minutes} minutes",
                "GKE takes up to a day, and a job needs at least some time to end",
                "Use the length of the longest job, 1 to 1440 minutes.",
            )
        )
    return problems


def _check_names(subject: Subject[GkePool]) -> list[Problem]:
    """Check what Compute Engine would only refuse after the pool was asked for: tags, labels, the service account."""
    pool = subject.pool
    problems = [
        subject.problem(
            f"tags[{position}]",
            f"{tag!r} is no network tag",
            "GKE refuses the pool: a tag has 1 to 63 lower-case letters, digits and '-', with a letter first",
            "Correct it: firewall rules select the nodes by it.",
        )
        for position, tag in enumerate(pool.tags)
        if not _TAG.fullmatch(tag)
    ]
    problems += [
        subject.problem(
            f"resourceLabels[{key}]",
            f"'{key}: {value}' is no label of Compute Engine",
            "GKE refuses the pool: keys and values have at most 63 lower-case letters, digits, '-' and '_'",
            "Correct it: for example team: builds.",
        )
        for key, value in pool.resource_labels.items()
        if not (_RESOURCE_LABEL.fullmatch(key) and _RESOURCE_VALUE.fullmatch(value))
    ]
    if pool.service_account is not None and not re.fullmatch(r"default|[^\s@]+@[^\s@]+", pool.service_account):
        problems.append(
            subject.problem(
                "serviceAccount",
                f"{pool.service_account!r} is no e-mail address",
                "GKE refuses the pool: it takes a service account's e-mail",
                "Use name@project.iam.gserviceaccount.com, or leave the key out.",
            )
        )
    return problems


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
            "GKE taints arm64 nodes only, so that the key would do nothing",
            "Remove it.",
        )
    ]
