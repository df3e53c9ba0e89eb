"""The engine tier: the real Pulumi CLI, from PATH or built. Skipped with the reason where neither can be had.

Some run in every test run; those marked `full` by `make test-engine` alone, which says MULTIARCH_ENGINE=full.
"""

import os
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest

from multiarch.model.pulumi_cli import PulumiCli, PulumiCliError
from multiarch.rehearse.control_plane.progress import PlainLines
from multiarch.rehearse.engine.have import Mode, has_language_host, have_pulumi, write_language_host
from tests.engine.consumers import YAML_HOST, Consumer, git, go_program, write_clone, write_consumer
from tests.engine.git_server import GitServer, serving

HERE = Path(__file__).parent
FULL = "full"
MODES: tuple[Mode, ...] = typing.get_args(Mode)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.engine)
            if item.get_closest_marker(FULL) and os.environ.get("MULTIARCH_ENGINE") != FULL:
                item.add_marker(pytest.mark.skip(reason="takes minutes: make test-engine"))


@pytest.fixture(scope="session", autouse=True)
def pulumi() -> PulumiCli:
    mode = os.environ.get("MULTIARCH_PULUMI", "auto")
    if mode not in MODES:
        pytest.fail(f"MULTIARCH_PULUMI={mode}: use one of {', '.join(MODES)}")
    try:
        return have_pulumi(mode, PlainLines())
    except PulumiCliError as error:
        pytest.skip(f"no Pulumi CLI: {error}")


@pytest.fixture(scope="session")
def programs(pulumi: PulumiCli, tmp_path_factory: pytest.TempPathFactory) -> str:
    """PATH with `pulumi` first on it, and with a Python language host: its own, or ours."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "pulumi").symlink_to(pulumi.path)
    if not has_language_host(pulumi):
        write_language_host(folder)
    return os.pathsep.join([str(folder), os.environ["PATH"]])


@pytest.fixture(scope="session")
def sdkgen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SDK generators of the CLI's own module, as a program."""
    folder = tmp_path_factory.mktemp("sdkgen")
    go_program("./sdkgen", {"GOBIN": str(folder)})
    return folder / "sdkgen"


@pytest.fixture(scope="session")
def yaml_host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of Pulumi's own language host for YAML, built from its module; a minute and a half the first time."""
    folder = tmp_path_factory.mktemp("yaml-host")
    go_program(YAML_HOST, {"GOBIN": str(folder)})
    return folder


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return write_clone(tmp_path / "clone", "examples/", "starters/")


@pytest.fixture
def consumer(tmp_path: Path, pulumi: PulumiCli, sdkgen: Path) -> Consumer:
    return write_consumer(tmp_path, tmp_path / "consumer", pulumi.path, sdkgen)


@pytest.fixture
def server(clone: Path, tmp_path: Path) -> Iterator[GitServer]:
    """The same as a git repository on a server: /team/runner.git."""
    git("init", "--quiet", cwd=clone)
    git("add", "--all", cwd=clone)
    git("commit", "--quiet", "--message", "a clone", cwd=clone)
    (tmp_path / "repositories/team").mkdir(parents=True)
    git("clone", "--quiet", "--bare", str(clone), str(tmp_path / "repositories/team/runner.git"), cwd=tmp_path)
    with serving(tmp_path / "repositories", tmp_path) as made:
        yield made
