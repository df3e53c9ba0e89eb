"""Owns the control plane's processes, so that none outlives the rehearsal, however that ends.

Run as a script, with the standard library only, so that it starts in milliseconds and stays small. Its standard
input is a pipe from the rehearsal. When the rehearsal ends in any way, a SIGKILL included, the kernel closes that
pipe, and the supervisor ends every process and removes the data folder. When the supervisor itself is killed, the
kernel kills its children (PR_SET_PDEATHSIG). That signal follows the *thread* that forked: here it is the one thread
there is, which is why the rehearsal, with its many threads, does not start the programs itself.

`keep` cuts the tie: from then on only SIGTERM ends the control plane. While it lives it holds a lock on
`<data>/supervisor.lock`, so that a process id can be trusted not to have been given to another process.

Lines of JSON in: {"start": {"name", "argv", "env", "log"}}, {"keep": true}, {"stop": true}.
Lines of JSON out: {"event": "ready"|"started"|"failed"|"exited"|"kept", "name", "pid", "code", "error"}.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PARENT_CHECK_SECONDS = 1.0
LOCK_NAME = "supervisor.lock"
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> Callable[[], None] | None:
    """Return what a child runs before exec so that it dies with its parent; None where the kernel has no such thing."""
    if not sys.platform.startswith("linux"):
        return None
    # Looked up before the fork: between fork and exec nothing may be loaded.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def run() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel was asked
            os._exit(1)

    return run


class Supervisor:
    """The event loop: commands on standard input, deaths of children, the parent's end."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.kept = False
        self.ending = False
        self.parent = os.getppid()
        self.before_exec = die_with_parent()
        self.buffer = b""
        self.lock = (data / LOCK_NAME).open("w")
        fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def run(self) -> None:
        """Serve until told to stop, or until the parent is gone."""
        awake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
        for descriptor in (awake, wake):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for end in (signal.SIGTERM, signal.SIGINT):
            signal.signal(end, self._end)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.say(event="ready", pid=os.getpid())
        with selectors.DefaultSelector() as selector:
            selector.register(0, selectors.EVENT_READ)
            selector.register(awake, selectors.EVENT_READ)
            while not self.ending:
                ready = {key.fd for key, _ in selector.select(None if self.kept else PARENT_CHECK_SECONDS)}
                if awake in ready:
                    with contextlib.suppress(BlockingIOError):
                        os.read(awake, 4096)
                if 0 in ready and not self.read_commands():
                    selector.unregister(0)
                self.reap()
                if not self.kept and os.getppid() != self.parent:
                    self.ending = True

    def read_commands(self) -> bool:
        """Carry out what arrived on standard input; False once it is closed, which ends a plane that is not kept."""
        received = os.read(0, 65536)
        if not received:
            self.ending = self.ending or not self.kept  # a SIGTERM may have come first
            return False
        *lines, self.buffer = (self.buffer + received).split(b"\n")
        for line in lines:
            self.obey(json.loads(line))
        return True

    def obey(self, command: dict[str, Any]) -> None:
        """Carry out one command."""
        if "start" in command:
            self.start(**command["start"])
        elif "keep" in command:
            self.kept = True
            self.say(event="kept", pid=os.getpid())
        elif "stop" in command:
            self.ending = True

    def start(self, name: str, argv: list[str], env: dict[str, str], log: str) -> None:
        """Start a program, its output appended to its log."""
        self.reap()  # tell of an earlier one by this name first
        try:
            with Path(log).open("ab") as output:
                self.children[name] = subprocess.Popen(
                    argv,
                    env=env,
                    cwd=self.data,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    preexec_fn=self.before_exec,  # noqa: PLW1509 - unsafe only with threads, and there are none here
                )
        except OSError as error:
            self.say(event="failed", name=name, error=f"{error.strerror}: {argv[0]}")
        else:
            self.say(event="started", name=name, pid=self.children[name].pid)

    def reap(self) -> None:
        """Tell of children that ended."""
        for name, child in list(self.children.items()):
            code = child.poll()
            if code is not None:
                del self.children[name]
                self.say(event="exited", name=name, code=code)

    def say(self, **event: Any) -> None:
        """Report to the parent, if it still listens."""
        if self.kept and event.get("event") != "kept":
            return
        with contextlib.suppress(OSError):
            os.write(1, json.dumps(event).encode() + b"\n")

    def end(self) -> None:
        """Kill what is left and remove the data: nothing in it is to be saved, so nothing need be asked nicely."""
        for child in self.children.values():
            child.kill()
        for child in self.children.values():
            child.wait()
        shutil.rmtree(self.data, ignore_errors=True)

    def _end(self, *_: Any) -> None:
        self.ending = True


def main() -> None:
    """Serve for the data folder given as the one argument."""
    supervisor = Supervisor(Path(sys.argv[1]))
    try:
        supervisor.run()
    finally:
        supervisor.end()


if __name__ == "__main__":
    main()
