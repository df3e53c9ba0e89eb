"""A stack file that imports ESC environments: `pulumi config` tells their values, else it is said what is unseen."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.problems import ConfigError
from multiarch.model import esc
from multiarch.model.plan import plan_stack
from multiarch.model.plan.inputs import cluster_of
from multiarch.model.pulumi_answers import CliResult
from multiarch.model.stack_file import PLACEHOLDER, TOKEN_PLACEHOLDER, environments_of
from tests.recorded.stub_pulumi import StubPulumi
from tests.unit.plan.conftest import write_project

PROGRAM = """
import pulumi
config = pulumi.Config()
pulumi.export("own", config.get("own"))
pulumi.export("imported", config.get("imported"))
pulumi.export("both", config.get("both"))
"""
IMPORTS = "environment:\n  - team/prod\nconfig:\n  multiarch-runner:own: here\n  multiarch-runner:both: file\n"
KEY = "multiarch-runner:"
CLUSTER = {"type": "existing", "name": "ci"}


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StubPulumi]:
    made = StubPulumi(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(made.folder))
    esc._ask_pulumi.cache_clear()
    yield made
    esc._ask_pulumi.cache_clear()


@pytest.fixture
def without_pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    esc._ask_pulumi.cache_clear()


def shown(**entries: Any) -> dict[str, Any]:
    document = {f"{KEY}{name}": {"secret": False, **entry} for name, entry in entries.items()}
    return {"config": {"exit": 0, "stdout": json.dumps(document)}}


def project(folder: Path, stack: str = IMPORTS, program: str = PROGRAM) -> Path:
    folder.mkdir()
    write_project(folder, program, stack)
    return folder


def test_values_of_an_environment_are_planned_and_the_files_own_win(stub: StubPulumi, tmp_path: Path) -> None:
    stub.answers(shown(own={"value": "here"}, imported={"value": "there"}, both={"value": "environment"}))
    plan = plan_stack(project(tmp_path / "p"), "test")
    assert plan.outputs == {"own": "here", "imported": "there", "both": "file"}
    assert "environment team/prod: read by `pulumi config`" in plan.notes


def test_pulumi_is_asked_for_no_secret_and_given_a_copy_of_the_file(
    stub: StubPulumi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_OPTION_SHOW_SECRETS", "true")
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "kept")
    stub.answers(shown())
    folder = project(tmp_path / "p")
    plan_stack(folder, "test")
    (call,) = stub.events()
    *command, file = call["arguments"]
    assert command == [
        "config", "--json", "--show-secrets=false", "--non-interactive", "--stack", "test", "--config-file"
    ]  # fmt: skip
    assert not file.startswith(str(folder))
    assert "PULUMI_OPTION_SHOW_SECRETS" not in call["names"]
    assert "PULUMI_ACCESS_TOKEN" in call["names"]


def printed(text: str) -> CliResult:
    return CliResult(command=("pulumi", "config"), exit=0, stdout=text, stderr="")


def test_a_secret_of_an_environment_is_a_placeholder() -> None:
    document = {
        f"{KEY}runnerToken": {"secret": True},
        "aws:token": {"secret": True},
        f"{KEY}cluster": {"secret": False, "value": "{}", "objectValue": CLUSTER},
    }
    seen = esc.read(printed(json.dumps(document)), ("team/prod",))
    assert seen.values == {
        f"{KEY}runnerToken": TOKEN_PLACEHOLDER,
        "aws:token": PLACEHOLDER,
        f"{KEY}cluster": json.dumps(CLUSTER),
    }
    assert seen.secret_keys == ("aws:token", f"{KEY}runnerToken")
    assert not seen.unseen


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("", "no JSON object"),
        ("[]", "no JSON object"),
        (json.dumps({f"{KEY}cluster": {"secret": True}}), f"does not show {KEY}cluster"),
        (json.dumps({f"{KEY}pools": {"secret": False, "value": "[unknown]"}}), f"does not show {KEY}pools"),
        (json.dumps({f"{KEY}pools": "text"}), f"does not show {KEY}pools"),
    ],
)
def test_what_the_cli_does_not_show_counts_as_unseen(answer: str, words: str) -> None:
    assert words in esc.read(printed(answer), ("team/prod",)).unseen


def missing(folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        cluster_of(folder, "test")
    return [f"{problem.path}: {problem.found}" for problem in caught.value.problems]


@pytest.mark.usefixtures("without_pulumi")
def test_without_pulumi_it_is_said_that_the_cluster_may_be_set_where_nobody_looked(tmp_path: Path) -> None:
    first, *others = missing(project(tmp_path / "p", "environment: [team/prod]\n"))
    assert first.startswith("environment: imports team/prod, and what that sets cannot be read: there is no `pulumi`")
    assert any(told.startswith("cluster: required, but not set") for told in others)


def test_a_cli_that_refuses_is_quoted(stub: StubPulumi, tmp_path: Path) -> None:
    stub.answers({"config": {"exit": 1, "stderr": "error: you must log in\n"}})
    first, *_ = missing(project(tmp_path / "p", "environment: [team/prod]\n"))
    assert "`pulumi config --stack test`: you must log in" in first


def test_the_cluster_is_read_from_the_environment(stub: StubPulumi, tmp_path: Path) -> None:
    stub.answers(shown(cluster={"value": json.dumps(CLUSTER), "objectValue": CLUSTER}))
    told = missing(project(tmp_path / "p", "environment: [team/prod]\n"))
    assert not [one for one in told if one.startswith(("environment", "cluster: required, but not set"))]


@pytest.mark.usefixtures("without_pulumi")
def test_a_stack_that_needs_nothing_of_it_is_planned_with_a_note(tmp_path: Path) -> None:
    plan = plan_stack(project(tmp_path / "p"), "test")
    assert plan.outputs["own"] == "here"
    assert any("environment team/prod: not seen (there is no `pulumi` on PATH)" in note for note in plan.notes)


@pytest.mark.usefixtures("without_pulumi")
def test_a_programs_own_complaint_comes_after_what_could_not_be_seen(tmp_path: Path) -> None:
    program = """
from components.problems import ConfigError, Problem
raise ConfigError([Problem(path="cluster", found="not set", consequence="c", fix="f")])
"""
    with pytest.raises(ConfigError) as caught:
        plan_stack(project(tmp_path / "p", program=program), "test")
    assert [problem.path for problem in caught.value.problems] == ["environment", "cluster"]


def test_a_stack_of_an_organization_is_asked_for_by_its_whole_name(stub: StubPulumi, tmp_path: Path) -> None:
    stub.answers(shown(imported={"value": "there"}))
    plan = plan_stack(project(tmp_path / "p"), "team/multiarch-runner/test")
    assert (plan.stack, plan.outputs["imported"]) == ("test", "there")
    assert [call["stack"] for call in stub.events()] == ["team/multiarch-runner/test"]


def test_pulumi_is_not_asked_about_a_file_that_imports_nothing(stub: StubPulumi, tmp_path: Path) -> None:
    plan_stack(project(tmp_path / "p", "environment: []\nconfig: {}\n"), "test")
    assert stub.events() == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[a/b, c]", ("a/b", "c")),
        ("[{a/b: {merge: false}}]", ("a/b",)),
        ("{imports: [a], values: {x: 1}}", ("a", "inline")),
        ("{values: {x: 1}}", ("inline",)),
        ("[]", ()),
        ("null", ()),
    ],
)
def test_environments_are_named_in_each_form_of_pulumis(text: str, names: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text(f"environment: {text}\nconfig: {{}}\n")
    assert environments_of(file) == names
