"""The platform this machine runs programs of, in Go's words."""

import platform as host
import sys
from dataclasses import dataclass

from multiarch.rehearse.control_plane.errors import BinariesError

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True)
class Platform:
    """An operating system and an architecture: `linux/amd64`."""

    system: str
    arch: str

    def __str__(self) -> str:
        """Return `linux-amd64`, the spelling in names of files."""
        return f"{self.system}-{self.arch}"


def this_machine() -> Platform:
    """Return this machine's platform. Raises BinariesError where no control plane can run, for example on Windows."""
    system = {"linux": "linux", "darwin": "darwin"}.get(sys.platform)
    arch = _ARCHITECTURES.get(host.machine().lower())
    if system is None or arch is None:
        raise BinariesError(
            f"the control plane's programs do not run on {sys.platform} {host.machine()}: "
            "use a cluster of your own with --kubeconfig and --context"
        )
    return Platform(system, arch)
