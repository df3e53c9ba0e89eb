"""Have the control plane's programs, in the pinned versions: from PATH, the cache, official releases, or source."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from ops.rehearse.cluster.errors import BinariesError
from ops.rehearse.cluster.progress import Progress, State, silent
from ops.rehearse.cluster.sources import Binaries, BinarySource, Origin
from ops.rehearse.cluster.tools import TOOLS, Tool, ask_version, pinned_versions

Mode = Literal["auto", "path", "official", "build"]


def on_path(tool: Tool, wanted: str) -> tuple[BinarySource | None, str]:
    """Find a program of the wanted version on PATH: it, or None and why not."""
    found = shutil.which(tool.name)
    if found is None:
        return None, "not on PATH"
    path = Path(os.path.realpath(found))
    version, reason = ask_version(tool, path)
    if version is None:
        return None, f"{found} {reason}"
    if version != wanted:
        return None, f"{found} is {version}, wanted is {wanted}"
    return BinarySource(name=tool.name, path=path, version=version, origin=Origin.PATH, detail=found), ""


def prepare_binaries(mode: Mode = "auto", progress: Callable[[Progress], None] = silent) -> Binaries:
    """Have all programs, or raise BinariesError saying what was tried for the one that can't be had."""
    if mode not in ("auto", "path"):
        raise BinariesError(f"--binaries {mode} is not there yet")
    versions = pinned_versions()
    have: dict[str, BinarySource] = {}
    for tool in TOOLS:
        source, reason = on_path(tool, versions[tool.name])
        if source is None:
            raise BinariesError(f"{tool.name}: {reason}")
        have[tool.name] = source
        progress(Progress(step="find", subject=tool.name, state=State.DONE, detail=source.detail))
    return Binaries(have)
