"""Rules on EKS managed node groups: names, instance types, AMI types."""

import re
from collections import Counter
from typing import Final

from components.node_pools.checks.subject import Subject
from components.node_pools.eks_args import HINT
from components.node_pools.pools import EksPool
from components.node_pools.resolved import machine_types_of
from components.platforms import Arch, Cloud, aws, machine_type, sibling
from components.problems import Problem

# EKS takes 63 characters; the provider appends '-' and 26 of its own to the name's prefix.
_NAME: Final = re.compile(r"[0-9A-Za-z][A-Za-z0-9_-]{0,35}")
_HINT_LENGTH: Final = 128
_SUBNET: Final = re.compile(r"subnet-[0-9a-z]+")
_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/\S+")
_SMALLEST_DISK_GB: Final = 20
_MOST_TYPES: Final = 20
_PERCENT: Final = range(1, 101)


def check(subject: Subject, pool: EksPool) -> list[Problem]:
    """Check what is EKS's own."""
    return [
        *_check_name(subject, pool),
        *_check_alternatives(subject, pool),
        *_check_ami_type(subject, pool),
        *_check_numbers(subject, pool),
        *_check_references(subject, pool),
        *_check_hints(subject, pool),
    ]


def _check_name(subject: Subject, pool: EksPool) -> list[Problem]:
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


def _check_alternatives(subject: Subject, pool: EksPool) -> list[Problem]:
    """One group, one architecture: its AMI fits one, and Cluster Autoscaler reads the first type only."""
    problems = []
    arch = subject.arch
    for position, name in enumerate(pool.alternative_machine_types):
        key = f"alternativeMachineTypes[{position}]"
        machine = machine_type(Cloud.AWS, name)
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
                    f"Use {sibling(machine)}, or make a pool of its own for {machine.arch}.",
                )
            )
    types = machine_types_of(pool)
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


def _check_ami_type(subject: Subject, pool: EksPool) -> list[Problem]:
    if pool.ami_type is None:
        return _check_graviton1(subject, aws.DEFAULT_AMI_TYPES[subject.arch] if subject.arch else "")
    ami, arch = aws.AMI_TYPES.get(pool.ami_type), subject.arch
    default = aws.DEFAULT_AMI_TYPES[arch or Arch.ARM64]
    if ami is None:
        return [subject.problem("amiType", f"{pool.ami_type!r}", "EKS has no such AMI type", f"Use {default}.")]
    if (reason := _refused_system(ami)) is not None:
        return [subject.problem("amiType", f"{pool.ami_type!r}", reason, f"Use {default}, or leave the key out.")]
    if arch is not None and ami.arch is not arch:
        other = aws.ami_of_other_arch(ami, arch)
        machine = pool.machine_type or aws.DEFAULTS[arch]
        return [
            subject.problem(
                "amiType",
                f"{pool.ami_type!r} is {ami.arch}, but {machine} is {arch}",
                "EKS refuses the node group: the instance type does not fit the AMI type",
                f"Use {other}." if other else f"Use {default}: EKS has no {pool.ami_type} for {arch}.",
            )
        ]
    return _check_graviton1(subject, pool.ami_type)


def _refused_system(ami: aws.AmiType) -> str | None:
    match ami.system:
        case "AL2":
            return "EKS builds no more Amazon Linux 2 images since 2025-11-26, so that its nodes get no security fixes"
        case "WINDOWS":
            return "Linux build jobs cannot run on Windows nodes"
        case "CUSTOM":
            return "the launch template made here names no image, and EKS would refuse the node group"
        case _:
            return None


def _check_graviton1(subject: Subject, ami_type: str) -> list[Problem]:
    machine = subject.machine
    if machine is None or machine.family != "a1" or not ami_type.startswith("AL2023"):
        return []
    return [
        subject.problem(
            "machineType",
            f"{machine.name!r} is a first-generation Graviton",
            "Amazon Linux 2023 needs Graviton2 or later: the nodes would not boot",
            f"Use {aws.DEFAULTS[Arch.ARM64]} (Graviton3).",
        )
    ]


def _check_numbers(subject: Subject, pool: EksPool) -> list[Problem]:
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


def _check_references(subject: Subject, pool: EksPool) -> list[Problem]:
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


def _check_hints(subject: Subject, pool: EksPool) -> list[Problem]:
    """Check that the autoscaler's hints fit into the keys of AWS tags."""
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
