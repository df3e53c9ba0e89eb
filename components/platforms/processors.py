"""The arm64 processors by name, for messages: people know Graviton3 better than they know m7g."""

import re
from typing import Final

from components.platforms.model import Arch, Cloud, MachineType

_GRAVITON: Final = {"6": "Graviton2", "7": "Graviton3", "8": "Graviton4", "9": "Graviton5"}
_AWS: Final = {
    **dict.fromkeys(("t4g", "g5g", "x2gd", "i4g", "im4gn", "is4gen"), "Graviton2"),
    "a1": "Graviton",
    "p6e-gb200": "Grace",
}
_GCP: Final = {"t2a": "Ampere Altra", "c4a": "Axion", "n4a": "Axion", "a4x": "Grace"}
_GENERATION: Final = re.compile(r"[a-z]+([0-9])")


def processor(machine: MachineType) -> str | None:
    """Name the processor of an arm64 machine; None for amd64, where the name decides nothing."""
    if machine.arch is not Arch.ARM64:
        return None
    if machine.cloud is Cloud.GCP:
        return _GCP[machine.family]
    if machine.cloud is Cloud.AZURE:
        if "GB200" in machine.family:
            return "Grace"
        return "Cobalt 100" if machine.family.endswith("_v6") else "Ampere Altra"
    generation = _GENERATION.match(machine.family)
    return _AWS.get(machine.family) or (_GRAVITON[generation[1]] if generation else None)
