"""The tier `templates`: whole pipelines by gitlab-ci-local. Registry and archmerge are real, builders are stand-ins."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from tests.registry.lab import daemon
from tests.registry.lab.workbench import Workbench
from tests.templates.lab import gitlab_ci_local
from tests.templates.lab.project import ROOT, TEMPLATES, Project, git
from tests.templates.lab.shell import SHELLS, Shell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MODULES = {"executor": "kaniko", "buildctl-daemonless.sh": "buildkit"}
_RECORDED = ("trivy", "syft", "cosign")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/templates" in str(item.path):
            item.add_marker(pytest.mark.templates)


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the PATH: stand-ins for builders, node and scanners. archmerge comes with the template."""
    folder = tmp_path_factory.mktemp("tools")
    commands = {name: f"-m tests.templates.fakes.{module}" for name, module in _MODULES.items()}
    commands["multiarch"] = "-m tests.templates.fakes.multiarch"
    commands |= {name: f"-m tests.templates.fakes.recorder {name}" for name in _RECORDED}
    for name, what in commands.items():
        (folder / name).write_text(f'#!/bin/sh\nexec {sys.executable} {what} "$@"\n')
        (folder / name).chmod(0o755)
    shutil.copy(ROOT / "tests/templates/fakes/uname", folder / "uname")
    return folder


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """Debian's registry behind token authentication."""
    program = daemon.debian_registry()
    if program is None:
        pytest.skip("docker-registry is not installed (apt-get install docker-registry)")
    bench = Workbench(program, tmp_path_factory.mktemp("registry"))
    yield bench
    bench.close()


@pytest.fixture(scope="session")
def program() -> Path:
    found, why = gitlab_ci_local.find()
    if found is None:
        pytest.skip(why)
    return found


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with this project's repository as a GitLab would serve it."""
    folder = tmp_path_factory.mktemp("catalog")
    work = folder / f"{TEMPLATES}.git"
    work.mkdir(parents=True)
    shutil.copytree(ROOT / "templates", work / "templates")
    git(work, "init", "--quiet")
    git(work, "config", "uploadpack.allowFilter", "true")
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "-m", "lab")
    return folder


@pytest.fixture
def project(tmp_path: Path, program: Path, tools: Path, catalog: Path, lab: Workbench) -> Project:
    lab.reset()
    return Project(tmp_path / "app", program, tools, catalog, lab)


@pytest.fixture
def skopeo() -> str:
    found = shutil.which("skopeo")
    if found is None:
        pytest.skip("skopeo is not installed (apt-get install skopeo)")
    return found


@pytest.fixture(params=sorted(SHELLS))
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Shell:
    argv = SHELLS[request.param]
    if shutil.which(argv[0]) is None:
        pytest.skip(f"{argv[0]} is not installed (apt-get install {argv[0]})")
    return Shell(argv, tmp_path)
