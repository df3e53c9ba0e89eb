"""The cluster a rehearsal proves on: the embedded control plane, or one of the user's."""

from ops.rehearse.cluster.binaries import Mode, prepare_binaries
from ops.rehearse.cluster.control_plane import ControlPlane
from ops.rehearse.cluster.errors import BinariesError, ClusterError, KeptPlaneError, StartError, UnreachableError
from ops.rehearse.cluster.existing import ExistingControlPlane, use_existing
from ops.rehearse.cluster.keep import KeptPlane, default_folder, find_kept, stop_kept
from ops.rehearse.cluster.progress import PlainLines, Progress, State
from ops.rehearse.cluster.sources import Binaries, BinarySource, Origin

__all__ = [
    "Binaries",
    "BinariesError",
    "BinarySource",
    "ClusterError",
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
    "UnreachableError",
    "default_folder",
    "find_kept",
    "prepare_binaries",
    "stop_kept",
    "use_existing",
]
