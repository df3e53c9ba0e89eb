"""Rules on EKS node groups that relate several keys, or a key and the cloud: instance types, AMI types, hints."""

from collections import Counter
from typing import Final

from components.clouds.checks import check_image_gc
from components.clouds.contract import Subject
from components.clouds.eks.arguments import HINT, POOL_TAG
from components.clouds.eks.machines import (
    AMI_TYPES,
    DEFAULT_AMI_TYPES,
    DEFAULTS,
    MACHINES,
    AmiType,
    ami_of_other_arch,
    machine_type,
)
from components.clouds.eks.sections import EksPool
from components.clouds.machines import Arch
from components.problems import Problem

_HINT_LENGTH: Final = 128
_MOST_TYPES: Final = 20
_MOST_TAINTS: Final = 50


def check_pool(subject: Subject[EksPool]) -> list[Problem]:
    """Check what is EKS's own about a pool."""
    return [
        *_check_alternatives(subject),
        *_check_ami_type(subject),
        *_check_ssm(subject),
        *_check_reservation(subject),
        *_check_kubelet(subject),
        *check_image_gc(subject, "imageGcLowThresholdPercent", "imageGcHighThresholdPercent"),
        *_check_hints(subject),
        *_check_taints(subject),
        *_check_tags(subject),
    ]


def _check_taints(subject: Subject[EksPool]) -> list[Problem]:
    taints = subject.pool.taints
    # One more is the program's own.
    if len(taints) < _MOST_TAINTS:
        return []
    fix = "Remove those that are not needed."
    return [subject.problem("taints", f"{len(taints)} taints", f"EKS allows {_MOST_TAINTS} in all", fix)]


def _check_tags(subject: Subject[EksPool]) -> list[Problem]:
    reserved = [
        subject.problem(f"tags[{key}]", "the prefix 'aws:' is reserved", "it refuses the tag", "Rename it.")
        for key in subject.pool.tags
        if key.lower().startswith("aws:")
    ]
    if POOL_TAG not in subject.pool.tags:
        return reserved
    consequence = "the pool could be taken for another, and get its subnets and number of nodes"
    fix = "Remove it, or use a key of your own."
    return [*reserved, subject.problem(f"tags[{POOL_TAG}]", "the program sets this tag itself", consequence, fix)]


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
                    f"{name!r} is not in a known machine family, and arch is not set",
                    "an architecture is never guessed",
                    "Correct the name, or set the pool's arch.",
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
                "List each type once, without machineType.",
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
            return "EKS published the last Amazon Linux 2 image on 2025-11-26: its nodes get no security fixes"
        case "WINDOWS":
            return "Linux build jobs cannot run on Windows nodes"
        case "CUSTOM":
            return "the stack's launch template names no image, and EKS would refuse the node group"
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


def _check_ssm(subject: Subject[EksPool]) -> list[Problem]:
    if subject.pool.node_role_arn is None or not subject.pool.ssm:
        return []
    return [
        subject.problem(
            "ssm",
            "true with a given nodeRoleArn",
            "policies are attached only to a role that the stack creates, so the key has no effect",
            "Attach AmazonSSMManagedInstanceCore to that role yourself, and remove the key.",
        )
    ]


def _check_reservation(subject: Subject[EksPool]) -> list[Problem]:
    stated = subject.pool.capacity_reservation
    if stated is None:
        return []
    said = [one for one in (stated.preference, stated.id, stated.resource_group_arn) if one is not None]
    if len(said) != 1:
        fix = "Set preference, id or resourceGroupArn."
        return [subject.problem("capacityReservation", f"{len(said)} of its keys", "EC2 takes exactly one", fix)]
    if subject.pool.spot and stated.preference != "none":
        consequence = "spot machines cannot use a reservation"
        fix = "Remove one of the two."
        return [subject.problem("capacityReservation", "reserved machines with spot: true", consequence, fix)]
    return []


def _check_kubelet(subject: Subject[EksPool]) -> list[Problem]:
    pool = subject.pool
    if pool.kubelet_config is None or pool.ami_type is None or pool.ami_type.startswith("AL2023"):
        return []
    return [
        subject.problem(
            "kubeletConfig",
            f"with {pool.ami_type}",
            "it is written for nodeadm, which only Amazon Linux 2023 has: the nodes would not join",
            "Use an AL2023 amiType, or Bottlerocket's own settings as launchTemplateArguments.userData.",
        )
    ]


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
