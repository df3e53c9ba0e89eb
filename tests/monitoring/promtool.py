"""Have promtool: Prometheus' own rules engine, built from its Go module in the user's cache, once."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from multiarch.core.environment import Child, environment
from multiarch.rehearse.control_plane.cache import default_root
from multiarch.rehearse.control_plane.progress import ProgressSink
from multiarch.rehearse.control_plane.single import have_built
from multiarch.rehearse.control_plane.tools import Tool

TOOLS_MODULE: Final = Path(__file__).resolve().parent / "tools"
"""Folder of the Go module that pins it."""
PROMTOOL: Final = Tool(
    name="promtool",
    module="github.com/prometheus/prometheus",
    package="github.com/prometheus/prometheus/cmd/promtool",
    ask=("--version",),
    answer=re.compile(r"promtool, version v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)"),
    # The clouds' SDKs, for finding what to scrape: a third of the work, and nothing of rules.
    tags=("remove_all_sd",),
)
_VERSION: Final = "github.com/prometheus/common/version.Version"
_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What promtool said."""

    good: bool
    text: str


@dataclass(frozen=True, slots=True)
class Promtool:
    """The program."""

    path: Path

    def check(self, rules: Path) -> Answer:
        """Check a rules file as Prometheus reads it."""
        return self._run("check", "rules", str(rules))

    def test(self, tests: Path) -> Answer:
        """Run a file of unit tests of rules."""
        return self._run("test", "rules", str(tests))

    def _run(self, *arguments: str) -> Answer:
        done = subprocess.run(
            [self.path, *arguments],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
            env=environment(Child.CONTROL_PLANE, {"HOME": "/nonexistent", "PATH": "/usr/bin:/bin"}),
        )
        return Answer(good=done.returncode == 0, text=f"{done.stdout}{done.stderr}")


def have_promtool(progress: ProgressSink, root: Path | None = None) -> Promtool:
    """Return it from the cache, else built. Raises BinariesError."""
    path, _ = have_built(PROMTOOL, TOOLS_MODULE, _VERSION, root or default_root(), progress)
    return Promtool(path)
