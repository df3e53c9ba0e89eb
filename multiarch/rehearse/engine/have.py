"""Have a Pulumi CLI: the one on PATH, else one built from its Go module, in the user's cache, once.

The pin is the `require` line of `multiarch/rehearse/engine/tools/go.mod`. Since 3.274 the module builds by itself; the
version comes by the linker, as in Pulumi's own releases (scripts/get-version.sh there).
"""

import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Literal

from multiarch.core.files import write_whole
from multiarch.model.pulumi_cli import PulumiCli, PulumiCliError, find_pulumi, parse_version
from multiarch.rehearse.control_plane import build
from multiarch.rehearse.control_plane.cache import default_root
from multiarch.rehearse.control_plane.errors import BinariesError
from multiarch.rehearse.control_plane.golang import have_go
from multiarch.rehearse.control_plane.platform import this_machine
from multiarch.rehearse.control_plane.progress import Progress, ProgressSink, State, silent
from multiarch.rehearse.control_plane.tools import Tool, pinned_versions

Mode = Literal["auto", "path", "build"]

TOOLS_MODULE = Path(__file__).resolve().parent / "tools"
"""Folder of the Go module that pins the CLI."""
REPOSITORY = Path(__file__).resolve().parents[3]
LANGUAGE_HOST = "pulumi-language-python"
PULUMI = Tool(
    name="pulumi",
    module="github.com/pulumi/pulumi/pkg/v3",
    package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    ask=("version",),
    answer=re.compile(r"v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)"),
    writes_below="PULUMI_HOME",  # its logs
)
_VERSION = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"


def have_pulumi(mode: Mode = "auto", progress: ProgressSink = silent, *, cache_root: Path | None = None) -> PulumiCli:
    """Return a CLI that is new enough: from PATH, else the cache, else built, as far as `mode` allows.

    Building takes 4 to 7 minutes on two cores, and 1.5 GB in Go's own caches. Raises PulumiCliError, saying what was
    tried.
    """
    reason = ""
    if mode in {"auto", "path"}:
        try:
            found = find_pulumi()
        except PulumiCliError as error:
            if mode == "path":
                raise
            reason = str(error).split(". ", 1)[0]
            progress(Progress(step="find", subject="pulumi", state=State.SKIPPED, detail=reason))
        else:
            _tell_found(found, "PATH", progress)
            return found
    try:
        return _built(cache_root or default_root(), progress)
    except BinariesError as error:
        raise PulumiCliError("; ".join(filter(None, [reason, f"it cannot be built: {error}"]))) from error


def _built(root: Path, progress: ProgressSink) -> PulumiCli:
    versions = pinned_versions(TOOLS_MODULE, (PULUMI,))
    version = versions[PULUMI.name]
    platform, stamps = this_machine(), {_VERSION: f"v{version}"}
    shelf = build.shelf_for(root, platform, stamps, TOOLS_MODULE)
    kept = shelf.find(PULUMI.name)
    if kept is not None:
        return _cli(kept[0], version, f"cache: {kept[1].source}", progress)

    def waiting(waited: float) -> None:
        detail = "another rehearsal is building it"
        progress(Progress(step="build", subject="pulumi", state=State.RUNNING, detail=detail, elapsed=waited))

    with shelf.locked(waiting) as scratch:
        kept = shelf.find(PULUMI.name)  # another rehearsal may have been faster
        if kept is None:
            toolchain = have_go(root, progress, TOOLS_MODULE)
            builder = build.Builder(
                toolchain=toolchain,
                versions=versions,
                stamps=stamps,
                platform=platform,
                progress=progress,
                module_dir=TOOLS_MODULE,
            )
            made = builder.build(PULUMI, scratch)
            source = f"built by Go {toolchain.version}"
            kept = shelf.install(PULUMI.name, made, version=version, source=source)
    return _cli(kept[0], version, f"cache: {kept[1].source}", progress)


def _cli(path: Path, version: str, origin: str, progress: ProgressSink) -> PulumiCli:
    numbers = parse_version(version)
    if numbers is None:
        raise BinariesError(f"{TOOLS_MODULE / 'go.mod'} pins no release: {version}")
    cli = PulumiCli(path, numbers)
    _tell_found(cli, origin, progress)
    return cli


def _tell_found(cli: PulumiCli, origin: str, progress: ProgressSink) -> None:
    detail = f"{'.'.join(map(str, cli.version))} from {origin}"
    progress(Progress(step="find", subject="pulumi", state=State.DONE, detail=detail))


def has_language_host(cli: PulumiCli) -> bool:
    """Tell whether the CLI finds a Python language host of its own, where it looks itself: on PATH, or beside it."""
    beside = cli.path.resolve().with_name(LANGUAGE_HOST)
    return shutil.which(LANGUAGE_HOST) is not None or beside.is_file()


def write_language_host(folder: Path, module: str = "multiarch.rehearse.engine.language") -> Path:
    """Write ours into a folder that will be on the CLI's PATH."""
    code = f"import sys; sys.path[0] = {str(REPOSITORY)!r}; from {module} import main; main()"
    path = folder / LANGUAGE_HOST
    write_whole(path, f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(code)} "$@"\n', mode=0o755)
    return path
