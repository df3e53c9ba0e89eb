"""What was done to this machine, written down before it is done, and how it is undone.

Processes, mounts and pods' network ends go by themselves when a node ends (pid_one.py). What is left is here: a
bridge, a cgroup, an entry of binfmt_misc, a folder. Each step back does nothing where there is nothing, so that it can
be repeated after any crash.
"""

import contextlib
import json
import os
import shutil
import signal
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from multiarch.core.files import write_whole
from multiarch.core.waiting import wait_while
from multiarch.rehearse.control_plane.errors import KeptPlaneError, StartError
from multiarch.rehearse.control_plane.folders import held
from multiarch.rehearse.nodes import binfmt, cgroups, first_processes, network

FOLDER = Path("/var/lib/multiarch-nodes")
"""Only one machine's nodes can be up at a time: they share the kernel's binfmt_misc."""
_NAME = "nodes.json"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_END_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was done, or was about to be."""

    data: str
    """The nodes' temporary folder, in which their supervisor holds a lock."""
    supervisor: int
    """The process that ends them."""
    boot: str
    """Which start of this machine: what the kernel holds is of no other."""
    bridge: bool = False
    cgroup: bool = False
    binfmt: str = ""
    """Name of our entry."""
    binfmt_mounted: bool = False
    """Whether its file system was mounted by us."""

    def running(self) -> bool:
        """Tell whether the nodes' supervisor lives."""
        return held(Path(self.data))


class Journal:
    """The state file of nodes that are being started or are up."""

    def __init__(self, data: Path, supervisor: int, folder: Path = FOLDER) -> None:
        """Write the first entry. Raises FileExistsError when there is one already."""
        self.folder = folder
        self.done = Done(data=str(data), supervisor=supervisor, boot=_boot())
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (folder / _NAME).open("x", encoding="utf-8") as file:
            file.write(json.dumps(asdict(self.done)))

    def note(self, **changes: Any) -> None:
        """Write down what is about to be done."""
        self.done = replace(self.done, **changes)
        write_whole(self.folder / _NAME, json.dumps(asdict(self.done), indent=2))


def read(folder: Path = FOLDER) -> Done | None:
    """Return what was written down here, or None.

    Raises KeptPlaneError when it cannot be understood: then what to undo cannot be told.
    """
    path = folder / _NAME
    try:
        return Done(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise KeptPlaneError(
            f"{path} cannot be read ({error}). Remove by hand what is there: the interface {network.BRIDGE}, the "
            f"cgroup {cgroups.NAME}; then this file"
        ) from error


def undo(done: Done, folder: Path = FOLDER) -> list[str]:
    """End the nodes, undo what was done to this machine, and return in words what there was to undo.

    Raises StartError or OSError when something cannot be undone; what was written down stays then, to try again.
    """
    told = _end(done)
    if done.boot == _boot():
        told += _undo_in_kernel(done)
    shutil.rmtree(done.data, ignore_errors=True)
    (folder / _NAME).unlink(missing_ok=True)
    remove_folder(folder)
    return told


def remove_folder(folder: Path = FOLDER) -> None:
    """Remove the state's folder, unless something is in it: a control plane that was kept has its files there."""
    with contextlib.suppress(OSError):
        folder.rmdir()


def _end(done: Done) -> list[str]:
    if not done.running():
        first_processes.end(Path(done.data))
        return []
    first_processes.bury(Path(done.data))
    with contextlib.suppress(ProcessLookupError):
        os.kill(done.supervisor, signal.SIGTERM)
    if wait_while(done.running, _END_SECONDS, every=0.05):
        raise StartError(f"the nodes' supervisor (process {done.supervisor}) did not end in time")
    first_processes.end(Path(done.data))
    return ["ended both nodes and all that ran on them"]


def _undo_in_kernel(done: Done) -> list[str]:
    told = []
    if done.cgroup and cgroups.here().exists():
        cgroups.here().remove()
        told.append(f"removed the cgroup {cgroups.NAME}")
    if done.bridge and network.exists():
        network.remove()
        told.append(f"removed the bridge {network.BRIDGE}")
    if done.binfmt and binfmt.is_registered(done.binfmt):
        binfmt.remove(done.binfmt)
        told.append(f"removed the binfmt_misc entry {done.binfmt}")
    if done.binfmt_mounted and binfmt.is_mounted():
        binfmt.unmount()
        told.append("unmounted binfmt_misc")
    return told


def _boot() -> str:
    return _BOOT.read_text(encoding="ascii").strip()
