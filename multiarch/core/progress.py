"""Progress of a command: a few moving lines in a terminal, plain lines in a log.

Steps run in several threads (the control plane is built while stacks are planned), so every method may be called from
any of them.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from multiarch.core.printable import one_line, seconds
from multiarch.core.render.layout import Paragraph, show
from multiarch.core.secrets import hide
from multiarch.core.signs import STYLES, ascii_only, mark
from multiarch.core.verdict import Verdict

QUIET_SECONDS = 15.0
"""Between two lines of one counting step in a log: a build of minutes shall be seen to live, not fill the page."""


@dataclass(slots=True, kw_only=True)
class _Step:
    name: str
    started: float
    message: str = ""
    fraction: float | None = None
    ended: float | None = None
    """None while it runs."""
    said: float | None = None
    """When its last line was written, without a terminal."""


class ProgressDisplay:
    """Shows named steps and what each is doing. Use as a context manager; the live part is gone when it ends.

    With a terminal: one line for each running step, with a spinner, time, and a bar where the share done is known.
    Without one: a line whenever a step says something new, and no control character.
    """

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.console = console
        self._clock = clock
        self._lock = threading.RLock()
        self._steps: dict[str, _Step] = {}
        self._spinner = Spinner("line" if ascii_only(console) else "dots", style="cyan")
        # `dumb` terminals count as terminals for rich but cannot move the cursor.
        self._live: Live | None = None
        if console.is_terminal and not console.is_dumb_terminal:
            self._live = Live(console=console, get_renderable=self._render, refresh_per_second=8, transient=True)

    def __enter__(self) -> Self:
        """Start showing."""
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop showing and give the terminal back, also on Ctrl-C."""
        del kind, error, trace
        if self._live:
            self._live.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the terminal to somebody else, a prompt, and show on afterwards."""
        if self._live:
            self._live.stop()
        try:
            yield
        finally:
            if self._live:
                self._live.start()

    def update(self, name: str, message: str, *, fraction: float | None = None, counting: bool = False) -> None:
        """Say what the step `name` is doing; the first call starts it. `fraction`: the share done, 0 to 1, if known.

        `counting` marks a message that only moves a number on: a log gets one of those every `QUIET_SECONDS`.
        """
        message = one_line(hide(message))
        with self._lock:
            step = self._step(name)
            news = message != step.message
            step.message, step.fraction, step.ended = message, fraction, None
            if news and not self._live and self._may_speak(step, counting=counting):
                self._line(step.name, message)

    def _may_speak(self, step: _Step, *, counting: bool) -> bool:
        if not counting:
            return True
        now = self._clock()
        if step.said is not None and now - step.said < QUIET_SECONDS:
            return False
        step.said = now
        return True

    def finish(
        self, name: str, message: str = "", *, sign: Verdict | None = Verdict.YES, took: float | None = None
    ) -> None:
        """End the step `name`: it leaves the moving part and stays as one line with its time.

        `sign` is that of its answer; None for a step that gives none, because nobody needs it any more. `took`:
        seconds, where it ended before this was told.
        """
        with self._lock:
            step = self._step(name)
            ended = self._clock()
            step.ended, step.message = ended, one_line(hide(message)) or "done"
            time_taken = seconds(ended - step.started if took is None else took)
            if not self._live:
                self._line(step.name, f"{step.message} ({time_taken})", sign)
                return
            shape = Text(" ") if sign is None else mark(sign, ascii_only=ascii_only(self.console))
            style = "" if sign in {None, Verdict.YES} else STYLES[sign]
            line = Text.assemble(
                shape, " ", (f"{step.name}  ", "bold"), (step.message, style), (f"  {time_taken}", "dim")
            )
            show(self.console, [Paragraph(line)])

    def show(self, what: RenderableType) -> None:
        """Print something for good, above the moving lines: the plan's tables."""
        with self._lock:
            show(self.console, [what])

    def _step(self, name: str) -> _Step:
        if name not in self._steps:
            self._steps[name] = _Step(name=one_line(name), started=self._clock())
        return self._steps[name]

    def _line(self, name: str, message: str, sign: Verdict | None = None) -> None:
        # soft_wrap: a log's line stays one line, whatever width rich assumes without a terminal
        shape = Text() if sign is None else Text.assemble(mark(sign, ascii_only=ascii_only(self.console)), " ")
        self.console.print(Text.assemble(shape, f"{name}: {message}"), soft_wrap=True)

    def _render(self) -> RenderableType:
        with self._lock:
            running = [step for step in self._steps.values() if step.ended is None]
            table = Table.grid(padding=(0, 1), expand=True)
            table.add_column(width=2)
            table.add_column(no_wrap=True)
            table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
            table.add_column(justify="right", no_wrap=True)
            for step in running:
                took = Text(seconds(self._clock() - step.started), style="dim")
                table.add_row(self._spinner, Text(step.name, style="bold"), self._message(step), took)
            return Group(table)

    def _message(self, step: _Step) -> Text:
        if step.fraction is None:
            return Text(step.message)
        return Text.assemble(_bar(step.fraction, ascii_only=ascii_only(self.console)), " ", step.message)


def _bar(fraction: float, *, ascii_only: bool, width: int = 20) -> Text:
    done = round(min(max(fraction, 0.0), 1.0) * width)
    full, empty = ("#", ".") if ascii_only else ("━", "─")
    return Text.assemble((full * done, "cyan"), (empty * (width - done), "dim"))
