"""What a runner is handed: the template's job, and GitLab's own variables around it."""

import json
from typing import Any

import pytest

from multiarch.rehearse.live.gitlab.payload import NOT_THE_JOBS, Place, payload, slug, variables
from multiarch.rehearse.live.gitlab.pipeline import Entry, Pipeline
from multiarch.rehearse.live.pipeline import PROJECT
from tests.unit.live.gitlab.conftest import RUNNER, ci_job

PLACE = Place(url="http://10.231.0.1:4000", commit="c0ffee12" + "0" * 32, runner=RUNNER)


def handed(**given: str) -> tuple[Entry, dict[str, Any]]:
    entry = Pipeline([ci_job("image-build: [arm64]", variables=given)], [RUNNER]).entries[0]
    return entry, {one["key"]: one for one in variables(entry, PLACE)}


def test_a_job_is_handed_out_as_its_template_has_it() -> None:
    entry, _ = handed()
    told = payload(entry, [], PLACE)
    json.dumps(told)
    assert told["steps"][0]["script"] == ["id", "build", "push\nand more"], "what runs first is in the same shell"
    assert told["image"] == {
        "name": "registry.example/kaniko:v1",
        "entrypoint": [""],
        "executor_opts": {"kubernetes": {"user": "1000"}},
    }
    assert told["artifacts"][0]["paths"] == ["digest"]
    assert told["runner_info"]["timeout"] == 300
    assert told["git_info"]["repo_url"] == f"http://gitlab-ci-token:{entry.token}@10.231.0.1:4000/{PROJECT}.git"
    assert told["dependencies"] == []


def test_a_job_without_artifacts_is_asked_for_none() -> None:
    entry = Pipeline([ci_job("a", artifacts=())], [RUNNER]).entries[0]
    assert payload(entry, [], PLACE)["artifacts"] == []


def test_a_needed_job_without_artifacts_is_no_dependency_and_its_token_is_of_the_job_that_runs() -> None:
    pipeline = Pipeline([ci_job("a"), ci_job("b"), ci_job("c", "a", "b")], [RUNNER])
    a, b, c = pipeline.entries
    b.archive = b"zip"
    (dependency,) = payload(c, [a, b], PLACE)["dependencies"]
    assert (dependency["id"], dependency["token"]) == (b.id, c.token)


def test_a_jobs_own_variables_outrank_gitlabs_where_gitlab_lets_them() -> None:
    entry, found = handed(
        CI_COMMIT_REF_NAME="of-the-caller", CI_REGISTRY_IMAGE="r.example/x", CI_PROJECT_PATH="team/app"
    )
    assert found["CI_COMMIT_REF_NAME"]["value"] == "of-the-caller"
    assert found["CI_REGISTRY_IMAGE"]["value"] == "r.example/x"
    assert found["CI_PROJECT_PATH"]["value"] == "team/app"
    assert found["CI_JOB_NAME_SLUG"]["value"] == "image-build-arm64"
    assert found["CI_JOB_ID"]["value"] == str(entry.id)


@pytest.mark.parametrize("name", sorted(NOT_THE_JOBS))
def test_what_only_server_and_runner_know_is_not_the_jobs_to_say(name: str) -> None:
    _, found = handed(**{name: "a placeholder"})
    assert found.get(name, {}).get("value") != "a placeholder"


def test_the_folders_of_the_build_are_the_runners_own() -> None:
    """common/build.go, GetDefaultVariables: they come before the job's, so a job that had them would win."""
    _, found = handed()
    assert not {"CI_PROJECT_DIR", "CI_BUILDS_DIR"} & set(found)


def test_secrets_are_masked_in_the_log_and_nothing_else_is() -> None:
    _, found = handed(REGISTRY_PASSWORD="hunter2hunter2", SHORT_TOKEN="abc", IMAGE="r.example/x")
    assert found["REGISTRY_PASSWORD"]["value"] == "hunter2hunter2"
    assert not found["REGISTRY_PASSWORD"]["public"]
    assert {name for name, one in found.items() if one["masked"]} == {
        "CI_JOB_TOKEN", "CI_REPOSITORY_URL", "REGISTRY_PASSWORD",
    }  # fmt: skip
    assert not found["SHORT_TOKEN"]["masked"], "GitLab masks nothing that short"


def test_a_slug_is_a_dns_label() -> None:
    assert slug("Image/Build: [arm64]!" * 9) == slug("image-build-arm64-" * 9)
    assert len(slug("x" * 99)) == 63
    assert slug("x" * 62 + "/y") == "x" * 62
