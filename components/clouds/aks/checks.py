"""Rules on AKS agent pools that relate several keys, or a key and the cloud: mode, images, disks, Trusted Launch."""

import re
from typing import Final

from components.clouds.aks.arguments import SYSCTLS
from components.clouds.aks.machines import FIPS_ARM64_OS_SKUS, OS_SKUS, machine_type
from components.clouds.aks.sections import AksMode, AksPool, OsDiskType
from components.clouds.checks import check_image_gc, check_suffix
from components.clouds.contract import Subject
from components.clouds.machines import Arch
from components.problems import Problem
from components.reading import unknown

_NAME_LENGTH: Final = 12
_RANGE: Final = "net.ipv4.ip_local_port_range"
"""The one kernel parameter whose value AKS takes as text."""


def check_pool(subject: Subject[AksPool]) -> list[Problem]:
    """Check what is AKS's own about a pool."""
    return [
        *check_suffix(subject, _NAME_LENGTH, dash=""),
        *_check_mode(subject),
        *_check_from_zero(subject),
        *_check_image(subject),
        *_check_trusted_launch(subject),
        *_check_disk(subject),
        *_check_zones(subject),
        *_check_reservation(subject),
        *_check_linux(subject),
        *check_image_gc(subject, "imageGcLowThreshold", "imageGcHighThreshold"),
    ]


def _check_mode(subject: Subject[AksPool]) -> list[Problem]:
    pool = subject.pool
    if pool.mode is not AksMode.SYSTEM:
        return []
    if subject.arch is Arch.ARM64:
        return [
            subject.problem(
                "mode",
                "System on an arm64 pool",
                "AKS refuses NoSchedule taints on System pools (Azure/AKS#2578), and without its taint the pool would "
                "attract pods that have no arm64 image",
                "Use mode: User.",
            )
        ]
    if pool.spot:
        return [subject.problem("mode", "System on a spot pool", "AKS refuses it", "Use mode: User, or spot: false.")]
    if pool.min_nodes < 1:
        return [subject.problem("minNodes", "0 on a System pool", "AKS needs one for its own pods", "Use minNodes: 1.")]
    return []


def _check_from_zero(subject: Subject[AksPool]) -> list[Problem]:
    """Refuse an empty arm64 pool: which build of Cluster Autoscaler AKS runs is not the user's choice."""
    pool = subject.pool
    if subject.arch is not Arch.ARM64 or pool.min_nodes != 0:
        return []
    return [
        subject.problem(
            "minNodes",
            "0 on an arm64 pool",
            "Cluster Autoscaler before 1.33.5, 1.34.4, 1.35.2 and 1.36.0 takes every empty AKS pool for amd64 "
            "(kubernetes/autoscaler#9322), so arm64 jobs may wait forever; AKS chooses the build",
            "Use minNodes: 1.",
        )
    ]


def _check_image(subject: Subject[AksPool]) -> list[Problem]:
    pool = subject.pool
    use = f"Use one of {', '.join(OS_SKUS)}."
    if pool.os_sku.startswith("Windows"):
        return [subject.problem("osSku", f"{pool.os_sku!r}", "Linux build jobs cannot run on it", use)]
    if pool.os_sku not in OS_SKUS:
        return [subject.problem("osSku", f"{pool.os_sku!r}", "this API version of AKS has no such node image", use)]
    arch = subject.arch
    if arch is not None and arch not in OS_SKUS[pool.os_sku]:
        return [subject.problem("osSku", f"{pool.os_sku!r} on {arch} nodes", "AKS does not offer it for them", use)]
    if pool.fips and arch is Arch.ARM64 and pool.os_sku not in FIPS_ARM64_OS_SKUS:
        return [
            subject.problem(
                "fips",
                f"true with {pool.os_sku} on arm64",
                "AKS has a FIPS image for arm64 on Azure Linux 3 only",
                "Use osSku: AzureLinux3, or fips: false.",
            )
        ]
    return []


def _check_trusted_launch(subject: Subject[AksPool]) -> list[Problem]:
    pool = subject.pool
    if subject.arch is not Arch.ARM64:
        return []
    return [
        subject.problem(
            key,
            "true on an arm64 pool",
            f"AKS does not combine Trusted Launch with arm64 on {pool.os_sku}, and refuses the pool",
            f"Set {key}: false.",
        )
        for key, wanted in (("secureBoot", pool.secure_boot), ("vtpm", pool.vtpm))
        if wanted
    ]


def _check_disk(subject: Subject[AksPool]) -> list[Problem]:
    pool = subject.pool
    machine = subject.machine
    if pool.os_disk_type is not OsDiskType.EPHEMERAL or machine is None or machine.local_disk:
        return []
    return [
        subject.problem(
            "osDiskType",
            f"Ephemeral on {machine.name}",
            "the size has no local disk ('d' among its letters), and AKS refuses the pool",
            f"Use {_with_local_disk(machine.name)}, or osDiskType: Managed.",
        )
    ]


def _with_local_disk(name: str) -> str:
    """Return the VM size with a local disk beside `name`, or a general hint where there is none."""
    wanted = re.sub(r"([a-z]*?)(s?)(_v[0-9]+)$", r"\1d\2\3", name)
    return wanted if wanted != name and machine_type(wanted) is not None else "a size with a 'd'"


def _check_zones(subject: Subject[AksPool]) -> list[Problem]:
    zones = subject.pool.availability_zones
    if len(set(zones)) == len(zones):
        return []
    return [subject.problem("availabilityZones", f"{zones!r} names a zone twice", "", "Name each zone once.")]


def _check_reservation(subject: Subject[AksPool]) -> list[Problem]:
    pool = subject.pool
    if pool.capacity_reservation_group_id is None or not pool.spot:
        return []
    consequence = "spot machines cannot use a reservation"
    found = "reserved machines with spot: true"
    return [subject.problem("capacityReservationGroupId", found, consequence, "Remove one of the two.")]


def _check_linux(subject: Subject[AksPool]) -> list[Problem]:
    linux, kubelet = subject.pool.linux_os_config, subject.pool.kubelet_config
    if linux is None:
        return []
    path = f"{subject.path}.linuxOsConfig"
    found = []
    for name, value in linux.sysctls.items():
        wanted = str if name == _RANGE else int
        if name not in SYSCTLS:
            found.append(unknown(f"{path}.sysctls", name, list(SYSCTLS), "AKS's kernel parameters"))
        elif not isinstance(value, wanted):
            fix = "Write two ports as text: '1024 65000'." if wanted is str else "Write a whole number."
            found.append(subject.problem(f"linuxOsConfig.sysctls[{name}]", f"{value!r}", "", fix))
    if linux.swap_file_size_mb is not None and (kubelet is None or kubelet.fail_swap_on is not False):
        key, fix = "linuxOsConfig.swapFileSizeMb", "Set kubeletConfig.failSwapOn: false."
        found.append(subject.problem(key, "swap", "the kubelet does not start with swap", fix))
    return found
