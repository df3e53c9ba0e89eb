"""The scripts of ci/scripts by themselves, in the shells that run them."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from tests.templates.lab.project import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SHELLS = {"busybox": ["busybox", "sh"], "dash": ["dash"]}


class Shell:
    """Runs scripts of ci/scripts one after the other, with nothing but the given variables."""

    def __init__(self, argv: list[str], folder: Path) -> None:
        self._argv, self._folder = argv, folder
        self.log = folder / "argv.log"
        self.tools = folder / "bin"
        self._path = f"{self.tools}:/usr/bin:/bin"
        self.tools.mkdir()
        for name in ("base64", "tr", "mktemp", "cat", "rm", "sed", "mkdir", "uname"):
            # Each program writes down how it was called, as `ps` would show it.
            self.tool(name, f'printf "%s\\n" "$0 $*" >>{self.log}\nexec {shutil.which(name)} "$@"')

    def tool(self, name: str, text: str) -> None:
        (self.tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.tools / name).chmod(0o755)

    def only_tools(self) -> None:
        """Have no programs but those that were named."""
        self._path = str(self.tools)
        self._argv = [shutil.which(self._argv[0]) or self._argv[0], *self._argv[1:]]

    def run(self, scripts: list[str], variables: dict[str, str], *, before: str = "", after: str = "") -> Ran:
        text = "\n".join([before, *((ROOT / "ci/scripts" / f"{name}.sh").read_text() for name in scripts), after])
        environ = {"PATH": self._path, "HOME": str(self._folder / "home"), **variables}
        ran = subprocess.run(
            self._argv, input=text, env=environ, cwd=self._folder, capture_output=True, text=True, check=False
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)


class Ran(NamedTuple):
    code: int
    out: str
    err: str
