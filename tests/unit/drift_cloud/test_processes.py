"""Pulumi processes: bounded in number, time and memory, and ended whole."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from multiarch.drift.cloud.commands import command
from multiarch.drift.cloud.processes import Children
from multiarch.drift.model import Check
from multiarch.model.pulumi_answers import CliResult
from tests.recorded.stub_pulumi import StubPulumi

Run = Callable[..., CliResult]


@pytest.fixture
def run(stub: StubPulumi, tmp_path: Path) -> Run:
    def start(children: Children, *, limit: float = 20, stack: str = "gke") -> CliResult:
        return children.run(command(str(stub.program), Check.STATE, stack), cwd=tmp_path, limit=limit)

    return start


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def lives(process: int) -> bool:
    """A zombie lives no more; it only waits for init to take note of it."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[-1].split()[0] == "Z")


def test_an_answer_is_whole(stub: StubPulumi, run: Run, tmp_path: Path) -> None:
    stub.answers({"refresh": {"exit": 7, "stdout": "é" * 300_000, "stderr": "warning\n"}})
    result = run(Children())
    assert (result.exit, len(result.stdout), result.stderr, result.ended) == (7, 300_000, "warning\n", "")
    assert stub.events()[0]["cwd"] == str(tmp_path)


def test_a_hanging_command_is_asked_to_end_at_its_limit(stub: StubPulumi, run: Run) -> None:
    stub.answers({"refresh": {"seconds": 60, "stdout": "{}", "exit_at_interrupt": 0}})
    result = run(Children(), limit=3)
    assert (result.exit, result.ended) == (None, "it did not end within 3 s")
    assert stub.events("interrupted")


def test_a_command_that_ignores_that_is_killed_with_all_that_it_started(stub: StubPulumi, run: Run) -> None:
    stub.answers({"refresh": {"seconds": 60, "stubborn": True, "child": True}})
    result = run(Children(grace=0.3), limit=4)
    assert result.exit is None
    assert stub.events("interrupted")
    assert not lives(stub.events()[0]["pid"])
    wait_until(lambda: not lives(stub.events("child")[0]["child"]))


def test_what_a_command_leaves_behind_does_not_hold_its_answer_up(stub: StubPulumi, run: Run) -> None:
    stub.answers({"refresh": {"exit": 7, "stdout": "{}", "child": True}})
    result = run(Children(), limit=40)
    left = stub.events("child")[0]["child"]
    os.kill(left, 9)
    assert (result.exit, result.stdout, result.ended) == (7, "{}", "")


def test_an_output_without_end_is_not_kept(stub: StubPulumi, run: Run) -> None:
    stub.answers({"refresh": {"megabytes": 50, "exit": 0}})
    result = run(Children())
    assert (result.exit, result.stdout) == (0, "")
    assert result.overflow == 50_000_000


def test_a_flood_is_ended_at_the_limit_too(stub: StubPulumi, run: Run) -> None:
    stub.answers({"refresh": {"megabytes": 100_000_000}})
    result = run(Children(grace=0.2), limit=1)
    assert result.exit is None
    assert result.stdout == ""


def test_the_end_of_a_long_stderr_is_kept(stub: StubPulumi, run: Run) -> None:
    stub.answers({"refresh": {"exit": 1, "stderr": "x" * 1_000_000 + "\nerror: the reason\n"}})
    result = run(Children())
    assert result.stderr.endswith("error: the reason\n")
    assert len(result.stderr) <= 256 * 1024


@pytest.mark.parametrize("program", ["absent", "folder", "text"])
def test_a_program_that_cannot_be_started_is_an_answer(tmp_path: Path, program: str) -> None:
    path = tmp_path / program
    if program == "folder":
        path.mkdir()
    if program == "text":
        path.write_text("no program")
    result = Children().run(command(str(path), Check.STATE, "gke"), cwd=tmp_path, limit=9)
    assert result.exit is None
    assert "could not be started" in result.ended


def test_no_more_run_at_a_time_than_allowed(stub: StubPulumi, run: Run) -> None:
    stub.answers({"refresh": {"seconds": 0.2}})
    children = Children(2)
    with ThreadPoolExecutor(8) as pool:
        results = [one.result() for one in [pool.submit(run, children) for _ in range(8)]]
    assert [result.exit for result in results] == [0] * 8
    changes = sorted(
        [(event["at"], 1) for event in stub.events()] + [(event["at"], -1) for event in stub.events("end")]
    )
    running = [sum(change for _, change in changes[: count + 1]) for count in range(len(changes))]
    assert max(running) == 2


def test_waiting_for_a_hanging_one_takes_no_time_from_the_others(stub: StubPulumi, run: Run) -> None:
    stub.answers({"refresh hung": {"seconds": 60}, "refresh gke": {"exit": 7, "stdout": "{}"}})
    children = Children(1)
    with ThreadPoolExecutor(2) as pool:
        hung = pool.submit(run, children, limit=3, stack="hung")
        wait_until(stub.events)
        waiting = pool.submit(run, children, limit=2.5)
        assert hung.result().exit is None
        assert waiting.result().exit == 7


def test_end_all_ends_what_runs_and_starts_nothing_more(stub: StubPulumi, run: Run) -> None:
    stub.answers({"refresh": {"seconds": 60}})
    children = Children(2)
    with ThreadPoolExecutor(4) as pool:
        results = [pool.submit(run, children) for _ in range(4)]
        wait_until(lambda: len(stub.events()) == 2)
        children.end_all()
        assert not any(lives(event["pid"]) for event in stub.events())
        assert {one.result().ended for one in results} == {"it was interrupted"}
    assert len(stub.events("interrupted")) == 2
    assert run(children).ended == "it was interrupted"
    assert len(stub.events()) == 2


def test_a_second_end_all_does_not_wait_for_a_stubborn_command(stub: StubPulumi, run: Run) -> None:
    stub.answers({"refresh": {"seconds": 60, "stubborn": True}})
    children = Children(grace=500)
    with ThreadPoolExecutor(2) as pool:
        result = pool.submit(run, children)
        wait_until(stub.events)
        first = threading.Thread(target=children.end_all)
        first.start()
        wait_until(lambda: stub.events("interrupted"))
        second = threading.Thread(target=children.end_all)
        second.start()
        wait_until(lambda: not lives(stub.events()[0]["pid"]))
        second.join(20)
        assert not lives(stub.events()[0]["pid"])
        assert result.result().ended == "it was interrupted"
        first.join(20)
        assert not first.is_alive()


def test_end_all_with_nothing_running_returns() -> None:
    Children().end_all()
