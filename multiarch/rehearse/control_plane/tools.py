"""The programs of the control plane: which there are, their pinned versions, and how each tells its own.

The pins are the `require` lines of `multiarch/rehearse/tools/go.mod`, the one place; nothing else in the repository
states these versions. Programs of other modules are pinned and asked in the same way (engine/have.py).
"""

import hashlib
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from multiarch.core.environment import Child, environment
from multiarch.rehearse.control_plane.errors import BinariesError

TOOLS_MODULE = Path(__file__).resolve().parent.parent / "tools"
"""Folder of the Go module that pins the programs."""

_ASK_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """A module that a program is built with in a copy of its own, over which files of ours are laid."""

    module: str
    files: Path
    """Folder of them."""

    @property
    def digest(self) -> str:
        """What tells these files from others."""
        content = b"".join(file.read_bytes() for file in sorted(self.files.iterdir()))
        return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One program: where its source is, and how to ask a binary for its version."""

    name: str
    module: str
    """The Go module whose `require` line is the pin."""
    package: str
    ask: tuple[str, ...]
    answer: re.Pattern[str]
    """Finds the version in what the program prints (group 1, without the `v`)."""
    tags: tuple[str, ...] = ()
    """Go's build tags: what the program's authors let a build leave out."""
    cgo: bool = False
    """Whether parts of it are C, so that building it needs a C compiler."""
    replaces: Replaced | None = None
    writes_below: str | None = None
    """Variable that names the folder where the program writes even when it is only asked for its version."""

    @property
    def variant(self) -> tuple[str, ...]:
        """What makes its build another one than with the flags of all: a part of the cache's key."""
        replaced = (f"{self.replaces.module}={self.replaces.digest}",) if self.replaces else ()
        return (*self.tags, *(("cgo",) if self.cgo else ()), *replaced)

    def __post_init__(self) -> None:
        """Refuse a table row that could not work."""
        if not self.package.startswith(self.module):
            raise ValueError(f"{self.name}: {self.package} is not in module {self.module}")


SEMVER = r"v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)"


def kubernetes_tool(name: str, ask: tuple[str, ...], answer: str) -> Tool:
    """Return the table row of one of Kubernetes' own programs."""
    return Tool(
        name=name,
        module="k8s.io/kubernetes",
        package=f"k8s.io/kubernetes/cmd/{name}",
        ask=ask,
        answer=re.compile(answer),
    )


TOOLS: tuple[Tool, ...] = (
    Tool(
        name="etcd",
        module="go.etcd.io/etcd/server/v3",
        package="go.etcd.io/etcd/server/v3",
        ask=("--version",),
        answer=re.compile(rf"etcd Version:\s*{SEMVER}"),
    ),
    kubernetes_tool("kube-apiserver", ("--version",), rf"Kubernetes {SEMVER}"),
    kubernetes_tool("kube-controller-manager", ("--version",), rf"Kubernetes {SEMVER}"),
    kubernetes_tool("kube-scheduler", ("--version",), rf"Kubernetes {SEMVER}"),
    kubernetes_tool("kubectl", ("version", "--client"), rf"Client Version:\s*{SEMVER}"),
    Tool(
        name="kwok",
        module="sigs.k8s.io/kwok",
        package="sigs.k8s.io/kwok/cmd/kwok",
        ask=("--version",),
        answer=re.compile(rf"kwok version {SEMVER}"),
    ),
    Tool(
        name="helm",
        module="helm.sh/helm/v3",
        package="helm.sh/helm/v3/cmd/helm",
        ask=("version", "--short"),
        answer=re.compile(SEMVER),
    ),
)
"""In the order in which they are needed."""


def requirements(go_mod: str) -> dict[str, str]:
    """Read the direct and indirect requirements of a go.mod: module path to version (with its `v`)."""
    found: dict[str, str] = {}
    inside = False
    for raw in go_mod.splitlines():
        line = raw.split("//", 1)[0].strip()
        if line == "require (":
            inside = True
        elif line == ")":
            inside = False
        elif inside or line.startswith("require "):
            parts = line.removeprefix("require ").split()
            if len(parts) == 2:  # noqa: PLR2004 - a requirement is a module and a version
                found[parts[0]] = parts[1]
    return found


def pinned_versions(module_dir: Path = TOOLS_MODULE, tools: Sequence[Tool] = TOOLS) -> dict[str, str]:
    """Tool name to pinned version, without the `v`: `{"etcd": "3.6.8", ...}`.

    Raises BinariesError when go.mod is missing or does not pin one of the programs.
    """
    path = module_dir / "go.mod"
    try:
        required = requirements(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BinariesError(f"{path}: {error.strerror}: the programs' versions are pinned there") from error
    missing = [tool.module for tool in tools if tool.module not in required]
    if missing:
        raise BinariesError(f"{path}: no requirement for {missing[0]}, so its version is not pinned")
    return {tool.name: required[tool.module].removeprefix("v") for tool in tools}


def version_in(tool: Tool, output: str) -> str | None:
    """Return the version a program printed, without the `v` and without build metadata, or None."""
    match = tool.answer.search(output)
    return match.group(1) if match else None


def ask_version(tool: Tool, binary: Path) -> tuple[str | None, str]:
    """Run a binary for its version: the version, or None and why there is no answer."""
    home = {tool.writes_below: str(binary.parent / ".home")} if tool.writes_below else {}
    try:
        done = subprocess.run(
            [binary, *tool.ask],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ASK_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
            env=environment(Child.CONTROL_PLANE, {"HOME": "/nonexistent", "PATH": "/usr/bin:/bin", **home}),
        )
    except subprocess.TimeoutExpired:
        return None, f"did not print its version within {_ASK_SECONDS:.0f} s"
    except OSError as error:
        return None, f"does not run: {error.strerror}"
    version = version_in(tool, done.stdout + done.stderr)
    if version is None:
        return None, f"did not print its version (exit {done.returncode})"
    return version, ""
