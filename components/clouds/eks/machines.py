"""EC2 instance families, EKS AMI types and what fits what.

Families are listed one by one: a name that only looks like a family is unknown. Source: the instance types of
botocore 1.44.5 (EC2 API 2016-11-15) and the architectures that moto 5.2.5 recorded from DescribeInstanceTypes.
"""

import re
from dataclasses import dataclass
from typing import Final

from components.clouds.machines import Arch, Machines, MachineType, words

# Local disk first, then none. macOS machines (mac1, mac2 ...) are left out: they run no Kubernetes node.
_ARM64_LOCAL_DISK: Final = words("""
    c6gd c7gd c8gd c9gd m6gd m7gd m8gd m9gd r6gd r7gd r8gd r9gd x2gd i4g i8g i8ge im4gn is4gen p6e-gb200
""")
_ARM64_NO_DISK: Final = words("""
    a1 t4g c6g c6gn c7g c7gn c8g c8gb c8gn c9g m6g m7g m8g m8gb m8gn m9g r6g r7g r8g r8gb r8gn r9g x8g hpc7g g5g
""")
_AMD64_LOCAL_DISK: Final = words("""
    m1 m2 m3 m5ad m5d m5dn m6id m6idn m8id m8idb m8idn c1 c3 c5ad c5d c6id c8id r3 r5ad r5d r5dn r6id r6idn r8id
    r8idb r8idn x1 x1e x2idn x2iedn x8aedz z1d d2 d3 d3en h1 hs1 i2 i3 i3en i4i i7i i7ie hpc6id f1 f2 dl1 trn1 trn1n
    trn2 trn2u g2 g4ad g4dn g5 g6 g6e g6f g7 g7e gr6 gr6f p3dn p4d p4de p5 p5e p5en p6-b200 p6-b300
""")
_AMD64_NO_DISK: Final = words("""
    t1 t2 t3 t3a t8i m4 m5 m5a m5n m5zn m6a m6i m6in m7a m7i m7i-flex m8a m8azn m8i m8i-flex m8ib m8in m8ine
    c4 c5 c5a c5n c6a c6i c6in c7a c7i c7i-flex c8a c8i c8i-flex c8ib c8in c8ine
    r4 r5 r5a r5b r5n r6a r6i r6in r7a r7i r7iz r8a r8i r8i-flex r8ib r8in x2iezn x8i hpc6a hpc7a hpc8a
    u-3tb1 u-6tb1 u-9tb1 u-12tb1 u-18tb1 u-24tb1 u7i-6tb u7i-8tb u7i-12tb u7ib-12tb u7in-16tb u7in-24tb u7in-32tb
    u7inh-32tb dl2q g3 g3s inf1 inf2 p2 p3 vt1
""")
# g5g carries an NVIDIA T4G, p6e-gb200 a Grace CPU with Blackwell GPUs.
_GPU_FAMILIES: Final = words("""
    g2 g3 g3s g4dn g5 g5g g6 g6e g6f g7 g7e gr6 gr6f p2 p3 p3dn p4d p4de p5 p5e p5en p6-b200 p6-b300 p6e-gb200
""")
_ARCH_OF: Final = {
    **dict.fromkeys(_ARM64_LOCAL_DISK | _ARM64_NO_DISK, Arch.ARM64),
    **dict.fromkeys(_AMD64_LOCAL_DISK | _AMD64_NO_DISK, Arch.AMD64),
}
_SIZE: Final = re.compile(r"nano|micro|small|medium|large|([1-9][0-9]*)?xlarge|metal(-[1-9][0-9]*xl)?")

FAMILIES: Final = frozenset(_ARCH_OF)

# The nearest family of the other architecture: same memory per vCPU, same disk, like generation (`_near`); and those
# whose names don't say it.
_SIBLINGS: Final = {"t3": "t4g", "t3a": "t4g", "t2": "t4g", "t8i": "t4g", "t4g": "t3", "a1": "m6i"}
_GENERAL: Final = re.compile(r"(?P<kind>[mcr])(?P<generation>[0-9]+)(?P<maker>[aig]?)(?P<disk>d?)(-flex)?")
# Sizes that both sides of every pair above have (t: up to 2xlarge; the others from large, up to 4xlarge).
_BURSTABLE_SIZES: Final = frozenset({"nano", "micro", "small", "medium", "large", "xlarge", "2xlarge"})
_COMMON_SIZES: Final = frozenset({"large", "xlarge", "2xlarge", "4xlarge"})

DEFAULTS: Final = {Arch.ARM64: "m7g.2xlarge", Arch.AMD64: "m7i.2xlarge"}


def machine_type(name: str) -> MachineType | None:
    """Place an EC2 instance type, or return None when its family is not in the tables."""
    family, _, size = name.partition(".")
    arch = _ARCH_OF.get(family)
    if arch is None or not _SIZE.fullmatch(size):
        return None
    return MachineType(
        name=name,
        cloud="eks",
        family=family,
        arch=arch,
        local_disk=family in _ARM64_LOCAL_DISK or family in _AMD64_LOCAL_DISK,
        gpu=family in _GPU_FAMILIES,
    )


def sibling(machine: MachineType) -> str | None:
    """Return the like instance type of the other architecture, or None when there is no sure one."""
    family = _SIBLINGS.get(machine.family) or _near(machine.family)
    size = machine.name.partition(".")[2]
    burstable = machine.family.startswith("t") and family is not None and family.startswith("t")
    if family is None or size not in (_BURSTABLE_SIZES if burstable else _COMMON_SIZES):
        return None
    return f"{family}.{size}"


def _near(family: str) -> str | None:
    """Find the family of the same kind and generation, or of the next or the last, so that a new one needs no pair."""
    match = _GENERAL.fullmatch(family)
    if match is None:
        return None
    maker = "i" if match["maker"] == "g" else "g"
    generations = (int(match["generation"]) + step for step in (0, 1, -1))
    names = (f"{match['kind']}{generation}{maker}{match['disk']}" for generation in generations)
    return next((name for name in names if name in FAMILIES), None)


_GRAVITON: Final = {"6": "Graviton2", "7": "Graviton3", "8": "Graviton4", "9": "Graviton5"}
_PROCESSORS: Final = {
    **dict.fromkeys(("t4g", "g5g", "x2gd", "i4g", "im4gn", "is4gen"), "Graviton2"),
    "a1": "Graviton",
    "p6e-gb200": "Grace",
}
_GENERATION: Final = re.compile(r"[a-z]+([0-9]+)")


def arm64_processor(machine: MachineType) -> str | None:
    """Name the processor of an arm64 machine: most families have its generation in their name."""
    generation = _GENERATION.match(machine.family)
    return _PROCESSORS.get(machine.family) or (_GRAVITON.get(generation[1]) if generation else None)


MACHINES: Final = Machines(
    defaults=DEFAULTS,
    place=machine_type,
    like=sibling,
    arm64_processor=arm64_processor,
    spelled=words("nano micro small medium large xlarge metal"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiType:
    """An EKS AMI type: its architecture (None: the launch template's image decides), its system, what it is for."""

    name: str
    arch: Arch | None
    system: str
    gpu: bool = False
    neuron: bool = False


def _ami(name: str) -> AmiType:
    arch = Arch.ARM64 if "_ARM_64" in name else Arch.AMD64 if "_x86_64" in name else None
    return AmiType(
        name=name,
        arch=arch,
        system=name.partition("_")[0],
        gpu="NVIDIA" in name or name.endswith("_GPU"),
        neuron="NEURON" in name,
    )


# EKS API 2017-11-01, enum AMITypes (botocore 1.44.5), whole.
AMI_TYPES: Final = {
    name: _ami(name)
    for name in words("""
    AL2_x86_64 AL2_x86_64_GPU AL2_ARM_64 CUSTOM
    BOTTLEROCKET_ARM_64 BOTTLEROCKET_x86_64 BOTTLEROCKET_ARM_64_FIPS BOTTLEROCKET_x86_64_FIPS
    BOTTLEROCKET_ARM_64_NVIDIA BOTTLEROCKET_x86_64_NVIDIA BOTTLEROCKET_ARM_64_NVIDIA_FIPS
    BOTTLEROCKET_x86_64_NVIDIA_FIPS
    WINDOWS_CORE_2019_x86_64 WINDOWS_FULL_2019_x86_64 WINDOWS_CORE_2022_x86_64 WINDOWS_FULL_2022_x86_64
    WINDOWS_CORE_2025_x86_64 WINDOWS_FULL_2025_x86_64
    AL2023_x86_64_STANDARD AL2023_ARM_64_STANDARD AL2023_x86_64_NEURON AL2023_x86_64_NVIDIA AL2023_ARM_64_NVIDIA
    """)
}
DEFAULT_AMI_TYPES: Final = {Arch.ARM64: "AL2023_ARM_64_STANDARD", Arch.AMD64: "AL2023_x86_64_STANDARD"}

# Where nodes keep images and containers: Bottlerocket has a data volume of its own.
ROOT_DEVICE: Final = "/dev/xvda"
BOTTLEROCKET_DATA_DEVICE: Final = "/dev/xvdb"


def ami_of_other_arch(ami: AmiType, arch: Arch) -> str | None:
    """Return the AMI type that is `ami` for the architecture `arch`, or None where EKS offers none."""
    wanted = ami.name.replace("_x86_64", "_ARM_64") if arch is Arch.ARM64 else ami.name.replace("_ARM_64", "_x86_64")
    return wanted if wanted in AMI_TYPES else None


def data_device(ami_type: str) -> str:
    """Return the block device of an AMI type's volume for images and containers."""
    return BOTTLEROCKET_DATA_DEVICE if ami_type.startswith("BOTTLEROCKET_") else ROOT_DEVICE
