"""The drift component: what its jobs ask of the command, and what becomes of its answers."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ci import render
from tests.templates.lab.interpolation import interpolated
from tests.templates.lab.project import ROOT

if TYPE_CHECKING:
    from tests.templates.lab.project import Project, Ran

TEMPLATE = ROOT / "templates/drift/template.yml"
SCHEDULE = ("--variable", "CI_PIPELINE_SOURCE=schedule")
TOKENS = {"GCP_ID_TOKEN": "token-for-google", "AWS_ID_TOKEN": "token-for-aws", "AZURE_ID_TOKEN": "token-for-azure"}


@pytest.fixture
def scheduled(project: Project) -> Project:
    project.use("drift")
    project.write("Pulumi.yaml", "name: app\nruntime: python\n")
    # gitlab-ci-local has no id_tokens.
    project.variables |= TOKENS
    return project


def checks(project: Project) -> dict[str, dict[str, Any]]:
    """What the checks asked, by stack."""
    asked = [record for record in project.records("multiarch") if "--merge" not in record["argv"]]
    return {_after(record["argv"], "--stack")[0]: record for record in asked}


def test_a_schedule_checks_every_stack_and_keeps_one_issue(scheduled: Project) -> None:
    ran = scheduled.run(*SCHEDULE)
    assert ran.code == 0, ran.out
    asked = checks(scheduled)
    assert sorted(asked) == ["eks", "gke"]
    assert _after(asked["gke"]["argv"], "--only") == ["release"]
    assert _after(asked["gke"]["argv"], "--context") == ["gke=admin"]
    assert "preparing gke" in ran.out
    (merge,) = [record for record in scheduled.records("multiarch") if "--merge" in record["argv"]]
    assert _after(merge["argv"], "--stack") == ["gke", "eks"]
    assert "--gitlab-issue" in merge["argv"]
    assert _after(merge["argv"], "--issue-label") == ["multiarch-drift"]
    assert json.loads(scheduled.artifact("drift.json").read_text()) == {"code": 0, "missing": []}


def test_nothing_runs_outside_a_schedule(scheduled: Project) -> None:
    assert "drift-" not in scheduled.run("--list").out


def test_drift_is_orange_and_reaches_the_issue(scheduled: Project) -> None:
    scheduled.environ["LAB_DRIFT"] = "gke=1"
    ran = scheduled.run(*SCHEDULE)
    assert ended(ran) == {"drift-check: [gke]": "WARN 1", "drift-check: [eks]": "", "drift-issue": "WARN 1"}
    assert json.loads(scheduled.artifact("drift.json").read_text()) == {"code": 1, "missing": []}


def test_a_doubt_is_red_and_the_issue_hears_of_it(scheduled: Project) -> None:
    scheduled.environ["LAB_DRIFT"] = "eks=3"
    ran = scheduled.run(*SCHEDULE)
    assert ended(ran) == {"drift-check: [gke]": "", "drift-check: [eks]": "FAIL 3", "drift-issue": "FAIL 3"}
    assert json.loads(scheduled.artifact("drift.json").read_text()) == {"code": 3, "missing": []}
    assert json.loads(scheduled.artifact("eks.json").read_text())["code"] == 3


def test_a_doubt_hides_no_drift(scheduled: Project) -> None:
    scheduled.environ["LAB_DRIFT"] = "gke=1 eks=3"
    ran = scheduled.run(*SCHEDULE)
    assert ended(ran) == {"drift-check: [gke]": "WARN 1", "drift-check: [eks]": "FAIL 3", "drift-issue": "WARN 1"}
    assert json.loads(scheduled.artifact("drift.json").read_text()) == {"code": 1, "missing": []}


def test_another_programs_exit_code_1_is_no_drift_and_its_stack_is_named(scheduled: Project) -> None:
    text = (scheduled.folder / ".gitlab-ci.yml").read_text()
    scheduled.pipeline(text.replace("export PREPARED=yes", "test $STACK = eks || exit 1"))
    ran = scheduled.run(*SCHEDULE)
    assert ended(ran) == {"drift-check: [gke]": "FAIL 3", "drift-check: [eks]": "", "drift-issue": "FAIL 3"}
    assert json.loads(scheduled.artifact("drift.json").read_text()) == {"code": 3, "missing": ["gke"]}


def test_the_history_outlives_a_run_that_found_drift(scheduled: Project) -> None:
    scheduled.environ["LAB_DRIFT"] = "gke=1"
    scheduled.run(*SCHEDULE)
    scheduled.run_again(*SCHEDULE)
    assert checks(scheduled)["gke"]["runs"] == 2


def test_id_tokens_reach_the_clouds_libraries_by_files_and_nobody_else(scheduled: Project) -> None:
    scheduled.variables |= {
        "GCP_WORKLOAD_IDENTITY_PROVIDER": "projects/12/locations/global/workloadIdentityPools/gitlab/providers/gitlab",
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/drift-reader",
        "AZURE_CLIENT_ID": "00000000-0000-0000-0000-000000000001",
        "AZURE_TENANT_ID": "00000000-0000-0000-0000-000000000002",
    }
    ran = scheduled.run(*SCHEDULE)
    assert "credentials by ID token: Google AWS Azure" in ran.out
    record = checks(scheduled)["gke"]
    files = record["files"]
    assert files["AWS_WEB_IDENTITY_TOKEN_FILE"] == TOKENS["AWS_ID_TOKEN"]
    assert files["AZURE_FEDERATED_TOKEN_FILE"] == TOKENS["AZURE_ID_TOKEN"]
    google = json.loads(files["GOOGLE_APPLICATION_CREDENTIALS"])
    assert google["audience"].endswith("/providers/gitlab")
    assert not Path(google["credential_source"]["file"]).exists(), "the job left its token behind"
    for token in TOKENS.values():
        assert token not in ran.out
        assert token not in str(record["argv"])


def test_every_option_that_the_jobs_use_is_one_of_the_command() -> None:
    try:
        command = importlib.import_module("multiarch.drift.command").command
    except ModuleNotFoundError as error:
        pytest.skip(f"`multiarch drift` is not in this checkout: {error}")
    known = {name for parameter in command.params for name in parameter.opts}
    body = yaml.safe_load(interpolated(TEMPLATE))
    for job in ("drift-check", "drift-issue"):
        script = "\n".join(body[job]["script"])
        used = set(re.findall(r"(?<= )--[a-z-]+", script[script.index("root=") :]))
        assert len(used) > 5, job
        assert used <= known, job


def test_reports_are_for_the_projects_members_and_outlive_a_failure() -> None:
    body = yaml.safe_load(interpolated(TEMPLATE))
    for job in ("drift-check", "drift-issue"):
        artifacts = body[job]["artifacts"]
        assert (artifacts["when"], artifacts["access"]) == ("always", "developer")
        assert body[job]["allow_failure"] == {"exit_codes": [1]}
    assert body["drift-check"]["artifacts"]["reports"] == {"junit": "drift/*.xml"}
    assert {cache["key"] for cache in body["drift-check"]["cache"]} == {"drift-pip", "drift-history-$STACK"}


def test_the_cli_in_the_image_is_no_older_than_the_sdk() -> None:
    """The engine takes programs of older SDKs, not of newer ones."""
    (sdk,) = re.findall(r"^pulumi==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    cli = render.pinned()["PULUMI_IMAGE"].rpartition(":")[2]
    assert [int(part) for part in cli.split(".")] >= [int(part) for part in sdk.split(".")]


def ended(ran: Ran) -> dict[str, str]:
    """How each job ended, in gitlab-ci-local's words; its own exit code is 0 for an allowed failure and a red one."""
    found = re.findall(r"^(drift-\S+(?: \[\w+\])?) +finished in [\d.]+ m?s *(.*)$", ran.out, re.MULTILINE)
    return {job: how.strip() for job, how in found}


def _after(argv: list[str], option: str) -> list[str]:
    return [argv[place + 1] for place, word in enumerate(argv) if word == option]
