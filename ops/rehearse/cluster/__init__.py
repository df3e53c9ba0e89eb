"""The cluster a rehearsal proves on: the embedded control plane, or one of the user's."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ops.rehearse.cluster.binaries import Mode, prepare_binaries
    from ops.rehearse.cluster.control_plane import ControlPlane
    from ops.rehearse.cluster.errors import BinariesError, KeptPlaneError, StartError
    from ops.rehearse.cluster.existing import ExistingControlPlane, use_existing
    from ops.rehearse.cluster.keep import KeptPlane, default_folder, find_kept, stop_kept
    from ops.rehearse.cluster.progress import PlainLines, Progress, State
    from ops.rehearse.cluster.sources import Binaries, BinarySource, Origin

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
