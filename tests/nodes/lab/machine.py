"""What of this machine nodes could leave changed: looked at before and after, whoever else is busy on it."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from multiarch.rehearse.nodes import binfmt, cgroups, files, journal, pid_one

_MARK = f"/{cgroups.NAME}/"
_NODES = (files.PROGRAMS, pid_one.__file__)
_TUNED = ("vm", "kernel", "net/ipv4", "net/bridge", "fs")
_CHANGING = (
    "quota/",
    "random/",
    "ns_last_pid",
    "-nr",
    "-state",
    "pty/",
    "neigh/",
    "conf/",
    "tcp_",
    "perf_",
    "sched",
    "route/",
)
_PLACES = (
    "/var/lib/cni", "/var/lib/kubelet", "/var/lib/containerd", "/run/containerd", "/run/netns", "/run/cni-addresses",
    "/run/multiarch-node", "/run/multiarch-bin", "/var/log/pods", "/var/log/containers", "/opt/containerd", "/etc/cni",
    "/opt/cni", str(journal.FOLDER),
)  # fmt: skip


def state() -> dict[str, object]:
    """All of it, as something to compare."""
    return {
        "processes of nodes": elsewhere(),
        "mounts": sorted(Path("/proc/self/mounts").read_text().splitlines()),
        "network interfaces": sorted(link.name for link in Path("/sys/class/net").iterdir()),
        "binfmt_misc": entries(),
        "cgroups": sorted(_cgroups()),
        "settings of the kernel": _settings(),
        "places": [place for place in _PLACES if Path(place).exists()],
        "folders": sorted(path.name for path in Path(tempfile.gettempdir()).glob("multiarch-nodes-*")),
        "tables of packet filters": _text(Path("/proc/net/ip_tables_names")),
    }


def differences(before: dict[str, object]) -> list[str]:
    """What is not as it was, in words that fit a line."""
    found = []
    for what, now in state().items():
        then = before[what]
        if isinstance(then, dict) and isinstance(now, dict):
            names = sorted({*then, *now})
            found += [
                f"{what}: {name}: {then.get(name)!r} became {now.get(name)!r}"
                for name in names
                if then.get(name) != now.get(name)
            ]
        elif then != now:
            found.append(f"{what}: {then!r} became {now!r}")
    return found


def elsewhere() -> list[str]:
    """Processes of nodes: each is in another process namespace than this one, as others' on this machine may be, too.

    What has ended and only waits to be buried by the machine's first process is none.
    """
    own, found = Path("/proc/self/ns/pid").readlink(), []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (path / "ns" / "pid").readlink() != own:
                line = (path / "cmdline").read_text().replace("\0", " ")
                if _MARK in (path / "cgroup").read_text() or any(word in line for word in _NODES):
                    found.append(line)
    return sorted(found)


def entries() -> dict[str, str]:
    """Every entry of binfmt_misc, with its content."""
    if not binfmt.FOLDER.is_dir():
        return {}
    return {path.name: path.read_text() for path in binfmt.FOLDER.iterdir() if path.name != "register"}


def _cgroups() -> list[str]:
    marks = ("multiarch", "kubepods", "k8s.io", "cri-containerd")
    return [
        str(Path(folder, name))
        for folder, names, _ in os.walk("/sys/fs/cgroup")
        for name in names
        if any(mark in name for mark in marks)
    ]


def _settings() -> dict[str, str]:
    found = {}
    for part in _TUNED:
        for path in Path("/proc/sys", part).rglob("*"):
            name = str(path)
            if "binfmt_misc" not in name and path.is_file() and not any(word in name for word in _CHANGING):
                found[name] = _text(path)
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
