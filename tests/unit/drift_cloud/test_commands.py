"""A drift check is read-only by construction: these tests hold it to that."""

import ast
from pathlib import Path
from typing import Any

import pytest

from multiarch.core.environment import Child, environment
from multiarch.drift.cloud.commands import READ_ONLY, command, command_words, dropped, is_read_only
from multiarch.drift.cloud.processes import Children
from multiarch.drift.model import Check
from tests.recorded.answers import NAMES, recorded
from tests.recorded.stub_pulumi import StubPulumi
from tests.unit.drift_cloud.conftest import Ask

DRIFT = Path(__file__).resolve().parents[3] / "multiarch" / "drift"
STARTER = DRIFT / "cloud" / "processes.py"
STARTING_MODULES = {"subprocess", "pty", "multiprocessing", "popen2", "commands", "sh", "pexpect", "plumbum", "invoke"}
STARTING_CALLS = {
    "system", "popen", "fork", "forkpty", "startfile", "posix_spawn", "posix_spawnp", "create_subprocess_exec",
    "create_subprocess_shell", "subprocess_exec", "subprocess_shell", "import_module", "__import__", "exec", "eval",
}  # fmt: skip
BROKEN: dict[str, dict[str, Any]] = {
    "nothing": {"exit": 0},
    "garbage": {"exit": 0, "hex": "00ff80deadbeef"},
    "changes without a document": {"exit": 7},
    "another code": {"exit": 42, "stdout": "{}"},
    "on stderr alone": {"exit": 1, "stderr": "error: no such thing\n"},
    "crash": {"exit": 255, "stderr": "panic: runtime error\n"},
}
ALLOWED = {
    ("refresh", "--preview-only", "--expect-no-changes", "--json", "--non-interactive", "--stack", "gke"),
    ("preview", "--refresh", "--expect-no-changes", "--json", "--non-interactive", "--stack", "gke"),
}


@pytest.mark.parametrize("name", [*NAMES, *BROKEN])
def test_whatever_is_answered_only_the_two_previews_are_run(stub: StubPulumi, ask: Ask, name: str) -> None:
    answer = recorded(name) if name in NAMES else BROKEN[name]
    stub.answers({"refresh": answer, "preview": answer})
    ask()
    assert {tuple(call["arguments"]) for call in stub.events()} == ALLOWED
    assert len(stub.events()) == 2


def test_the_allowed_commands_are_previews_without_exception() -> None:
    refresh, preview = READ_ONLY[Check.STATE], READ_ONLY[Check.CODE]
    assert (refresh[0], preview[0]) == ("refresh", "preview")
    assert "--preview-only" in refresh
    assert "--refresh" in preview
    assert set(READ_ONLY) == {Check.STATE, Check.CODE}
    for arguments in READ_ONLY.values():
        assert {"--expect-no-changes", "--json", "--non-interactive"} < set(arguments)
        assert not {"--yes", "-y", "--skip-preview", "-f", "--save-plan", "--show-secrets"} & set(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ("up", "--yes", "--stack", "gke"),
        ("refresh", "--expect-no-changes", "--json", "--non-interactive", "--stack", "gke"),
        (*READ_ONLY[Check.STATE], "gke", "--yes"),
        ("--yes", *READ_ONLY[Check.STATE], "gke"),
        ("preview",),
        (),
    ],
)
def test_any_other_command_is_refused_before_it_is_started(
    stub: StubPulumi, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    line = (str(stub.program), *arguments)
    assert not is_read_only(line)
    with pytest.raises(ValueError, match="does not run this"):
        Children().run(line, cwd=tmp_path, limit=1e6)
    assert stub.events() == []


def test_a_stacks_name_is_never_taken_for_an_option(stub: StubPulumi, ask: Ask) -> None:
    ask(stack="--yes")
    assert all(call["arguments"][-2:] == ["--stack", "--yes"] for call in stub.events())
    assert len(stub.events()) == 2


def starts(tree: ast.AST) -> list[str]:
    """List what in a module could start a process."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in STARTING_MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in {*STARTING_MODULES, "os"}:
            names = [alias.name for alias in node.names]
            found += [name for name in names if node.module != "os" or _starts(name)]
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            found += [name] if _starts(name) else []
    return found


def _starts(name: str) -> bool:
    return name in STARTING_CALLS or name.startswith(("exec", "spawn"))


def test_nothing_else_of_a_drift_check_can_start_a_process() -> None:
    modules = [path for path in DRIFT.rglob("*.py") if path != STARTER]
    assert len(modules) > 8
    found = {str(path.relative_to(DRIFT)): starts(ast.parse(path.read_text())) for path in modules}
    assert {name: what for name, what in found.items() if what} == {}


def test_the_one_module_that_starts_processes_does_so_in_one_place() -> None:
    tree = ast.parse(STARTER.read_text())
    calls = [
        ast.unparse(node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("subprocess.")
    ]
    assert calls == ["subprocess.Popen"]
    assert starts(tree) == ["subprocess"]


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess", "from subprocess import run", "import os\nos.system('x')", "from os import execv",
        "import os\nos.spawnl(0)", "import asyncio\nasyncio.create_subprocess_exec('x')", "__import__('subprocess')",
    ],
)  # fmt: skip
def test_the_search_for_starters_finds_them(source: str) -> None:
    assert starts(ast.parse(source))


def test_variables_that_change_what_the_commands_tell_are_not_passed_on() -> None:
    environ = {
        "PULUMI_OPTION_TARGET": "x", "PULUMI_OPTION_SHOW_SECRETS": "true", "PULUMI_K8S_DELETE_UNREACHABLE": "true",
        "PULUMI_OPTION_PARALLEL": "4", "PULUMI_CONFIG_PASSPHRASE": "p", "AWS_PROFILE": "ci", "PATH": "/bin",
    }  # fmt: skip
    kept = environment(Child.PULUMI, without=dropped(environ), environ=environ)
    assert set(kept) == {"PULUMI_OPTION_PARALLEL", "PULUMI_CONFIG_PASSPHRASE", "AWS_PROFILE", "PATH"}
    assert set(dropped(environ)) == set(environ) - set(kept)


def test_what_pulumi_logs_in_with_reaches_it_and_what_would_change_its_answer_is_noted(
    stub: StubPulumi, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "ci")
    monkeypatch.setenv("PULUMI_OPTION_TARGET", "urn:x")
    answer = ask()
    assert all("AWS_PROFILE" in call["names"] for call in stub.events())
    assert not any("PULUMI_OPTION_TARGET" in call["names"] for call in stub.events())
    assert any("PULUMI_OPTION_TARGET" in note for note in answer.notes)


def test_a_report_shows_no_folder_of_the_machine() -> None:
    assert command_words(command("/opt/pulumi/bin/pulumi", Check.CODE, "gke")).startswith("pulumi preview --refresh")
