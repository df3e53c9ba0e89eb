"""The two architectures, as Kubernetes and as the kernel name them."""

from enum import StrEnum

from multiarch.rehearse.control_plane.platform import this_machine


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
    """Return this machine's own. Raises BinariesError for a machine that is neither."""
    return Arch(this_machine().arch)


def emulated_here() -> Arch:
    """Return the architecture that this machine runs by emulation only."""
    return native_here().other
