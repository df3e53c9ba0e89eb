"""A project of the real engine with one merged image: its program, its stack, and the registry that it publishes to."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from multiarch.core.environment import Environment
from multiarch.model.pulumi_answers import CliResult, steps
from multiarch.model.pulumi_cli import PulumiCli, run
from multiarch.rehearse.engine import cli
from multiarch.rehearse.engine.workspace import python_options
from tests.registry.lab import daemon
from tests.registry.lab.images import image, index
from tests.registry.lab.push import Pusher

ROOT = Path(__file__).resolve().parents[2]
STACK, NAME, REPOSITORY = "test", "helper", "ci/helper"
TYPE = "multiarch:index:MultiArchImage"
PROGRAM = f"""\
import json, pathlib, sys
sys.path.insert(0, {str(ROOT)!r})
import pulumi
from components.helper_image.resource import MultiArchImage

here = pathlib.Path(__file__).parent
image = MultiArchImage({NAME!r}, json.loads((here / "args.json").read_text()))
pulumi.export("reference", image.reference)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A program with one image, its stack in a file backend, and the registry it publishes to."""

    folder: Path
    registry: daemon.Daemon
    pusher: Pusher
    environment: Environment
    program: Path

    def pulumi(self, *arguments: str) -> CliResult:
        command = (str(self.program), *arguments)
        return run(command, cwd=self.folder, environment=self.environment, limit=600)

    def done(self, *arguments: str) -> CliResult:
        result = self.pulumi(*arguments)
        assert result.exit == 0, result.stdout + result.stderr
        return result

    def digest(self) -> str | None:
        return self.pusher.digest_of(REPOSITORY, "1")

    def steps(self, result: CliResult) -> dict[str, tuple[str, tuple[str, ...]]]:
        """What is planned for the image: operation and paths."""
        assert result.document is not None, result.stdout + result.stderr
        found = steps(result.document)
        assert found is not None
        return {step.op: (step.resource, step.paths) for step in found if TYPE in step.urn}


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[daemon.Daemon]:
    program = daemon.debian_registry()
    if program is None:
        pytest.skip("docker-registry is not installed (apt-get install docker-registry)")
    started = daemon.start(program, tmp_path / "registry")
    yield started
    started.stop()


def pushed(registry: daemon.Daemon) -> dict[str, Any]:
    """Push an image for each architecture; give the arguments of the resource that merges them."""
    pusher = Pusher(registry.base)
    digests = {arch: pusher.push(REPOSITORY, image(arch, seed="engine")) for arch in ("amd64", "arm64")}
    return {
        "target": f"{registry.host}/{REPOSITORY}:1",
        "sources": {f"linux/{arch}": f"{registry.host}/{REPOSITORY}@{digest}" for arch, digest in digests.items()},
        "plain_http": [registry.host],
    }


@pytest.fixture
def project(tmp_path: Path, pulumi: PulumiCli, programs: str, registry: daemon.Daemon) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    write_project(folder, pushed(registry))
    (tmp_path / "state").mkdir()
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
    environment = {
        **kept,
        "PATH": programs,
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": (tmp_path / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "only for this test",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
    }
    made = Project(
        folder=folder,
        registry=registry,
        pusher=Pusher(registry.base),
        environment=Environment(environment),
        program=pulumi.path,
    )
    made.done(*cli.stack_init(STACK))
    return made


def write_project(folder: Path, args: object) -> None:
    document = {
        "name": "helper-image",
        "runtime": {"name": "python", "options": python_options(folder)},
        "plugins": {"providers": [{"name": "multiarch", "path": str(ROOT / "components/helper_image")}]},
    }
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(document))
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "args.json").write_text(json.dumps(args))


def move_tag(project: Project) -> str:
    other = index(
        [(image(arch, seed="x"), {"platform": {"architecture": arch, "os": "linux"}}) for arch in ("amd64", "arm64")]
    )
    return project.pusher.push(REPOSITORY, other, "1")
