"""The one thing the rehearsal providers take from the program: which architecture and local disk a machine type has.

Everything else about machines (disks, zones, images) is told again in each provider, from its own sources, so
that a mistake in the program's tables is caught and not repeated.
"""

from dataclasses import dataclass
from typing import Any

from components.clouds import machine_type

ARM64 = "arm64"


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine type as the providers see it."""

    name: str
    arch: str
    local_disk: bool


def machine(cloud: str, name: Any) -> Machine | None:
    """Look a machine type up; None when it is unknown, or no known string."""
    found = machine_type(cloud, name) if isinstance(name, str) else None
    return Machine(found.name, str(found.arch), found.local_disk) if found else None
