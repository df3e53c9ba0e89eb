"""The programs of rootless BuildKit, built from their Go modules for this machine: static, so that any image has them.

Their versions are the `require` lines of `tools/go.mod`; runc is the real nodes' (nodes/programs). BuildKit's is that
of the templates' image, which a test holds; the others are those that its own image has, or newer.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from multiarch.core.environment import Child, environment
from multiarch.rehearse.control_plane.cache import Receipt
from multiarch.rehearse.control_plane.errors import BinariesError
from multiarch.rehearse.control_plane.golang import have_go, module_folder
from multiarch.rehearse.control_plane.progress import ProgressSink
from multiarch.rehearse.control_plane.single import have_built
from multiarch.rehearse.control_plane.tools import Tool
from multiarch.rehearse.images.model import ImagesError
from multiarch.rehearse.nodes.programs import NODES_MODULE, runc

TOOLS_MODULE: Final = Path(__file__).resolve().parent / "tools"
_BUILDKIT: Final = "github.com/moby/buildkit"
_ROOTLESSKIT: Final = "github.com/rootless-containers/rootlesskit/v3"
_DAEMONLESS: Final = "examples/buildctl-daemonless/buildctl-daemonless.sh"


def _tool(name: str, module: str, package: str, answer: str) -> Tool:
    return Tool(name=name, module=module, package=package, ask=("--version",), answer=re.compile(answer))


BUILDKITD: Final = _tool("buildkitd", _BUILDKIT, f"{_BUILDKIT}/cmd/buildkitd", r"buildkit v?(\d+\.\d+\.\d+)")
BUILDCTL: Final = _tool("buildctl", _BUILDKIT, f"{_BUILDKIT}/cmd/buildctl", r"buildkit v?(\d+\.\d+\.\d+)")
ROOTLESSKIT: Final = _tool("rootlesskit", _ROOTLESSKIT, f"{_ROOTLESSKIT}/cmd/rootlesskit", r"version (\d+\.\d+\.\d+)")
RUNC: Final = runc(seccomp=True)  # BuildKit gives each step a seccomp profile
# runc first: what it lacks on this machine is known in seconds, and BuildKit takes minutes.
TOOLS: Final = (RUNC, ROOTLESSKIT, BUILDCTL, BUILDKITD)
_STAMPS: Final = {_BUILDKIT: f"{_BUILDKIT}/version.Version"}


def have_programs(root: Path, progress: ProgressSink) -> dict[str, tuple[Path, Receipt]]:
    """Return the programs, built once. Raises BinariesError."""
    return {tool.name: have_program(tool, root, progress) for tool in TOOLS}


def have_program(tool: Tool, root: Path, progress: ProgressSink) -> tuple[Path, Receipt]:
    """Return one of them. Raises BinariesError."""
    try:
        return have_built(tool, module_of(tool), _STAMPS.get(tool.module, ""), root, progress)
    except BinariesError as error:
        if tool.cgo and (lacking := lacking_for_c()):
            raise BinariesError(f"{error}. {lacking}") from error
        raise


def module_of(tool: Tool) -> Path:
    """Return the folder of the Go module that pins a program."""
    return NODES_MODULE if tool is RUNC else TOOLS_MODULE


def lacking_for_c() -> str:
    """Say what this machine lacks to build runc; empty: nothing that is known."""
    compiler, package = shutil.which("gcc"), shutil.which("pkg-config")
    if compiler and package:
        asked = [package, "--exists", "libseccomp"]
        if subprocess.run(asked, env=environment(Child.APT), check=False).returncode == 0:
            return ""
    return "It is built with gcc, pkg-config and libseccomp: apt-get install gcc pkg-config libseccomp-dev"


def daemonless(root: Path, progress: ProgressSink) -> str:
    """Return BuildKit's own script that starts a daemon for one build, from its module.

    Raises ImagesError and BinariesError.
    """
    go = have_go(root, progress, TOOLS_MODULE)
    place = module_folder(go.go, TOOLS_MODULE, _BUILDKIT) / _DAEMONLESS
    try:
        return place.read_text(encoding="utf-8")
    except OSError as error:
        raise ImagesError(f"{_BUILDKIT}: its module has no {_DAEMONLESS}: {error.strerror}") from error
