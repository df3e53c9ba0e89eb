"""This virtual environment as a Makefile's: a job that says `make` then installs nothing for minutes."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

_LATER = 86400


def makeflags(folder: Path) -> str:
    """The variable MAKEFLAGS that leads there; `folder` is where it may be made."""
    venv = folder / "venv"
    venv.mkdir()
    for entry in Path(sys.prefix).iterdir():
        if not entry.name.startswith("."):
            (venv / entry.name).symlink_to(entry)
    for stamp in (".runtime", ".dev"):
        (venv / stamp).touch()
        os.utime(venv / stamp, (time.time() + _LATER, time.time() + _LATER))
    return f"VENV={venv}"
