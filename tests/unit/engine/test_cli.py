"""What an answer of the CLI means, and that nothing is read into it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pulumi.runtime import rpc

from components.unknowns import UNKNOWN_STRINGS
from multiarch.core.environment import Environment
from multiarch.core.verdict import Verdict
from multiarch.model.pulumi_answers import CliResult, Step, errors, steps
from multiarch.model.pulumi_cli import run
from multiarch.rehearse.engine import cli
from multiarch.rehearse.engine.rehearsal import changes_of

Answer = Callable[[str], CliResult]


def result(exit_: int | None, stdout: str = "", stderr: str = "") -> CliResult:
    return CliResult(command=("pulumi",), exit=exit_, stdout=stdout, stderr=stderr)


def test_a_preview_that_creates_is_proved(answer: Answer) -> None:
    assert cli.judge_preview(answer("preview-create")) == (Verdict.YES, "6 resources to create")


def test_a_program_that_fails_is_a_failure_with_its_message(answer: Answer) -> None:
    verdict, evidence = cli.judge_preview(answer("err-program"))
    assert verdict is Verdict.NO
    assert "program exited with non-zero exit code: 1" in evidence


@pytest.mark.parametrize("name", ["err-unreachable-preview", "err-passphrase", "err-nostack"])
def test_trouble_outside_of_the_stack_says_nothing_about_it(answer: Answer, name: str) -> None:
    for judge in (cli.judge_preview, cli.judge_no_changes, cli.judge_action):
        verdict, evidence = judge(answer(name))
        assert verdict is Verdict.UNKNOWN
        assert evidence


def test_no_changes_is_proved_by_a_clean_answer_only(answer: Answer) -> None:
    assert cli.judge_no_changes(answer("preview-clean"))[0] is Verdict.YES
    assert cli.judge_no_changes(answer("refresh-preview-clean"))[0] is Verdict.YES


@pytest.mark.parametrize("name", ["preview-refresh-drift", "refresh-preview-drift"])
def test_changes_fail_and_are_named(answer: Answer, name: str) -> None:
    verdict, evidence = cli.judge_no_changes(answer(name))
    assert verdict is Verdict.NO
    assert "kubernetes:core/v1:ConfigMap settings (data.a)" in evidence
    assert "cluster" not in evidence


def test_an_answer_with_changes_but_exit_0_is_no_yes(answer: Answer) -> None:
    drift = answer("preview-refresh-drift")
    verdict, _ = cli.judge_no_changes(result(0, drift.stdout))
    assert verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("stdout", ["", "not json", "[]", "{}", '{"steps": 3}', '{"steps": [{"op": "create"}]}'])
def test_an_answer_that_cannot_be_read_is_no_yes(stdout: str) -> None:
    assert cli.judge_preview(result(0, stdout))[0] is Verdict.UNKNOWN
    assert cli.judge_no_changes(result(0, stdout))[0] is Verdict.UNKNOWN


def test_a_preview_with_nothing_to_create_is_no_yes(answer: Answer) -> None:
    assert cli.judge_preview(answer("preview-clean"))[0] is Verdict.UNKNOWN


def test_an_up_is_judged_by_its_exit_code(answer: Answer) -> None:
    assert cli.judge_action(answer("up")) == (Verdict.YES, "+ 6 created")
    failed = result(1, "Updating (gke):\nerror: quota exceeded\n")
    assert cli.judge_action(failed) == (Verdict.NO, "quota exceeded")
    assert cli.judge_action(result(8, "error: update cancelled\n"))[0] is Verdict.UNKNOWN
    assert cli.judge_action(result(1))[0] is Verdict.UNKNOWN
    assert cli.judge_action(result(None, "", "timed out"))[0] is Verdict.UNKNOWN


def test_a_resources_own_error_is_told_with_its_name() -> None:
    urn = "urn:pulumi:gke::p::gcp:container/nodePool:NodePool::arm64"
    entry = '{"urn": "%s", "message": "error: no such disk\\n", "severity": "error"}' % urn  # noqa: UP031 - braces
    assert errors(result(1, '{"diagnostics": [%s]}' % entry)) == ("arm64: no such disk",)  # noqa: UP031 - braces


def test_updates_and_replacements_are_told_apart(answer: Answer) -> None:
    document = answer("preview-refresh-drift").document
    assert document is not None
    changes = {change.resource: change for change in changes_of(steps(document) or ())}
    assert set(changes) == {"kubernetes:core/v1:Namespace runner", "kubernetes:core/v1:ConfigMap settings"}
    assert changes["kubernetes:core/v1:Namespace runner"].action == "update"
    settings = changes["kubernetes:core/v1:ConfigMap settings"]
    assert (settings.action, settings.reasons) == ("replace", ("data.a",))


def test_the_three_operations_of_a_replacement_are_one_change() -> None:
    urn = "urn:pulumi:s::p::t:m:T::name"
    planned = tuple(Step(op=op, urn=urn) for op in ("create-replacement", "replace", "delete-replaced"))
    assert [change.action for change in changes_of(planned)] == ["replace"]


@pytest.mark.parametrize(
    "command",
    [cli.preview("s"), cli.up("s"), cli.refresh("s"), cli.destroy("s"), cli.stack_init("s"), cli.unprotect("s")],
)
def test_no_command_ever_waits_for_an_answer(command: tuple[str, ...]) -> None:
    assert "--non-interactive" in command
    assert "s" in command


def test_a_secrets_value_is_no_argument() -> None:
    assert cli.set_secret("s", "p:k")[-1] == "--non-interactive"
    assert not any("glrt-" in part for part in cli.set_secret("s", "p:k"))


def test_a_program_that_is_not_there_is_no_answer(tmp_path: Path) -> None:
    found = run([str(tmp_path / "pulumi"), "preview"], cwd=tmp_path, environment=Environment({}), limit=1)
    assert found.exit is None
    assert cli.judge_preview(found)[0] is Verdict.UNKNOWN


def test_a_command_that_hangs_is_stopped(tmp_path: Path) -> None:
    found = run(["/bin/sleep", "30"], cwd=tmp_path, environment=Environment({}), limit=0.2)
    assert found.exit is None
    assert found.seconds < 10


def test_the_sdks_own_sentinel_is_one_of_the_unknowns() -> None:
    assert rpc.UNKNOWN in UNKNOWN_STRINGS
