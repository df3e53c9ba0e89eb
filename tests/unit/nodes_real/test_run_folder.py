"""A rehearsal's folder holds all that it makes, tells others that it runs, and goes also after a kill -9."""

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from multiarch import cli
from multiarch.core.waiting import wait_while
from multiarch.rehearse.control_plane.errors import KeptPlaneError, StartError
from multiarch.rehearse.control_plane.folders import hold
from multiarch.rehearse.nodes import host, journal, real, run_folder
from multiarch.rehearse.nodes.run_folder import own_folder, processes, read
from tests.repository import ROOT

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs Linux' /proc")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are, for this test alone."""
    folder = tmp_path / "t"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(run_folder, "short_folder", lambda prefix, **_: Path(tempfile.mkdtemp(prefix=prefix)))
    return folder


def test_all_temporary_files_of_a_run_and_its_children_are_in_its_folder_and_go_with_it(
    state: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", "as-it-was")
    with own_folder(state) as folder:
        assert folder.parent == place
        assert folder.stat().st_mode & 0o777 == 0o700
        assert Path(tempfile.mkdtemp()).parent == folder
        script = "import tempfile; print(tempfile.mkdtemp())"
        child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert Path(child.stdout).parent == folder
    assert os.environ["TMPDIR"] == "as-it-was"
    assert list(place.iterdir()) == []
    assert not state.exists()


def test_it_is_written_down_before_anything_is_put_into_it(
    state: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with own_folder(state) as folder:
        assert [path.name for path in folder.iterdir()] == ["supervisor.lock"]
        run = read(state)
        assert run is not None
        assert (run.folder, run.process, run.running()) == (str(folder), os.getpid(), True)

    def full(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(run_folder, "_note", full)
    with pytest.raises(OSError, match="full"), own_folder(state):
        pytest.fail("it runs, and nobody could undo it")
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, StartError])
def test_it_goes_whatever_ends_the_run(state: Path, place: Path, error: type[BaseException]) -> None:
    def run() -> None:
        with own_folder(state) as folder:
            (folder / "config.toml").write_text("token")
            raise error

    with pytest.raises(error):
        run()
    assert list(place.iterdir()) == []
    assert not state.exists()


OWNER = textwrap.dedent("""
    import subprocess, sys, time
    from pathlib import Path
    from multiarch.rehearse.nodes.run_folder import own_folder
    with own_folder(Path(sys.argv[1])) as folder:
        (folder / "config.toml").write_text("token")
        subprocess.Popen(["sleep", sys.argv[2]])
        print(folder, flush=True)
        time.sleep(60)
""")
CHILD_SECONDS = "1.5"
"""How long a child of a killed run lives on: what is tied to it takes a moment, too."""


@pytest.fixture
def other(state: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process's run, with a child."""
    with tempfile.TemporaryDirectory(prefix="m-") as place:
        command = [sys.executable, "-c", OWNER, str(state), CHILD_SECONDS]
        own = {**os.environ, "TMPDIR": place}
        with subprocess.Popen(command, cwd=ROOT, env=own, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline().strip().startswith(place)
            yield process
            process.kill()


def test_while_it_runs_a_second_start_and_down_are_told_whom_to_wait_for(
    state: Path, other: subprocess.Popen[str]
) -> None:
    run = read(state)
    for ask in (real.clear_leftovers, real.stop_kept, lambda folder: own_folder(folder).__enter__()):
        with pytest.raises(KeptPlaneError, match=rf"a rehearsal is running .*process {other.pid}\). Wait for its end"):
            ask(state)
    assert run is not None
    assert (Path(run.folder) / "config.toml").exists()
    assert read(state) == run


@pytest.mark.parametrize("clear", [real.clear_leftovers, real.stop_kept])
def test_after_kill_9_its_folder_goes_once_its_processes_have_ended(
    state: Path,
    other: subprocess.Popen[str],
    monkeypatch: pytest.MonkeyPatch,
    clear: Callable[[Path], list[str] | None],
) -> None:
    run = read(state)
    assert run is not None
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert list(processes(run.folder).values()) == [f"sleep {CHILD_SECONDS}"]
    assert not set(processes(run.folder)) & set(processes()), "it is not here, where others look for what theirs left"
    monkeypatch.setattr(tempfile, "tempdir", str(Path(run.folder).parent))
    assert set(processes(run.folder)) <= set(processes())
    assert clear(state) == ["removed the temporary folder of a rehearsal that was killed"]
    assert not processes(run.folder)
    assert not Path(run.folder).exists()
    assert not state.exists()


def test_what_does_not_end_is_told_and_stays_written_down(state: Path, other: subprocess.Popen[str]) -> None:
    run = read(state)
    other.kill()
    other.wait()
    assert run is not None
    with pytest.raises(StartError, match=r"has not ended yet: process \d+ \(sleep\)"):
        run_folder.undo(run, state, seconds=0.1)
    assert read(state) == run
    assert (Path(run.folder) / "config.toml").exists()
    assert not wait_while(lambda: processes(run.folder), 10)


def test_nodes_whose_supervisor_outlives_a_killed_run_for_a_moment_are_undone_and_not_taken_for_kept_ones(
    state: Path, other: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = read(state)
    assert run is not None
    data = Path(run.folder, "multiarch-nodes-1")
    data.mkdir()
    journal.Journal(data, 2**22 + 1, state)
    other.kill()
    other.wait()
    monkeypatch.setattr(journal, "undo", lambda done, _: [f"ended those of {done.data}"])
    with hold(data):
        assert real.clear_leftovers(state)[0] == f"ended those of {data}"


def test_nodes_that_are_kept_are_none_of_a_run(state: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    journal.Journal(data, 2**22 + 1, state)
    with hold(data), pytest.raises(KeptPlaneError, match="multiarch nodes down"):
        real.clear_leftovers(state)


def test_its_own_nodes_may_start_while_it_runs(state: Path, place: Path) -> None:
    with own_folder(state):
        assert real.clear_leftovers(state) == []
        assert list(place.iterdir()) != []


@pytest.mark.parametrize("text", ["", "[]", '{"folder": 1}'])
def test_what_cannot_be_understood_is_told_with_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(KeptPlaneError, match=r"cannot be read.*remove by hand"):
        real.clear_leftovers(tmp_path)


@pytest.mark.parametrize(
    "arguments", ["nodes up", "nodes down", "rehearse --run --stack local", "rehearse --run --clean"]
)
def test_every_command_says_that_a_rehearsal_runs(
    state: Path, other: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch, arguments: str
) -> None:
    for name in ("clear_leftovers", "stop_kept"):
        asked = getattr(real, name)
        monkeypatch.setattr(real, name, lambda *_, asked=asked, **more: asked(state, **more))
    monkeypatch.setattr(host, "check_root", lambda: None)
    monkeypatch.setattr(host, "check", lambda *_: pytest.fail("it goes on"))
    monkeypatch.chdir(ROOT)
    ran = CliRunner().invoke(cli.multiarch, arguments.split())
    assert ran.exit_code == 2, ran.output
    assert f"a rehearsal is running on this machine (process {other.pid}). Wait for its end" in ran.output
