"""Ask this machine's own programs and files, with errors in plain words."""

import subprocess
from pathlib import Path

from multiarch.core.environment import Environment
from multiarch.rehearse.control_plane.errors import StartError

_SECONDS = 20.0


def call(*command: str, env: Environment) -> str:
    """Run a program of the system and return what it printed. Raises StartError with its last line."""
    try:
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StartError(f"`{' '.join(command)}` cannot be run: {error}") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise StartError(f"`{' '.join(command)}` failed: {last}")
    return done.stdout


def is_mount(path: Path) -> bool:
    """Tell whether something is mounted exactly there."""
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    # An automount point (systemd's of binfmt_misc) is a mount too, but not yet what it stands for.
    return any(line.split()[1] == str(path) and line.split()[2] != "autofs" for line in lines)
