"""`multiarch drift` as a user has it: exit codes, outputs, and usage told before anything is compared."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from multiarch import cli
from multiarch.drift.model import Check
from tests.recorded.answers import recorded
from tests.recorded.stub_pulumi import StubPulumi
from tests.unit.drift.conftest import CLEAN, CLOUD, DRIFTED, Drift, of_stack

ROOT = Path(__file__).resolve().parents[3]
BROKEN = {"refresh": {"exit": 1, "stderr": "error: no answer"}, "preview": {"exit": 1, "stderr": "error: no answer"}}


def document(text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def verdicts(text: str) -> dict[str, str]:
    return {stack["name"]: stack["verdict"] for stack in document(text)["sections"]}


def test_clean_is_exit_0_and_names_every_stack(stub: StubPulumi, drift: Drift) -> None:
    result = drift("--json", "-")
    assert result.exit_code == 0, result.output
    assert verdicts(result.stdout) == {"aks": "yes", "eks": "yes", "gke": "yes"}
    assert len(stub.events()) == 6


@pytest.mark.parametrize("stacks", [(), ("--all",), ("--stack", "gke", "--stack", "eks", "--stack", "aks")])
def test_all_stacks_are_checked_unless_some_are_named(stub: StubPulumi, drift: Drift, stacks: tuple[str, ...]) -> None:
    del stub
    assert set(verdicts(drift("--json", "-", *stacks).stdout)) == {"aks", "eks", "gke"}


def test_drift_is_exit_1_and_says_what(stub: StubPulumi, drift: Drift) -> None:
    stub.answers(CLEAN | of_stack("gke", DRIFTED))
    result = drift()
    assert result.exit_code == 1, result.output
    assert "pod-security.kubernetes.io/enforce" in result.output
    assert "privileged" in result.output


def test_a_doubt_is_exit_3(stub: StubPulumi, drift: Drift) -> None:
    stub.answers(CLEAN | of_stack("eks", BROKEN))
    assert drift().exit_code == 3


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(of_stack("gke", DRIFTED) | of_stack("eks", BROKEN), id="another stack's doubt"),
        pytest.param(of_stack("gke", {**BROKEN, "preview": DRIFTED["preview"]}), id="another check's doubt"),
        pytest.param(of_stack("gke", {**BROKEN, "preview": {**DRIFTED["preview"], "exit": 1}}), id="the check's own"),
    ],
)
def test_no_doubt_hides_drift_and_every_format_shows_both(
    stub: StubPulumi, drift: Drift, tmp_path: Path, answers: dict[str, dict[str, Any]]
) -> None:
    stub.answers(CLEAN | answers)
    files = {kind: tmp_path / f"drift.{kind}" for kind in ("json", "markdown", "junit", "html")}
    result = drift(*(word for kind, file in files.items() for word in (f"--{kind}", str(file))))
    assert result.exit_code == 1, result.output
    assert "Exit 1: drift was found, and something could not be checked" in " ".join(result.output.split())
    for text in (result.output, *(file.read_text() for file in files.values())):
        assert "pod-security.kubernetes.io/enforce" in text
        assert "no answer" in text
    counts = document(files["json"].read_text())["counts"]
    assert counts["no"] > 0 < counts["couldNotTell"]


def test_drift_stays_exit_1_when_a_report_could_not_be_written(
    stub: StubPulumi, drift: Drift, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("multiarch.core.output.write", lambda *_: False)
    report = ("--json", str(tmp_path / "drift.json"))
    stub.answers(CLEAN)
    assert drift(*report).exit_code == 3
    stub.answers(CLEAN | of_stack("gke", DRIFTED))
    assert drift(*report).exit_code == 1


def test_without_a_pulumi_what_needs_it_could_not_be_told(drift: Drift, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    result = drift("--stack", "gke", "--json", "-")
    assert result.exit_code == 3
    assert "pulumi.com/docs/install" in result.stdout


def test_a_pulumi_that_was_named_must_be_one(drift: Drift, tmp_path: Path) -> None:
    old = tmp_path / "old-pulumi"
    old.write_text("#!/bin/sh\necho v3.100.0\n")
    old.chmod(0o755)
    result = drift("--pulumi", str(old))
    assert result.exit_code == 2
    assert "3.100.0, too old" in result.output


def test_a_stack_that_hangs_is_ended_and_the_others_are_told(stub: StubPulumi, drift: Drift) -> None:
    stub.answers(CLEAN | of_stack("eks", {"refresh": {"seconds": 60}, "preview": {"seconds": 60}}))
    result = drift("--json", "-", "--time-limit", "2", "--jobs", "2")
    assert result.exit_code == 3
    assert verdicts(result.stdout) == {"aks": "yes", "eks": "could not tell", "gke": "yes"}
    assert "did not end within 2 s" in result.stdout


def test_never_more_pulumis_at_a_time_than_jobs(stub: StubPulumi, drift: Drift) -> None:
    slow = {command: {**answer, "seconds": 0.2} for command, answer in CLEAN.items()}
    stub.answers(slow)
    assert drift("--jobs", "2").exit_code == 0
    moments = [(event["at"], 1) for event in stub.events()] + [(event["at"], -1) for event in stub.events("end")]
    running = most = 0
    for _, step in sorted(moments):
        running += step
        most = max(most, running)
    assert most == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--all", "--stack", "gke"), "contradict"),
        (("--stack", "nope"), "no stacks/Pulumi.nope.yaml"),
        (("--context", "nope=ctx"), "no stack 'nope'"),
        (("--context", "gke="), "no context is named"),
        (("--context", "gke=a", "--context", "gke=b"), "two for stack gke"),
        (("--json", "-", "--markdown", "-"), "only one report"),
        (("--issue-label", "x"), "needs --gitlab-issue"),
        (("--history", "/proc/nowhere"), "cannot be written"),
        (("--ignore", "/nonexistent"), "does not exist"),
        (("--jobs", "0"), "--jobs"),
        (("--only", "everything"), "--only"),
        (("--merge", "a.json", "--history", "h"), "cannot be used with --merge"),
        (("--merge", "a.json", "--jobs", "2"), "cannot be used with --merge"),
        (("--gitlab-issue",), "CI_"),
    ],
)
def test_wrong_usage_is_exit_2_and_runs_nothing(
    stub: StubPulumi, project: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    for name in ("CI_API_V4_URL", "CI_PROJECT_ID", "GITLAB_TOKEN", "DRIFT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    result = CliRunner().invoke(cli.multiarch, ["drift", "--project", str(project), *arguments])
    assert result.exit_code == 2, result.output
    assert said in result.output
    assert stub.events() == []


def test_an_ignore_file_beside_the_project_is_read_and_what_is_wrong_with_it_told(
    stub: StubPulumi, drift: Drift, project: Path
) -> None:
    (project / "drift-ignore.yaml").write_text("- resource: '*'\n  path: '*'\n")
    result = drift()
    assert result.exit_code == 2
    assert "reason" in result.output
    assert stub.events() == []


def test_one_check_can_be_asked_for_alone(stub: StubPulumi, project: Path) -> None:
    arguments = ["drift", "--project", str(project), "--only", Check.STATE.value, "--stack", "gke"]
    assert CliRunner().invoke(cli.multiarch, arguments).exit_code == 0
    assert [event["arguments"][0] for event in stub.events()] == ["refresh"]


def test_the_living_side_is_asked_for_all_the_rest(stub: StubPulumi, drift: Drift) -> None:
    del stub
    # The stacks of this project can't be planned: every living check could not tell, and says why.
    result = drift("--stack", "gke", "--json", "-", everything=True)
    assert result.exit_code == 3
    checks = {check["id"] for check in document(result.stdout)["sections"][0]["checks"]}
    assert checks == {check.value for check in Check}


def test_reports_of_several_jobs_become_one(stub: StubPulumi, drift: Drift, tmp_path: Path) -> None:
    stub.answers(CLEAN | of_stack("gke", DRIFTED))
    files = [str(tmp_path / f"{stack}.json") for stack in ("eks", "gke")]
    assert drift("--stack", "eks", "--json", files[0]).exit_code == 0
    assert drift("--stack", "gke", "--json", files[1]).exit_code == 1
    merge = ["drift", "--merge", files[0], "--merge", files[1], "--json", "-"]
    both = CliRunner().invoke(cli.multiarch, merge)
    assert (both.exit_code, verdicts(both.stdout)) == (1, {"eks": "yes", "gke": "no"})


def test_a_job_that_left_no_report_is_a_doubt(stub: StubPulumi, drift: Drift, tmp_path: Path) -> None:
    del stub
    there, lost = str(tmp_path / "eks.json"), str(tmp_path / "gke.json")
    assert drift("--stack", "eks", "--json", there).exit_code == 0
    merge = ["drift", "--merge", there, "--merge", lost, "--json", "-"]
    assert CliRunner().invoke(cli.multiarch, merge).exit_code == 3
    named = CliRunner().invoke(cli.multiarch, [*merge, "--stack", "eks", "--stack", "gke"])
    assert (named.exit_code, verdicts(named.stdout)) == (3, {"eks": "yes", "gke": "could not tell"})


def test_a_broken_report_is_told_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "half.json"
    file.write_text('{"schemaVersion": 1, "stacks": [')
    result = CliRunner().invoke(cli.multiarch, ["drift", "--merge", str(file)])
    assert result.exit_code == 2
    assert "half.json" in result.output


def test_a_drift_is_dated_by_the_first_run_that_saw_it(stub: StubPulumi, drift: Drift, tmp_path: Path) -> None:
    stub.answers(CLEAN | of_stack("gke", DRIFTED))
    history = ("--history", str(tmp_path / "history"), "--stack", "gke", "--json", "-")

    def since() -> set[str]:
        stack = document(drift(*history).stdout)["sections"][0]["detail"]
        return {found["since"] for check in stack["checks"] for found in check["findings"] if found["since"]}

    first = since()
    assert len(first) == 1
    time.sleep(1.1)  # the history counts seconds
    assert since() == first


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_ends_every_pulumi(stub: StubPulumi, project: Path, number: signal.Signals, code: int) -> None:
    stub.answers({"refresh": {"seconds": 60}, "preview": {"seconds": 60}})
    command = [sys.executable, "-m", "multiarch.cli", "drift", "--project", str(project), *CLOUD]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell's background job ignores SIGINT and passes that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no threads here
    )
    end = time.monotonic() + 30
    while len(stub.events()) < 4 and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == code, output
    assert "Traceback" not in output
    for event in stub.events():
        assert not Path(f"/proc/{event['pid']}").exists()


def test_the_recorded_failures_are_doubts_with_their_reasons(stub: StubPulumi, drift: Drift) -> None:
    wrong = recorded("err-passphrase")
    stub.answers({"refresh": wrong, "preview": wrong})
    result = drift("--stack", "gke")
    assert result.exit_code == 3
    assert "incorrect passphrase" in " ".join(result.output.split())


def test_no_value_of_a_secret_variable_stands_in_any_report(
    stub: StubPulumi, drift: Drift, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITLAB_TOKEN", "correct-horse-battery")
    # A stack's name is shown as it is: what a check takes over from elsewhere may hold anything.
    stub.answers({"refresh": {"exit": 1, "stderr": "error: login with correct-horse-battery refused"}})
    files = [str(tmp_path / name) for name in ("d.json", "d.md", "d.xml", "d.html")]
    formats = ("--json", "--markdown", "--junit", "--html")
    result = drift("--stack", "gke", *(word for pair in zip(formats, files, strict=True) for word in pair))
    assert result.exit_code == 3
    assert not [text for text in (result.output, *(Path(file).read_text() for file in files)) if "horse" in text]
