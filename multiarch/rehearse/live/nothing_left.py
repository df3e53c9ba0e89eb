"""That nothing is left: of a pod on its node once the API has it no more, of nodes on this machine once they ended."""

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from multiarch.core.verdict import Answer, no, unknown, yes
from multiarch.core.waiting import wait_while
from multiarch.rehearse.nodes import binfmt, cgroups, files, journal, network, pid_one, run_folder

Containers = Callable[[], Mapping[str, Sequence[str] | None]]
"""`RealNodes.containers`: each node's containers, None for a node that is gone."""
Picture = Mapping[str, Mapping[str, str] | None]
"""Of this machine, by subject: each thing, with what it says of itself; None where nothing could be read."""

PROCESSES: Final = "processes of nodes or of a run"
MOUNTS: Final = "mounts"
LINKS: Final = "network interfaces"
BINFMT: Final = "binfmt_misc"
CGROUPS: Final = "cgroups"
FILES: Final = "files"
_OURS: Final[Mapping[str, str]] = {
    PROCESSES: "",
    MOUNTS: r"multiarch-nodes| binfmt_misc ",
    LINKS: rf"^{network.BRIDGE}$",
    BINFMT: r"^multiarch-nodes-",
    CGROUPS: rf"/{cgroups.NAME}(/|$)",
    FILES: "",
}
"""What is certainly of real nodes, by its name."""
_LIKE_OURS: Final[Mapping[str, str]] = {
    MOUNTS: r"/cni-|containerd|kubelet",
    LINKS: r"^veth[0-9a-f]{8}$",  # the CNI plugin's way to name a pod's end; Docker's have a digit less
    BINFMT: "",
    CGROUPS: "",
}
"""What real nodes have, but others of the machine's may have too."""
_CGROUP_MARKS: Final = ("multiarch", "kubepods", "k8s.io", "cri-containerd")
_FOLDERS: Final = ("multiarch-nodes-", run_folder.PREFIX)
_PROGRAMS: Final = (files.PROGRAMS, pid_one.__file__)
_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that is not as it was."""

    subject: str
    thing: str
    before: str | None
    now: str | None

    def __str__(self) -> str:
        """Say it in words."""
        match self.before, self.now:
            case None, _:
                return f"{self.subject}: {self.thing} is there"
            case _, None:
                return f"{self.subject}: {self.thing} is gone"
            case _:
                return f"{self.subject}: {self.thing}: {self.before!r} became {self.now!r}"


def pods_ended(containers: Containers, pods: Collection[str], seconds: float = _SECONDS) -> Answer:
    """Tell whether no container is left of pods (`namespace/name`) that the API server has no more; waits for it."""
    left = wait_while(lambda: _left_of(containers(), pods), seconds, every=0.2)
    return judged(left or containers(), pods, seconds)


def judged(found: Mapping[str, Sequence[str] | None], pods: Collection[str], seconds: float = _SECONDS) -> Answer:
    """Judge what the nodes run."""
    if left := _left_of(found, pods):
        told = "; ".join(f"{node} still runs {', '.join(names)}" for node, names in left.items())
        return no(f"{told}, {seconds:.0f} s later")
    if lost := [node for node, names in found.items() if names is None]:
        return unknown(f"{', '.join(lost)} can't be asked: it has ended")
    if not pods or not found:
        return unknown("there was no pod" if not pods else "there was no node to ask")
    return yes(f"{', '.join(found)}: no container is left of {len(pods)} {'pod' if len(pods) == 1 else 'pods'}")


def picture() -> Picture:
    """Look at what of this machine real nodes change. Take one before they start."""
    return {
        subject: _or_none(look)
        for subject, look in {
            BINFMT: _entries,  # first: where systemd mounts it, to look is what makes it do so
            PROCESSES: lambda: {**_processes(), **run_folder.processes()},
            MOUNTS: lambda: dict.fromkeys(Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines(), ""),
            LINKS: lambda: {link.name: "" for link in Path("/sys/class/net").iterdir()},
            CGROUPS: _cgroups,
            FILES: _files,
        }.items()
    }


def nothing_left(before: Picture, now: Picture | None = None) -> Answer:
    """Tell whether ended nodes left something on this machine, compared with a picture taken before their start.

    What others did meanwhile is not told of, but where it looks like what nodes have: then nobody can tell.
    """
    after = picture() if now is None else now
    unread = [subject for subject in after if after[subject] is None or before.get(subject) is None]
    found = list(differences(before, after))
    ours = [one for one in found if _is(one, _OURS)]
    # What killed nodes had left, and is gone now, is none of this run's.
    if left := [one for one in ours if one.now is not None]:
        return no("; ".join(map(str, left)))
    if doubtful := [one for one in found if one not in ours and _is(one, _LIKE_OURS)]:
        return unknown(f"it may be of the nodes, or of somebody else on this machine: {'; '.join(map(str, doubtful))}")
    if unread:
        return unknown(f"this could not be read: {', '.join(unread)}")
    return yes(f"as before the start: {', '.join(after)}")


def differences(before: Picture, now: Picture) -> Iterator[Difference]:
    """Yield all that is not as it was, whosever it is."""
    for subject, things in now.items():
        then = before.get(subject)
        if things is None or then is None:
            continue
        for thing in sorted({*then, *things}):
            if then.get(thing) != things.get(thing):
                yield Difference(subject=subject, thing=thing, before=then.get(thing), now=things.get(thing))


def processes_of_nodes() -> list[str]:
    """Return the command lines of all processes of nodes, whoever started them."""
    return sorted(_processes().values())


def _left_of(found: Mapping[str, Sequence[str] | None], pods: Collection[str]) -> dict[str, list[str]]:
    """Return each node's containers of these pods, and those that belong to no pod any more."""
    of_node = {node: [one for one in names or () if _is_of(one, pods)] for node, names in found.items()}
    return {node: names for node, names in of_node.items() if names}


def _is_of(container: str, pods: Collection[str]) -> bool:
    return container.rpartition("/")[0] in {"", *pods}


def _is(one: Difference, patterns: Mapping[str, str]) -> bool:
    pattern = patterns.get(one.subject)
    return pattern is not None and re.search(pattern, one.thing) is not None


def _or_none(look: Callable[[], dict[str, str]]) -> Mapping[str, str] | None:
    try:
        return look()
    except OSError:
        return None


def _processes() -> dict[str, str]:
    """Find processes in another process namespace than this one that are in the nodes' cgroup, or of their programs.

    What has ended, and only waits to be buried by the machine's first process, is none.
    """
    own, found = Path("/proc/self/ns/pid").readlink(), {}
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            if (path / "ns" / "pid").readlink() != own:
                line = (path / "cmdline").read_text(encoding="utf-8", errors="replace").replace("\0", " ").strip()
                in_cgroup = f"/{cgroups.NAME}/" in (path / "cgroup").read_text(encoding="utf-8")
                if in_cgroup or any(word in line for word in _PROGRAMS):
                    found[f"process {path.name}"] = line
    return found


def _entries() -> dict[str, str]:
    if not binfmt.FOLDER.is_dir():
        return {}
    entries = (path for path in binfmt.FOLDER.iterdir() if path.name != "register")
    return {path.name: path.read_text(encoding="utf-8", errors="replace") for path in entries}


def _cgroups() -> dict[str, str]:
    return dict.fromkeys(_marked(os.walk("/sys/fs/cgroup")), "")


def _marked(walk: Iterable[tuple[str, list[str], list[str]]]) -> Iterator[str]:
    for folder, names, _ in walk:
        yield from (f"{folder}/{name}" for name in names if any(mark in name for mark in _CGROUP_MARKS))


def _files() -> dict[str, str]:
    """Find the folders of runs and of nodes."""
    found = [path for parent in run_folder.parents() for name in _FOLDERS for path in parent.glob(f"{name}*")]
    return {str(path): "" for path in (*found, journal.FOLDER) if path.exists()}
