"""What can go wrong with the rehearsal's control plane, as types a command can tell apart."""

from multiarch.cluster.errors import ClusterError


class BinariesError(ClusterError):
    """The control plane's programs could not be had in any of the ways that were allowed."""


class StartError(ClusterError):
    """A program of the control plane ended early or did not become ready in time."""


class KeptPlaneError(ClusterError):
    """A control plane that was kept is in the way, or there is none to stop."""
