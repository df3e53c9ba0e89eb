"""The control plane made ready in the background, while the foreground already plans and shows."""

import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from multiarch.core.progress import ProgressDisplay
from multiarch.core.verdict import Verdict
from multiarch.rehearse.control_plane.progress import NOT_TRIED, Progress, State


class Startable(Protocol):
    """What is started in the background: the embedded control plane, or a cluster that runs already."""

    def start(self, progress: Callable[[Progress], None]) -> None:
        """Start; raises ClusterError."""


class BackgroundStart:
    """Starts a control plane in a thread; `ready()` waits for it."""

    def __init__(self, plane: Startable, progress: Callable[[Progress], None]) -> None:
        self._plane = plane
        self._error: BaseException | None = None
        self._progress = progress
        # A daemon: a Ctrl-C while Go compiles must not wait for the compiler; its children end with this process.
        self._thread = threading.Thread(target=self._start, name="control-plane", daemon=True)
        self._thread.start()

    def _start(self) -> None:
        try:
            self._plane.start(self._progress)
        except BaseException as error:  # noqa: BLE001 - handed over to the foreground, where it is raised again
            self._error = error

    def settle(self, at_most: float = 1.0) -> None:
        """Let a start that was stopped say that it ended. A compiler that runs on is not waited for (seconds)."""
        self._thread.join(at_most)

    def ready(self) -> None:
        """Wait until it is started. Raises whatever the start raised."""
        # Short waits: a join without a limit would keep Ctrl-C from being seen.
        while self._thread.is_alive():
            self._thread.join(0.2)
        if self._error is not None:
            raise self._error


SIGNS: Mapping[State, Verdict | None] = {
    State.DONE: Verdict.YES,
    State.SKIPPED: Verdict.UNKNOWN,
    State.FAILED: Verdict.NO,
    State.STOPPED: None,
}


def shown_on(display: ProgressDisplay) -> Callable[[Progress], None]:
    """Give a sink that shows the control plane's progress on the display.

    Looking for the programs and starting them are one line each, however many programs there are; a download or a
    build is a line of its own, since each may take minutes.
    """
    origins: dict[str, str] = {}

    def show(report: Progress) -> None:
        if report.step == "find" and report.state is not State.FAILED:
            if report.state is State.DONE:
                origins[report.subject] = report.detail
            return
        if report.state is State.SKIPPED and report.detail.startswith(NOT_TRIED):
            return  # the first refusal said why
        if report.step in {"start", "nodes"} and origins:
            display.finish("programs", told_origins(origins))
            origins.clear()
        name = {"start": "control plane", "nodes": report.subject}.get(report.step, f"{report.step} {report.subject}")
        if report.state is State.RUNNING:
            starting = f"starting {report.subject}" if report.step == "start" else "running"
            counting = report.step in {"build", "download", "image", "toolchain", "wait"}
            display.update(name, report.detail or starting, fraction=report.fraction, counting=counting)
        elif report.step != "start" or report.subject == "control plane":
            display.finish(name, report.detail or report.state.value, sign=SIGNS[report.state])

    return show


def told_origins(origins: Mapping[str, str]) -> str:
    """Say where the programs came from, those of one origin together: `etcd, helm: from cache`."""
    grouped: dict[str, list[str]] = {}
    for name, origin in origins.items():
        # `3.6.8 from cache: built by Go 1.26.8` and `1.36.3 from cache: built by Go 1.26.8` have one origin
        grouped.setdefault(origin.partition(" ")[2] or origin, []).append(name)
    return "; ".join(f"{', '.join(names)}: {origin}" for origin, names in grouped.items())
