"""Which machines to propose: amd64 as the cluster has them, and arm64 that is like them where the cluster is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from components.clouds import CLOUDS, machine_type
from components.clouds.machines import Arch, MachineType
from multiarch.cluster.look.model import Pool
from multiarch.core.verdict import Verdict
from multiarch.model.clouds import KNOWN
from multiarch.model.clouds.contract import Wanted
from multiarch.onboard.decide.prices import gib, vcpus

LEAST_VCPUS: Final = 4
"""Below it, a build's limit (8 GiB of memory) and the node's own needs leave nothing for a second job."""
MOST_VCPUS: Final = 16
"""Above it, a node waits half empty for jobs; the autoscaler adds smaller ones with less waste."""


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
        return MachineChoice(
            name=default, because=f"{model.machine_type} of pool {model.name} is not in the tables here"
        )
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
    if machine is not None and machine.arch is not Arch.AMD64:
        machine = None
    machines = CLOUDS[cloud].machines
    like = machines.sibling(machine) if machine is not None else machines.defaults[Arch.ARM64]
    offer = KNOWN[cloud].offered(Wanted(like=like, amd64=amd64, place=place, zones=zones))
    if isinstance(offer, str):
        return offer
    if offer.because:
        because = f"{_named(cloud, offer.name)}: {offer.because}"
    elif machine is not None:
        because = _because(machine, offer.name)
    else:
        because = f"{amd64} is not in the tables here: {_named(cloud, offer.name)}"
        because += " with 8 vCPUs and 32 GiB" if offer.name == like else ""
    return MachineChoice(name=offer.name, because=because, zones=offer.zones, doubt=offer.doubt)


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
