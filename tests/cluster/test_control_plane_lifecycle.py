"""However a rehearsal ends, nothing of its control plane is left; only `keep` leaves one, and `stop_kept` ends that."""

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from multiarch.rehearse.control_plane import plane as module
from multiarch.rehearse.control_plane.errors import KeptPlaneError, StartError
from multiarch.rehearse.control_plane.existing import use_existing
from multiarch.rehearse.control_plane.folders import sweep
from multiarch.rehearse.control_plane.keep import find_kept, stop_kept
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.control_plane.progress import Progress, State
from multiarch.rehearse.control_plane.sources import Binaries

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import json, signal, sys, threading, time
from pathlib import Path
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.control_plane.sources import Binaries, BinarySource, Origin

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have started the tests with it ignored
sources = {
    name: BinarySource(name=name, path=Path(path), version=version, origin=Origin.PATH)
    for name, (path, version) in json.loads(sys.argv[1]).items()
}
plane = ControlPlane(Binaries(sources))
# As the command does it: started by a thread that ends while the control plane goes on.
thread = threading.Thread(target=plane.start)
thread.start()
thread.join()
with plane:
    if sys.argv[2:]:
        plane.keep(Path(sys.argv[2]))
    pids = {**plane.pids, "supervisor": plane._processes.supervisor_pid}
    print(json.dumps({"pids": pids, "data": str(plane.data), "kubeconfig": str(plane.kubeconfig)}), flush=True)
    while not sys.argv[2:]:
        time.sleep(1)
"""


def alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"


def gone(pids: dict[str, int], seconds: float = 15.0) -> dict[str, int]:
    """Wait for processes to end; returns those that did not."""
    deadline = time.monotonic() + seconds
    while (left := {name: pid for name, pid in pids.items() if alive(pid)}) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


@contextlib.contextmanager
def rehearsal(binaries: Binaries, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    sources = json.dumps({name: (str(source.path), source.version) for name, source in binaries.items()})
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, sources, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_when_the_rehearsal_is_ended_by_a_signal(binaries: Binaries, how: signal.Signals) -> None:
    with rehearsal(binaries) as (process, plane):
        assert len(plane["pids"]) == 6
        assert all(alive(pid) for pid in plane["pids"].values())
        os.kill(process.pid, how)
        process.wait(15)
        assert gone(plane["pids"]) == {}
        deadline = time.monotonic() + 5
        while Path(plane["data"]).exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not Path(plane["data"]).exists()


def test_nothing_is_left_running_when_the_supervisor_itself_is_killed(binaries: Binaries) -> None:
    with rehearsal(binaries) as (_, plane):
        os.kill(plane["pids"]["supervisor"], signal.SIGKILL)
        assert gone(plane["pids"]) == {}
    # Both were killed, so the folder stays, until a later start finds it with nobody holding its lock.
    data = Path(plane["data"])
    assert sweep(data.parent, older_than=3600) == []
    assert data in sweep(data.parent, older_than=0)
    assert not data.exists()


def test_the_folder_of_a_living_control_plane_is_never_swept(control_plane: ControlPlane) -> None:
    assert control_plane.data not in sweep(control_plane.data.parent, older_than=0)
    assert control_plane.kubeconfig.exists()


def test_nothing_is_left_after_stop_and_stop_may_be_repeated(binaries: Binaries) -> None:
    plane = ControlPlane(binaries)
    plane.start()
    pids, data = dict(plane.pids), plane.data
    assert len(pids) == 5
    began = time.monotonic()
    plane.stop()
    assert time.monotonic() - began < 5
    assert gone(pids, 0) == {}
    assert not data.exists()
    plane.stop()


@pytest.mark.parametrize("program", ["etcd", "kube-apiserver", "kube-scheduler"])
def test_a_start_in_another_thread_can_be_stopped_at_any_moment(binaries: Binaries, program: str) -> None:
    plane = ControlPlane(binaries)
    with ThreadPoolExecutor(1) as pool:
        start = pool.submit(plane.start)
        while program not in plane.pids:
            time.sleep(0.01)
        pids, data = dict(plane.pids), plane.data
        plane.stop()
        with pytest.raises(StartError):
            start.result(15)
    assert gone({**pids, **plane.pids}) == {}
    assert not data.exists()


@pytest.mark.parametrize("step", ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"])
def test_a_stop_at_the_beginning_of_any_step_is_told_as_a_stop(binaries: Binaries, step: str) -> None:
    plane = ControlPlane(binaries)

    def stop(progress: Progress) -> None:
        if (progress.subject, progress.state) == (step, State.RUNNING):
            plane.stop()

    with pytest.raises(StartError, match="stopped"):
        plane.start(stop)
    assert gone(dict(plane.pids)) == {}
    assert not plane.data.exists()


def test_a_stop_before_the_start_has_its_programs_starts_none_of_them(
    binaries: Binaries, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "private_folder", lambda: tmp_path / "plane")
    (tmp_path / "plane").mkdir(mode=0o700)
    plane = ControlPlane(mode="auto")

    def stopped_meanwhile(*_: object) -> Binaries:
        plane.stop()
        return binaries

    monkeypatch.setattr(module, "prepare_binaries", stopped_meanwhile)
    with pytest.raises(StartError, match="stopped"):
        plane.start()
    assert plane.pids == {}
    assert not (tmp_path / "plane").exists()


def test_a_program_that_dies_is_told_with_the_last_lines_of_its_log(binaries: Binaries) -> None:
    with ControlPlane(binaries) as plane:
        os.kill(plane.pids["kwok"], signal.SIGKILL)
        assert gone({"kwok": plane.pids["kwok"]}) == {}
        time.sleep(0.2)  # until the supervisor has told
        with pytest.raises(StartError, match="kwok ended with signal 9; the last lines of its log:\n"):
            plane.check()


def test_a_start_that_fails_says_why_and_leaves_nothing(
    binaries: Binaries, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "private_folder", lambda: tmp_path / "plane")
    (tmp_path / "plane").mkdir(mode=0o700)
    broken = dict(binaries)
    broken["kube-scheduler"] = binaries["kwok"]  # which knows none of the scheduler's flags
    with pytest.raises(StartError, match=r"(?s)kube-scheduler ended with exit code 1.*unknown flag: --secure-port"):
        ControlPlane(Binaries(broken)).start()
    assert not (tmp_path / "plane").exists()


def test_a_port_taken_meanwhile_is_replaced_by_another(binaries: Binaries, monkeypatch: pytest.MonkeyPatch) -> None:
    free = module._free_port
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = iter([port])
        monkeypatch.setattr(module, "_free_port", lambda: next(ports, None) or free())
        with ControlPlane(binaries) as plane:
            assert not plane.server.endswith(f":{port}")
            plane.check()


def test_a_kept_control_plane_outlives_the_command_until_it_is_stopped(binaries: Binaries, tmp_path: Path) -> None:
    folder = tmp_path / ".rehearsal"
    with rehearsal(binaries, str(folder)) as (process, plane):
        process.wait(15)
        assert process.returncode == 0
    try:
        assert all(alive(pid) for pid in plane["pids"].values())
        kept = find_kept(folder)
        assert kept is not None
        kubeconfig = folder / "kubeconfig"
        assert stat.S_IMODE(kubeconfig.stat().st_mode) == 0o600
        assert use_existing(kubeconfig, "multiarch-rehearsal").server == kept.server
        with (
            ControlPlane(binaries) as second,
            pytest.raises(KeptPlaneError, match=r"already kept.*multiarch rehearse --stop"),
        ):
            second.keep(folder)
        assert use_existing(kubeconfig, "multiarch-rehearsal").server == kept.server
    finally:
        stopped = stop_kept(folder)
    assert stopped is not None
    assert gone(plane["pids"]) == {}
    assert not Path(plane["data"]).exists()
    assert list(folder.iterdir()) == []
    assert stop_kept(folder) is None


def test_a_kubeconfig_of_the_users_is_never_overwritten(binaries: Binaries, tmp_path: Path) -> None:
    mine = tmp_path / "config"
    mine.write_text("apiVersion: v1\nkind: Config\ncontexts: [{name: prod, context: {cluster: prod}}]\n")
    with ControlPlane(binaries) as plane, pytest.raises(KeptPlaneError, match="would be overwritten"):
        plane.keep(tmp_path / ".rehearsal", mine)
    assert "prod" in mine.read_text()
    assert find_kept(tmp_path / ".rehearsal") is None
