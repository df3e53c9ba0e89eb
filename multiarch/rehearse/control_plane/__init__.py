"""The cluster a rehearsal proves on: the embedded control plane, or one of the user's."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiarch.rehearse.control_plane.binaries import Mode, prepare_binaries
    from multiarch.rehearse.control_plane.errors import BinariesError, KeptPlaneError, StartError
    from multiarch.rehearse.control_plane.existing import ExistingControlPlane, use_existing
    from multiarch.rehearse.control_plane.keep import KeptPlane, default_folder, find_kept, stop_kept
    from multiarch.rehearse.control_plane.plane import ControlPlane
    from multiarch.rehearse.control_plane.progress import PlainLines, Progress, State
    from multiarch.rehearse.control_plane.sources import Binaries, BinarySource, Origin

__all__ = [
    "Binaries",
    "BinariesError",
    "BinarySource",
    "ControlPlane",
    "ExistingControlPlane",
    "KeptPlane",
    "KeptPlaneError",
    "Mode",
    "Origin",
    "PlainLines",
    "Progress",
    "StartError",
    "State",
    "default_folder",
    "find_kept",
    "prepare_binaries",
    "stop_kept",
    "use_existing",
]

_HOME = {
    "Binaries": "sources",
    "BinariesError": "errors",
    "BinarySource": "sources",
    "ControlPlane": "control_plane",
    "ExistingControlPlane": "existing",
    "KeptPlane": "keep",
    "KeptPlaneError": "errors",
    "Mode": "binaries",
    "Origin": "sources",
    "PlainLines": "progress",
    "Progress": "progress",
    "StartError": "errors",
    "State": "progress",
    "default_folder": "keep",
    "find_kept": "keep",
    "prepare_binaries": "binaries",
    "stop_kept": "keep",
    "use_existing": "existing",
}


def __getattr__(name: str) -> Any:
    """Import a name's module at the name's first use: not every use needs the Kubernetes client."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
