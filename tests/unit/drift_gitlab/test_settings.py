"""What a job's environment has to hold, and what is said when it does not."""

from __future__ import annotations

import pytest

from components.problems import ConfigError
from multiarch.drift.gitlab import DEFAULT_LABEL, IssueSettings

JOB = {
    "CI_API_V4_URL": "https://gitlab.example.com/api/v4",
    "CI_PROJECT_ID": "4711",
    "CI_PIPELINE_URL": "https://gitlab.example.com/team/app/-/pipelines/12",
    "CI_PROJECT_VISIBILITY": "private",
    "DRIFT_TOKEN": "glpat-mine",
}


def test_a_job_with_a_token_needs_nothing_else() -> None:
    read = IssueSettings.from_environment(JOB)
    assert (read.api, read.project, read.token) == (JOB["CI_API_V4_URL"], "4711", "glpat-mine")
    assert read.label == DEFAULT_LABEL
    assert read.pipeline == JOB["CI_PIPELINE_URL"]
    assert not read.confidential


def test_the_token_of_its_own_name_wins() -> None:
    assert IssueSettings.from_environment({**JOB, "GITLAB_TOKEN": "other"}).token == "glpat-mine"
    without = {name: value for name, value in JOB.items() if name != "DRIFT_TOKEN"}
    assert IssueSettings.from_environment({**without, "GITLAB_TOKEN": "other\n"}).token == "other"


@pytest.mark.parametrize("visibility", ["public", "internal", "", None])
def test_a_project_not_known_to_be_private_gets_a_confidential_issue(visibility: str | None) -> None:
    environ = {name: value for name, value in JOB.items() if name != "CI_PROJECT_VISIBILITY"}
    if visibility is not None:
        environ["CI_PROJECT_VISIBILITY"] = visibility
    assert IssueSettings.from_environment(environ).confidential


def test_all_that_is_missing_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        IssueSettings.from_environment({}, "a,b")
    assert [problem.path for problem in caught.value.problems] == [
        "CI_API_V4_URL",
        "CI_PROJECT_ID",
        "DRIFT_TOKEN",
        "--issue-label",
    ]
    assert "CI_JOB_TOKEN" in str(caught.value)


@pytest.mark.parametrize("token", ["two words", "a\nX-Header: b", "gl\u00e9pat"])
def test_a_token_that_is_none_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(ConfigError, match="DRIFT_TOKEN") as caught:
        IssueSettings.from_environment({**JOB, "DRIFT_TOKEN": token})
    assert token not in str(caught.value)


@pytest.mark.parametrize("api", ["gitlab.example.com", "ftp://x/api/v4", "https://user:secret@host/api/v4", "https://"])
def test_an_address_that_is_none_is_refused_and_not_shown(api: str) -> None:
    with pytest.raises(ConfigError, match="CI_API_V4_URL") as caught:
        IssueSettings.from_environment({**JOB, "CI_API_V4_URL": api})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("label", ["", " ", "a,b", "None", "any", "x" * 256, "a\nb"])
def test_a_label_that_could_not_find_the_issue_again_is_refused(label: str) -> None:
    with pytest.raises(ConfigError, match="--issue-label"):
        IssueSettings.from_environment(JOB, label)


def test_an_address_that_could_end_a_link_is_not_linked() -> None:
    read = IssueSettings.from_environment({**JOB, "CI_PIPELINE_URL": "https://x/) @root"})
    assert read.pipeline == ""
