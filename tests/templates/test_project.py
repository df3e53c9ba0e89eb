"""The project's own pipeline, which is the first user of its components; and the image that it makes."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from multiarch.model.project import stacks_of
from tests.templates.lab.project import ROOT
from tests.templates.lab.published import read

if TYPE_CHECKING:
    from pathlib import Path

    from tests.templates.lab.project import Project


@pytest.fixture
def own(project: Project) -> Project:
    """A copy of what the pipeline needs of this repository; it includes its component from its own commit."""
    for folder in ("templates", "archmerge", "images"):
        shutil.copytree(ROOT / folder, project.folder / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (".gitlab-ci.yml", "pyproject.toml", "requirements.txt", "CHANGELOG.md"):
        shutil.copy(ROOT / file, project.folder / file)
    # The component's own variable says that the registry speaks TLS; the lab's doesn't.
    project.variables["MULTIARCH_OPTIONS"] = "insecure-registry=true"
    return project


def test_our_pipeline_publishes_the_image_of_the_merge_jobs(own: Project, skopeo: str, tmp_path: Path) -> None:
    built = own.run("archmerge-build")
    assert built.code == 0, built.out
    ran = own.run_again("archmerge-merge")
    assert ran.code == 0, ran.out
    found = read(skopeo, f"{own.image}/archmerge:latest", tmp_path)
    assert found.platforms == ["linux/amd64", "linux/arm64"]


def test_a_release_needs_the_image_and_the_tests(own: Project) -> None:
    ran = own.run("--list-csv", "--variable", "CI_COMMIT_TAG=0.1.0")
    assert ran.code == 0, ran.out
    (line,) = [line for line in ran.out.splitlines() if line.startswith("release;")]
    assert "archmerge-merge" in line
    assert "test" in line
    without = own.run("--list-csv")
    assert not [line for line in without.out.splitlines() if line.startswith("release;")]


def test_a_schedule_checks_the_stacks_and_nothing_else(own: Project) -> None:
    ran = own.run("--list-csv", "--variable", "CI_PIPELINE_SOURCE=schedule")
    assert ran.code == 0, ran.out
    jobs = {line.split(";")[0] for line in ran.out.splitlines() if line.count(";") > 3} - {"name"}
    assert jobs == {"drift-check: [aks]", "drift-check: [eks]", "drift-check: [gke]", "drift-issue"}
    without = own.run("--list-csv")
    assert not [line for line in without.out.splitlines() if line.startswith("drift-")]
    assert [line for line in without.out.splitlines() if line.startswith("archmerge-merge")]


def test_every_stack_that_is_checked_has_a_file() -> None:
    (stacks,) = [entry["inputs"]["stacks"] for entry in included() if "/drift@" in entry["component"]]
    assert set(stacks) <= set(stacks_of(ROOT))


def included() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text())["include"]
    return entries
