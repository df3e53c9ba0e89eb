"""The two architectures, as Kubernetes and as the kernel name them."""

import os
from enum import StrEnum

from multiarch.rehearse.control_plane.errors import StartError


class Arch(StrEnum):
    """In Kubernetes' and Go's spelling."""

    AMD64 = "amd64"
    ARM64 = "arm64"

    @property
    def machine(self) -> str:
        """As `uname -m` and QEMU spell it."""
        return {"amd64": "x86_64", "arm64": "aarch64"}[self.value]

    @property
    def other(self) -> "Arch":
        """The one that it is not."""
        return Arch.ARM64 if self is Arch.AMD64 else Arch.AMD64


def native_here() -> Arch:
    """Return this machine's own. Raises StartError for a machine that is neither."""
    machine = os.uname().machine
    for arch in Arch:
        if machine in {arch.machine, arch.value}:
            return arch
    raise StartError(f"this machine is {machine}: real nodes are for amd64 and arm64")


def emulated_here() -> Arch:
    """Return the architecture that this machine runs by emulation only."""
    return native_here().other
