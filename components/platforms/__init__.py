"""What the clouds offer: architectures, machine families, images, disks, zones. Pure: no SDK, no network."""

from components.platforms.model import Arch, Cloud, MachineType

__all__ = ["Arch", "Cloud", "MachineType"]
