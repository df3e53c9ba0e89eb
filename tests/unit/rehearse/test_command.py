import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from components.problems import ConfigError, Problem
from multiarch import cli
from multiarch.core.report import Check, Report, Section
from multiarch.core.verdict import Verdict
from multiarch.model.project import find_project
from multiarch.rehearse import main as module
from multiarch.rehearse.command import command
from multiarch.rehearse.report.model import RehearsalReport, Rehearsed, RunsOn
from multiarch.rehearse.run import Options

ROOT = Path(__file__).resolve().parents[3]


def report(verdict: Verdict) -> RehearsalReport:
    claim = Check(id="arm64-job", title="the arm64 job runs on an arm64 node", verdict=verdict, evidence="seen")
    stack = Section(name="gke", place="gke ci", checks=(claim,), detail=Rehearsed())
    return Report(command="rehearse", sections=(stack,), detail=RunsOn(control_plane="fake"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: multiarch-runner\n")
    (tmp_path / "stacks").mkdir()
    for stack in ("gke", "eks"):
        (tmp_path / "stacks" / f"Pulumi.{stack}.yaml").write_text("config: {}\n")
    return tmp_path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Options]:
    seen: list[Options] = []

    def rehearse(options: Options, _: object) -> RehearsalReport:
        seen.append(options)
        return report(Verdict.YES)

    monkeypatch.setattr(module, "rehearse", rehearse)
    return seen


def run(project: Path, *arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(command, ["--project", str(project), *arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(("verdict", "code"), [(Verdict.YES, 0), (Verdict.NO, 1), (Verdict.UNKNOWN, 3)])
def test_each_answer_has_its_own_exit_code(
    project: Path, monkeypatch: pytest.MonkeyPatch, verdict: Verdict, code: int
) -> None:
    monkeypatch.setattr(module, "rehearse", lambda *_: report(verdict))
    assert run(project)[0] == code


def test_a_configuration_that_cannot_work_is_exit_2_and_its_message_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = Problem(path="pools[1].maxNodes", found="0", consequence="no job could ever run", fix="Use 1 or more.")

    def refuse(*_: object) -> RehearsalReport:
        raise ConfigError([problem], "stacks/Pulumi.gke.yaml")

    monkeypatch.setattr(module, "rehearse", refuse)
    code, out, err = run(project)
    assert (code, out) == (2, "")
    assert err == f"stacks/Pulumi.gke.yaml: {problem}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--kubeconfig", "F"], "--kubeconfig needs --context"),
        (["--context", "kind-ci"], "--context needs --kubeconfig"),
        (["--kubeconfig", "F", "--context", "C", "--keep"], "--keep is for the embedded control plane"),
        (["--stack", "gek"], "stacks there: eks, gke"),
        (["--stack", "g ke"], "'g ke' is not a valid stack name"),
        (["--runner", "model"], "--runner names what runs the jobs of --run: add --run"),
        (["--run", "--runner", "docker"], "Invalid value for '--runner'"),
        (["--run", "--clean", "--html", "F"], "--html cannot be used with --run --clean"),
        (["--run", "--clean", "--junit", "F"], "--junit cannot be used with --run --clean"),
        (["--run", "--clean", "--markdown", "F"], "--markdown cannot be used with --run --clean"),
        (["--run", "--clean", "--chart", "F"], "--chart cannot be used with --run --clean"),
        (["--run", "--clean", "--binaries", "build"], "--binaries cannot be used with --run --clean"),
        (["--binaries", "magic"], "Invalid value for '--binaries'"),
        (["--against", "nothing.yaml"], "does not exist"),
        (["--engine", "--keep"], "--keep cannot be used with --engine"),
        (["--engine", "--chart", "oci://x"], "--chart cannot be used with --engine"),
    ],
)
def test_options_that_contradict_each_other_are_refused_before_anything_starts(
    project: Path, asked: list[Options], arguments: list[str], said: str
) -> None:
    code, _, err = run(project, *arguments)
    assert code == 2
    assert said in err
    assert asked == []


def test_against_compares_one_named_stack(project: Path) -> None:
    result = CliRunner().invoke(command, ["--project", str(project), "--against", str(project / "Pulumi.yaml")])
    assert result.exit_code == 2
    assert "name that stack, once, with --stack" in result.output


def test_against_compares_one_stack(project: Path, asked: list[Options]) -> None:
    changed = str(project / "stacks" / "Pulumi.gke.yaml")
    code, _, err = run(project, "--engine", "--against", changed)
    assert (code, asked) == (2, [])
    assert "name that stack" in err


def test_the_engine_without_a_pulumi_is_one_line_and_exit_2(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project))
    code, _, err = run(project, "--engine", "--stack", "gke", "--binaries", "path")
    assert code == 2
    assert err.startswith("There is no `pulumi` on PATH")
    assert err.count("\n") == 1


def test_without_names_all_stacks_are_rehearsed_and_a_name_twice_counts_once(
    project: Path, asked: list[Options]
) -> None:
    run(project)
    run(project, "--stack", "gke", "--stack", "gke")
    assert [options.stacks for options in asked] == [("eks", "gke"), ("gke",)]


def test_json_on_standard_output_is_the_document_and_nothing_else(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "rehearse", lambda *_: report(Verdict.NO))
    code, out, err = run(project, "--json", "-")
    assert code == 1
    assert json.loads(out)["verdict"] == "no"
    assert "1 failed" in err


def test_reports_are_written_into_folders_that_do_not_exist_yet(project: Path, asked: list[Options]) -> None:
    target = project / "public" / "reports"
    names = {"--json": "r.json", "--junit": "r.xml", "--markdown": "r.md", "--html": "r.html"}
    code, _, _ = run(project, *[f"{option}={target / name}" for option, name in names.items()])
    assert code == 0
    assert len(asked) == 1
    assert sorted(path.name for path in target.iterdir()) == sorted(names.values())


@pytest.mark.parametrize("option", ["--json", "--junit", "--markdown", "--html"])
def test_a_report_that_could_not_be_written_is_refused_before_anything_starts(
    project: Path, asked: list[Options], option: str
) -> None:
    for target, why in (
        (project, "it is a directory"),
        (project / "Pulumi.yaml" / "r", f"{project / 'Pulumi.yaml'} is not a directory"),
    ):
        code, _, err = run(project, option, str(target))
        assert (code, asked) == (2, [])
        assert f"{option} {target}: cannot be written: {why}" in err


def test_only_one_report_goes_to_standard_output(project: Path, asked: list[Options]) -> None:
    code, _, err = run(project, "--json", "-", "--junit", "-")
    assert (code, asked) == (2, [])
    assert "only one report" in err


def test_a_report_on_standard_output_is_alone_there_whatever_its_format(project: Path, asked: list[Options]) -> None:
    code, out, _ = run(project, "--junit", "-")
    assert (code, len(asked)) == (0, 1)
    assert out.startswith("<?xml")
    assert out.rstrip().endswith(">")


@pytest.mark.parametrize(("verdict", "code"), [(Verdict.YES, 3), (Verdict.NO, 1), (Verdict.UNKNOWN, 3)], ids=str)
def test_a_disk_that_fills_up_loses_one_report_and_no_answer(
    project: Path, monkeypatch: pytest.MonkeyPatch, verdict: Verdict, code: int
) -> None:
    monkeypatch.setattr(module, "rehearse", lambda *_: report(verdict))
    ended, out, err = run(project, "--json", "/dev/full", "--html", str(project / "r.html"))
    assert ended == code
    assert "--json /dev/full: the report could not be written: No space left" in err
    assert "Traceback" not in err
    assert (project / "r.html").exists()
    assert "the arm64 job" in out


@pytest.mark.parametrize("arguments", [[], ["--json", "-"]])
def test_a_reader_that_leaves_is_no_failed_claim_and_takes_no_file_along(project: Path, arguments: list[str]) -> None:
    code = (
        "import sys; from multiarch.rehearse import main; from multiarch.rehearse.command import command;"
        "from tests.unit.rehearse.test_command import report, Verdict;"
        "main.rehearse = lambda *_: report(Verdict.YES); command(sys.argv[1:])"
    )
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", code, "--project", str(project), "--junit", str(project / "r.xml"), *arguments],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    os.close(writing)
    assert (done.returncode, "Traceback" in done.stderr) == (141, False), done.stderr
    assert (project / "r.xml").exists() or arguments


def test_the_project_is_found_from_a_folder_below_it(project: Path) -> None:
    below = project / "stacks"
    assert find_project(below) == project
    assert find_project(project.parent) is None


def test_a_folder_without_a_project_is_a_usage_error(tmp_path: Path) -> None:
    code, _, err = run(tmp_path)
    assert code == 2
    assert "there is no Pulumi.yaml" in err


def test_an_unforeseen_error_of_ours_is_not_a_failed_claim(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash() -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(cli, "multiarch", crash)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 3
    assert "defect of multiarch itself" in capsys.readouterr().err


def test_ctrl_c_while_the_command_is_being_imported_is_no_failed_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("multiarch.cli.importlib.import_module", interrupted)
    result = CliRunner().invoke(cli.multiarch, ["rehearse"])
    assert result.exit_code == 130
    assert "interrupted" in result.stderr


def test_a_full_disk_is_told_in_a_line_and_is_no_answer(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> RehearsalReport:
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/values.yaml")  # noqa: S108 - only a name

    monkeypatch.setattr(module, "rehearse", full)
    assert run(project) == (3, "", "could not tell: /tmp/values.yaml: No space left on device\n")


def test_help_shows_examples_and_exit_codes() -> None:
    result = CliRunner().invoke(cli.multiarch, ["rehearse", "--help"])
    assert "multiarch rehearse --stack gke --json -" in result.output
    assert "Exit codes: 0 every claim proved" in result.output


def test_an_unknown_subcommand_is_a_usage_error() -> None:
    assert CliRunner().invoke(cli.multiarch, ["reherse"]).exit_code == click.UsageError.exit_code
