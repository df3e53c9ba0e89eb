"""Containers of made images without a kubelet: runc, confined as a job's build container is.

Each has a user namespace of its own, with every id mapped to itself, for one reason: the entry by which the kernel
runs arm64 programs belongs to a user namespace (Linux 6.7), so that this machine's own entries stay as they are.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from components.runner.classes import KANIKO, ROOTLESS_BUILDKIT
from multiarch.rehearse.control_plane.platform import this_machine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from multiarch.rehearse.images.model import Image

QEMU: Final = {"arm64": Path("/usr/bin/qemu-aarch64-static"), "amd64": Path("/usr/bin/qemu-x86_64-static")}
_MACHINE: Final = {"arm64": r"\xb7", "amd64": r"\x3e"}
_BINFMT: Final = "proc/sys/fs/binfmt_misc"
_FIRST_OWN_BINFMT: Final = (6, 7)
_SECONDS: Final = 300.0
_DEVICES: Final = "null zero full random urandom tty".split()


def emulated() -> str:
    """Return the architecture that is not this machine's own."""
    return "amd64" if this_machine().arch == "arm64" else "arm64"


def why_no_containers() -> str:
    """Say why no container can run here; empty: one can."""
    if os.geteuid() != 0:
        return "needs root"
    return "" if Path("/proc/self/ns/user").exists() else "needs user namespaces"


def why_no_emulation() -> str:
    """Say why the other architecture can't be emulated here; empty: it can."""
    if why := why_no_containers():
        return why
    if not QEMU[emulated()].exists():
        return f"{QEMU[emulated()]} is not installed (apt-get install qemu-user-static)"
    release = tuple(int(part) for part in os.uname().release.split(".")[:2])
    if release < _FIRST_OWN_BINFMT:
        return f"Linux {os.uname().release} has one list of interpreters for all; a test must not change this machine's"
    return "" if "binfmt_misc" in Path("/proc/filesystems").read_text() else "this kernel has no binfmt_misc"


@dataclass(frozen=True)
class Ran:
    """What a container said, and how it ended."""

    code: int
    output: str


@dataclass
class Box:
    """A container's root file system, and how its process is confined."""

    runc: Path
    folder: Path
    image: Image
    mounts: list[dict[str, Any]] = field(default_factory=list)

    def run(self, words: Sequence[str], *, env: Mapping[str, str] | None = None, profile: str = "") -> Ran:
        """Run a command to its end as the image's user, with what the profile grants and nothing more."""
        bundle = self.folder / "bundle"
        if not bundle.exists():
            unpack(self.image, bundle / "rootfs")
        spec = self._spec(list(words), env or {}, profile)
        (bundle / "config.json").write_text(json.dumps(spec))
        name = f"lab-{os.getpid()}-{time.monotonic_ns()}"
        log = self.folder / "output"
        runc = [str(self.runc), "--root", str(self.folder / "state")]
        with log.open("wb") as out:
            subprocess.run([*runc, "create", "--bundle", str(bundle), "--pid-file", str(self.folder / "pid"), name],
                           stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False)
        try:
            pid = int((self.folder / "pid").read_text())
            if self.image.arch == emulated():
                register(Path(f"/proc/{pid}/root"))
            subprocess.run([*runc, "start", name], check=True, capture_output=True)
            code = self._ended(runc, name)
        finally:
            subprocess.run([*runc, "delete", "--force", name], check=False, capture_output=True)
        return Ran(code, log.read_text(errors="replace"))
