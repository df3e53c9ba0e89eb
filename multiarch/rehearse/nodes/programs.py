"""The programs of a real node: kubelet, containerd with its shim, runc, and the CNI plugins.

The kubelet's pin is the control plane's (`rehearse/tools/go.mod`), the others' is `rehearse/nodes/tools/go.mod`.

The emulated node has a containerd of its own. containerd takes from an index the image of the architecture that it was
compiled for; `runtime_platforms` of its settings has a `platform`, which containerd 2.2.1 reads and never uses (pull
request 13927 of theirs is open). One that is compiled for the other architecture pulls well under QEMU, which denies it
seccomp. So it is this machine's containerd, built with one function replaced (platforms/defaults_unix.go).
"""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from multiarch.core.environment import Child, environment
from multiarch.rehearse.control_plane.binaries import Kit, Mode, prepare_binaries
from multiarch.rehearse.control_plane.build import STATIC, kubernetes_stamps
from multiarch.rehearse.control_plane.errors import BinariesError
from multiarch.rehearse.control_plane.platform import Platform
from multiarch.rehearse.control_plane.progress import ProgressSink, silent
from multiarch.rehearse.control_plane.releases import Hosts, Release, Sums, kubernetes_release
from multiarch.rehearse.control_plane.sources import Binaries, BinarySource
from multiarch.rehearse.control_plane.tools import SEMVER, TOOLS_MODULE, Replaced, Tool, kubernetes_tool
from multiarch.rehearse.nodes.architectures import Arch, emulated_here

NODES_MODULE = Path(__file__).resolve().parent / "tools"
"""Folder of the Go module that pins containerd and runc."""

_CONTAINERD = "github.com/containerd/containerd/v2"
_RUNC = "github.com/opencontainers/runc"
_SECCOMP_HEADER = Path("/usr/include/seccomp.h")
_ASK_SECONDS = 10.0

KUBELET = kubernetes_tool("kubelet", ("--version",), rf"Kubernetes {SEMVER}")


def _containerd(name: str, ask: str) -> Tool:
    return Tool(
        name=name,
        module=_CONTAINERD,
        package=f"{_CONTAINERD}/cmd/{name}",
        ask=(ask,),
        answer=re.compile(rf"(?:containerd\S*|Version:)\s+{SEMVER}"),
    )


CONTAINERD = (_containerd("containerd", "--version"), _containerd("containerd-shim-runc-v2", "-v"))


_PLATFORMS = "github.com/containerd/platforms"


def containerd_for(arch: Arch) -> Tool:
    """Return this machine's containerd that takes the images of another architecture."""
    return replace(
        CONTAINERD[0],
        name=f"containerd-for-{arch}",
        replaces=Replaced(module=_PLATFORMS, files=Path(__file__).resolve().parent / "platforms"),
    )


def runc(*, seccomp: bool) -> Tool:
    """Return runc: its part that enters namespaces is C; it filters system calls only if built with libseccomp.

    That library is linked statically: so the same program runs in an image that has no C library (images/programs).
    """
    return Tool(
        name="runc",
        module=_RUNC,
        package=_RUNC,
        ask=("--version",),
        answer=re.compile(rf"runc version {SEMVER}"),
        tags=("netgo", "osusergo", STATIC, *(("seccomp",) if seccomp else ())),
        cgo=True,
    )


def _containerd_releases(versions: Mapping[str, str], platform: Platform, hosts: Hosts) -> dict[str, Release]:
    found = {}
    for name, version in versions.items():
        url = f"{hosts.containerd}/v{version}/containerd-{version}-{platform}.tar.gz"
        found[name] = Release(tool=name, url=url, sums_url=f"{url}.sha256sum", sums=Sums.BARE, member=f"bin/{name}")
    return found


def _runc_releases(versions: Mapping[str, str], platform: Platform, hosts: Hosts) -> dict[str, Release]:
    base = f"{hosts.runc}/v{versions['runc']}"
    url = f"{base}/runc.{platform.arch}"
    return {"runc": Release(tool="runc", url=url, sums_url=f"{base}/runc.sha256sum", sums=Sums.LISTED)}


def _kubelet_releases(versions: Mapping[str, str], platform: Platform, hosts: Hosts) -> dict[str, Release]:
    return {"kubelet": kubernetes_release("kubelet", versions["kubelet"], platform, hosts)}


def _published_nowhere(*_: object) -> dict[str, Release]:
    raise BinariesError("nobody publishes it: it is always built")


def emulated_kit(arch: Arch) -> Kit:
    """Return the emulated node's own."""
    return Kit(
        tools=(containerd_for(arch),),
        module_dir=NODES_MODULE,
        stamps=lambda versions: {
            **_containerd_stamps(*versions.values()),
            f"{_PLATFORMS}.architecture": str(arch),
        },
        releases=_published_nowhere,
    )


def _containerd_stamps(version: str, *_same: str) -> dict[str, str]:
    return {f"{_CONTAINERD}/version.Version": f"v{version}"}


def kits(*, seccomp: bool) -> tuple[Kit, ...]:
    """Return what is had together: a kit for each module and way to build."""
    return (
        Kit(
            tools=(KUBELET,),
            module_dir=TOOLS_MODULE,
            stamps=lambda versions: kubernetes_stamps(versions["kubelet"]),
            releases=_kubelet_releases,
        ),
        Kit(
            tools=CONTAINERD,
            module_dir=NODES_MODULE,
            stamps=lambda versions: _containerd_stamps(*versions.values()),
            releases=_containerd_releases,
        ),
        # Its version is in its source (the file VERSION), not set by the linker.
        Kit(tools=(runc(seccomp=seccomp),), module_dir=NODES_MODULE, stamps=lambda _: {}, releases=_runc_releases),
    )


def have_programs(mode: Mode = "auto", progress: ProgressSink = silent, *, cache_root: Path | None = None) -> Binaries:
    """Have a node's programs, as `prepare_binaries` has the control plane's. Raises BinariesError.

    Without libseccomp's headers a runc that has to be built is built without seccomp: `filters_calls` tells.
    """
    found: dict[str, BinarySource] = dict(
        prepare_binaries("build", progress, kit=emulated_kit(emulated_here()), cache_root=cache_root)
    )
    for kit in kits(seccomp=_SECCOMP_HEADER.exists()):
        found.update(prepare_binaries(mode, progress, kit=kit, cache_root=cache_root))
    return Binaries(found)


def filters_calls(runc_program: Path) -> bool:
    """Ask runc whether it was built with seccomp: only then do containers get the runtime's default filter."""
    done = subprocess.run(
        [runc_program, "--version"],
        capture_output=True,
        text=True,
        timeout=_ASK_SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
        env=environment(Child.CONTROL_PLANE),
    )
    return "libseccomp" in done.stdout


@dataclass(frozen=True, slots=True)
class Cni:
    """The CNI plugins, which distributions package: a folder outside PATH."""

    folder: Path

    NEEDED = ("bridge", "host-local", "loopback")
    FOLDERS = (Path("/opt/cni/bin"), Path("/usr/lib/cni"), Path("/usr/libexec/cni"))

    @classmethod
    def find(cls, folders: Sequence[Path] = FOLDERS) -> "Cni | None":
        """Return the first folder that holds all plugins that a node needs."""
        return next((cls(one) for one in folders if all((one / name).is_file() for name in cls.NEEDED)), None)
