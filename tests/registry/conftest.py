"""Real registries for the tier `registry`: Debian's 2.8.2, and Distribution 3 where it can be built."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.registry.lab import daemon
from tests.registry.lab.workbench import Workbench, clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/registry" in str(item.path):
            item.add_marker(pytest.mark.registry)


def _debian() -> str:
    program = daemon.debian_registry()
    if program is None:
        pytest.skip("docker-registry is not installed (apt-get install docker-registry)")
    return program


@pytest.fixture(scope="session")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    bench = Workbench(_debian(), tmp_path_factory.mktemp("debian"))
    yield bench
    bench.close()


@pytest.fixture(scope="session")
def newest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    program, why = daemon.go_tool(daemon.DISTRIBUTION_3, "registry")
    if program is None:
        pytest.skip(f"Distribution 3 could not be built: {why}")
    bench = Workbench(program, tmp_path_factory.mktemp("newest"))
    yield bench
    bench.close()


@pytest.fixture
def bench(debian: Workbench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Workbench]:
    """Debian's registry, everything as it should be."""
    clean_environment(monkeypatch, tmp_path)
    debian.reset()
    yield debian
    debian.reset()


@pytest.fixture(params=["2.8.2", "3"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Workbench:
    """Both registries in turn."""
    chosen: Workbench = request.getfixturevalue("debian" if request.param == "2.8.2" else "newest")
    clean_environment(monkeypatch, tmp_path)
    chosen.reset()
    return chosen


@pytest.fixture
def skopeo() -> str:
    program = shutil.which("skopeo")
    if program is None:
        pytest.skip("skopeo is not installed (apt-get install skopeo)")
    assert os.access(program, os.X_OK)
    return program
