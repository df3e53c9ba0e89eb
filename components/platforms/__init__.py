"""What the clouds offer: architectures, machine families, images, disks, zones. Pure: no SDK, no network.

A name that the tables do not hold is unknown (None), never guessed.
"""

from typing import Final

from components.platforms import aws, azure, gcp
from components.platforms.model import Arch, Cloud, MachineType
from components.platforms.processors import processor

_PLACE: Final = {Cloud.GCP: gcp.machine_type, Cloud.AWS: aws.machine_type, Cloud.AZURE: azure.machine_type}
_SIBLING: Final = {Cloud.GCP: gcp.sibling, Cloud.AWS: aws.sibling, Cloud.AZURE: azure.sibling}
_DEFAULTS: Final = {Cloud.GCP: gcp.DEFAULTS, Cloud.AWS: aws.DEFAULTS, Cloud.AZURE: azure.DEFAULTS}


def machine_type(cloud: Cloud, name: str) -> MachineType | None:
    """Place a machine type of a cloud; None means unknown: nobody here knows its architecture."""
    return _PLACE[cloud](name)


def default_machine_type(cloud: Cloud, arch: Arch) -> str:
    """Return the machine type of a pool that states only its architecture: 8 vCPUs, 32 GiB."""
    return _DEFAULTS[cloud][arch]


def sibling(machine: MachineType) -> str:
    """Return a machine type of the other architecture: the like one where that is sure, else the default."""
    other = Arch.AMD64 if machine.arch is Arch.ARM64 else Arch.ARM64
    return _SIBLING[machine.cloud](machine) or default_machine_type(machine.cloud, other)


__all__ = ["Arch", "Cloud", "MachineType", "default_machine_type", "machine_type", "processor", "sibling"]
