"""The folder of verdicts: nothing in it is ever lost or half written, and its trouble changes no verdict."""

import datetime as dt
import json
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import click
import pytest

from multiarch.core.verdict import Verdict
from multiarch.drift import history as subject
from multiarch.drift.history import History
from multiarch.drift.memory import load
from multiarch.drift.model import Change, Check, CheckResult, ComparedStack, Difference, Finding

NOW = dt.datetime(2026, 11, 25, 6, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(days=1)
ROOT = Path(__file__).parents[3]


def report(stack: str = "gke", resource: str = "Deployment web", failure: str = "") -> ComparedStack:
    difference = Difference(path="a", change=Change.CHANGED, wanted="1", found="2")
    finding = Finding(
        check=Check.OBJECTS,
        resource=resource,
        verdict=Verdict.NO,
        change=Change.CHANGED,
        differences=(difference,),
    )
    result = CheckResult(check=Check.OBJECTS, findings=(finding,), failure=failure)
    return ComparedStack(stack=stack, checks=(result,))


def since(dated: ComparedStack) -> dt.datetime | None:
    return dated.checks[0].findings[0].since


def test_a_second_run_knows_what_the_first_one_saw(tmp_path: Path) -> None:
    assert since(History(tmp_path).dated(report(), NOW)) == NOW
    dated = History(tmp_path).dated(report(), LATER)
    assert (since(dated), dated.notes) == (NOW, ())


def test_stacks_are_kept_apart(tmp_path: Path) -> None:
    History(tmp_path).dated(report("gke"), NOW)
    assert since(History(tmp_path).dated(report("eks"), LATER)) == LATER
    assert {path.name for path in tmp_path.glob("*.json")} == {"gke.json", "eks.json"}


@pytest.mark.parametrize("stack", ["..", "../../etc/passwd", "a/b", "", ".", "gke.prod"])
def test_no_name_of_a_stack_leaves_the_folder(tmp_path: Path, stack: str) -> None:
    folder = tmp_path / "a" / "history"
    History(folder).dated(report(stack), NOW)
    assert since(History(folder).dated(report(stack), LATER)) == NOW
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.parent != folder] == []


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b"null", b'{"schemaVersion": 1, "stack": "other"}'])
def test_a_damaged_file_is_told_kept_and_replaced(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "gke.json").write_bytes(damage)
    dated = History(tmp_path).dated(report(), NOW)
    assert since(dated) == NOW
    assert dated.verdict is Verdict.NO
    (note,) = dated.notes
    (kept,) = tmp_path.glob("gke.damaged-*")
    assert kept.read_bytes() == damage
    assert "damaged" in note
    assert kept.name in note
    assert since(History(tmp_path).dated(report(), LATER)) == NOW


def test_two_damaged_files_are_both_kept(tmp_path: Path) -> None:
    for damage in ("one", "two"):
        (tmp_path / "gke.json").write_text(damage)
        History(tmp_path).dated(report(), NOW)
    assert {path.read_text() for path in tmp_path.glob("gke.damaged-*")} == {"one", "two"}


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    text = json.dumps({"schemaVersion": 99, "stack": "gke"})
    (tmp_path / "gke.json").write_text(text)
    dated = History(tmp_path).dated(report(), NOW)
    assert (tmp_path / "gke.json").read_text() == text
    assert since(dated) is None
    assert "not kept" in dated.notes[0]


def test_a_file_that_is_too_large_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "_LARGEST", 10)
    (tmp_path / "gke.json").write_text(" " * 11)
    assert "larger than 10 bytes" in History(tmp_path).dated(report(), NOW).notes[0]


def test_a_folder_that_takes_no_file_is_told_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(click.UsageError, match=r"--history .*cannot be written"):
        History(tmp_path / "file" / "history").check()


def test_checking_makes_the_folder_and_leaves_it_empty(tmp_path: Path) -> None:
    History(tmp_path / "a" / "b").check()
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_folder_that_broke_meanwhile_is_a_note_and_changes_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "gke.json").mkdir()
    dated = History(tmp_path).dated(report(), NOW)
    assert dated.verdict is Verdict.NO
    assert since(dated) is None
    assert "not kept" in dated.notes[0]


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    History(tmp_path).dated(report(), NOW)
    before = (tmp_path / "gke.json").read_bytes()

    def full(descriptor: int) -> None:
        del descriptor
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    dated = History(tmp_path).dated(report(), LATER)
    assert "No space left on device" in dated.notes[0]
    assert (tmp_path / "gke.json").read_bytes() == before
    assert list(tmp_path.glob(".*")) == []


def test_a_run_that_never_lets_go_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "_LOCK_SECONDS", 0.0)
    with subject._alone(tmp_path / "gke.lock"):
        dated = History(tmp_path).dated(report(), NOW)
    assert "does not let go" in dated.notes[0]


def test_runs_at_the_same_time_lose_nothing_of_each_other(tmp_path: Path) -> None:
    history = History(tmp_path)
    runs = [
        threading.Thread(target=history.dated, args=(report(resource=str(number), failure="others"), NOW))
        for number in range(20)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    memory = load((tmp_path / "gke.json").read_text())
    assert len(memory.runs) == 20
    assert {drift.resource for drift in memory.drifts} == {str(number) for number in range(20)}


def test_processes_at_the_same_time_lose_nothing_of_each_other(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import datetime as dt, sys
        from pathlib import Path
        from multiarch.drift.history import History
        from multiarch.drift.model import ComparedStack
        for _ in range(10):
            report = History(Path(sys.argv[1])).dated(ComparedStack(stack="gke"), dt.datetime.now(dt.UTC))
            assert report.notes == (), report.notes
    """)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program, str(tmp_path)]
    running = [subprocess.Popen(command, env=environment, cwd=ROOT) for _ in range(3)]
    assert [one.wait() for one in running] == [0, 0, 0]
    assert len(load((tmp_path / "gke.json").read_text()).runs) == 30
