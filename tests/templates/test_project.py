"""The project's own pipeline: green wherever this repository is pushed to, with no setting made before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from archmerge import __version__
from multiarch.model.project import stacks_of
from tests.templates.lab.project import ROOT

if TYPE_CHECKING:
    from tests.templates.lab.project import Project

SCHEDULED = {"drift-check: [aks]", "drift-check: [eks]", "drift-check: [gke]", "drift-issue"}
TAGGED = ["--variable", f"CI_COMMIT_TAG={__version__}", "--unset-variable", "CI_COMMIT_BRANCH"]
DEFAULT_BRANCH = {"test", "package", "publish-image"}


@pytest.fixture
def own(project: Project) -> Project:
    project.copy_of_this_repository()
    return project


def jobs(own: Project, *arguments: str) -> set[str]:
    """The jobs of the pipeline that these arguments describe."""
    ran = own.run("--list-csv", *arguments)
    assert ran.code == 0, ran.out
    return {line.split(";")[0] for line in ran.out.splitlines() if line.count(";") > 3} - {"name"}


def documented() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text())
    return document


def test_without_any_setting_no_job_waits_for_a_runner_that_is_not_there_yet(own: Project) -> None:
    found = jobs(own)
    assert found == DEFAULT_BRANCH
    merged = yaml.safe_load(own.preview())
    assert not [name for name in found if merged[name].get("tags")]


def test_once_the_runner_is_there_everything_is_tested_on_both_architectures(own: Project) -> None:
    natively = {"test-natively: [amd64]", "test-natively: [arm64]"}
    assert jobs(own, "--variable", "MULTIARCH_RUNNER_TAG=multi-arch") == DEFAULT_BRANCH | natively


def test_without_a_container_registry_nothing_is_pushed_to_one(own: Project) -> None:
    own.variables["CI_REGISTRY_IMAGE"] = ""
    assert jobs(own) == DEFAULT_BRANCH - {"publish-image"}


def test_a_merge_request_tests_and_publishes_nothing(own: Project) -> None:
    request = ["--variable", "CI_PIPELINE_SOURCE=merge_request_event", "--unset-variable", "CI_COMMIT_BRANCH"]
    assert jobs(own, *request) == {"test"}


def test_a_version_publishes_everything_and_the_release_comes_last(own: Project) -> None:
    assert jobs(own, *TAGGED) == DEFAULT_BRANCH | {"sdks", "publish-files", "release"}
    needed = {need if isinstance(need, str) else need["job"] for need in documented()["release"]["needs"]}
    assert needed == {"package", "publish-files", "publish-image"}
    assert documented()["package"]["stage"] != "test", "stages, not `needs`, hold it back until the tests are done"
    assert "needs" not in documented()["package"]


def test_another_tag_is_no_release(own: Project) -> None:
    assert jobs(own, "--variable", "CI_COMMIT_TAG=wip-2", "--unset-variable", "CI_COMMIT_BRANCH") == {"test"}


def test_a_schedule_checks_the_stacks_and_nothing_else(own: Project) -> None:
    assert jobs(own, "--variable", "CI_PIPELINE_SOURCE=schedule") == SCHEDULED


def test_a_schedule_on_a_version_does_not_publish_it_again(own: Project) -> None:
    assert jobs(own, *TAGGED, "--variable", "CI_PIPELINE_SOURCE=schedule") == SCHEDULED


def test_every_stack_that_is_checked_has_a_file() -> None:
    (stacks,) = [entry["inputs"]["stacks"] for entry in documented()["include"] if "/drift@" in entry["component"]]
    assert set(stacks) <= set(stacks_of(ROOT))
