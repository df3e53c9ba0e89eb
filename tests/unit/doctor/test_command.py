"""`multiarch doctor`: mistakes are told in one message and exit 2; no answer is exit 3."""

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from multiarch.doctor.command import command

ROOT = Path(__file__).resolve().parents[3]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, catch_exceptions=False)


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "mine",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:9"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "mine", "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def test_the_current_context_is_never_taken(kubeconfig: Path) -> None:
    result = run("--kubeconfig", str(kubeconfig))
    assert result.exit_code == 2
    assert "mine" in result.stderr
    assert "Traceback" not in result.output


def test_a_context_that_is_not_there_names_those_that_are(kubeconfig: Path) -> None:
    result = run("--kubeconfig", str(kubeconfig), "--context", "other")
    assert result.exit_code == 2
    assert "mine" in result.stderr


def test_an_unknown_stack_is_usage() -> None:
    assert run("--project", str(ROOT), "--stack", "nosuch", "--context", "x").exit_code == 2


def test_a_stack_says_itself_where_its_runner_is() -> None:
    assert run("--stack", "local", "--namespace", "x").exit_code == 2


def test_a_json_file_that_could_not_be_written_is_told_before_anything_is_asked(
    kubeconfig: Path, tmp_path: Path
) -> None:
    result = run("--kubeconfig", str(kubeconfig), "--context", "mine", "--json", str(tmp_path))
    assert result.exit_code == 2


def test_a_cluster_that_does_not_answer_is_a_doubt(kubeconfig: Path) -> None:
    result = run("--kubeconfig", str(kubeconfig), "--context", "mine", "--json", "-")
    assert result.exit_code == 3
    answer = json.loads(result.stdout)
    assert answer["verdict"] == "could not tell"
    assert "refuses connections" in answer["sections"][0]["checks"][0]["evidence"]


def test_a_stack_without_a_way_to_its_cluster_says_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    result = run("--project", str(ROOT), "--stack", "gke")
    assert result.exit_code == 2
    assert "get-credentials" in result.stderr


def test_help_shows_examples_and_exit_codes() -> None:
    text = run("--help").stdout
    assert "multiarch doctor --stack gke" in text
    assert "3 something could not be checked" in text
