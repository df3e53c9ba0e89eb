"""Azure VM sizes and AKS node images.

A size is family, vCPUs, an optional constrained vCPU count, lower-case feature letters, an optional accelerator and a
version: `Standard_E16-4pds_v6`. Among the feature letters `p` means an arm64 processor (so far in the B, D and E
families); a capital P (`Standard_NP10s`) is part of a family's name and means nothing. Source of the series: price map
of karpenter-provider-azure (2026-06-18, read on 2026-11-23); a series that is not there is unknown.
"""

import re
from typing import Final, NamedTuple

from components.clouds.machines import Arch, Machines, MachineType

# family : what follows the vCPUs and features ("" or "v6" or "A100_v4") : feature letters ("-": none) : the processor
# of those sizes that are arm64. A new series is a row, and all that is needed to place, name and suggest it.
_SERIES_TABLE: Final = """
A   : : -
A   : v2 : - m
B   : : ls ms s
B   : v2 : als as ats ls pls ps pts s ts : Ampere Altra
D   : : -
D   : v2 : - i
D   : v2_Promo : -
D   : v3 : - s
D   : v4 : - a ahs as d ds s
D   : v5 : - ads as d ds lds ls pds plds pls ps s : Ampere Altra
D   : v5_Promo : as
D   : v6 : ads alds als as ds lds ls nds nlds nls ns pds plds pls ps s : Cobalt 100
D   : v7 : ads alds als as ds ids is lds ls s
DC  : : s
DC  : v2 : - s
DC  : v3 : ds s
DC  : v5 : ads as eds es
DC  : cc_v5 : ads as
DC  : v6 : ads as eds es
DS  : : -
DS  : v2 : - i
DS  : v2_Promo : -
E   : v3 : - i is s
E   : v4 : - a as d ds ias ids is s
E   : v4_ADHType1 : ds
E   : v4_SPECIAL : i id ids is
E   : v5 : - ads as bds bs d ds i iads ias ibds ibs id ids is pds ps s : Ampere Altra
E   : v6 : ads as bds bs ds ibds ibs ids is nds ns pds ps s : Cobalt 100
E   : v7 : ads as ds ids is s
EC  : v5 : ads as eds es iads ias
EC  : cc_v5 : ads as
EC  : v6 : ads as eds es
F   : : - s
F   : v2 : s
F   : v6 : als ams as iams
F   : v7 : ads alds als amds ams as
FX  : : mds
FX  : v2 : mds ms
G   : : -
GS  : : -
H   : : - m mr r
H   : Promo : - m mr r
HB  : : rs
HB  : v2 : rs
HB  : v3 : rs
HB  : v4 : rs
HB  : v5 : rs
HC  : : rs
HX  : : rs
L   : : s
L   : v2 : is s
L   : v3 : as ias is s
L   : v4 : aos as s
M   : : - ls m ms s ts
M   : v2 : dms ds idms ids ims is ms s
M   : v3 : bds bs ds ids is ixds s
M   : v4 : bds bs
NC  : Promo : - r
NC  : v3 : rs s
NC  : T4_v3 : as
NC  : A10_v4 : ads
NC  : A100_v4 : ads
NC  : H100_v5 : adis ads
NC  : xl_RTXPRO6000BSE_v6 : ds lds
NCC : H100_v5 : ads
ND  : v2 : rs s
ND  : v4 : asr
ND  : A100_v4 : ams amsr asr
ND  : H100_v5 : is isf isr isrf
ND  : H200_v5 : isr
ND  : MI300X_v5 : is isr
ND  : flex_H100_v5 : is
ND  : noIB_H100_v5 : is
ND  : NDR_GB200_v6 : isr isrf : Grace
NG  : V620 : adms
NG  : V620_v1 : ads
NP  : : s
NV  : Promo : -
NV  : v2 : s
NV  : v3 : s
NV  : v4 : as
NV  : A10_v5 : adms ads
NV  : V710_v5 : adms ads
PB  : : s
"""


class Series(NamedTuple):
    """A version of a family: its feature letters, and the name of its arm64 processor."""

    features: frozenset[str]
    processor: str = ""


def read_table(text: str) -> dict[str, dict[str, Series]]:
    """Read rows as above, by family and by what follows."""
    found: dict[str, dict[str, Series]] = {}
    for line in text.strip().splitlines():
        family, suffix, features, *processor = (column.strip() for column in line.split(":"))
        letters = frozenset("" if word == "-" else word for word in features.split())
        found.setdefault(family, {})[suffix] = Series(letters, *processor)
    return found


SERIES: Final = read_table(_SERIES_TABLE)

_SIZE: Final = re.compile(
    r"(?i:standard)_(?P<family>[A-Z]+)(?P<vcpus>[0-9]+)(-[1-9][0-9]*)?(?P<features>[a-z]*)(_(?P<suffix>\w+))?"
)
# Memory-optimised M sizes from v2 on also name constrained vCPUs after the features, and a memory class.
_M_SIZE: Final = re.compile(
    r"(?i:standard)_(?P<family>M)(?P<vcpus>[0-9]+)(-[1-9][0-9]*)?(?P<features>[a-z]*)(-[1-9][0-9]*)?"
    r"(_[1-9][0-9]*)?(_(?P<suffix>v[2-4]))?"
)

DEFAULTS: Final = {Arch.ARM64: "Standard_D8ps_v6", Arch.AMD64: "Standard_D8s_v6"}


def machine_type(name: str) -> MachineType | None:
    """Place an Azure VM size, or return None when its series is not in the table.

    `local_disk` is the `d` feature: a disk that is large enough for an ephemeral OS disk. The older sizes with a
    small temporary disk and no `d` (Standard_D8s_v3) count as having none.
    """
    match = _M_SIZE.fullmatch(name) or _SIZE.fullmatch(name)
    if match is None:
        return None
    family, features, suffix = match["family"], match["features"], match["suffix"] or ""
    series = SERIES.get(family, {}).get(suffix)
    if series is None or features not in series.features:
        return None
    # GB200 pairs Blackwell GPUs with Grace, an arm64 CPU.
    arm64 = "p" in features or "GB200" in suffix
    return MachineType(
        name=name,
        cloud="aks",
        family="_".join(filter(None, (family + features, suffix))),
        arch=Arch.ARM64 if arm64 else Arch.AMD64,
        local_disk="d" in features,
        gpu=family in {"NC", "NCC", "ND", "NG", "NV"},
    )


_PLAIN: Final = re.compile(r"(?i:standard)_(?P<family>[BDE])(?P<vcpus>[0-9]+)(?P<features>[a-z]*)_v(?P<version>[0-9])")
_SIBLING_VCPUS: Final = {"B": (2, 4, 8, 16), "D": (2, 4, 8, 16, 32), "E": (2, 4, 8, 16, 32)}


def sibling(machine: MachineType) -> str | None:
    """Return the like VM size of the other architecture, or None when there is no sure one."""
    match = _PLAIN.fullmatch(machine.name)
    if match is None or int(match["vcpus"]) not in _SIBLING_VCPUS[match["family"]]:
        return None
    letters = match["features"].replace("p" if machine.arch is Arch.ARM64 else "a", "", 1)
    features = letters if machine.arch is Arch.ARM64 else f"p{letters}"
    if "s" not in features:
        features += "s"
    known = [int(suffix[1:]) for suffix, row in SERIES[match["family"]].items() if row.processor]
    version = min(max(int(match["version"]), min(known)), max(known))
    name = f"Standard_{match['family']}{match['vcpus']}{features}_v{version}"
    found = machine_type(name)
    return name if found is not None and found.arch is not machine.arch else None


def arm64_processor(machine: MachineType) -> str | None:
    """Name the processor of an arm64 machine, where its row does."""
    head, _, suffix = machine.family.partition("_")
    return SERIES[head.rstrip("abcdefghijklmnopqrstuvwxyz")][suffix].processor or None


MACHINES: Final = Machines(
    defaults=DEFAULTS,
    place=machine_type,
    like=sibling,
    arm64_processor=arm64_processor,
    spelled=frozenset({"Standard"}),
)

# API 2025-09-01 (pulumi-azure-native 3.29.0). Azure Linux 2 images were removed on 2026-03-31: AzureLinux3 says
# what it means. CBLMariner is deprecated.
OS_SKUS: Final = {
    "AzureLinux3": frozenset(Arch),
    "AzureLinux": frozenset(Arch),
    "Ubuntu": frozenset(Arch),
    "Ubuntu2204": frozenset(Arch),
    "Ubuntu2404": frozenset(Arch),
}
# A FIPS image for arm64 exists on Azure Linux 3 only (facts/nodepools.md, section 1).
FIPS_ARM64_OS_SKUS: Final = frozenset({"AzureLinux3"})
