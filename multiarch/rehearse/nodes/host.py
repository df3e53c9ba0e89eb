"""What real nodes need of this machine, asked before anything is done to it, and what they will do to it."""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.problems import ConfigError, Problem
from multiarch.rehearse.nodes import binfmt, cgroups, network
from multiarch.rehearse.nodes.architectures import Arch, emulated_here
from multiarch.rehearse.nodes.programs import Cni

PACKAGES = {"ip": "iproute2", "unshare": "util-linux"}
"""Programs of the system that are called, each with its Debian package."""
_SYS_ADMIN, _NET_ADMIN = 21, 12  # capabilities(7)
_HERE = "this machine"
_AS_ROOT = "Run it as root, in a virtual machine or container of its own if you can."


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was found on this machine."""

    linux: bool
    root: bool
    capabilities: int
    """The effective ones, as bits."""
    programs: frozenset[str]
    """Those of `PACKAGES` that are on PATH."""
    cni: Path | None
    emulator: Path | None
    binfmt: bool
    """Whether the kernel can run a program by an emulator."""
    cgroups_lacking: tuple[str, ...]
    """Controllers that containers need, and that cannot be used."""
    in_the_way: tuple[str, ...] = ()
    """Things by our names that no state file of ours tells of."""


def look(emulated: Arch) -> Facts:
    """Look at this machine; nothing is changed."""
    if os.uname().sysname != "Linux":
        nothing = frozenset[str]()
        return Facts(
            linux=False, root=False, capabilities=0, programs=nothing, cni=None, emulator=None, binfmt=False,
            cgroups_lacking=(),
        )  # fmt: skip
    cni = Cni.find()
    return Facts(
        linux=True,
        root=os.geteuid() == 0,
        capabilities=_effective(Path("/proc/self/status").read_text(encoding="ascii")),
        programs=frozenset(name for name in PACKAGES if shutil.which(name)),
        cni=cni.folder if cni else None,
        emulator=binfmt.find_emulator(emulated),
        binfmt="binfmt_misc" in Path("/proc/filesystems").read_text(encoding="ascii").split(),
        cgroups_lacking=cgroups.here().lacking(),
        in_the_way=tuple(_in_the_way()),
    )


def problems(facts: Facts, emulated: Arch) -> list[Problem]:
    """Return all that is missing, each with its fix."""
    if not facts.linux:
        return [
            _lacks("it does not run Linux", "Use a Linux machine: real nodes are made of its namespaces and cgroups.")
        ]
    if not facts.root:
        return [_lacks("you are not root", _AS_ROOT)]
    found = list(_lacking_rights(facts))
    found += [
        _lacks(f"there is no program `{name}`", f"Install it: apt-get install {package}")
        for name, package in PACKAGES.items()
        if name not in facts.programs
    ]
    found += _lacking_parts(facts, emulated)
    found += [
        _lacks(f"there is already {thing}, which this command did not make", "Remove it, if nothing needs it.")
        for thing in facts.in_the_way
    ]
    return found


def check(emulated: Arch | None = None) -> None:
    """Raise ConfigError with everything that this machine lacks for real nodes."""
    wanted = emulated or emulated_here()
    if found := problems(look(wanted), wanted):
        raise ConfigError(found)


def check_root() -> None:
    """Raise ConfigError for who is not root: what root left may not even be looked at."""
    if os.uname().sysname == "Linux" and os.geteuid() != 0:
        raise ConfigError([_lacks("you are not root", _AS_ROOT)])


def plan(emulated: Arch) -> Sequence[str]:
    """Return in plain words what will be done to this machine, and undone."""
    return (
        f"make the network bridge {network.BRIDGE}, with a private subnet for two nodes and their pods",
        f"register {binfmt.entry_name(emulated)} with binfmt_misc: it makes every {emulated} program here run by QEMU",
        f"make the cgroup {cgroups.NAME}, for the containers",
        "start for each node a containerd and a kubelet as root, in mount and process namespaces of their own",
    )


def _lacks(found: str, fix: str) -> Problem:
    return Problem(path=_HERE, found=found, fix=fix)


def _lacking_rights(facts: Facts) -> Iterator[Problem]:
    for bit, name in ((_SYS_ADMIN, "CAP_SYS_ADMIN"), (_NET_ADMIN, "CAP_NET_ADMIN")):
        if not facts.capabilities >> bit & 1:
            yield _lacks(
                f"you are root without {name}", "Leave the container, or start it with `--privileged`: nodes mount."
            )


def _lacking_parts(facts: Facts, emulated: Arch) -> Iterator[Problem]:
    if facts.cni is None:
        folders = ", ".join(map(str, Cni.FOLDERS))
        yield _lacks(
            f"the CNI plugins {', '.join(Cni.NEEDED)} are in none of {folders}",
            "Install them: apt-get install containernetworking-plugins",
        )
    if facts.emulator is None:
        yield _lacks(f"there is no QEMU that runs {emulated} programs", "Install it: apt-get install qemu-user-static")
    if not facts.binfmt:
        yield _lacks(
            "the kernel has no binfmt_misc", f"Load it (modprobe binfmt_misc): without it no {emulated} program runs."
        )
    if facts.cgroups_lacking:
        yield _lacks(
            f"these cgroup controllers cannot be used: {', '.join(facts.cgroups_lacking)}",
            "Use a machine or a container where /sys/fs/cgroup is writable and has them.",
        )


def _effective(status: str) -> int:
    return next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:"))


def _in_the_way() -> Iterator[str]:
    if network.exists():
        yield f"a network interface {network.BRIDGE}"
    if cgroups.here().exists():
        yield f"a cgroup {cgroups.NAME}"
    for arch in Arch:
        if binfmt.is_registered(binfmt.entry_name(arch)):
            yield f"a binfmt_misc entry {binfmt.entry_name(arch)}"
