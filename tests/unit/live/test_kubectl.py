"""How a command in a container ended is read from kubectl's own last words, which stand behind the command's."""

import stat
import threading
import time
from pathlib import Path

import pytest

from multiarch.rehearse.live.kubectl import Kubectl, Said


def told(folder: Path, text: str, code: int) -> tuple[Said, str]:
    """Let a program in kubectl's place say a text and end, and return what was made of it, and the log."""
    program, log = folder / "kubectl", folder / "log"
    program.write_text(f"#!/bin/sh\nprintf '{text}'\nexit {code}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    with Kubectl(program, b"") as kubectl:
        said = kubectl.execute(("jobs", "pod", "build"), ["sh"], seconds=10, log=log)
    return said, log.read_text()


@pytest.mark.parametrize("last", ["done\\n", "no end of line", "error: of my own\\n", ""])
def test_a_command_that_fails_has_its_own_exit_code_whatever_it_said_last(tmp_path: Path, last: str) -> None:
    said, log = told(tmp_path, f"{last}command terminated with exit code 3\\n", 3)
    assert said.code == 3
    assert log == last.replace("\\n", "\n"), "kubectl's own words are no part of the job's log"


def test_where_kubectl_itself_fails_the_command_was_not_run_to_its_end(tmp_path: Path) -> None:
    said, log = told(tmp_path, "building\\nerror: unable to upgrade connection: no\\n", 1)
    assert (said.code, said.error) == (None, "unable to upgrade connection: no")
    assert log == "building\n"


def test_a_command_that_nobody_waits_for_any_more_is_ended_and_none_follows(tmp_path: Path) -> None:
    """Only a terminal interrupts kubectl itself: SIGTERM reaches this process alone."""
    program = tmp_path / "kubectl"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o700)
    began = time.monotonic()
    with Kubectl(program, b"") as kubectl:
        threading.Timer(0.2, kubectl.stop).start()
        ended = [kubectl.execute(("jobs", "pod", "build"), ["sh"], seconds=60, given=b"in") for _ in range(2)]
    assert [one.code for one in ended] == [None, None]
    assert {one.error for one in ended} == {"interrupted"}
    assert time.monotonic() - began < 10
