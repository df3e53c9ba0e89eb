"""gitlab-ci-local, which runs GitLab pipelines without GitLab: pinned, and installed into the user's cache once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

# The newest that runs on Node 20 (4.74 and later want Node 22).
# renovate: datasource=npm depName=gitlab-ci-local
VERSION = "4.73.0"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "multiarch-runner" / "gitlab-ci-local"
_OLDEST_NODE = 20


def find() -> tuple[Path | None, str]:
    """The program and '', or None and why not."""
    for tool, package in (("rsync", "rsync"), ("git", "git"), ("bash", "bash")):
        if not shutil.which(tool):
            return None, f"{tool} is not installed (apt-get install {package})"
    if not shutil.which("node"):
        return None, f"Node is not installed (version {_OLDEST_NODE} or later)"
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    number = re.match(r"v(\d+)", said)
    if not number or int(number[1]) < _OLDEST_NODE:
        return None, f"Node is {said.strip() or 'broken'}; {_OLDEST_NODE} or later is needed"
    program = CACHE / VERSION / "node_modules" / "gitlab-ci-local" / "dist" / "index.js"
    if program.exists():
        return program, ""
    return _install(program)


def _install(program: Path) -> tuple[Path | None, str]:
    if not shutil.which("npm"):
        return None, "npm is not installed, and gitlab-ci-local is not in the cache"
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        Path(scratch, "package.json").write_text('{"private": true}')
        quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--omit-lockfile-registry-resolved", "--loglevel=error"]
        ran = subprocess.run(
            ["npm", "install", *quiet, f"gitlab-ci-local@{VERSION}"],
            cwd=scratch,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if ran.returncode != 0:
            return None, f"npm could not install gitlab-ci-local@{VERSION}: {ran.stderr.strip()[-300:]}"
        if not (CACHE / VERSION).exists():
            shutil.copytree(scratch, CACHE / VERSION, symlinks=True)
    return program, ""
