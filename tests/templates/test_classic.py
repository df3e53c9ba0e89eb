"""The classic form: pipelines of the kaniko + manifest-tool recipe, as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.templates.lab.published import read

if TYPE_CHECKING:
    from pathlib import Path

    from tests.templates.lab.project import Project

BOTH = ["linux/amd64", "linux/arm64"]


@pytest.fixture
def classic(project: Project) -> Project:
    """Such pipelines say where the registry is by CI_REGISTRY_URL."""
    project.variables |= {"CI_REGISTRY_URL": project.image, "MULTIARCH_OPTIONS": "insecure-registry=true"}
    return project


def test_a_recipe_pipeline_works_unchanged(classic: Project, skopeo: str, tmp_path: Path) -> None:
    classic.use("classic")
    ran = classic.run()
    assert ran.code == 0, ran.out
    found = read(skopeo, f"{classic.image}/app:1.2", tmp_path)
    assert found.platforms == BOTH
    labels = found.configs["linux/arm64"]["config"]["Labels"]
    assert labels["org.opencontainers.image.vendor"] == "Example & Sons"
    assert labels["org.opencontainers.image.base.name"] == "docker.io/library/alpine:3.22"
    arguments = [word for record in classic.records("kaniko") for word in record["argv"]]
    assert "BASE_IMAGE_NAME=docker.io/library/alpine" in arguments
    immutable = f"1.2-{classic.commit_hash}"
    assert classic.tags(f"{classic.repository}/app") == sorted(["1.2", "1.2-amd64", "1.2-arm64", immutable])
    assert "by tag" not in ran.out


def test_the_recipe_without_artifacts_merges_by_tag_and_says_so(classic: Project, skopeo: str, tmp_path: Path) -> None:
    classic.use("classic-stages")
    ran = classic.run()
    assert ran.code == 0, ran.out
    assert "no digest files" in ran.out
    assert read(skopeo, f"{classic.image}/app:latest", tmp_path).platforms == BOTH
    commit = classic.commit_hash
    assert classic.tags(f"{classic.repository}/app") == sorted(
        [commit, f"{commit}-amd64", f"{commit}-arm64", "edge", "latest"]
    )


def test_two_tags_of_one_name_are_never_mixed_up(classic: Project, skopeo: str, tmp_path: Path) -> None:
    classic.use("classic-two-images")
    ran = classic.run()
    assert ran.code == 0, ran.out
    for base in ("alpine", "debian"):
        found = read(skopeo, f"{classic.image}/app:{base}", tmp_path)
        assert {c["config"]["Labels"]["org.opencontainers.image.base.name"] for c in found.configs.values()} == {base}


def test_classic_builds_wait_for_no_stage(classic: Project) -> None:
    classic.use("classic")
    classic.pipeline((classic.folder / ".gitlab-ci.yml").read_text() + "\nlint: {stage: .pre, script: 'false'}\n")
    ran = classic.run()
    assert "FAIL  lint" in ran.out
    assert "1.2" in classic.tags(f"{classic.repository}/app")


def test_the_wrong_node_stops_a_classic_build(classic: Project) -> None:
    classic.use("classic")
    classic.environ["LAB_NODE"] = "amd64"
    ran = classic.run()
    assert ran.code != 0
    assert "this job builds for 'arm64', but its node is amd64" in ran.out


def test_a_mislabelled_classic_image_moves_no_tag(classic: Project) -> None:
    classic.use("classic")
    classic.environ["LAB_MISLABEL"] = "arm64"
    assert classic.run().code != 0
    assert classic.tags(f"{classic.repository}/app") == ["1.2-amd64", "1.2-arm64"]


def test_the_job_token_is_shown_to_no_other_registry(classic: Project) -> None:
    classic.use("classic")
    classic.variables |= {"CI_REGISTRY": "registry.gitlab.example.com", "CI_REGISTRY_USER": "gitlab-ci-token"}
    ran = classic.run()
    assert ran.code != 0
    assert {record["config"]["text"] for record in classic.records("kaniko")} == {""}
