"""Build programs from their pinned modules, one by one, so that an interrupted build goes on."""

import os
import selectors
import shutil
import signal
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from multiarch.core.environment import Child, Environment, environment
from multiarch.rehearse.control_plane.cache import Shelf, key
from multiarch.rehearse.control_plane.errors import BinariesError
from multiarch.rehearse.control_plane.golang import Toolchain, module_folder
from multiarch.rehearse.control_plane.platform import Platform
from multiarch.rehearse.control_plane.progress import Progress, ProgressSink, State
from multiarch.rehearse.control_plane.tied import tied
from multiarch.rehearse.control_plane.tools import TOOLS_MODULE, Replaced, Tool, ask_version

_BUILD_SECONDS = 3600.0
_INTERRUPT_SECONDS = 3.0
_WORDS_KEPT = 4
FLAGS = ("-mod=readonly", "-trimpath", "-buildvcs=false")
STATIC = "static_build"
"""The tag by which programs with parts in C are told that they are linked statically; it has them linked so, too."""


def stamps(versions: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that tell each program of the control plane its version, as their own release scripts do."""
    return {
        **kubernetes_stamps(versions["kube-apiserver"]),
        "helm.sh/helm/v3/internal/version.version": f"v{versions['helm']}",
        "sigs.k8s.io/kwok/pkg/consts.Version": f"v{versions['kwok']}",
    }


def kubernetes_stamps(version: str) -> dict[str, str]:
    """Return the variables that tell a program of Kubernetes its version."""
    major, minor, _ = version.split(".", 2)
    return {
        "k8s.io/component-base/version.gitVersion": f"v{version}",
        "k8s.io/component-base/version.gitMajor": major,
        "k8s.io/component-base/version.gitMinor": minor,
        "k8s.io/client-go/pkg/version.gitVersion": f"v{version}",
    }


def linker_flags(values: Mapping[str, str]) -> str:
    """Return flags that strip the programs and set these variables in them."""
    return " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in values.items())])


def shelf_for(
    root: Path,
    platform: Platform,
    values: Mapping[str, str],
    module_dir: Path = TOOLS_MODULE,
    variant: Sequence[str] = (),
) -> Shelf:
    """Return the cache's folder for builds of exactly these modules, with these variables set, for this platform."""
    hashed = key(
        (module_dir / "go.mod").read_bytes(),
        (module_dir / "go.sum").read_bytes(),
        " ".join([*FLAGS, *(f"-tags={tag}" for tag in variant)]),
        linker_flags(values),
        str(platform),
    )
    return Shelf(root / "binaries" / f"build-{platform}-{hashed}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """Builds into a scratch folder with one toolchain."""

    toolchain: Toolchain
    versions: Mapping[str, str]
    stamps: Mapping[str, str]
    """Variables that the linker sets."""
    platform: Platform
    progress: ProgressSink
    module_dir: Path = TOOLS_MODULE

    def build(self, tool: Tool, scratch: Path) -> Path:
        """Build one program; returns where it is. Raises BinariesError with the compiler's last words."""
        output = scratch / tool.name
        began = time.monotonic()
        flags = [*FLAGS, *(["-tags", ",".join(tool.tags)] if tool.tags else [])]
        if tool.replaces:
            source = module_folder(self.toolchain.go, self.module_dir, tool.replaces.module)
            flags.append(f"-modfile={replace_module(tool.replaces, source, self.module_dir, scratch)}")
        linking = linker_flags(self.stamps) + (" -extldflags=-static" if STATIC in tool.tags else "")
        command = [str(self.toolchain.go), "build", "-v", *flags, "-ldflags", linking]
        with subprocess.Popen(
            tied([*command, "-o", str(output), tool.package]),
            cwd=self.module_dir,
            env=self._environment(cgo=tool.cgo),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as process:
            try:
                words = self._follow(tool, process, began)
                code = process.wait()
            except BaseException:  # Ctrl-C or the time limit: the compiler must not go on alone
                _interrupt(process)
                raise
        if code:
            self._tell(tool, State.FAILED, began, "")
            raise BinariesError(f"{tool.name} cannot be built (go build, exit {code}): {' | '.join(words)}")
        self._check(tool, output)
        self._tell(tool, State.DONE, began, f"built by Go {self.toolchain.version}")
        return output

    def _follow(self, tool: Tool, process: subprocess.Popen[bytes], began: float) -> list[str]:
        """Read what `go build -v` says, a line for each package it compiles, until it closes its output."""
        if process.stderr is None:
            raise BinariesError(f"{tool.name}: the progress of the compiler is not known")
        kept: deque[str] = deque(maxlen=_WORDS_KEPT)
        count = 0
        with selectors.DefaultSelector() as selector:
            selector.register(process.stderr, selectors.EVENT_READ)
            lines = _Lines(process.stderr)
            while not lines.ended:
                if selector.select(1.0):
                    for line in lines.read():
                        if is_package(line):
                            count += 1
                        else:
                            kept.append(line)
                if time.monotonic() - began > _BUILD_SECONDS:
                    raise BinariesError(f"{tool.name} was not built within {_BUILD_SECONDS:.0f} s")
                self._tell(tool, State.RUNNING, began, f"{count} packages compiled")
        return list(kept)

    def _check(self, tool: Tool, output: Path) -> None:
        version, reason = ask_version(tool, output)
        if version != self.versions[tool.name]:
            raise BinariesError(
                f"{tool.name} was built but {reason or f'says {version}'}; this needs {self.versions[tool.name]}"
            )

    def _environment(self, *, cgo: bool) -> Environment:
        return environment(
            Child.GO,
            {
                "CGO_ENABLED": "1" if cgo else "0",
                "GOOS": self.platform.system,
                "GOARCH": self.platform.arch,
                "GOTOOLCHAIN": "local",
                "GOFLAGS": "-mod=readonly",  # not empty: then `go env -w GOFLAGS=...` of the user's would count
                "GOWORK": "off",
            },
        )

    def _tell(self, tool: Tool, state: State, began: float, detail: str) -> None:
        elapsed = time.monotonic() - began
        self.progress(Progress(step="build", subject=tool.name, state=state, detail=detail, elapsed=elapsed))


def replace_module(replaced: Replaced, source: Path, module_dir: Path, scratch: Path) -> Path:
    """Copy a module, lay our files over the copy, and return a go.mod that has the copy in the module's place."""
    for file in replaced.files.iterdir():
        if not (source / file.name).exists():
            raise BinariesError(f"{replaced.module} has no {file.name} any more, in whose place {file} is to be built")
    copy = scratch / "replaced"
    for file in source.rglob("*"):  # not copytree: Go's own folders are read-only, and these must go away again
        if file.is_file():
            own = copy / file.relative_to(source)
            own.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, own)
    for file in replaced.files.iterdir():
        shutil.copyfile(file, copy / file.name)
    go_mod = scratch / "replacing.mod"
    text = (module_dir / "go.mod").read_text(encoding="utf-8")
    go_mod.write_text(f"{text}\nreplace {replaced.module} => {copy}\n", encoding="utf-8")
    shutil.copyfile(module_dir / "go.sum", go_mod.with_suffix(".sum"))
    return go_mod


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """Let `go` end its compilers and clean up; kill it when it does not."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_INTERRUPT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


class _Lines:
    """Whole lines of a pipe, as they come."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._rest = b""
        self.ended = False

    def read(self) -> list[str]:
        received = os.read(self._pipe.fileno(), 65536)
        self.ended = not received
        *lines, self._rest = (self._rest + received).split(b"\n")
        if self.ended and self._rest:
            lines.append(self._rest)
        return [text for line in lines if (text := line.decode("utf-8", "replace").strip())]


def is_package(line: str) -> bool:
    """Tell a package's import path from a message of the compiler: it is one word and no comment."""
    return " " not in line and not line.startswith("#")
