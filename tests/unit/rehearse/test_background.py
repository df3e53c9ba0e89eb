import io
import re
import threading
from collections.abc import Callable

import pytest
from rich.console import Console

from multiarch.core.progress import ProgressDisplay
from multiarch.core.signs import ASCII_MARKS, MARKS
from multiarch.rehearse.background import SIGNS, BackgroundStart, shown_on, told_origins
from multiarch.rehearse.control_plane.errors import BinariesError, StartError
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.control_plane.progress import Progress, State, silent
from multiarch.rehearse.control_plane.sources import Binaries


class FakePlane:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.started = False

    def start(self, progress: Callable[[Progress], None]) -> None:
        progress(Progress(step="start", subject="etcd", state=State.RUNNING))
        if self.error:
            raise self.error
        self.started = True


def test_ready_waits_for_the_start() -> None:
    plane = FakePlane()
    BackgroundStart(plane, silent).ready()
    assert plane.started


def test_what_the_start_raised_is_raised_in_the_foreground() -> None:
    start = BackgroundStart(FakePlane(StartError("etcd ended")), silent)
    with pytest.raises(StartError, match="etcd ended"):
        start.ready()


class SlowPlane:
    """A start that goes on until it is released."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def start(self, progress: Callable[[Progress], None]) -> None:
        self.released.wait(10)
        progress(Progress(step="start", subject="control plane", state=State.STOPPED))


def test_a_stopped_start_says_its_end_before_the_command_goes_on_and_a_long_one_is_not_waited_for() -> None:
    plane, told = SlowPlane(), list[Progress]()
    start = BackgroundStart(plane, told.append)
    start.settle(0.01)
    assert told == []
    plane.released.set()
    start.settle(10)
    assert [report.state for report in told] == [State.STOPPED]


def shown(*reports: Progress, terminal: bool = False) -> str:
    out = io.StringIO()
    with ProgressDisplay(Console(file=out, width=200, force_terminal=terminal, color_system=None)) as display:
        sink = shown_on(display)
        for report in reports:
            sink(report)
    return out.getvalue()


def test_programs_found_are_one_line_and_their_failure_is_never_swallowed() -> None:
    found = [
        Progress(step="find", subject=name, state=State.DONE, detail="1.0 from cache: built")
        for name in ("etcd", "helm")
    ]
    text = shown(*found, Progress(step="start", subject="etcd", state=State.RUNNING))
    assert "etcd, helm: from cache: built" in text
    assert text.count("from cache") == 1
    assert "no Go" in shown(Progress(step="find", subject="kwok", state=State.FAILED, detail="no Go"))


@pytest.mark.parametrize("terminal", [True, False])
def test_a_start_that_was_stopped_shows_no_sign_of_an_answer_and_is_told_to_be_over(*, terminal: bool) -> None:
    reports = [Progress(step="start", subject="control plane", state=state) for state in (State.RUNNING, State.STOPPED)]
    text = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", shown(*reports, terminal=terminal))
    assert re.search(r"control plane:? +not needed", text)
    assert not any(sign in text for sign in (*MARKS.values(), *ASCII_MARKS.values()))


def test_every_state_that_ends_a_step_has_its_sign_said() -> None:
    assert set(SIGNS) == set(State) - {State.RUNNING}


@pytest.mark.parametrize(("stopped", "state"), [(True, State.STOPPED), (False, State.FAILED)])
def test_a_control_plane_that_is_stopped_while_it_starts_has_not_failed(*, stopped: bool, state: State) -> None:
    told: list[Progress] = []
    plane = ControlPlane(Binaries(sources={}))
    if stopped:
        plane.stop()
    with pytest.raises(StartError if stopped else BinariesError):
        plane.start(told.append)
    assert told[-1].state is state


def test_a_download_not_tried_for_a_reason_told_before_is_not_told_again() -> None:
    first = Progress(step="download", subject="etcd", state=State.SKIPPED, detail="no address")
    later = Progress(step="download", subject="helm", state=State.SKIPPED, detail="not tried, since no address")
    text = shown(first, later)
    assert "download etcd: no address" in text
    assert "helm" not in text


def test_each_build_has_a_line_of_its_own() -> None:
    text = shown(Progress(step="build", subject="kube-apiserver", state=State.RUNNING, detail="go build"))
    assert "build kube-apiserver: go build" in text


def test_programs_of_different_origin_are_told_apart() -> None:
    assert told_origins({"a": "1 from cache: x", "b": "2 from path: y"}) == "a: from cache: x; b: from path: y"
