"""gitlab-runner as a process of this one: it ends with it, whatever happens."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from multiarch.cluster.errors import ClusterError
from multiarch.core.environment import Child, environment
from multiarch.core.secrets import hide
from multiarch.rehearse.control_plane.tied import tied

_GRACE: Final = ((signal.SIGQUIT, 20.0), (signal.SIGTERM, 35.0))
"""SIGQUIT: it waits for its jobs. SIGTERM: it stops those whose scripts run and deletes their pods, for which it takes
30 s at most (commands/multi.go, handleGracefulShutdown and handleForcefulShutdown)."""
_LINES: Final = 8


class RunningRunner:
    """A context manager; the thread that enters it must be the one that leaves it (see `tied`)."""

    def __init__(self, program: Path, config: Path, folder: Path) -> None:
        self._command = [str(program.resolve()), "run", "--config", str(config), "--working-directory", str(folder)]
        self._folder = folder
        self._log = folder / "gitlab-runner.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it. Raises ClusterError."""
        own = {"HOME": str(self._folder), "TMPDIR": str(self._folder), "PATH": "/usr/bin:/bin"}
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    tied(self._command),
                    env=environment(Child.GITLAB_RUNNER, own),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C is for the rehearsal, which ends it in order
                )
        except OSError as error:
            raise ClusterError(f"gitlab-runner does not start: {error.strerror}") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it: once all is done it ends by itself; after an error or Ctrl-C it stops its jobs first."""
        process = self._process
        if process is None:
            return
        try:
            for number, seconds in _GRACE if kind is None else _GRACE[1:]:
                process.send_signal(number)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(seconds)
                    return
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def check(self) -> None:
        """Raise ClusterError, with the last that it said, where it has ended."""
        code = None if self._process is None else self._process.poll()
        if code is not None:
            raise ClusterError(f"gitlab-runner has ended (exit code {code}): {self.said()}")

    def said(self) -> str:
        """Return its last lines, redacted."""
        try:
            text = self._log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            text = ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return hide("; ".join(lines[-_LINES:])) or "it said nothing"
