"""One rehearsal at a time on a cluster: two would take each other's namespaces for what a crashed one left."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from components.problems import ConfigError, Problem


@contextmanager
def sole_rehearsal(server: str, folder: Path | None = None) -> Iterator[None]:
    """Hold this user's turn on the cluster at `server`; the kernel gives it back, however this process ends.

    Raises ConfigError while another rehearsal of this user on this machine has it. `folder` is where the locks are.
    """
    locks = folder or Path(platformdirs.user_cache_dir("multiarch-runner"), "turns")
    try:
        locks.mkdir(parents=True, exist_ok=True)
        held = FileLock(locks / hashlib.sha256(server.encode()).hexdigest()[:16], timeout=0)
        held.acquire()
    except Timeout:
        raise ConfigError([_taken(server)]) from None
    except OSError:
        yield  # without a place for the lock nobody can tell, and the cluster was named on purpose
        return
    try:
        yield
    finally:
        held.release()


def _taken(server: str) -> Problem:
    return Problem(
        path="--kubeconfig",
        found=f"another rehearsal is running on {server}",
        consequence="the two would overwrite and delete each other's objects",
        fix="Wait until it ends, or leave out --kubeconfig: embedded control planes don't share anything.",
    )
