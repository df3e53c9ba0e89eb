"""The processes that hold nodes together, and waiting until they are gone, with all that the kernel ends with them."""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from multiarch.core.waiting import wait_while
from multiarch.rehearse.control_plane.errors import StartError

_GONE_SECONDS = 20.0
_STATE, _START = 0, 19
"""Fields of /proc/PID/stat behind the name, which may hold anything (proc_pid_stat(5): 3 and 22)."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process by its id and the time of its start: the id alone may come again."""

    pid: int
    start: str

    def is_first(self) -> bool:
        """Tell whether it is the first one of a process namespace, other than the machine's own."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        return self.pid != 1 and any(
            line.startswith("NSpid:") and line.split()[-1] == "1" for line in status.split("\n")
        )

    def is_there(self) -> bool:
        """Tell whether it runs, or still waits for those that end with it."""
        fields = _stat(self.pid)
        return fields is not None and fields[_START] == self.start and fields[_STATE] not in {"Z", "X"}


def of(data: Path) -> list[Process]:
    """Return the processes that were started with a file of this folder: each node's first one, and its `unshare`."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (path / "cmdline").read_bytes().split(b"\0")
            fields = _stat(int(path.name))
            if fields is not None and any(word.startswith(f"{data}/".encode()) for word in words):
                found.append(Process(int(path.name), fields[_START]))
    return found


def bury(data: Path) -> None:
    """Kill the first process of each namespace, so that its `unshare` buries it, and wait until these are gone."""
    _await_end(_kill_first(of(data)))


def end(data: Path) -> None:
    """End whatever was started with a file of this folder, also what is only just starting, and wait until it is gone.

    A namespace's first process goes last: when it is gone, no other one of the node is left.
    """
    seen: set[Process] = set()

    def left() -> list[int]:
        found = of(data)
        _kill_first(found)
        seen.update(found)
        return [one.pid for one in seen if one.is_there()]

    if still := wait_while(left, _GONE_SECONDS, every=0.05):
        raise StartError(f"a process of the nodes does not end: {still[0]}")


def _kill_first(processes: list[Process]) -> list[Process]:
    first = [one for one in processes if one.is_first() and one.is_there()]
    for one in first:
        with suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGKILL)
    return first


def _await_end(processes: list[Process]) -> None:
    wait_while(lambda: [one.pid for one in processes if one.is_there()], _GONE_SECONDS, every=0.02)


def _stat(pid: int) -> list[str] | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
