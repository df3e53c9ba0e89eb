"""This repository pushed to a GitLab under some path, and another project that includes from there."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from archmerge import __version__
from archmerge.packaging import make_zipapp
from tests.registry.lab.images import image, index
from tests.templates.lab.package_registry import PackageRegistry
from tests.templates.lab.project import REF, Project, git
from tests.templates.lab.published import read
from tests.templates.lab.this_venv import makeflags

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.registry.lab.workbench import Workbench

PATH = "platform/build/kit"
BOTH = ["linux/amd64", "linux/arm64"]
COMPONENT = """\
include:
  - component: $CI_SERVER_FQDN/platform/build/kit/multi-arch-image@main
    inputs: {insecure-registry: true}
"""
CLASSIC = """\
include:
  - project: platform/build/kit
    ref: main
    file: templates/multi-arch.gitlab-ci.yml
variables: {IMAGE_NAME: app, IMAGE_TAG: "1.2"}
amd64: {extends: .build-amd64}
arm64: {extends: .build-arm64}
app: {extends: .build-multi-arch, needs: [amd64, arm64]}
"""


@pytest.fixture
def packages() -> Iterator[PackageRegistry]:
    made = PackageRegistry()
    yield made
    made.close()


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """A folder of bare repositories, as a GitLab serves them."""
    bare = tmp_path / "served" / f"{PATH}.git"
    bare.mkdir(parents=True)
    git(bare, "init", "--quiet", "--bare")
    git(bare, "config", "uploadpack.allowFilter", "true")
    return tmp_path / "served"


@pytest.fixture
def kit(  # noqa: PLR0913, PLR0917 - each a part of the lab
    tmp_path: Path, program: Path, tools: Path, served: Path, lab: Workbench, packages: PackageRegistry
) -> Project:
    """This repository as `platform/build/kit`, whose jobs have what a GitLab gives; Python's image is in the lab."""
    lab.reset()
    made = Project(tmp_path / "kit", program, tools, served, lab, PATH)
    made.copy_of_this_repository()
    (made.folder / "Dockerfile").unlink()
    base = lab.name("python")
    children = [
        (image(arch, seed="python"), {"platform": {"os": "linux", "architecture": arch}}) for arch in ("amd64", "arm64")
    ]
    lab.push(base, index([*children]), "3.13")
    made.variables |= packages.variables
    made.variables |= {"PYTHON_IMAGE": f"{lab.host}/{base}:3.13", "MULTIARCH_OPTIONS": "insecure-registry=true"}
    made.environ["MAKEFLAGS"] = makeflags(tmp_path)
    pulumi = tmp_path / "pulumi"
    pulumi.mkdir()
    (pulumi / "pulumi").write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.templates.fakes.pulumi "$@"\n')
    (pulumi / "pulumi").chmod(0o755)
    made.add_tools(pulumi)
    made.commit()
    git(made.folder, "push", "--quiet", f"file://{served / PATH}.git", f"HEAD:refs/heads/{REF}")
    return made


@pytest.fixture
def consumer(tmp_path: Path, program: Path, tools: Path, served: Path, lab: Workbench) -> Project:
    return Project(tmp_path / "app", program, tools, served, lab)


def test_another_project_includes_from_there_and_nothing_had_to_be_published(
    kit: Project, consumer: Project, skopeo: str, tmp_path: Path
) -> None:
    assert "archmerge" not in kit.tags()
    consumer.pipeline(COMPONENT)
    ran = consumer.run()
    assert ran.code == 0, ran.out
    assert read(skopeo, f"{consumer.image}:latest", tmp_path).platforms == BOTH


def test_the_classic_file_comes_from_there_too(kit: Project, consumer: Project, skopeo: str, tmp_path: Path) -> None:
    assert kit.path == PATH
    consumer.variables |= {"CI_REGISTRY_URL": consumer.image, "MULTIARCH_OPTIONS": "insecure-registry=true"}
    consumer.pipeline(CLASSIC)
    ran = consumer.run()
    assert ran.code == 0, ran.out
    assert read(skopeo, f"{consumer.image}/app:1.2", tmp_path).platforms == BOTH


def test_the_default_branch_leaves_a_snapshot_and_an_image_that_other_projects_can_merge_in(
    kit: Project, packages: PackageRegistry, skopeo: str, tmp_path: Path
) -> None:
    ran = kit.run_again("package", "publish-image")
    assert ran.code == 0, ran.out
    assert packages.files == {}
    found = read(skopeo, f"{kit.image}/archmerge:{REF}", tmp_path)
    assert found.platforms == BOTH
    assert {config["config"]["User"] for config in found.configs.values()} == {"65532:65532"}
    assert kit.tags(f"{kit.repository}/archmerge") == sorted([kit.commit_hash, REF])
    assert command_of(skopeo, f"{kit.image}/archmerge:{REF}", tmp_path) == f"archmerge {__version__}\n"
    assert kit.artifact("archmerge.pyz").read_bytes() == make_zipapp.content()


def test_a_tag_publishes_files_that_are_what_their_sums_say(kit: Project, packages: PackageRegistry) -> None:
    changelog = (kit.folder / "CHANGELOG.md").read_text()
    kit.write("CHANGELOG.md", changelog.replace("## Unreleased", f"## {__version__}", 1))
    jobs = ("package", "sdks", "publish-image", "publish-files", "release")
    ran = kit.run(*jobs, "--variable", f"CI_COMMIT_TAG={__version__}", "--unset-variable", "CI_COMMIT_BRANCH")
    assert ran.code == 0, ran.out
    files = {path.removeprefix(f"multiarch-runner/{__version__}/"): content for path, content in packages.files.items()}
    assert {"archmerge.pyz", "schema.json", "NOTES.md", "SHA256SUMS", "sdk-nodejs.tar", "sdk-go.tar"} <= set(files)
    for line in files["SHA256SUMS"].decode().splitlines():
        digest, name = line.split()
        assert hashlib.sha256(files[name]).hexdigest() == digest
    assert {__version__, "latest"} <= set(kit.tags(f"{kit.repository}/archmerge"))


def test_a_tag_that_is_not_the_version_publishes_nothing(kit: Project, packages: PackageRegistry) -> None:
    ran = kit.run_again(
        "package", "publish-files", "--variable", "CI_COMMIT_TAG=99.0.0", "--unset-variable", "CI_COMMIT_BRANCH"
    )
    assert ran.code != 0
    assert f"the tag is 99.0.0, and the version in archmerge/__init__.py is {__version__}" in ran.out
    assert packages.files == {}


def command_of(skopeo: str, reference: str, scratch: Path) -> str:
    """What the image's own command says, started from its last layer: its interpreter is this machine's."""
    folder = scratch / "image"
    auth = ["--src-tls-verify=false", "--authfile", str(scratch / "skopeo.json"), "--override-arch", "arm64"]
    subprocess.run([skopeo, "copy", *auth, f"docker://{reference}", f"dir:{folder}"], check=True, capture_output=True)
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    with tarfile.open(folder / manifest["layers"][-1]["digest"].removeprefix("sha256:")) as layer:
        layer.extractall(scratch / "root", filter="data")
    program = scratch / "root/usr/local/bin/archmerge"
    program.write_text(program.read_text().replace(" /usr/local/lib", f" {scratch}/root/usr/local/lib"))
    assert shutil.which("python3")
    return subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
