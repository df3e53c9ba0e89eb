"""Nimbus' machine types: `drop-8` and `flake-8`, family and vCPUs."""

import re
from typing import Final

from components.clouds.machines import Arch, Machines, MachineType

_FAMILIES: Final = {"drop": Arch.AMD64, "flake": Arch.ARM64}
_NAME: Final = re.compile(r"(?P<family>[a-z]+)-(?P<vcpus>[0-9]+)")
_LIKE: Final = {"drop": "flake", "flake": "drop"}


def _place(name: str) -> MachineType | None:
    match = _NAME.fullmatch(name)
    if match is None or match["family"] not in _FAMILIES:
        return None
    family = match["family"]
    return MachineType(name=name, cloud="nimbus", family=family, arch=_FAMILIES[family], local_disk=False)


MACHINES: Final = Machines(
    defaults={Arch.ARM64: "flake-8", Arch.AMD64: "drop-8"},
    place=_place,
    like=lambda machine: machine.name.replace(machine.family, _LIKE[machine.family]),
    arm64_processor=lambda _: "Snow",
)
