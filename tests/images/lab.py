"""Containers of made images without a kubelet: runc, confined as a job's build container is.

Each has a user namespace of its own, with every id mapped to itself, for one reason: the entry by which the kernel
runs programs of the other architecture belongs to a user namespace (Linux 6.7), so that this machine's list of them
stays as it is.
"""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from multiarch.rehearse.images.archive import XATTR
from multiarch.rehearse.images.model import Image, Layer
from multiarch.rehearse.nodes.architectures import emulated_here

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archmerge import Session

# By these names qemu keeps what a program was called as, which busybox goes by.
_QEMU: Final = {
    "arm64": Path("/usr/libexec/qemu-binfmt/aarch64-binfmt-P"),
    "amd64": Path("/usr/libexec/qemu-binfmt/x86_64-binfmt-P"),
}
_MACHINE: Final = {"arm64": r"\xb7", "amd64": r"\x3e"}
_BINFMT: Final = "run/binfmt"
_FIRST_OWN_BINFMT: Final = (6, 7)
_SECONDS: Final = 240.0
_ALL_IDS: Final = [{"containerID": 0, "hostID": 0, "size": 4_294_967_295}]


class Confined(NamedTuple):
    """What a process may do: `securityContext` of Kubernetes, in few words."""

    capabilities: tuple[str, ...] = ()
    escalation: bool = False


NOTHING: Final = Confined()


class Ran(NamedTuple):
    """What a container said, and how it ended."""

    code: int
    output: str


def why_no_containers() -> str:
    """Say why no container can run here; empty: one can."""
    if not Path("/proc/self/ns/user").exists():
        return "needs Linux with user namespaces"
    return "needs root" if os.geteuid() != 0 else ""


def why_no_emulation() -> str:
    """Say why programs of the other architecture can't be run here; empty: they can."""
    if why := why_no_containers():
        return why
    if not _QEMU[emulated_here()].exists():
        return f"{_QEMU[emulated_here()]} is not there (apt-get install qemu-user-static)"
    release = tuple(int(part) for part in os.uname().release.split(".")[:2])
    if release < _FIRST_OWN_BINFMT:
        return f"Linux {os.uname().release} has one list of interpreters for all, which a test must not change"
    return "" if "binfmt_misc" in Path("/proc/filesystems").read_text() else "this kernel has no binfmt_misc"


@dataclass(frozen=True)
class Box:
    """An image's root file system, and what is beside it."""

    runc: Path
    folder: Path
    image: Image
    scratch: Mapping[str, Path]
    """Folders of this machine, by where they are mounted."""

    def run(self, words: Sequence[str], confined: Confined = NOTHING, **env: str) -> Ran:
        """Run a command to its end as the image's user, with what it is granted and nothing more."""
        root = self.folder / "bundle" / "rootfs"
        if not root.exists():
            unpack(self.image, root)
        spec = self._spec(list(words), confined, env)
        (self.folder / "bundle" / "config.json").write_text(json.dumps(spec))
        name, pid, log = f"lab-{time.monotonic_ns()}", self.folder / "pid", self.folder / "log"
        with log.open("wb") as output:
            self._runc("create", "--bundle", str(root.parent), "--pid-file", str(pid), name, output=output)
        try:
            if self.image.arch == emulated_here():
                _register(Path("/proc", pid.read_text(), "root", _BINFMT), self.image.arch)
            self._runc("start", name)
            code = self._ended(name, int(pid.read_text()))
        finally:
            self._runc("delete", "--force", name)
        return Ran(code, log.read_text(errors="replace"))

    def _ended(self, name: str, pid: int) -> int:
        """Wait for the process: this one is its parent (PR_SET_CHILD_SUBREAPER), so the exit code comes here."""
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.05)
        log = (self.folder / "log").read_text(errors="replace")
        raise TimeoutError(f"{name} did not end within {_SECONDS:.0f} s: {log[-2000:]}")

    def _runc(self, *words: str, output: Any = subprocess.PIPE) -> None:
        command = [str(self.runc), "--root", str(self.folder / "state"), *words]
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)
        if ran.returncode and words[0] != "delete":
            said = ran.stderr.decode() if ran.stderr else (self.folder / "log").read_text()
            raise RuntimeError(f"runc {words[0]}: {said[-1000:]}")

    def _spec(self, words: list[str], confined: Confined, env: Mapping[str, str]) -> dict[str, Any]:
        capabilities = [f"CAP_{name}" for name in confined.capabilities]
        user, _, group = str(self.image.run.get("User", "0:0")).partition(":")
        own = [*self.image.run.get("Env", []), *(f"{name}={value}" for name, value in env.items())]
        # As a container runtime does it: for another user than root, what is granted is the bounding set.
        sets = ("bounding", "effective", "permitted") if user == "0" else ("bounding",)
        mounts = [
            _mount("/proc", "proc"),
            _mount("/dev", "tmpfs", "nosuid", "mode=755"),
            _mount("/dev/pts", "devpts", "newinstance", "ptmxmode=0666", "mode=0620"),
            _mount("/dev/shm", "tmpfs", "nosuid", "mode=1777"),  # noqa: S108 - a container's
            _mount("/sys", "none", "rbind", "ro", source="/sys"),
            *(_mount(at, "none", "bind", source=str(source)) for at, source in self.scratch.items()),
        ]
        if self.image.arch == emulated_here():
            mounts.append(_mount(f"/{_BINFMT}", "binfmt_misc"))
        return {
            "ociVersion": "1.2.0",
            "process": {
                "user": {"uid": int(user), "gid": int(group or user)},
                "args": words,
                "env": own,
                "cwd": "/",
                "capabilities": dict.fromkeys(sets, capabilities),
                "noNewPrivileges": not confined.escalation,
            },
            "root": {"path": "rootfs"},
            "hostname": self.image.arch,
            "mounts": mounts,
            # The machine's own network: the registry listens on its loopback address.
            "linux": {
                "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount", "user")],
                "uidMappings": _ALL_IDS,
                "gidMappings": _ALL_IDS,
                "cgroupsPath": f"/multiarch-images-lab/{os.getpid()}",
                # What containerd masks is not: in a real job it is, and BuildKit does without a proc of its own there.
            },
        }


def unpack(image: Image, root: Path) -> None:
    """Unpack an image's layers over each other, with owners and modes."""
    root.mkdir(parents=True)
    for layer in image.layers:
        with layer.open() as file, tarfile.open(fileobj=file, mode="r:*") as archive:
            # As a container runtime does: setuid bits and owners stay. We made it.
            archive.extractall(root, numeric_owner=True, filter="fully_trusted")  # noqa: S202
            for member in archive.getmembers():
                if attribute := member.pax_headers.get(XATTR):
                    value = attribute.encode("utf-8", "surrogateescape")
                    os.setxattr(root / member.name, "security.capability", value)


def pulled(session: Session, host: str, repository: str, digest: str) -> Image:
    """Return an image of a registry."""
    registry = session.registry(host)
    manifest = registry.manifest(repository, digest)
    assert manifest.config is not None
    config = json.loads(registry.small_blob(repository, manifest.config))
    layers = []
    for blob in manifest.layers:
        with registry.open_blob(repository, blob.digest) as stream:
            content = b"".join(iter(stream.read, b""))
        layers.append(Layer(digest=blob.digest, size=blob.size, content=content))
    return Image(arch=config["architecture"], layers=tuple(layers), run=config["config"])


def _mount(at: str, kind: str, *options: str, source: str = "") -> dict[str, Any]:
    return {"destination": at, "type": kind, "source": source or kind, "options": list(options)}


def _register(binfmt: Path, arch: str) -> None:
    """Have the container's kernel run programs of `arch` by qemu: flags as real-nodes.md has them."""
    magic = r"\x7fELF\x02\x01\x01\x00" + r"\x00" * 8 + r"\x02\x00" + _MACHINE[arch] + r"\x00"
    mask = r"\xff\xff\xff\xff\xff\xff\xff\x00" + r"\xff" * 8 + r"\xfe\xff\xff\xff"
    (binfmt / "register").write_text(f":{arch}:M::{magic}:{mask}:{_QEMU[arch]}:POCF")
