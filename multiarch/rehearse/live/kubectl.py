"""Commands in a pod's containers, by kubectl: the client of that protocol that everybody trusts."""

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from multiarch.core.environment import Child, environment
from multiarch.rehearse.control_plane.tied import tied

_ENDED: Final = "command terminated with exit code "
"""How kubectl says that the command itself failed, and not the way to it (k8s.io/client-go, tools/remotecommand)."""

_FORBIDDEN: Final = re.compile(r'is forbidden: User .* cannot \w+ resource "pods/exec"')
"""RBAC's own sentence (k8s.io/apiserver, endpoints/handlers/responsewriters). A kubelet that refuses the API server has
another one."""
_TAIL: Final = 1000
"""Bytes at the end of a log in which kubectl's own words are looked for."""
_LAST: Final = re.compile(
    # It stands behind the job's own last line, also where that has no end.
    rb"(?:" + _ENDED.encode() + rb"\d+|^(?:error: |Error from server|Unable to connect)[^\n]*)\n?\Z",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Said:
    """How a command in a container ended."""

    code: int | None
    """Its exit code; None where it was not run to its end: the error says why."""
    output: bytes
    error: str = ""
    """What it wrote to standard error; or kubectl's own words."""
    overdue: bool = False
    """Whether it was ended because it took longer than it may."""

    @property
    def forbidden(self) -> bool:
        """Whether the API server says that this account may not run commands in containers."""
        return self.code is None and _FORBIDDEN.search(self.error) is not None


class Kubectl:
    """kubectl with one kubeconfig. Use as a context manager: its folder is deleted at the end."""

    def __init__(self, program: Path, kubeconfig: bytes) -> None:
        self._program = program
        self._content = kubeconfig
        self._folder = tempfile.TemporaryDirectory(prefix="multiarch-kubectl-")
        self._running: list[subprocess.Popen[bytes]] = []
        self._stopped = False

    def __enter__(self) -> Self:
        """Write its kubeconfig (0600)."""
        descriptor = os.open(self._kubeconfig, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(self._content)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Delete the folder."""
        self._folder.cleanup()

    def stop(self) -> None:
        """End what runs now, and start nothing any more: nobody waits for it."""
        self._stopped = True
        for process in tuple(self._running):  # one that starts just now looks whether it may
            process.kill()

    def execute(
        self,
        where: tuple[str, str, str],
        words: Sequence[str],
        *,
        seconds: float,
        given: bytes | None = None,
        log: Path | None = None,
    ) -> Said:
        """Run a command in a container: `where` is its namespace, pod and name.

        What it writes goes into `log`, in its order, where that is given; else its output is returned. Raises nothing
        for a command that fails, takes longer than `seconds`, or can't be run.
        """
        namespace, pod, container = where
        stdin = ["--stdin"] if given is not None else []
        asked = ["--namespace", namespace, "exec", *stdin, pod, "--container", container, "--", *words]
        return self._run(asked, seconds, given, log)

    def logs(self, where: tuple[str, str, str], *, seconds: float) -> Said:
        """Return what a container wrote. Raises nothing, as above."""
        namespace, pod, container = where
        return self._run(["--namespace", namespace, "logs", pod, "--container", container], seconds)

    def _run(
        self, arguments: Sequence[str], seconds: float, given: bytes | None = None, log: Path | None = None
    ) -> Said:
        command = [str(self._program), "--kubeconfig", str(self._kubeconfig), *arguments]
        with ExitStack() as files:
            into = files.enter_context(log.open("ab")) if log else subprocess.PIPE
            process = files.enter_context(
                subprocess.Popen(
                    tied(command),
                    env=environment(Child.OWN, {"HOME": self._folder.name}),
                    stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
                    stdout=into,
                    stderr=subprocess.STDOUT if log else subprocess.PIPE,
                )
            )
            try:
                self._running.append(process)
                if self._stopped:
                    process.kill()
                output, error = process.communicate(given, timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                return Said(None, b"", f"it did not end within {seconds:.0f} s", overdue=True)
            except BaseException:
                process.kill()
                raise
            finally:
                self._running.remove(process)
        if self._stopped:
            return Said(None, output or b"", "interrupted")
        return _said(process.returncode, output or b"", _words(error, log))

    @property
    def _kubeconfig(self) -> Path:
        return Path(self._folder.name, "kubeconfig")


def _said(code: int, output: bytes, words: str) -> Said:
    if code == 0 or _ENDED in words:
        return Said(code, output, words)
    return Said(None, output, words.strip().removeprefix("error: ") or f"kubectl ended with {code} and no message")


def _words(error: bytes | None, log: Path | None) -> str:
    """Return kubectl's own words: at the end of the log, where both go there; they are then taken off it."""
    if log is None:
        return (error or b"").decode(errors="replace")
    with log.open("r+b") as file:
        start = file.seek(max(0, log.stat().st_size - _TAIL))
        found = _LAST.search(file.read())
        if found is None:
            return ""
        file.truncate(start + found.start())
        return found[0].decode(errors="replace")
