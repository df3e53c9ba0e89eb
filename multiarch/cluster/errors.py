"""What can go wrong between this machine and a cluster."""

from multiarch.core.ending import NoAnswer


class ClusterError(NoAnswer):
    """There is no cluster to ask: whatever depends on it is answered "could not tell"."""


class UnreachableError(ClusterError):
    """The API server did not answer: refused, timed out, or not trusted."""


class LoginError(UnreachableError):
    """A kubeconfig gives no login: what it names is not there, or its login program failed."""
