"""The temporary folders of control planes: private, short of path, and swept up after a rehearsal that was killed."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from multiarch.rehearse.control_plane.supervisor import LOCK_NAME

_PREFIX = "multiarch-plane-"
_SOCKET_PATH_LIMIT = 90
"""A Unix socket's path has at most 107 bytes (103 on macOS), and ours adds `/etcd.sock:0`."""
SHORT_PARENT = Path("/tmp")  # noqa: S108 - folders in it are made by mkdtemp, mode 0700
"""Where a folder is made whose path would be too long where temporary files usually are."""
_STALE_SECONDS = 600.0


def private_folder() -> Path:
    """Make a new temporary folder, mode 0700, whose path is short enough for Unix sockets."""
    folder = short_folder(_PREFIX)
    sweep(folder.parent)
    return folder


def short_folder(prefix: str, *, room: int = 0) -> Path:
    """Make one with this prefix, to whose path `room` bytes may be added before that of a Unix socket begins."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    if len(os.fsencode(folder)) + room > _SOCKET_PATH_LIMIT:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=SHORT_PARENT))
    return folder


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold a folder's lock as a supervisor does: the kernel gives it back, however this process ends."""
    with (folder / LOCK_NAME).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def held(folder: Path) -> bool:
    """Tell whether a supervisor, or whoever made the folder, lives: it holds a lock for its whole life.

    Unlike a process id in a file, a lock cannot be taken for that of a process that came later.
    """
    try:
        with (folder / LOCK_NAME).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def sweep(parent: Path, older_than: float = _STALE_SECONDS) -> list[Path]:
    """Remove folders whose rehearsal and supervisor were both killed; returns those that are gone.

    `older_than` (seconds) spares a control plane that is starting and has not taken its lock yet.
    """
    gone = []
    for folder in parent.glob(f"{_PREFIX}*"):
        try:
            facts = (folder / LOCK_NAME).lstat()
            stale = facts.st_uid == os.getuid() and time.time() - facts.st_mtime > older_than
            if stale and not held(folder):
                shutil.rmtree(folder, ignore_errors=True)
                gone.append(folder)
        except OSError:  # of another user, or gone meanwhile
            continue
    return gone
