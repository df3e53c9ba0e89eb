"""`pulumi package add` from a clean clone, by path and by git URL: for the components and for the image's provider."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

from multiarch.core.environment import Environment
from multiarch.model.pulumi_answers import CliResult
from multiarch.model.pulumi_cli import PulumiCli, run
from multiarch.rehearse.control_plane.build import FLAGS
from multiarch.rehearse.control_plane.cache import default_root
from multiarch.rehearse.control_plane.errors import BinariesError
from multiarch.rehearse.control_plane.golang import have_go
from multiarch.rehearse.control_plane.progress import PlainLines
from multiarch.rehearse.engine import cli
from multiarch.rehearse.engine.have import TOOLS_MODULE
from tests.engine.git_server import GitServer, serving
from tests.engine.image_project import REPOSITORY, pushed, registry
from tests.engine.package_hosts import SDKGEN
from tests.registry.lab import daemon

__all__ = ["registry"]

ROOT = Path(__file__).resolve().parents[2]
STACK = "test"
FOLDERS = {"multiarch-runner": "components", "multiarch": "components/helper_image"}
REFERENCE = re.compile(r"^/(?P<package>[^/]+)/v(?P<version>[^/]+)/schema\.json#/resources/(?P<token>.+)$")
HOST = """\
#!/bin/sh
exec {python} -c 'import sys; sys.path[0] = "{root}"; from tests.engine.package_hosts import {entry}; {entry}()' "$@"
"""
STAND_IN = """\
import pathlib, sys
from pulumi.provider.experimental.provider import GetSchemaResponse, Provider
from pulumi.provider.experimental.server import main

class StandIn(Provider):
    async def get_schema(self, request):
        return GetSchemaResponse(schema=pathlib.Path(__file__).with_name("schema.json").read_text())

main(sys.argv[1:], {version!r}, StandIn())
"""
"""A cloud's provider as `package add` needs it: the components' schema points into its own. The real one is not had."""


def git(*arguments: str, cwd: Path) -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    command = ["git", *who, *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a clone of this repository would have, with what is not committed yet, and nothing that is ignored."""
    folder = tmp_path / "clone"
    for name in git("ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=ROOT).split("\0"):
        if name.startswith(("components/", "archmerge/", "requirements.txt")) and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


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


@pytest.fixture(scope="session")
def sdkgen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("sdkgen") / "sdkgen"
    try:
        toolchain = have_go(default_root(), PlainLines(), TOOLS_MODULE)
    except BinariesError as error:
        pytest.skip(f"no Go for the SDK generators: {error}")
    command = [str(toolchain.go), "build", *FLAGS, "-ldflags", "-s -w", "-o", str(program), "./sdkgen"]
    environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    subprocess.run(command, cwd=TOOLS_MODULE, env=environment, check=True)
    return program


# renovate: datasource=go depName=github.com/pulumi/pulumi-yaml
YAML_HOST = "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml@v1.25.0"


@pytest.fixture
def yaml_host(consumer: "Consumer") -> None:
    """Pulumi's own language host for YAML, built from its module; a minute and a half the first time."""
    try:
        toolchain = have_go(default_root(), PlainLines(), TOOLS_MODULE)
    except BinariesError as error:
        pytest.skip(f"no Go for the YAML host: {error}")
    environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    environment["GOBIN"] = str(consumer.folder.parent / "programs")
    subprocess.run([str(toolchain.go), "install", *FLAGS, YAML_HOST], env=environment, check=True)


@dataclass(frozen=True, slots=True)
class Consumer:
    """Somebody's project in some language."""

    folder: Path
    program: Path
    environment: Environment

    def pulumi(self, *arguments: str, **more: str) -> CliResult:
        environment = Environment({**self.environment, **more})
        command = (str(self.program), *arguments)
        return run(command, cwd=self.folder, environment=environment, limit=600)

    def done(self, *arguments: str, **more: str) -> str:
        result = self.pulumi(*arguments, **more)
        assert result.exit == 0, result.stdout + result.stderr
        return result.stdout


def references() -> set[tuple[str, str, str]]:
    """The clouds' own resources that the components' schema points to, one of each: package, version and token."""
    text = (ROOT / "tests/golden/components.schema.json").read_text()
    found = [match for ref in re.findall(r'"\$ref": "([^"]+)"', text) if (match := REFERENCE.match(ref))]
    return {(one["package"], one["version"], unquote(one["token"])) for one in found}


def write_stand_ins(folder: Path) -> list[dict[str, str]]:
    """Write a plugin for each package that the components' schema points into; give their entries of Pulumi.yaml."""
    for package, version, token in references():
        place = folder / package
        place.mkdir(parents=True)
        meta = {"moduleFormat": "([^/]*)(?:/[^/]*)?"}  # as the clouds have it: `eks/cluster` is the module eks
        schema = {"name": package, "version": version, "meta": meta, "resources": {token: {}}}
        (place / "schema.json").write_text(json.dumps(schema))
        (place / "__main__.py").write_text(STAND_IN.format(version=version))
        options = {"toolchain": "pip", "virtualenv": os.path.relpath(sys.prefix, place.resolve())}
        (place / "PulumiPlugin.yaml").write_text(yaml.safe_dump({"runtime": {"name": "python", "options": options}}))
    return [{"name": one.name, "path": str(one)} for one in sorted(folder.iterdir())]


@pytest.fixture
def consumer(tmp_path: Path, pulumi: PulumiCli, sdkgen: Path) -> Consumer:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, entry in (("python", "serve_python"), ("nodejs", "serve_node")):
        path = programs / f"pulumi-language-{name}"
        path.write_text(HOST.format(python=sys.executable, root=ROOT, entry=entry))
        path.chmod(0o755)
    for name in ("consumer", "state"):
        (tmp_path / name).mkdir()
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")},
        "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": (tmp_path / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "only for this test",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
        SDKGEN: str(sdkgen),
    }
    return Consumer(tmp_path / "consumer", pulumi.path, Environment(environment))


def write_project(consumer: Consumer, runtime: dict[str, object]) -> None:
    stand_ins = write_stand_ins(consumer.folder.parent / "stand-ins")
    document = {"name": "consumer", "runtime": runtime, "plugins": {"providers": stand_ins}}
    (consumer.folder / "Pulumi.yaml").write_text(yaml.safe_dump(document))


def python_project(consumer: Consumer, program: str) -> None:
    write_project(consumer, {"name": "python", "options": {"toolchain": "pip", "virtualenv": "venv"}})
    (consumer.folder / "requirements.txt").write_text("pulumi\n")
    (consumer.folder / "__main__.py").write_text(program)


def made(consumer: Consumer) -> dict[str, Any]:
    """Let the engine make what the program declares; give the stack's outputs."""
    consumer.done(*cli.stack_init(STACK))
    consumer.done(*cli.up(STACK))
    outputs: dict[str, Any] = json.loads(consumer.done("stack", "output", "--json", "--stack", STACK))
    return outputs


NODES = """\
import pulumi
import pulumi_multiarch_runner as runner

nodes = runner.ExistingNodes("arm64", pool={"name": "arm64", "arch": runner.Arch.ARM64, "labels": {"disk_type": "ssd"}})
pulumi.export("arch", nodes.arch)
pulumi.export("labels", nodes.labels)
"""


def test_a_python_program_uses_the_components_of_a_clean_clone_by_path(consumer: Consumer, clone: Path) -> None:
    python_project(consumer, NODES)
    consumer.done("package", "add", str(clone / FOLDERS["multiarch-runner"]))
    outputs = made(consumer)
    assert (outputs["arch"], outputs["labels"]) == ("arm64", {"disk_type": "ssd"})


def test_a_python_program_is_told_of_a_mistake_by_its_path_and_without_our_traceback(
    consumer: Consumer, clone: Path
) -> None:
    python_project(consumer, NODES.replace('"labels":', '"max_nodes": 0, "labels":'))
    consumer.done("package", "add", str(clone / FOLDERS["multiarch-runner"]))
    consumer.done(*cli.stack_init(STACK))
    refused = consumer.pulumi(*cli.up(STACK))
    assert refused.exit != 0
    assert "arm64.pool.maxNodes" in refused.stdout + refused.stderr
    assert "component.py" not in refused.stdout + refused.stderr


NODES_IN_YAML = """\
resources:
  nodes:
    type: multiarch-runner:ExistingNodes
    properties:
      pool: {name: arm64, arch: arm64, taints: [{key: ci}], labels: {disk_type: ssd}}
outputs:
  arch: ${nodes.arch}
  labels: ${nodes.labels}
  taints: ${nodes.taints}
"""


@pytest.mark.full
@pytest.mark.usefixtures("yaml_host")
def test_a_yaml_program_uses_the_components_of_a_clean_clone_by_path(consumer: Consumer, clone: Path) -> None:
    """The newest host that Go's proxy has is older than the CLI and can't link: `package add` ends after the SDK."""
    write_project(consumer, {"name": "yaml"})
    place = str(clone / FOLDERS["multiarch-runner"])
    added = consumer.pulumi("package", "add", place)
    assert added.exit == 0 or "method Link not implemented" in added.stderr
    document = yaml.safe_load((consumer.folder / "Pulumi.yaml").read_text())
    document["plugins"]["providers"].append({"name": "multiarch-runner", "path": place})
    (consumer.folder / "Pulumi.yaml").write_text(yaml.safe_dump(document | yaml.safe_load(NODES_IN_YAML)))
    assert made(consumer) == {
        "arch": "arm64",
        "labels": {"disk_type": "ssd"},
        "taints": ["kubernetes.io/arch=arm64:NoSchedule", "ci:NoSchedule"],
    }


@pytest.mark.parametrize("name", FOLDERS)
def test_a_package_of_a_git_url_is_cloned_installed_and_gives_its_schema(
    consumer: Consumer, server: GitServer, name: str
) -> None:
    python_project(consumer, "")
    url = f"{server.address}/team/runner.git/{FOLDERS[name]}"
    consumer.done("package", "add", url, **server.environment)
    recorded = yaml.safe_load((consumer.folder / "Pulumi.yaml").read_text())["packages"]
    assert [*recorded] == [name]
    assert list(consumer.folder.glob("sdks/*/*/pulumi-plugin.json")) != []


IMAGE_IN_TYPESCRIPT = """\
import { readFileSync } from "fs";
import * as multiarch from "@pulumi/multiarch";

const args: multiarch.MultiArchImageArgs = JSON.parse(readFileSync("args.json", "utf8"));
const image = new multiarch.MultiArchImage("helper", args);
export const reference = image.reference;
export const platforms = image.platforms;
"""


def typescript_project(consumer: Consumer, program: str, packages: dict[str, str]) -> None:
    # renovate: datasource=npm depName=@pulumi/pulumi
    dependencies = {"@pulumi/pulumi": "3.276.0", "typescript": "^5", **packages}
    package = {"name": "consumer", "dependencies": dependencies}
    (consumer.folder / "package.json").write_text(json.dumps(package))
    (consumer.folder / "index.ts").write_text(program)
    options = {"compilerOptions": {"target": "es2022", "module": "nodenext", "strict": True}, "files": ["index.ts"]}
    (consumer.folder / "tsconfig.json").write_text(json.dumps(options))
    write_project(consumer, {"name": "nodejs"})


NODES_IN_TYPESCRIPT = """\
import * as runner from "@pulumi/multiarch-runner";

const pool: runner.types.input.ExistingPoolArgs = {
    name: "arm64", arch: runner.Arch.ARM64, taints: [{ key: "ci" }], labels: { disk_type: "ssd" },
};
// Never made, only held to its types: the whole runner has them.
export const settings: runner.types.input.RunnerConfigArgs = {
    gitlabUrl: "https://gitlab.com", architectures: [runner.Arch.ARM64], metrics: { podMonitor: true },
};
const nodes = new runner.ExistingNodes("nodes", { pool });
export const arch = nodes.arch;
export const labels = nodes.labels;
export const taints = nodes.taints;
"""


def write_npm_stand_ins(folder: Path) -> dict[str, str]:
    """Write what stands in for the clouds' npm packages, hundreds of megabytes; give them as dependencies."""
    for package, version, token in references():
        place = folder / package
        place.mkdir(parents=True)
        document = {"name": f"@pulumi/{package}", "version": version, "types": "index.d.ts", "main": "index.js"}
        (place / "package.json").write_text(json.dumps(document))
        (place / "index.js").write_text("")
        _, module, kind = token.split(":")
        declared = f"export declare namespace {module.partition('/')[0]} {{ class {kind} {{}} }}"
        (place / "index.d.ts").write_text(declared)
    return {f"@pulumi/{place.name}": f"file:{place}" for place in folder.iterdir()}


@pytest.mark.full
@pytest.mark.skipif(shutil.which("npm") is None, reason="needs Node.js and npm")
def test_a_typescript_program_uses_the_components_of_a_clean_clone_by_path(consumer: Consumer, clone: Path) -> None:
    typescript_project(consumer, NODES_IN_TYPESCRIPT, write_npm_stand_ins(consumer.folder.parent / "npm"))
    consumer.done("package", "add", str(clone / FOLDERS["multiarch-runner"]))
    outputs = made(consumer)
    assert (outputs["arch"], outputs["labels"]) == ("arm64", {"disk_type": "ssd"})
    assert outputs["taints"] == ["kubernetes.io/arch=arm64:NoSchedule", "ci:NoSchedule"]


@pytest.mark.full
@pytest.mark.skipif(shutil.which("npm") is None, reason="needs Node.js and npm")
def test_a_typescript_program_merges_an_image_by_the_provider_of_a_clean_clone(
    consumer: Consumer, clone: Path, registry: daemon.Daemon
) -> None:
    args = pushed(registry)
    (consumer.folder / "args.json").write_text(json.dumps({**args, "plainHttp": args.pop("plain_http")}))
    typescript_project(consumer, IMAGE_IN_TYPESCRIPT, {})
    consumer.done("package", "add", str(clone / FOLDERS["multiarch"]))
    outputs = made(consumer)
    assert outputs["reference"].startswith(f"{registry.host}/{REPOSITORY}@sha256:")
    assert sorted(outputs["platforms"]) == ["linux/amd64", "linux/arm64"]
