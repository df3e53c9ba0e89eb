"""The temporary folders of control planes: private, short of path, and swept up after a rehearsal that was killed."""

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

from multiarch.rehearse.control_plane.supervisor import LOCK_NAME

_PREFIX = "multiarch-plane-"
_SOCKET_PATH_LIMIT = 90
"""A Unix socket's path has at most 107 bytes (103 on macOS), and ours adds `/etcd.sock:0`."""
_STALE_SECONDS = 600.0


def private_folder() -> Path:
    """Make a new temporary folder, mode 0700, whose path is short enough for Unix sockets."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    if len(os.fsencode(folder)) > _SOCKET_PATH_LIMIT:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir="/tmp"))
    sweep(folder.parent)
    return folder


def held(folder: Path) -> bool:
    """Tell whether a supervisor lives in this folder: it holds a lock for its whole life.

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
