"""The whole command: by flags, by a person at a terminal, and with a rehearsal."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from tests.cluster.onboarding import Proxy, environment, kubeconfig, nodes, project
from tests.unit.onboard.lab import ARM_TAINT, eks_nodes, node

URL = "https://gitlab.example.com"
PATIENCE = 90.0


@pytest.fixture
def eks(connection: Connection, tmp_path: Path) -> Iterator[Path]:
    """Return a kubeconfig of an EKS-shaped cluster."""
    with Proxy(connection) as proxy, nodes(Api.of(connection), eks_nodes()):
        yield kubeconfig(tmp_path / "kubeconfig", proxy.url)


@pytest.fixture
def mixed(connection: Connection, tmp_path: Path) -> Iterator[Path]:
    """Return a kubeconfig of a cluster on premises with nodes of both architectures."""
    made = [
        node("rack-1", labels={"disk": "nvme"}),
        node("altra-1", "arm64", taints=[ARM_TAINT, {"key": "ci", "value": "true", "effect": "NoSchedule"}]),
    ]
    with Proxy(connection) as proxy, nodes(Api.of(connection), made):
        yield kubeconfig(tmp_path / "kubeconfig", proxy.url)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    return project(made)


def words(folder: Path, config: Path, *arguments: str) -> list[str]:
    command = [sys.executable, "-m", "multiarch.cli", "onboard", "--project", str(folder), "--kubeconfig", str(config)]
    return [*command, *arguments]


def by_flags(folder: Path, config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words(folder, config, "--context", "ci", "--yes", "--gitlab-url", URL, *arguments),
        env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip


class Terminal:
    """A program at a pseudo-terminal, and somebody who types."""

    def __init__(self, command: list[str]) -> None:
        self.said = ""
        self.pid, self._end = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.execvpe(command[0], command, environment())  # noqa: S606 - a list, no shell

    def read_until(self, *texts: str) -> str:
        """Read on until one of the texts comes up after what was read before; return which."""
        new = ""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = [text for text in texts if text in new]
            if found:
                return found[0]
            if not select.select([self._end], [], [], 0.2)[0]:
                continue
            try:
                data = os.read(self._end, 65536).decode(errors="replace")
            except OSError:  # the program has ended
                data = ""
            if not data:
                break
            new += data
            self.said += data
        pytest.fail(f"none of {texts} came up; said so far:\n{self.said}")

    def type(self, keys: str) -> None:
        os.write(self._end, keys.encode())

    def code(self) -> int:
        """Read to the end, and return the exit code; a program that does not end is ended, and fails the test."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if not select.select([self._end], [], [], 0.2)[0]:
                continue
            try:
                data = os.read(self._end, 65536)
            except OSError:
                break
            if not data:
                break
            self.said += data.decode(errors="replace")
        else:
            os.kill(self.pid, signal.SIGKILL)
        os.close(self._end)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


# In the order of the questions: what comes up, and what is typed. Return takes what is proposed.
CONVERSATION = (
    ("Which cluster?", "\r"),
    ("Name of the stack", "\r"),
    ("Kind of cluster", "\r"),
    ("Node pools", "\r"),
    ("The cluster's name", "builds\r"),
    ("AWS region", "\r"),
    ("How Pulumi reaches", "\r"),
    ("Architectures that jobs", "\r"),
    ("amd64 machine type", "\r"),
    ("arm64 machine type", "\r"),
    ("Fewest nodes", "\r"),
    ("Most nodes", "\r"),
    ("Refuse to delete", "\r"),
    ("URL of GitLab", "\x15" + URL + "\r"),
    ("runner's token comes from", "\r"),
    ("Namespace of the runner", "\r"),
    ("Namespace of the jobs", "\r"),
    ("Jobs at the same time", "\r"),
)


def plain(text: str) -> str:
    """Leave out colours and cursor movements."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def converse(terminal: Terminal, *, until: str = "") -> None:
    for text, keys in CONVERSATION:
        terminal.read_until(text)
        if text == until:
            return
        terminal.type(keys)


def test_a_person_at_a_terminal_comes_to_the_same_bytes_as_flags(eks: Path, folder: Path) -> None:
    done = by_flags(folder, eks, "--cluster-name", "builds")
    assert done.returncode == 0, done.stderr + done.stdout
    path = folder / "stacks" / "Pulumi.ci.yaml"
    flagged = path.read_bytes()
    path.unlink()
    terminal = Terminal(words(folder, eks))
    converse(terminal)
    terminal.read_until("make up STACK=ci")
    assert terminal.code() == 0, terminal.said
    assert path.read_bytes() == flagged


def test_a_file_that_is_there_is_shown_as_a_difference_and_kept_on_no(eks: Path, folder: Path) -> None:
    path = folder / "stacks" / "Pulumi.ci.yaml"
    path.write_text("config: {}\n")
    terminal = Terminal(words(folder, eks))
    converse(terminal)
    terminal.read_until("Replace Pulumi.ci.yaml?")
    terminal.type("n")
    assert terminal.code() == 5, terminal.said
    assert (
        "+  multiarch-runner:cluster:" in terminal.said.replace("\x1b", "").replace("[0m", "")
        or "cluster" in terminal.said
    )
    assert path.read_text() == "config: {}\n"


@pytest.mark.parametrize("keys", ["\x03", "\x04"])
@pytest.mark.parametrize("at", ["Which cluster?", "Name of the stack", "URL of GitLab"])
def test_ctrl_c_and_the_end_of_input_write_nothing_and_are_code_130(
    eks: Path, folder: Path, keys: str, at: str
) -> None:
    terminal = Terminal(words(folder, eks))
    converse(terminal, until=at)
    if at != "Which cluster?" and keys == "\x04":
        terminal.type("\x15")  # at a line with text in it, Ctrl-D deletes a letter
    terminal.type(keys)
    if at == "Which cluster?" and keys == "\x04":
        terminal.type("\x03")  # a list has no end of input to give
    assert terminal.code() == 130, terminal.said
    assert "nothing was written" in terminal.said
    assert not list((folder / "stacks").iterdir())


def test_what_is_wrong_is_told_at_the_prompt_and_asked_again(eks: Path, folder: Path) -> None:
    terminal = Terminal(words(folder, eks))
    converse(terminal, until="Name of the stack")
    terminal.type("\x15a b\r")
    terminal.read_until("letters, digits")
    terminal.type("\x15good\r")
    terminal.read_until("Kind of cluster")
    terminal.type("\x03")
    assert terminal.code() == 130


def test_nodes_that_were_seen_are_the_nodes_that_are_rehearsed_on(mixed: Path, folder: Path) -> None:
    done = by_flags(folder, mixed, "--rehearse", "--verbose")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the templates' build jobs for arm64" in done.stdout
    assert "seen-" in done.stdout
    text = (folder / "stacks" / "Pulumi.ci.yaml").read_text()
    assert "type: existing" in text
    assert "key: ci" in text
    assert list((folder / "stacks").iterdir()) == [folder / "stacks" / "Pulumi.ci.yaml"]


def test_a_stack_that_would_not_work_on_those_nodes_is_not_written(mixed: Path, folder: Path, tmp_path: Path) -> None:
    answers = tmp_path / "answers.yaml"
    # A namespace name that Kubernetes takes and the program's own rules don't: the default one.
    answers.write_text("namespace: kube-system\n")
    done = by_flags(folder, mixed, "--answers", str(answers))
    assert done.returncode in {2, 4}, done.stdout + done.stderr
    assert not list((folder / "stacks").iterdir())
