"""The cgroup that holds all containers of the real nodes, in both versions of cgroups."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from multiarch.core.waiting import wait_while
from multiarch.rehearse.control_plane.errors import StartError
from multiarch.rehearse.nodes.architectures import Arch

NAME = "multiarch-nodes"
NEEDED = ("cpu", "cpuset", "memory", "pids")
"""Controllers that the kubelet asks for; of version 1 also `devices`, which version 2 has in another way."""
_GONE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Cgroups:
    """The hierarchies of this machine: one for each controller in version 1, one in all in version 2."""

    hierarchies: tuple[Path, ...]
    unified: bool
    available: frozenset[str]

    def lacking(self) -> tuple[str, ...]:
        """Return the controllers that containers need and cannot have."""
        needed = NEEDED if self.unified else (*NEEDED, "devices")
        unwritable = [path.name for path in self.hierarchies if not os.access(path, os.W_OK)]
        return tuple(sorted({*(set(needed) - self.available), *unwritable}))

    def exists(self) -> bool:
        """Tell whether the cgroup is there."""
        return any(top.exists() for top in self._tops())

    def make(self) -> None:
        """Make it, with one below it for each node."""
        for top in self._tops():
            for arch in Arch:
                _make_and_open(top / arch, self)

    def remove(self) -> None:
        """End what is in it, and remove it. Raises StartError when something in it does not end."""
        if left := wait_while(self._shrink, _GONE_SECONDS):
            raise StartError(f"the cgroup {left[0]} cannot be removed: something in it does not end")

    def _tops(self) -> Iterator[Path]:
        return (hierarchy / NAME for hierarchy in self.hierarchies)

    def _shrink(self) -> list[str]:
        """Kill what still runs, remove what is empty, and return what is left."""
        for top in self._tops():
            if not top.exists():
                continue
            for folder, _, _ in os.walk(top, topdown=False):
                _kill(Path(folder))
                with suppress(OSError):  # not empty yet
                    Path(folder).rmdir()
        return [str(top) for top in self._tops() if top.exists()]


def here(mounts: Path = Path("/proc/self/mounts")) -> Cgroups:
    """Read which hierarchies there are."""
    return read(mounts.read_text(encoding="utf-8"))


def read(mounts: str) -> Cgroups:
    """Read the hierarchies out of the text of /proc/mounts: one at /sys/fs/cgroup itself is version 2."""
    rows = [line.split()[1:4] for line in mounts.splitlines()]
    unified = [Path(place) for place, kind, _ in rows if kind == "cgroup2" and place == "/sys/fs/cgroup"]
    if unified:
        return Cgroups((unified[0],), unified=True, available=_delegated(unified[0]))
    # Both kinds are listed, since a container is given a place in each: the unified one may be there for systemd.
    found = [(Path(place), options) for place, kind, options in rows if kind in {"cgroup", "cgroup2"}]
    names = {option for _, options in found for option in options.split(",")}
    return Cgroups(tuple(dict.fromkeys(path for path, _ in found)), unified=False, available=frozenset(names))


def _delegated(top: Path) -> frozenset[str]:
    try:
        return frozenset((top / "cgroup.subtree_control").read_text(encoding="ascii").split())
    except OSError:
        return frozenset()


def _make_and_open(folder: Path, found: Cgroups) -> None:
    """Make a cgroup and those above it; version 2 hands controllers down only where that is asked for."""
    folder.mkdir(parents=True, exist_ok=True)
    if found.unified:
        wanted: Sequence[str] = [f"+{name}" for name in sorted(found.available)]
        for each in (folder.parent, folder):
            (each / "cgroup.subtree_control").write_text(" ".join(wanted), encoding="ascii")


def _kill(folder: Path) -> None:
    with suppress(OSError):
        for line in (folder / "cgroup.procs").read_text(encoding="ascii").split():
            if int(line):  # 0: a process of another namespace, which cannot be named from here
                with suppress(ProcessLookupError):
                    os.kill(int(line), signal.SIGKILL)
