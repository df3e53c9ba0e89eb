"""Progress of slow steps as data, so that a terminal, a log and a test can each render it their way."""

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TextIO

NOT_TRIED = "not tried"
"""How the detail of a step begins that was skipped for a reason told before: a display may leave it out."""


class State(StrEnum):
    """How far one step is."""

    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    """Tried, not possible here; the next way is tried."""
    FAILED = "failed"
    STOPPED = "not needed"
    """Ended from outside before it was done: no failure of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One report about one step. Reports of the same `step` and `subject` replace each other on a display."""

    step: str
    """`find`, `download`, `toolchain`, `build`, `wait`, `start`, or `nodes` for real ones."""
    subject: str
    """The program it is about: `kube-apiserver`."""
    state: State
    detail: str = ""
    elapsed: float = 0.0
    """Seconds since the step began."""
    fraction: float | None = None
    """Share done, 0 to 1; None where it cannot be known (a compiler does not say)."""


ProgressSink = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """Show nothing."""


class PlainLines:
    """Render progress as plain lines: one per change of state, and one every `every` seconds of a long step.

    For logs, pipes and CI. It may be called from several threads.
    """

    def __init__(self, stream: TextIO | None = None, every: float = 15.0) -> None:
        self._stream = stream
        self._every = every
        self._lock = threading.Lock()
        self._last: dict[tuple[str, str], tuple[State, float]] = {}

    def __call__(self, report: Progress) -> None:
        """Print the report, unless it says what the last line already said."""
        key = (report.step, report.subject)
        with self._lock:
            state, since = self._last.get(key, (None, 0.0))
            if report.state is state is State.RUNNING and report.elapsed - since < self._every:
                return
            self._last[key] = (report.state, report.elapsed)
            print(self.line(report), file=self._stream or sys.stderr, flush=True)

    @staticmethod
    def line(report: Progress) -> str:
        """One line without colours: `build kube-apiserver: running, 30 s: go build`."""
        share = "" if report.fraction is None else f" {report.fraction:.0%}"
        spent = f", {report.elapsed:.0f} s" if report.elapsed >= 1 else ""
        detail = f": {report.detail}" if report.detail else ""
        return f"{report.step} {report.subject}: {report.state}{share}{spent}{detail}"
