"""Rules on AKS clusters and agent pools: subscription, name, mode, images, disks, Trusted Launch, scaling from zero."""

import re
from typing import Final

from components.clouds.aks.machines import FIPS_ARM64_OS_SKUS, OS_SKUS, machine_type
from components.clouds.aks.sections import AksCluster, AksMode, AksPool, OsDiskType
from components.clouds.contract import Subject
from components.clouds.machines import Arch
from components.problems import Problem

_NAME: Final = re.compile(r"[a-z][a-z0-9]{0,11}")
_NAME_LENGTH: Final = 12
_SURGE: Final = re.compile(r"([1-9][0-9]?|100)%|[1-9][0-9]*")
_ZONES: Final = frozenset({"1", "2", "3"})
_PODS: Final = range(10, 251)
_DRAIN_MINUTES: Final = range(1, 1441)
_SUBNET: Final = re.compile(r"/subscriptions/\S+/subnets/[^/\s]+", re.IGNORECASE)
_OS_DISK_GB: Final = range(30, 2049)
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def check_place(cluster: AksCluster) -> list[Problem]:
    """Check the subscription, where one is stated."""
    subscription = cluster.subscription_id
    if subscription is None or _UUID.fullmatch(subscription):
        return []
    return [
        Problem(
            path="cluster.subscriptionId",
            found=f"{subscription!r} is not a subscription id",
            consequence="Azure takes ids here, not names, and would not find the cluster",
            fix="Take the id from `az account show --query id`.",
        )
    ]


def check_pool(subject: Subject[AksPool]) -> list[Problem]:
    """Check what is AKS's own about a pool."""
    return [
        *_check_name(subject),
        *_check_mode(subject),
        *_check_from_zero(subject),
        *_check_image(subject),
        *_check_trusted_launch(subject),
        *_check_disk(subject),
        *_check_numbers(subject),
        *_check_subnets(subject),
    ]


def _check_name(subject: Subject[AksPool]) -> list[Problem]:
    pool = subject.pool
    if _NAME.fullmatch(pool.name):
        return []
    shorter = re.sub(r"^[^a-z]+|[^a-z0-9]", "", pool.name.lower())[:_NAME_LENGTH] or "arm64"
    return [
        subject.problem(
            "name",
            f"{pool.name!r} is no agent pool name",
            "AKS refuses the pool: it takes 1 to 12 lower-case letters and digits, with a letter first",
            f"Use {shorter}.",
        )
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
                "draw pods that have no arm64 image",
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
            "(kubernetes/autoscaler#9322), so that arm64 jobs may wait for ever; AKS chooses the build",
            "Use minNodes: 1.",
        )
    ]


def _check_image(subject: Subject[AksPool]) -> list[Problem]:
    pool = subject.pool
    use = "Use AzureLinux3 or Ubuntu."
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
    problems = []
    if pool.os_disk_type is OsDiskType.EPHEMERAL and machine is not None and not machine.local_disk:
        problems.append(
            subject.problem(
                "osDiskType",
                f"Ephemeral on {machine.name}",
                "the size has no local disk ('d' among its letters), and AKS refuses the pool",
                f"Use {_with_local_disk(machine.name)}, or osDiskType: Managed.",
            )
        )
    if pool.os_disk_size_gb is not None and pool.os_disk_size_gb not in _OS_DISK_GB:
        problems.append(
            subject.problem(
                "osDiskSizeGb",
                f"{pool.os_disk_size_gb} GB",
                "AKS takes 30 to 2048 GB",
                "Use 128, or leave the key out.",
            )
        )
    return problems


def _check_subnets(subject: Subject[AksPool]) -> list[Problem]:
    pool = subject.pool
    return [
        subject.problem(
            key,
            f"{subnet!r} is no subnet's resource ID",
            "AKS takes whole resource IDs here, not names, and refuses the pool",
            "Take it from `az network vnet subnet show --query id`.",
        )
        for key, subnet in (("vnetSubnetId", pool.vnet_subnet_id), ("podSubnetId", pool.pod_subnet_id))
        if subnet is not None and not _SUBNET.fullmatch(subnet)
    ]


def _with_local_disk(name: str) -> str:
    """Return the VM size with a local disk beside `name`, or a general hint where there is none."""
    wanted = re.sub(r"([a-z]*?)(s?)(_v[0-9]+)$", r"\1d\2\3", name)
    return wanted if wanted != name and machine_type(wanted) is not None else "a size with a 'd'"


def _check_numbers(subject: Subject[AksPool]) -> list[Problem]:
    pool = subject.pool
    rules = (
        (
            "availabilityZones",
            set(pool.availability_zones) <= _ZONES
            and len(set(pool.availability_zones)) == len(pool.availability_zones),
            f"{pool.availability_zones!r}",
            "Azure's zones are '1', '2' and '3', each at most once",
            "Use ['1', '2', '3'], or leave the key out.",
        ),
        (
            "maxPods",
            pool.max_pods is None or pool.max_pods in _PODS,
            f"{pool.max_pods}",
            "AKS takes 10 to 250",
            "30 suffices for build jobs.",
        ),
        (
            "maxSurge",
            _SURGE.fullmatch(pool.max_surge) is not None,
            f"{pool.max_surge!r}",
            "AKS takes a number of nodes or a percentage from 1% to 100%",
            "Use '33%'.",
        ),
        (
            "drainTimeoutMinutes",
            pool.drain_timeout_minutes is None or pool.drain_timeout_minutes in _DRAIN_MINUTES,
            f"{pool.drain_timeout_minutes} minutes",
            "AKS takes 1 to 1440",
            "Use the length of the longest job.",
        ),
    )
    return [subject.problem(key, found, consequence, fix) for key, holds, found, consequence, fix in rules if not holds]
