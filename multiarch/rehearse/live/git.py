"""git, as no configuration of the user's or the machine's changes what it does."""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from multiarch.cluster.errors import ClusterError
from multiarch.core.environment import Child, environment
from multiarch.core.secrets import hide

UNCONFIGURED: Final[Mapping[str, str]] = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
"""Variables by which git reads no configuration of the user's or the machine's."""
_SECONDS: Final = 120.0


def lacking() -> str:
    """Say what is missing for sources to be served; empty where nothing is."""
    return "" if shutil.which("git") else "git is not on PATH: it serves the sources to the jobs"


def git(*arguments: str, below: Path | None = None, own: Mapping[str, str] = MappingProxyType({})) -> str:
    """Run git in a folder, and return what it says. Raises ClusterError."""
    try:
        done = subprocess.run(
            ["git", *arguments],  # noqa: S607 - found on PATH, as everything of the machine's
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
            timeout=_SECONDS,
            cwd=below,
            stdin=subprocess.DEVNULL,
            env=environment(Child.GIT, {**UNCONFIGURED, **own}),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ClusterError(f"git can't read the sources: {error}") from error
    if done.returncode:
        said = done.stderr.encode(errors="replace").decode(errors="replace").strip()
        raise ClusterError(f"git can't read the sources: {hide(said)[-300:]}")
    return done.stdout.strip()


def checked_out(folder: Path) -> list[str] | None:
    """Name the files that a checkout of a folder would have: all but what its .gitignore names.

    None where there is no git to ask. Raises ClusterError where git can't read the folder.
    """
    if lacking():
        return None
    with tempfile.TemporaryDirectory(prefix="multiarch-git-") as repository:
        git("init", "--quiet", "--bare", "--template=", repository)
        inside = (f"--git-dir={repository}", f"--work-tree={folder.resolve()}")
        listed = git(*inside, "ls-files", "-z", "--others", "--exclude-standard", below=folder)
    return sorted(name for name in listed.split("\0") if name)
