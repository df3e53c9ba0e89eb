"""Rules on EKS clusters and managed node groups: region, names, instance types, AMI types."""

import re
from collections import Counter
from typing import Final

from components.clouds.contract import Subject
from components.clouds.eks.arguments import HINT
from components.clouds.eks.machines import (
    AMI_TYPES,
    DEFAULT_AMI_TYPES,
    DEFAULTS,
    MACHINES,
    AmiType,
    ami_of_other_arch,
    machine_type,
)
from components.clouds.eks.sections import EksCluster, EksPool
from components.clouds.machines import Arch
from components.problems import Problem

# EKS takes 63 characters; the provider appends '-' and 26 of its own to the name's prefix.
_NAME: Final = re.compile(r"[0-9A-Za-z][A-Za-z0-9_-]{0,35}")
_HINT_LENGTH: Final = 128
_SUBNET: Final = re.compile(r"subnet-[0-9a-z]+")
_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/\S+")
_SMALLEST_DISK_GB: Final = 20
_MOST_TYPES: Final = 20
_MOST_TAINTS: Final = 50
_REGION: Final = re.compile(r"[a-z]{2}(sc)?(-[a-z]+)+-[0-9]+")
_PERCENT: Final = range(1, 101)


def check_place(cluster: EksCluster) -> list[Problem]:
    """Check the region. Shapes only: whether it exists is AWS's to say."""
    if _REGION.fullmatch(cluster.region):
        return []
    zone = re.fullmatch(rf"({_REGION.pattern})[a-z]", cluster.region)
    return [
        Problem(
            path="cluster.region",
            found=f"{cluster.region!r} is {'an availability zone' if zone else 'no AWS region name'}",
            consequence="AWS would not find the cluster",
            fix=f"Use the region, {zone[1]}." if zone else "Use a name such as eu-central-1.",
        )
    ]


def check_pool(subject: Subject[EksPool]) -> list[Problem]:
    """Check what is EKS's own about a pool."""
    return [
        *_check_name(subject),
        *_check_alternatives(subject),
        *_check_ami_type(subject),
        *_check_numbers(subject),
        *_check_references(subject),
        *_check_hints(subject),
        *_check_taints(subject),
    ]


def _check_taints(subject: Subject[EksPool]) -> list[Problem]:
    taints = subject.pool.taints
    # One more is the program's own.
    if len(taints) < _MOST_TAINTS:
        return []
    fix = "Remove those that nobody needs."
    return [subject.problem("taints", f"{len(taints)} taints", f"EKS takes {_MOST_TAINTS} in all", fix)]


def _check_name(subject: Subject[EksPool]) -> list[Problem]:
    pool = subject.pool
    if _NAME.fullmatch(pool.name):
        return []
    return [
        subject.problem(
            "name",
            f"{pool.name!r} is no node group name",
            "EKS refuses the node group",
            "Use 1 to 36 letters, digits, '-' and '_', with a letter or digit first (EKS takes 63, of which 27 go to a "
            "suffix that tells a pool from its successor).",
        )
    ]


def _check_alternatives(subject: Subject[EksPool]) -> list[Problem]:
    """One group, one architecture: its AMI fits one, and Cluster Autoscaler reads the first type only."""
    pool = subject.pool
    problems = []
    arch = subject.arch
    for position, name in enumerate(pool.alternative_machine_types):
        key = f"alternativeMachineTypes[{position}]"
        machine = machine_type(name)
        if machine is None and pool.arch is None:
            problems.append(
                subject.problem(
                    key,
                    f"{name!r} is in none of the known families, and arch is not stated",
                    "its architecture would have to be guessed",
                    "Correct the name, or state the pool's arch.",
                )
            )
        elif machine is not None and arch is not None and machine.arch is not arch:
            problems.append(
                subject.problem(
                    key,
                    f"{name!r} is {machine.arch} in a group of {arch} machines",
                    "a node group has one AMI: EKS refuses it, or half of its nodes never start",
                    f"Use {MACHINES.sibling(machine)}, or make a pool of its own for {machine.arch}.",
                )
            )
    types = subject.cloud.machine_types_of(pool)
    if len(types) > _MOST_TYPES or max(Counter(types).values(), default=1) > 1:
        problems.append(
            subject.problem(
                "alternativeMachineTypes",
                f"{len(types)} instance types, {len(set(types))} different",
                f"EKS takes at most {_MOST_TYPES}, each once",
                "List each further type once, and not machineType again.",
            )
        )
    return problems


def _check_ami_type(subject: Subject[EksPool]) -> list[Problem]:
    pool = subject.pool
    if pool.ami_type is None:
        return _check_graviton1(subject, DEFAULT_AMI_TYPES[subject.arch] if subject.arch else "")
    ami, arch = AMI_TYPES.get(pool.ami_type), subject.arch
    default = DEFAULT_AMI_TYPES[arch or Arch.ARM64]
    if ami is None:
        return [subject.problem("amiType", f"{pool.ami_type!r}", "EKS has no such AMI type", f"Use {default}.")]
    if (reason := _refused_system(ami)) is not None:
        return [subject.problem("amiType", f"{pool.ami_type!r}", reason, f"Use {default}, or leave the key out.")]
    if arch is not None and ami.arch is not arch:
        other = ami_of_other_arch(ami, arch)
        machine = pool.machine_type or DEFAULTS[arch]
        return [
            subject.problem(
                "amiType",
                f"{pool.ami_type!r} is {ami.arch}, but {machine} is {arch}",
                "EKS refuses the node group: the instance type does not fit the AMI type",
                f"Use {other}." if other else f"Use {default}: EKS has no {pool.ami_type} for {arch}.",
            )
        ]
    return _check_graviton1(subject, pool.ami_type)


def _refused_system(ami: AmiType) -> str | None:
    match ami.system:
        case "AL2":
            return "EKS builds no more Amazon Linux 2 images since 2025-11-26, so that its nodes get no security fixes"
        case "WINDOWS":
            return "Linux build jobs cannot run on Windows nodes"
        case "CUSTOM":
            return "the launch template made here names no image, and EKS would refuse the node group"
        case _:
            return None


def _check_graviton1(subject: Subject[EksPool], ami_type: str) -> list[Problem]:
    machine = subject.machine
    if machine is None or machine.family != "a1" or not ami_type.startswith("AL2023"):
        return []
    return [
        subject.problem(
            "machineType",
            f"{machine.name!r} is a first-generation Graviton",
            "Amazon Linux 2023 needs Graviton2 or later: the nodes would not boot",
            f"Use {DEFAULTS[Arch.ARM64]} (Graviton3).",
        )
    ]


def _check_numbers(subject: Subject[EksPool]) -> list[Problem]:
    pool = subject.pool
    problems = []
    if pool.disk_size_gb < _SMALLEST_DISK_GB:
        problems.append(
            subject.problem(
                "diskSizeGb",
                f"{pool.disk_size_gb} GB",
                f"the AMI's own volume has {_SMALLEST_DISK_GB} GB: nodes would not start",
                "Use 100, or at least 50 where images are small.",
            )
        )
    if pool.max_unavailable_percentage not in _PERCENT:
        problems.append(
            subject.problem(
                "maxUnavailablePercentage", f"{pool.max_unavailable_percentage}", "EKS takes 1 to 100", "Use 33."
            )
        )
    return problems


def _check_references(subject: Subject[EksPool]) -> list[Problem]:
    pool = subject.pool
    problems = []
    if pool.subnet_ids is not None and not pool.subnet_ids:
        problems.append(
            subject.problem(
                "subnetIds", "an empty list", "EKS needs at least one subnet", "Name some, or leave the key out."
            )
        )
    problems += [
        subject.problem(
            f"subnetIds[{position}]",
            f"{subnet!r} is no subnet id",
            "EKS takes ids here, not names or ARNs",
            "Use the subnet's id, subnet-...",
        )
        for position, subnet in enumerate(pool.subnet_ids or ())
        if not _SUBNET.fullmatch(subnet)
    ]
    if pool.node_role_arn is not None and not _ARN.fullmatch(pool.node_role_arn):
        problems.append(
            subject.problem(
                "nodeRoleArn",
                f"{pool.node_role_arn!r} is no role ARN",
                "EKS takes ARNs here, not names",
                "Use arn:aws:iam::<account>:role/<name>, or leave the key out to have a role made.",
            )
        )
    if pool.node_role_arn is not None and pool.ssm:
        problems.append(
            subject.problem(
                "ssm",
                "true with a given nodeRoleArn",
                "policies are attached only to a role made here: the key would do nothing",
                "Attach AmazonSSMManagedInstanceCore to that role yourself, and remove the key.",
            )
        )
    return problems


def _check_hints(subject: Subject[EksPool]) -> list[Problem]:
    """Check that the autoscaler's hints fit into the keys of AWS tags."""
    pool = subject.pool
    keys = [f"labels[{key}]" for key in pool.labels if len(f"{HINT}/label/{key}") > _HINT_LENGTH]
    keys += [f"taints[{taint.key}]" for taint in pool.taints if len(f"{HINT}/taint/{taint.key}") > _HINT_LENGTH]
    return [
        subject.problem(
            key,
            "too long for a hint to Cluster Autoscaler",
            f"AWS takes tag keys of {_HINT_LENGTH} characters, and the hint adds {len(HINT) + 7} of its own",
            "Use a shorter key, or autoscalerTags: false.",
        )
        for key in keys
        if pool.autoscaler_tags
    ]
