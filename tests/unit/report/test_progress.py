"""Progress: plain lines in a log, and a terminal that is given back."""

import io
import itertools

import pytest
from rich.console import Console
from rich.text import Text

from multiarch.core.progress import ProgressDisplay
from multiarch.core.verdict import Verdict


def display(*, terminal: bool = False) -> tuple[ProgressDisplay, io.StringIO]:
    out = io.StringIO()
    ticks = itertools.count()
    return ProgressDisplay(Console(file=out, width=80, force_terminal=terminal), clock=lambda: float(next(ticks))), out


def interrupted(progress: ProgressDisplay) -> None:
    with progress:
        progress.update("control plane", "starting", fraction=0.5)
        raise KeyboardInterrupt


def test_a_log_gets_one_line_for_each_piece_of_news_and_no_control_character() -> None:
    progress, out = display()
    with progress:
        progress.update("control plane", "building etcd (1 of 6)")
        progress.update("control plane", "building etcd (1 of 6)", fraction=0.1)
        progress.update("control plane", "building\x1b[2J helm\n(2 of 6)", fraction=0.3)
        progress.finish("control plane", "ready")
    assert out.getvalue().splitlines() == [
        "control plane: building etcd (1 of 6)",
        r"control plane: building\x1b[2J helm (2 of 6)",
        "✓ control plane: ready (1.0 s)",
    ]


def test_a_number_that_moves_does_not_fill_a_log_yet_shows_that_a_long_step_lives() -> None:
    progress, out = display()  # its clock ticks one second at each look
    with progress:
        for count in range(40):
            progress.update("build etcd", f"{count} packages compiled", counting=True)
    lines = out.getvalue().splitlines()
    assert lines[0] == "build etcd: 0 packages compiled"
    assert 2 <= len(lines) <= 4


def test_a_long_line_in_a_log_stays_one_line() -> None:
    progress, out = display()
    with progress:
        progress.update("plan", "x" * 300)
    assert len(out.getvalue().splitlines()) == 1


def test_a_step_that_ends_in_doubt_is_not_marked_as_done_well() -> None:
    progress, out = display()
    with progress:
        progress.finish("plan eks", "no answer", sign=Verdict.UNKNOWN)
    assert out.getvalue().startswith("? plan eks: no answer")


def test_a_terminal_gets_its_cursor_back_even_after_an_interrupt() -> None:
    progress, out = display(terminal=True)
    with pytest.raises(KeyboardInterrupt):
        interrupted(progress)
    text = out.getvalue()
    assert "starting" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def test_what_is_shown_for_good_stays_when_the_moving_part_is_gone() -> None:
    progress, out = display(terminal=True)
    with progress:
        progress.update("control plane", "starting")
        progress.show(Text("the plan's table"))
    assert "the plan's table" in out.getvalue()
