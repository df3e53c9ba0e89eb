"""Pulumi processes: how many at a time, for how long, and how they are ended. The one place that starts any."""

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from multiarch.core.environment import Child, environment
from multiarch.drift.cloud.commands import dropped, is_read_only
from multiarch.model.pulumi_answers import CliResult

STDOUT_BOUND = 32 * 1024 * 1024
"""Bytes kept of one answer; a recorded one takes about 5 KB a resource."""
STDERR_BOUND = 256 * 1024
"""Bytes kept of the end of stderr, where the reason stands."""
GRACE = 10.0
"""Seconds between SIGINT, at which Pulumi cancels in good order, and SIGKILL."""
AFTER_KILL = 2.0
"""Seconds to wait for what a kill leaves; nothing waits longer, whatever holds a pipe."""
LINGER = 2.0
"""Seconds in which the pipes of a command that has ended may still be held open by what it left behind."""
TICK = 0.1
"""Seconds between two looks at deadlines; output and its end are seen at once."""
CHUNK = 64 * 1024
INTERRUPTED = "it was interrupted"


class Children:
    """Every Pulumi process of one run, whichever stack it works for. Safe to use from many threads.

    `most` processes run at the same time; a further one waits for its turn. Its time begins when it does, so that a
    stack that hangs takes none from the others. `grace` is in seconds, `bound` in bytes.
    """

    def __init__(self, most: int = 4, *, grace: float = GRACE, bound: int = STDOUT_BOUND) -> None:
        self._changed = threading.Condition()
        self._free = most
        self._grace = grace
        self._bound = bound
        self._running: set[_Child] = set()
        self._refusing = False

    def run(self, command: Sequence[str], *, cwd: Path, limit: float) -> CliResult:
        """Run one read-only command to its end, or end it `limit` seconds after its start.

        It never raises for what the command does: a program that can't be started, or was ended, has no exit code, and
        `ended` says why. Raises ValueError for a command that isn't one of `commands.READ_ONLY`.
        """
        if not is_read_only(command):
            raise ValueError(f"a drift check does not run this: {' '.join(command)}")
        if not self._take():
            return _no_answer(command, INTERRUPTED)
        try:
            return self._run(command, cwd, limit)
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()

    def end_all(self) -> None:
        """End all running commands, gently first, and start no more. A second call ends them at once.

        Returns when all have ended, at the latest after the grace.
        """
        with self._changed:
            again, self._refusing = self._refusing, True
            for child in self._running:
                (child.kill if again else child.stop).set()
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._running, timeout=self._grace + AFTER_KILL + 1)

    def _take(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._refusing or self._free > 0)
            if self._refusing:
                return False
            self._free -= 1
            return True

    def _run(self, command: Sequence[str], cwd: Path, limit: float) -> CliResult:
        began = time.monotonic()
        with self._changed:
            if self._refusing:
                return _no_answer(command, INTERRUPTED)
            try:
                process = _start(command, cwd)
            except OSError as error:
                return _no_answer(command, f"it could not be started: {error.strerror or error}")
            child = _Child(process, bound=self._bound, grace=self._grace, limit=limit)
            self._running.add(child)
        try:
            child.watch(began + limit)
        finally:
            child.close()
            with self._changed:
                self._running.discard(child)
                self._changed.notify_all()
        return child.result(tuple(command), time.monotonic() - began)


def _start(command: Sequence[str], cwd: Path) -> subprocess.Popen[bytes]:
    """Start it as the leader of a process group of its own: a terminal's Ctrl-C reaches it through us alone."""
    return subprocess.Popen(
        list(command),
        cwd=cwd,
        env=environment(Child.PULUMI, without=dropped(os.environ)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _end(err: bytes | bytearray) -> bytes | bytearray:
    """Keep the end of stderr; no half of a line, since half a secret has no shape by which it would be hidden."""
    return err if len(err) <= STDERR_BOUND else err[-STDERR_BOUND:].partition(b"\n")[2]


def _no_answer(command: Sequence[str], reason: str) -> CliResult:
    return CliResult(command=tuple(command), exit=None, stdout="", stderr="", ended=reason)


@dataclass(slots=True)
class _Stage:
    """How far the ending of a command has come, and when the next step is due."""

    number: int
    due: float


class _Child:
    """One running command."""

    def __init__(self, process: subprocess.Popen[bytes], *, bound: int, grace: float, limit: float) -> None:
        self.stop, self.kill = threading.Event(), threading.Event()
        self._process, self._bound, self._grace, self._limit = process, bound, grace, limit
        self._out, self._err = bytearray(), bytearray()
        self._dropped = 0
        self._ended = ""

    def watch(self, deadline: float) -> None:
        """Read until the command and its output end; at the deadline, or when told to, end its process group."""
        stage, exited_at = _Stage(0, deadline), None
        with selectors.DefaultSelector() as selector:
            for pipe in self._pipes():
                selector.register(pipe, selectors.EVENT_READ)
            while True:
                self._read(selector)
                now = time.monotonic()
                if self._has_exited():
                    exited_at = exited_at or now
                    if not selector.get_map() or now - exited_at > LINGER:
                        return
                if self._next_stage(stage, now):
                    return

    def _read(self, selector: selectors.BaseSelector) -> None:
        if not selector.get_map():
            time.sleep(TICK / 10)
            return
        for key, _ in selector.select(TICK):
            chunk = os.read(key.fd, CHUNK)
            if not chunk:
                selector.unregister(key.fileobj)
            elif key.fileobj is self._process.stdout:
                self._keep(chunk)
            else:
                self._err += chunk
                if len(self._err) > 2 * STDERR_BOUND:
                    del self._err[:-STDERR_BOUND]

    def _keep(self, chunk: bytes) -> None:
        if self._dropped or len(self._out) + len(chunk) > self._bound:
            self._dropped += len(self._out) + len(chunk)
            self._out = bytearray()
        else:
            self._out += chunk

    def _next_stage(self, stage: _Stage, now: float) -> bool:
        """Take the next step of ending it, where one is due; tell whether nothing is left to be done."""
        if stage.number == 0 and (now >= stage.due or self.stop.is_set()):
            self._ended = INTERRUPTED if self.stop.is_set() else f"it did not end within {self._limit:.0f} s"
            self._signal(signal.SIGINT)
            stage.number, stage.due = 1, now + self._grace
        elif stage.number == 1 and (now >= stage.due or self.kill.is_set()):
            self._signal(signal.SIGKILL)
            stage.number, stage.due = 2, now + AFTER_KILL
        return stage.number > 1 and now >= stage.due

    def _has_exited(self) -> bool:
        """Look without reaping it: as long as it is a zombie, nobody else can be given its process group's number."""
        if self._process.returncode is not None:
            return True
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            return self._process.poll() is not None
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def close(self) -> None:
        """Let nothing of it live on where it was ended or left in the middle, and give its pipes back."""
        if self._ended or not self._has_exited():
            self._signal(signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=AFTER_KILL)
        for pipe in self._pipes():
            pipe.close()

    def result(self, command: tuple[str, ...], seconds: float) -> CliResult:
        """Tell what was seen. A command that was ended has no exit code, whatever it left with."""
        return CliResult(
            command=command,
            exit=None if self._ended else self._process.returncode,
            stdout=self._out.decode(errors="replace"),
            stderr=_end(self._err).decode(errors="replace"),
            seconds=seconds,
            ended=self._ended or ("" if self._process.returncode is not None else "it did not end"),
            overflow=self._dropped,
        )

    def _pipes(self) -> tuple[IO[bytes], ...]:
        return tuple(pipe for pipe in (self._process.stdout, self._process.stderr) if pipe is not None)
