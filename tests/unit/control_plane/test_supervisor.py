"""The supervisor with programs that need nothing: `sleep`, `sh`."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from multiarch.rehearse.control_plane.errors import KeptPlaneError, StartError
from multiarch.rehearse.control_plane.folders import held, private_folder, sweep
from multiarch.rehearse.control_plane.keep import STATE_NAME, KeptPlane, find_kept, record, refuse_second, stop_kept
from multiarch.rehearse.control_plane.processes import Processes, Program
from multiarch.rehearse.control_plane.supervisor import Supervisor
from multiarch.rehearse.control_plane.tied import tied

SLEEP = Program(name="sleeper", argv=("/bin/sleep", "60"))
DEADLINE = 5.0


def alive(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return text.rsplit(")", 1)[1].split()[0] != "Z"


def ends(pid: int) -> bool:
    deadline = time.monotonic() + DEADLINE
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(pid)


def exit_of(processes: Processes, name: str) -> int | None:
    deadline = time.monotonic() + DEADLINE
    while (code := processes.exited(name)) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    return code


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def processes(data: Path) -> Iterator[Processes]:
    made = Processes(data)
    yield made
    made.close()


def test_closing_ends_the_programs_and_removes_the_data(processes: Processes, data: Path) -> None:
    pid = processes.start(SLEEP)
    assert alive(pid)
    assert held(data)
    processes.close()
    assert not alive(pid)
    assert not data.exists()
    processes.close()


def test_a_program_that_cannot_be_run_is_told(processes: Processes) -> None:
    with pytest.raises(StartError, match="absent cannot be run: No such file or directory: /no/such/program"):
        processes.start(Program(name="absent", argv=("/no/such/program",)))


def test_a_program_that_ends_is_told_with_its_last_words(processes: Processes) -> None:
    script = "for n in 1 2 3 4 5 6 7 8 9; do echo line $n; done; exit 3"
    processes.start(Program(name="talker", argv=("/bin/sh", "-c", script)))
    assert exit_of(processes, "talker") == 3
    with pytest.raises(StartError, match=r"(?s)talker ended with exit code 3.*line 2\n.*line 9$") as told:
        processes.check()
    assert "line 1" not in str(told.value)


def test_a_program_may_be_started_again_after_its_end(processes: Processes) -> None:
    processes.start(Program(name="twice", argv=("/bin/false",)))
    assert exit_of(processes, "twice") == 1
    processes.start(Program(name="twice", argv=("/bin/sleep", "60")))
    assert processes.exited("twice") is None
    processes.check()


def test_programs_get_the_environment_they_were_given_and_no_descriptor_of_ours(processes: Processes) -> None:
    script = "env > env; ls /proc/self/fd > fds"
    processes.start(Program(name="looker", argv=("/bin/sh", "-c", script), env={"ONLY": "this"}))
    assert exit_of(processes, "looker") == 0
    folder = processes.log("looker").parent.parent
    assert {line.split("=")[0] for line in (folder / "env").read_text().splitlines()} <= {"ONLY", "PWD", "SHLVL", "_"}
    assert (folder / "fds").read_text().split() == ["0", "1", "2", "3"]  # 3: the folder that ls reads


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_whatever_a_start_is_doing_when_another_thread_closes_is_told_as_a_stop(tmp_path: Path) -> None:
    """Between a look at the pipe and the write to it there was time for the other thread to close it."""
    for turn in range(25):
        folder = tmp_path / str(turn)
        folder.mkdir(mode=0o700)
        processes = Processes(folder)
        with ThreadPoolExecutor(1) as pool:
            starts = pool.submit(_start_for_ever, processes)
            time.sleep(0.001 * turn)
            processes.close()
            with pytest.raises(StartError):
                starts.result(DEADLINE)


def _start_for_ever(processes: Processes) -> None:
    quick = Program(name="quick", argv=("/bin/true",), env={"PADDING": "x" * 20000})
    while True:
        processes.start(quick)


def test_a_killed_supervisor_takes_its_programs_along(processes: Processes) -> None:
    pid = processes.start(SLEEP)
    os.kill(processes.supervisor_pid, signal.SIGKILL)
    assert ends(pid)
    with pytest.raises(StartError):
        processes.start(SLEEP)
    with pytest.raises(StartError, match="sleeper ended with"):
        processes.check()


PARENT = """
import os, sys, time
from pathlib import Path
from multiarch.rehearse.control_plane.processes import Processes, Program
processes = Processes(Path(sys.argv[1]))
processes.start(Program(name="sleeper", argv=("/bin/sleep", "60")))
child = os.fork() if sys.argv[2] == "fork" else 1
if child:
    print(processes.pids["sleeper"], flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("how", ["plain", "fork"])
def test_the_programs_end_with_a_parent_that_is_killed(data: Path, how: str) -> None:
    # `fork`: a child without exec still holds the pipe; then the supervisor must notice by its parent's id.
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(data), how],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        group = os.getpgid(parent.pid)
        try:
            parent.kill()
            assert ends(pid)
        finally:
            os.killpg(group, signal.SIGKILL)


TIED = """
import subprocess, sys, threading
from multiarch.rehearse.control_plane.tied import tied
process = subprocess.Popen(tied(["/bin/sleep", "60"]))
print(process.pid, flush=True)
process.wait()
"""


def test_a_tied_command_ends_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", TIED], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        deadline = time.monotonic() + DEADLINE
        while Path(f"/proc/{pid}/comm").read_text() != "sleep\n" and time.monotonic() < deadline:
            time.sleep(0.01)
        assert alive(pid)
        parent.kill()
        assert ends(pid)


def test_a_tied_command_keeps_its_exit_code_and_output() -> None:
    done = subprocess.run(tied(["/bin/sh", "-c", "echo out; exit 3"]), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "out\n")


def kept_plane(processes: Processes, data: Path, folder: Path) -> KeptPlane:
    folder.mkdir(mode=0o700, exist_ok=True)
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text("kind: Config\n")
    return KeptPlane(
        server="https://127.0.0.1:1",
        context="multiarch-rehearsal",
        kubeconfig=str(kubeconfig),
        data=str(data),
        supervisor=processes.supervisor_pid,
    )


def test_what_is_kept_outlives_closing_and_ends_when_it_is_stopped(
    processes: Processes, data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / ".rehearsal"
    pid = processes.start(SLEEP)
    record(kept_plane(processes, data, folder), folder)
    processes.keep()
    processes.close()
    assert alive(pid)
    assert stat.S_IMODE((folder / STATE_NAME).stat().st_mode) == 0o600
    with pytest.raises(KeptPlaneError, match="already kept"):
        refuse_second(folder)
    assert stop_kept(folder) is not None
    assert ends(pid)
    assert list(folder.iterdir()) == []
    refuse_second(folder)
    assert stop_kept(folder) is None


def test_a_stop_is_not_undone_by_the_pipes_end_that_comes_after_it(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    supervisor = Supervisor(data)
    supervisor.kept = True
    supervisor._end()  # SIGTERM
    monkeypatch.setattr("multiarch.rehearse.control_plane.supervisor.os.read", lambda *_: b"")
    assert not supervisor.read_commands()
    assert supervisor.ending
    supervisor.end()


def test_a_state_file_of_a_plane_that_is_gone_names_none(processes: Processes, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / ".rehearsal"
    kept = kept_plane(processes, data, folder)
    record(kept, folder)
    processes.close()
    # Its process id may belong to another process by now: only the lock tells.
    innocent = KeptPlane(**{**{f: getattr(kept, f) for f in KeptPlane.__slots__}, "supervisor": os.getpid()})
    record(innocent, folder)
    assert find_kept(folder) is None
    assert stop_kept(folder) is None


@pytest.mark.parametrize("text", ["", "[]", '{"server": "x"}', "{"])
def test_a_state_file_that_cannot_be_understood_is_no_none(tmp_path: Path, text: str) -> None:
    (tmp_path / STATE_NAME).write_text(text)
    with pytest.raises(KeptPlaneError, match="cannot be read"):
        find_kept(tmp_path)


def test_a_folder_is_private_and_short_enough_for_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    folder = private_folder()
    try:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert len(str(folder)) < 90
        assert list(deep.iterdir()) == []
    finally:
        folder.rmdir()


def test_only_folders_whose_supervisor_is_gone_are_swept(tmp_path: Path) -> None:
    living, dead, young = (tmp_path / f"multiarch-plane-{name}" for name in ("living", "dead", "young"))
    for folder in (living, dead, young):
        folder.mkdir()
    (dead / "supervisor.lock").touch()
    running = Processes(living)
    try:
        assert sweep(tmp_path, older_than=60) == []
        assert sweep(tmp_path, older_than=-1) == [dead]
        assert living.exists()
        assert young.exists()  # has no lock yet: it is being started
    finally:
        running.close()
