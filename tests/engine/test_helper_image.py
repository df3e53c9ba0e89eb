"""MultiArchImage under the real engine: up, a moved tag, refresh shows it, up repairs it, import, destroy."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from ops.pulumi.answers import NO_CHANGES_VIOLATED, CliResult, steps
from ops.pulumi_cli import find_pulumi
from ops.rehearse.engine import cli
from ops.rehearse.engine.workspace import python_options
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
    environment: Mapping[str, str]

    def pulumi(self, *arguments: str) -> CliResult:
        return cli.run(find_pulumi().path, arguments, cwd=self.folder, environment=self.environment)

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
def project(tmp_path: Path) -> Iterator[Project]:
    program = daemon.debian_registry()
    if program is None:
        pytest.skip("docker-registry is not installed (apt-get install docker-registry)")
    registry = daemon.start(program, tmp_path / "registry")
    pusher = Pusher(registry.base)
    digests = {arch: pusher.push(REPOSITORY, image(arch, seed="engine")) for arch in ("amd64", "arm64")}
    args = {
        "target": f"{registry.host}/{REPOSITORY}:1",
        "sources": {f"linux/{arch}": f"{registry.host}/{REPOSITORY}@{digest}" for arch, digest in digests.items()},
        "plain_http": [registry.host],
    }
    folder = tmp_path / "project"
    folder.mkdir()
    write_project(folder, args)
    (tmp_path / "state").mkdir()
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
    environment = {
        **kept,
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": (tmp_path / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "only for this test",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
    }
    made = Project(folder=folder, registry=registry, pusher=pusher, environment=environment)
    made.done(*cli.stack_init(STACK))
    yield made
    registry.stop()


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


def test_a_moved_tag_is_seen_by_refresh_and_repaired_by_up(project: Project) -> None:
    assert "create" in project.steps(project.pulumi(*cli.preview(STACK)))
    assert project.digest() is None, "a preview publishes nothing"
    project.done(*cli.up(STACK))
    published = project.digest()
    assert published is not None
    assert project.pulumi(*cli.refresh(STACK)).exit == 0
    moved = move_tag(project)
    drift = project.pulumi(*cli.refresh(STACK))
    assert drift.exit == NO_CHANGES_VIOLATED, drift.stdout + drift.stderr
    plan = project.pulumi("preview", "--refresh", "--json", "--stack", STACK, "--non-interactive")
    assert "digest" in project.steps(plan)["update"][1]
    assert project.digest() == moved, "looking repairs nothing"
    project.done(*cli.up(STACK), "--refresh")
    assert project.digest() == published
    assert project.pulumi(*cli.preview(STACK, expect_no_changes=True)).exit == 0


def test_a_deleted_tag_is_made_again(project: Project) -> None:
    project.done(*cli.up(STACK))
    published = project.digest()
    assert published is not None
    status, _, _ = project.pusher.call("DELETE", f"/v2/{REPOSITORY}/manifests/{published}")
    assert status == 202
    plan = project.pulumi("preview", "--refresh", "--json", "--stack", STACK, "--non-interactive")
    assert "create" in project.steps(plan)
    project.done(*cli.up(STACK), "--refresh")
    assert project.digest() == published


def test_a_registry_that_is_down_fails_the_refresh(project: Project) -> None:
    project.done(*cli.up(STACK))
    project.registry.stop()
    result = project.pulumi(*cli.refresh(STACK))
    assert result.exit not in (0, NO_CHANGES_VIOLATED)
    assert "Traceback" not in result.stdout + result.stderr


def test_destroy_keeps_the_image_and_import_takes_it_over_without_a_change(project: Project) -> None:
    project.done(*cli.up(STACK))
    published = project.digest()
    project.done(*cli.destroy(STACK))
    assert project.digest() == published
    identity = f"http://{project.pusher.host}/{REPOSITORY}:1"
    project.done(
        "import", TYPE, NAME, identity, "--yes", "--protect=false", "--generate-code=false",
        "--stack", STACK, "--non-interactive",
    )  # fmt: skip
    assert project.pulumi(*cli.preview(STACK, expect_no_changes=True)).exit == 0
    project.done(*cli.destroy(STACK))
    assert project.digest() == published
