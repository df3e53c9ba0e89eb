"""Which machines to propose: amd64 as the cluster has them, and arm64 that is like them where the cluster is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from components.clouds import CLOUDS, machine_type
from components.clouds.gke import machines as gcp
from components.clouds.machines import Arch, MachineType
from multiarch.cluster.look.model import Pool
from multiarch.core.verdict import Verdict
from multiarch.onboard.decide.prices import gib, vcpus

LEAST_VCPUS: Final = 4
"""Below it, a build's limit (8 GiB of memory) and the node's own needs leave nothing for a second job."""
MOST_VCPUS: Final = 16
"""Above it, a node waits half empty for jobs; the autoscaler adds smaller ones with less waste."""
_GCP_SIZE: Final = re.compile(r"[a-z0-9]+-(?P<shape>standard|highmem|highcpu)-(?P<vcpus>[0-9]+)")
_AZURE_V5_ONLY: Final = ("jioindiacentral", "jioindiawest")
"""Azure regions with arm64 of v5 and not of v6 (facts: price map of 2026-06-18)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineChoice:
    """A proposed machine type, why, and the zones to keep it to (empty: the cluster's own)."""

    name: str
    because: str
    zones: tuple[str, ...] = ()
    doubt: str = ""
    """What could not be told about it; empty where all was."""


def model_pool(pools: Sequence[Pool]) -> Pool | None:
    """Return the amd64 pool that a new one should be like: the largest that runs ordinary work."""
    fit = [
        pool
        for pool in pools
        if pool.arch == "amd64"
        and pool.os == "linux"
        and pool.machine_type
        and not (pool.maker or pool.gpu or pool.control_plane)
    ]
    preferred = [pool for pool in fit if pool.spot is not Verdict.YES and not pool.taints] or fit
    return min(preferred, key=lambda pool: (-pool.nodes, pool.name), default=None)


def amd64_choice(cloud: str, pools: Sequence[Pool]) -> MachineChoice:
    """Propose the amd64 machine type: that of the cluster's own pool, if it is of a size that suits builds."""
    default = CLOUDS[cloud].machines.defaults[Arch.AMD64]
    model = model_pool(pools)
    if model is None:
        return MachineChoice(name=default, because="no amd64 pool to go by: 8 vCPUs, 32 GiB")
    machine = machine_type(cloud, model.machine_type)
    if machine is None or machine.arch is not Arch.AMD64:
        return MachineChoice(name=default, because=f"{model.machine_type} of pool {model.name} is in no table here")
    size = vcpus(machine)
    if size < LEAST_VCPUS or size > MOST_VCPUS or machine.gpu:
        because = f"{machine.name} of pool {model.name} has {size} vCPUs: builds want {LEAST_VCPUS} to {MOST_VCPUS}"
        return MachineChoice(name=default, because=because)
    return MachineChoice(name=machine.name, because=f"like pool {model.name}")


def arm64_choice(cloud: str, amd64: str, place: str, zones: Sequence[str] = ()) -> MachineChoice | str:
    """Propose the arm64 machine type that is like an amd64 one, at a region or zone; or say why there is none.

    `zones` are those that the cluster's amd64 nodes are in. Where no table says that a family exists there, the choice
    carries a doubt.
    """
    machine = machine_type(cloud, amd64)
    if machine is None or machine.arch is not Arch.AMD64:
        like = CLOUDS[cloud].machines.defaults[Arch.ARM64]
        because = f"{amd64} is in no table here: {_named(cloud, like)} with 8 vCPUs and 32 GiB"
    else:
        like = CLOUDS[machine.cloud].machines.sibling(machine)
        because = _because(machine, like)
    if cloud == "gke":
        return _gcp(like, because, amd64, place, zones)
    if cloud == "aks" and place in _AZURE_V5_ONLY and like.endswith("_v6"):
        like = like.removesuffix("_v6") + "_v5"
        because = f"{_named(cloud, like)}: {place} has no Cobalt (v6)"
    doubt = {
        "eks": "not every availability zone has every type: EKS tells when the node group is made",
        "aks": "whether the subscription has quota for this series is Azure's to say",
    }[cloud]
    return MachineChoice(name=like, because=because, doubt=doubt)


def _because(machine: MachineType, like: str) -> str:
    other = machine_type(machine.cloud, like)
    named = _named(machine.cloud, like)
    if other is None:
        return named
    mine, theirs = (vcpus(machine), gib(machine)), (vcpus(other), gib(other))
    if mine == theirs:
        return f"{named}: {theirs[0]} vCPUs and {theirs[1]:g} GiB, as {machine.name} has"
    return (
        f"{named}: {theirs[0]} vCPUs and {theirs[1]:g} GiB; {machine.name} has {mine[0]} and {mine[1]:g} GiB, "
        "and no like arm64 machine is known"
    )


def _named(cloud: str, name: str) -> str:
    machine = machine_type(cloud, name)
    chip = CLOUDS[machine.cloud].machines.processor(machine) if machine is not None else None
    return f"{name} ({chip})" if chip else name


def _gcp(like: str, because: str, amd64: str, place: str, zones: Sequence[str]) -> MachineChoice | str:
    """Keep to the families that the region is known to have: T2A is in three regions, and there not in every zone."""
    region = gcp.region_of(place)
    shape = _GCP_SIZE.fullmatch(amd64)
    if like.startswith("t2a-") and (shape is None or shape["shape"] == "standard"):
        offered = _t2a_zones(place, zones)
        if offered:
            kept = tuple(offered) if not gcp.is_zone(place) and zones else ()
            return MachineChoice(name=like, because=because, zones=kept)
    for family, regions in (("n4a", gcp.N4A_REGIONS), ("c4a", gcp.C4A_REGIONS)):
        name = _of_family(family, like, amd64)
        if region in regions and (not like.startswith("c4a-") or family == "c4a"):
            machine = machine_type("gke", amd64)
            told = _because(machine, name) if machine is not None else f"{_named('gke', name)}"
            doubt = f"which zones of {region} have {family.upper()} is in no table here: GKE tells"
            return MachineChoice(name=name, because=told, doubt=doubt)
    return (
        f"no arm64 machine is known in {region} (T2A, N4A and C4A by the price map of 2026-08-06): name one that you "
        "know to be there"
    )


def _t2a_zones(place: str, zones: Sequence[str]) -> list[str]:
    """Return T2A's zones for a cluster: those that its nodes are in already, else all of the region's."""
    offered = gcp.T2A_ZONES.get(gcp.region_of(place), ())
    if gcp.is_zone(place):
        return [place] if place in offered else []
    return [zone for zone in offered if zone in zones] or list(offered)


def _of_family(family: str, like: str, amd64: str) -> str:
    """Spell the size of `amd64` (else of `like`) in another family, within the shapes that it has."""
    match = _GCP_SIZE.fullmatch(amd64) or _GCP_SIZE.fullmatch(like)
    name = f"{family}-{match['shape']}-{match['vcpus']}" if match else f"{family}-standard-8"
    return name if machine_type("gke", name) is not None else f"{family}-standard-8"
