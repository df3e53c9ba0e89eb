import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from rich.console import Console

from multiarch import cli
from multiarch.cluster.errors import UnreachableError
from multiarch.cluster.look.model import Look
from multiarch.core.options import Outlet
from multiarch.core.render import FORMATS
from multiarch.core.report import Check, Report, Section
from multiarch.core.verdict import Verdict
from multiarch.onboard import main as module
from multiarch.onboard import run as running
from multiarch.onboard.access import access_of
from multiarch.onboard.check import Checked
from multiarch.onboard.command import command
from multiarch.onboard.outcome import Outcome
from multiarch.onboard.report.words import to_report
from multiarch.onboard.request import Onboarding, Request
from multiarch.onboard.run import Stage
from multiarch.rehearse.report.model import RehearsalReport, Rehearsed, RunsOn
from multiarch.rehearse.run import Options
from tests.unit.onboard.cases import CASES, Case
from tests.unit.onboard.lab import Server, eks_nodes, gke_nodes

URL = "https://gitlab.example.com"
SAID = ("--context", "builds", "--yes", "--gitlab-url", URL)
Looks = dict[str, Look | Exception]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: multiarch-runner\n")
    (tmp_path / "stacks").mkdir()
    config = tmp_path / "kubeconfig"
    contexts = [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in ("builds", "second", "third")]
    document = {
        "contexts": contexts,
        "clusters": [{"name": "c", "cluster": {"server": "https://192.0.2.1"}}],
        "users": [{"name": "u", "user": {}}],
    }
    config.write_text(yaml.safe_dump(document))
    monkeypatch.setenv("KUBECONFIG", str(config))
    return tmp_path


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    found: Looks = {"builds": CASES["eks"].look()}

    def look(request: Request, stage: Stage, namespaces: tuple[str, str]) -> Look:
        del stage, namespaces
        access_of(request.kubeconfig, request.context)
        one = found[request.context]
        if isinstance(one, Exception):
            raise one
        return replace(one, context=request.context)

    monkeypatch.setattr(running, "_look", look)
    return found


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Callable[[Verdict], None]:
    def planned(verdict: Verdict) -> None:
        claim = Check(id="plan-accepted", title="every provider accepts the plan", verdict=verdict, evidence="seen")
        monkeypatch.setattr(running, "check", lambda *_: Checked(checks=(claim,)))

    planned(Verdict.YES)
    return planned


def run(project: Path, *arguments: str, text: str = "") -> Result:
    return CliRunner().invoke(command, ["--project", str(project), *arguments], input=text)


@pytest.mark.usefixtures("looks", "plan")
def test_a_stack_file_is_written_and_the_next_steps_are_said(project: Path) -> None:
    result = run(project, *SAID)
    assert result.exit_code == 0, result.output
    text = (project / "stacks" / "Pulumi.builds.yaml").read_text()
    assert "machineType: m7g.2xlarge" in text
    assert "pulumi config set --secret multiarch-runner:runnerToken --stack builds" in result.stdout
    assert "make up STACK=builds" in result.stdout
    assert "glrt-" not in text.replace("(asks for the glrt- token)", "")


@pytest.mark.usefixtures("looks", "plan")
def test_the_same_run_again_changes_nothing_and_another_file_is_not_replaced(project: Path) -> None:
    run(project, *SAID)
    assert run(project, *SAID).exit_code == 0
    other = run(project, *SAID, "--max-nodes", "3")
    assert other.exit_code == 2
    assert "--force" in other.output
    path = project / "stacks" / "Pulumi.builds.yaml"
    assert "maxNodes: 20" in path.read_text()
    assert run(project, *SAID, "--max-nodes", "3", "--force").exit_code == 0
    assert "maxNodes: 3" in path.read_text()


@pytest.mark.usefixtures("looks", "plan")
def test_a_replaced_file_is_shown_as_a_difference_and_keeps_its_encrypted_secrets(project: Path) -> None:
    run(project, *SAID)
    path = project / "stacks" / "Pulumi.builds.yaml"
    secret = "  multiarch-runner:runnerToken:\n    secure: v1:AAAA:bbbb+cc==\n\nencryptionsalt: v1:salt:v1:iv:text=\n"
    path.write_text(path.read_text() + secret)
    assert run(project, *SAID).exit_code == 0
    result = run(project, *SAID, "--max-nodes", "3", "--force")
    assert result.exit_code == 0, result.output
    assert "-      maxNodes: 20" in result.output
    assert "+      maxNodes: 3" in result.output
    assert path.read_text().endswith(secret)
    loaded = yaml.safe_load(path.read_text())
    assert loaded["config"]["multiarch-runner:runnerToken"] == {"secure": "v1:AAAA:bbbb+cc=="}


@pytest.mark.usefixtures("looks", "plan")
def test_without_a_terminal_missing_answers_are_a_usage_error_that_names_the_flags(project: Path) -> None:
    result = run(project, "--context", "builds")
    assert result.exit_code == 2
    assert "--gitlab-url" in result.output
    assert not list((project / "stacks").iterdir())


@pytest.mark.usefixtures("looks", "plan")
def test_no_context_is_refused_with_those_that_there_are(project: Path) -> None:
    result = run(project, "--yes", "--gitlab-url", URL)
    assert result.exit_code == 2
    assert "builds, second, third" in result.output


@pytest.mark.usefixtures("plan")
@pytest.mark.parametrize(
    ("look", "code", "told"),
    [
        (UnreachableError("https://192.0.2.1 did not answer in time"), 3, "did not answer"),
        (Case(Server(forbidden=["/nodes"])).look(), 3, "403 Forbidden on nodes"),
        (Case(Server(nodes=gke_nodes(prefix="gk3"), version="1.34.2-gke.1")).look(), 4, "Autopilot"),
        (Case(Server(nodes=eks_nodes(), version="1.22.1-eks-1")).look(), 4, "1.22.1"),
    ],
)
def test_doubt_and_refusal_have_codes_of_their_own_and_write_nothing(
    project: Path, looks: Looks, look: Look | Exception, code: int, told: str
) -> None:
    looks["builds"] = look
    result = run(project, *SAID)
    assert result.exit_code == code, result.output
    assert told in result.output
    assert not list((project / "stacks").iterdir())


@pytest.mark.usefixtures("looks")
@pytest.mark.parametrize(("verdict", "code"), [(Verdict.NO, 1), (Verdict.UNKNOWN, 3)])
def test_a_stack_that_does_not_pass_its_check_is_not_written(
    project: Path, plan: Callable[[Verdict], None], verdict: Verdict, code: int
) -> None:
    plan(verdict)
    result = run(project, *SAID)
    assert result.exit_code == code
    assert "every provider accepts the plan" in result.output
    assert not list((project / "stacks").iterdir())


@pytest.mark.usefixtures("looks", "plan")
def test_a_dry_run_shows_the_file_and_writes_nothing(project: Path) -> None:
    result = run(project, *SAID, "--dry-run")
    assert result.exit_code == 0
    assert "multiarch-runner:cluster:" in result.stdout
    assert not list((project / "stacks").iterdir())


@pytest.mark.usefixtures("looks", "plan")
def test_json_is_all_of_standard_output_and_says_what_the_terminal_says(project: Path) -> None:
    result = run(project, *SAID, "--json", "-", "--dry-run")
    (section,) = json.loads(result.stdout)["sections"]
    document = section["detail"]
    assert document["outcome"] == "written"
    assert json.loads(result.stdout)["exitCode"] == 0
    assert document["look"]["provider"] == "eks"
    assert document["decision"]["price"]["savesPercent"] == 19
    assert document["decision"]["price"]["date"] == "2026-07-20"
    assert document["answers"]["arm64Machine"] == "m7g.2xlarge"
    assert "multiarch-runner:pools" in document["stackFile"]


@pytest.mark.usefixtures("looks", "plan")
def test_a_look_alone_asks_for_no_answer(project: Path) -> None:
    result = run(project, "--context", "builds", "--look-only", "--json", "-")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["sections"][0]["detail"]["answers"] is None


@pytest.mark.usefixtures("looks", "plan")
@pytest.mark.parametrize(
    ("verdict", "code", "written"), [(Verdict.YES, 0, 1), (Verdict.NO, 1, 0), (Verdict.UNKNOWN, 3, 0)], ids=str
)
def test_a_rehearsal_is_the_whole_commands_and_its_claims_decide_whether_the_file_is_written(
    project: Path, monkeypatch: pytest.MonkeyPatch, verdict: Verdict, code: int, written: int
) -> None:
    asked = []

    def rehearse(options: Options, _: object) -> RehearsalReport:
        asked.append((options.stacks, (options.project / "stacks" / "Pulumi.builds.yaml").read_text()))
        claim = Check(id="arm64-job", title="an arm64 job runs", verdict=verdict, evidence="seen")
        stack = Section(name="builds", checks=(claim,), detail=Rehearsed())
        return Report(command="rehearse", sections=(stack,), detail=RunsOn(control_plane="fake"))

    monkeypatch.setattr("multiarch.rehearse.run.rehearse", rehearse)
    result = CliRunner().invoke(cli.multiarch, ["onboard", "--project", str(project), *SAID, "--rehearse"])
    assert result.exit_code == code, result.output
    assert "an arm64 job runs" in result.output
    assert len(list((project / "stacks").iterdir())) == written
    ((stacks, text),) = asked
    assert (stacks, "multiarch-runner:pools" in text) == (("builds",), True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--fleet", "f.yaml", "--context", "a"),
        ("--fleet", "f.yaml", "--answers", "a.yaml"),
        ("--fleet", "f.yaml", "--rehearse"),
        ("--look-only", "--force", "--context", "a"),
        ("--context", "a", "--token-source", "glrt-secret"),
    ],
)
def test_contradictions_are_usage_errors(project: Path, arguments: tuple[str, ...]) -> None:
    assert run(project, *arguments).exit_code == 2


def fleet(project: Path, document: object) -> str:
    path = project / "clusters.yaml"
    path.write_text(yaml.safe_dump(document))
    return str(path)


@pytest.mark.parametrize("outcomes", [(Outcome.COULD_NOT_TELL, Outcome.FAILED), (Outcome.FAILED, Outcome.USAGE)])
def test_no_doubt_about_one_cluster_of_a_fleet_hides_that_another_failed(outcomes: tuple[Outcome, ...]) -> None:
    results = tuple(Onboarding(context="ci", outcome=outcome, message="") for outcome in outcomes)
    assert to_report(results).exit_code == 1


@pytest.mark.usefixtures("plan")
def test_one_failing_cluster_of_a_fleet_stops_no_other_and_the_code_tells(project: Path, looks: Looks) -> None:
    looks["second"] = UnreachableError("https://192.0.2.2 refuses connections")
    looks["third"] = Case(Server(nodes=gke_nodes(prefix="gk3"), version="1.34.2-gke.1")).look()
    path = fleet(
        project,
        {
            "defaults": {"gitlabUrl": URL, "maxNodes": 5},
            "clusters": [{"context": "second"}, {"context": "builds", "stack": "one"}, {"context": "third"}],
        },
    )
    result = run(project, "--fleet", path, "--yes", "--json", "-")
    assert result.exit_code == 4, result.output
    document = json.loads(result.stdout)
    assert [one["detail"]["exitCode"] for one in document["sections"]] == [3, 0, 4]
    assert "maxNodes: 5" in (project / "stacks" / "Pulumi.one.yaml").read_text()
    table = run(project, "--fleet", path, "--yes").output
    assert "refuses" in table
    assert "Autopilot" in table


@pytest.mark.usefixtures("plan")
def test_two_clusters_that_come_to_one_stack_name_are_both_told(project: Path, looks: Looks) -> None:
    looks["second"] = looks["builds"]
    path = fleet(project, {"defaults": {"gitlabUrl": URL}, "clusters": [{"context": "builds"}, {"context": "second"}]})
    result = run(project, "--fleet", path, "--yes", "--json", "-")
    assert result.exit_code == 2
    assert [one["detail"]["exitCode"] for one in json.loads(result.stdout)["sections"]] == [2, 2]
    assert not list((project / "stacks").iterdir())


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"cluster": []}, "Did you mean clusters"),
        ({"clusters": []}, "empty"),
        ({"clusters": [{"contxt": "a"}]}, "Did you mean context"),
        ({"clusters": [{"stack": "a"}]}, "clusters[0].context"),
        ({"defaults": {"context": "a"}, "clusters": [{}]}, "clusters[0].context"),
        ({"clusters": [{"context": "a", "stack": "x"}, {"context": "b", "stack": "x"}]}, "'x' is the stack of a"),
        ({"clusters": ["a"]}, "clusters[0]"),
        ([], "not a mapping"),
    ],
)
def test_a_fleet_file_is_read_strictly(project: Path, document: object, told: str) -> None:
    result = run(project, "--fleet", fleet(project, document), "--yes")
    assert result.exit_code == 2
    assert told in result.output


def test_a_login_program_that_is_not_there_is_told_before_anything_is_asked(project: Path) -> None:
    config = project / "kubeconfig"
    document = yaml.safe_load(config.read_text())
    plugin = {"apiVersion": "v1", "command": "no-such-login-plugin", "installHint": "Install it with: make plugin"}
    document["users"][0]["user"] = {"exec": plugin}
    config.write_text(yaml.safe_dump(document))
    result = run(project, *SAID)
    assert result.exit_code == 3
    assert "make plugin" in result.output


def test_help_has_examples_and_every_exit_code_and_imports_no_cluster_client() -> None:
    result = CliRunner().invoke(cli.multiarch, ["onboard", "--help"])
    assert result.exit_code == 0
    assert "multiarch onboard --context" in result.output
    for code in range(6):
        assert f"{code} " in result.output


def test_the_command_never_asks_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    for option in FORMATS:
        assert not module._interactive({"fleet": None, "yes": False}, Outlet({option: "-"}, Console()))
    assert not module._interactive({"fleet": "clusters.yaml", "yes": False}, Outlet({}, Console()))
