"""The rehearsal's end of the supervisor: start programs, learn of their deaths, read the last lines of their logs."""

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from multiarch.core.environment import Child, environment
from multiarch.rehearse.control_plane import supervisor
from multiarch.rehearse.control_plane.errors import StartError

_REPLY_SECONDS = 10.0
_END_SECONDS = 10.0
_LOG_LINES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to start: its name, its command line and its whole environment."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


class Processes:
    """Programs that live as long as this object is not closed, and not a moment longer than this process.

    The tie is a pipe whose writing end only this process has (Python's descriptors are not inherited across exec). A
    bare `os.fork()` without exec shares it; the supervisor then notices at its parent's end by its own parent's id.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._logs = data / "logs"
        self._logs.mkdir(mode=0o700, exist_ok=True)
        self._pending = b""
        self.pids: dict[str, int] = {}
        self._exits: dict[str, int] = {}
        self._failures: dict[str, str] = {}
        self._ready = False
        self.kept = False
        self._sending = threading.Lock()
        """Held while the pipe to the supervisor is written to or closed: another thread may close it at any moment."""
        with self.log("supervisor").open("ab") as log:
            self._process = subprocess.Popen(
                # -I, -S: nothing of the user's environment or site packages is loaded, so it starts in milliseconds.
                [sys.executable, "-I", "-S", supervisor.__file__, str(data)],
                env=environment(Child.OWN),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the rehearsal; it ends the programs in order
            )
        self._await(lambda: self._ready, "the supervisor of the control plane did not start")

    @property
    def supervisor_pid(self) -> int:
        """Process id of the supervisor, whose children the programs are."""
        return self._process.pid

    def start(self, program: Program) -> int:
        """Start a program and return its process id. Raises StartError when it cannot be run at all."""
        self._send(
            {
                "start": {
                    "name": program.name,
                    "argv": list(program.argv),
                    "env": dict(program.env),
                    "log": str(self.log(program.name)),
                }
            }
        )
        self.pids.pop(program.name, None)
        self._failures.pop(program.name, None)
        self._await(
            lambda: program.name in self.pids or program.name in self._failures,
            f"{program.name} was not started in time",
        )
        if program.name in self._failures:
            raise StartError(f"{program.name} cannot be run: {self._failures[program.name]}")
        return self.pids[program.name]

    def log(self, name: str) -> Path:
        """Path of a program's log."""
        return self._logs / f"{name}.log"

    def last_lines(self, name: str, count: int = _LOG_LINES) -> list[str]:
        """Return the last lines of a program's log, the part that tells why it ended."""
        try:
            text = self.log(name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return [line for line in text.splitlines() if line.strip()][-count:]

    def exited(self, name: str) -> int | None:
        """Exit code of a program that ended (negative: the signal that ended it), or None while it runs."""
        self._receive(0)
        if self._process.poll() is not None and name not in self._exits:
            return self._process.returncode
        return self._exits.get(name)

    def check(self) -> None:
        """Raise StartError, with the last lines of its log, when any started program has ended."""
        for name in self.pids:
            code = self.exited(name)  # of the supervisor, where that took its programs along
            if code is not None:
                lines = "".join(f"\n  {line}" for line in self.last_lines(name))
                raise StartError(f"{name} ended with {describe_exit(code)}; the last lines of its log:{lines}")

    def keep(self) -> None:
        """Cut the tie: the programs outlive this process, until the supervisor gets a SIGTERM."""
        self._send({"keep": True})
        self._await(lambda: self.kept, "the supervisor did not answer")
        self._close_pipes()

    def close(self) -> None:
        """End all programs, and wait until they are gone and the data folder is removed. Harmless when repeated."""
        if self.kept:
            return
        try:
            self._send({"stop": True})
        except StartError:
            pass  # it is gone already, and its children with it
        finally:
            self._close_pipes()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()  # the kernel kills its children with it
            self._process.wait()

    def _close_pipes(self) -> None:
        with self._sending:
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()

    def _send(self, command: Mapping[str, Any]) -> None:
        line, pipe = json.dumps(command).encode() + b"\n", self._process.stdin
        with self._sending:
            if pipe is None or pipe.closed:
                raise StartError("the control plane was stopped")
            try:
                pipe.write(line)
                pipe.flush()
            except OSError as error:
                raise StartError("the supervisor of the control plane is gone") from error

    def _await(self, happened: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + _REPLY_SECONDS
        while not happened():
            left = deadline - time.monotonic()
            if not self._receive(min(max(left, 0.0), 0.5)) and (left <= 0 or self._process.poll() is not None):
                raise StartError("; ".join([otherwise, *self.last_lines("supervisor", 1)]))

    def _receive(self, seconds: float) -> bool:
        pipe = self._process.stdout
        try:
            if pipe is None or not select.select([pipe], [], [], seconds)[0]:
                return False
            received = os.read(pipe.fileno(), 65536)
        except (OSError, ValueError):  # closed, perhaps just now by another thread that stops the control plane
            return False
        *lines, self._pending = (self._pending + received).split(b"\n")
        for line in lines:
            self._note(json.loads(line))
        return bool(received)

    def _note(self, event: Mapping[str, Any]) -> None:
        match event["event"]:
            case "ready":
                self._ready = True
            case "started":
                self.pids[event["name"]] = event["pid"]
                self._exits.pop(event["name"], None)  # of the one before it
            case "failed":
                self._failures[event["name"]] = event["error"]
            case "exited":
                self._exits[event["name"]] = event["code"]
            case "kept":
                self.kept = True


def describe_exit(code: int) -> str:
    """`exit code 1` or `signal 9`."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"
