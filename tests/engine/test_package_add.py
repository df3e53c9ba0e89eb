"""`pulumi package add` from a clean clone, by path and by git URL: for the components and for the image's provider."""

import json
from pathlib import Path

import pytest
import yaml

from multiarch.rehearse.engine import cli
from tests.engine.consumers import NEEDS_NPM, STACK, Consumer, write_npm_stand_ins
from tests.engine.git_server import GitServer
from tests.engine.image_project import REPOSITORY, pushed, registry
from tests.registry.lab import daemon

__all__ = ["registry"]

FOLDERS = {"multiarch-runner": "components", "multiarch": "components/helper_image"}


def write_project(consumer: Consumer, runtime: dict[str, object]) -> None:
    document = {"name": "consumer", "runtime": runtime}
    (consumer.folder / "Pulumi.yaml").write_text(yaml.safe_dump(document))


def python_project(consumer: Consumer, program: str) -> None:
    write_project(consumer, {"name": "python", "options": {"toolchain": "pip", "virtualenv": "venv"}})
    (consumer.folder / "requirements.txt").write_text("pulumi\n")
    (consumer.folder / "__main__.py").write_text(program)


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
    outputs = consumer.made()
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
def test_a_yaml_program_uses_the_components_of_a_clean_clone_by_path(
    consumer: Consumer, clone: Path, yaml_host: Path
) -> None:
    """The newest host that Go's proxy has is older than the CLI and can't link: `package add` ends after the SDK."""
    write_project(consumer, {"name": "yaml"})
    consumer = consumer.with_programs(yaml_host)
    place = str(clone / FOLDERS["multiarch-runner"])
    added = consumer.pulumi("package", "add", place)
    assert added.exit == 0 or "method Link not implemented" in added.stderr
    document = yaml.safe_load((consumer.folder / "Pulumi.yaml").read_text())
    document["plugins"] = {"providers": [{"name": "multiarch-runner", "path": place}]}
    (consumer.folder / "Pulumi.yaml").write_text(yaml.safe_dump(document | yaml.safe_load(NODES_IN_YAML)))
    assert consumer.made() == {
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


@pytest.mark.full
@NEEDS_NPM
def test_a_typescript_program_uses_the_components_of_a_clean_clone_by_path(consumer: Consumer, clone: Path) -> None:
    typescript_project(consumer, NODES_IN_TYPESCRIPT, write_npm_stand_ins(consumer.folder.parent / "npm"))
    consumer.done("package", "add", str(clone / FOLDERS["multiarch-runner"]))
    outputs = consumer.made()
    assert (outputs["arch"], outputs["labels"]) == ("arm64", {"disk_type": "ssd"})
    assert outputs["taints"] == ["kubernetes.io/arch=arm64:NoSchedule", "ci:NoSchedule"]


@pytest.mark.full
@NEEDS_NPM
def test_a_typescript_program_merges_an_image_by_the_provider_of_a_clean_clone(
    consumer: Consumer, clone: Path, registry: daemon.Daemon
) -> None:
    args = pushed(registry)
    (consumer.folder / "args.json").write_text(json.dumps({**args, "plainHttp": args.pop("plain_http")}))
    typescript_project(consumer, IMAGE_IN_TYPESCRIPT, {})
    consumer.done("package", "add", str(clone / FOLDERS["multiarch"]))
    outputs = consumer.made()
    assert outputs["reference"].startswith(f"{registry.host}/{REPOSITORY}@sha256:")
    assert sorted(outputs["platforms"]) == ["linux/amd64", "linux/arm64"]
