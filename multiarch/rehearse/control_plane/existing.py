"""A cluster of the user's in place of the embedded control plane: the same interface, but it is never ended."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from multiarch.cluster.connection import Connection
from multiarch.cluster.kubeconfig import find_context
from multiarch.rehearse.control_plane.errors import BinariesError
from multiarch.rehearse.control_plane.kubeconfig import REHEARSAL
from multiarch.rehearse.control_plane.progress import Progress, silent
from multiarch.rehearse.control_plane.sources import BinarySource


class ExistingControlPlane:
    """A running cluster that was named by kubeconfig and context."""

    embedded = False
    start_seconds = 0.0

    def __init__(self, kubeconfig: Path, context: str, server: str, version: str) -> None:
        self.kubeconfig = kubeconfig
        self.context = context
        self.server = server
        self.versions: Mapping[str, str] = {"kube-apiserver": version}
        """What the cluster says of itself."""

    def __enter__(self) -> Self:
        """Nothing to start."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to end."""

    @property
    def binaries(self) -> Mapping[str, BinarySource]:
        """None are ours."""
        return {}

    @property
    def pids(self) -> Mapping[str, int]:
        """No process is ours."""
        return {}

    def binary(self, name: str) -> Path:
        """Path of a program on PATH: here any version serves. Raises BinariesError when there is none."""
        found = shutil.which(name)
        if found is None:
            raise BinariesError(f"{name} is not on PATH: it is needed with --kubeconfig")
        return Path(found)

    def check(self) -> None:
        """Nothing of ours can have ended."""

    def start(self, progress: Callable[[Progress], None] = silent) -> None:
        """Do nothing: it runs already."""

    def stop(self) -> None:
        """End nothing: the cluster is the user's."""


def use_existing(kubeconfig: Path, context: str) -> ExistingControlPlane:
    """Use a running cluster. The context must be named: the current one is never used.

    Raises ConfigError when the kubeconfig or context is not there or is wrong; and UnreachableError, within seconds but
    for a login program's time limit, when it gives no login or the API server does not answer.
    """
    path = kubeconfig.expanduser()
    entry = find_context(path, context, REHEARSAL)
    with Connection(path, context) as connection:
        version = connection.version()
    return ExistingControlPlane(path, context, entry.server, version)
