"""Somebody's Pulumi project that uses the components of a clean clone, and what it needs on a machine like this one.

Language hosts that generate and install as Pulumi's do (package_hosts.py), and stand-ins for the clouds' providers and
npm packages.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from multiarch.core.environment import Environment
from multiarch.model.providers.registry import provider_for
from multiarch.model.pulumi_answers import CliResult
from multiarch.model.pulumi_cli import run
from multiarch.rehearse.control_plane.build import FLAGS
from multiarch.rehearse.control_plane.cache import default_root
from multiarch.rehearse.control_plane.errors import BinariesError
from multiarch.rehearse.control_plane.golang import have_go
from multiarch.rehearse.control_plane.progress import PlainLines
from multiarch.rehearse.engine import cli
from multiarch.rehearse.engine.have import TOOLS_MODULE
from tests.engine.package_hosts import SDKGEN

ROOT = Path(__file__).resolve().parents[2]
STACK = "test"
# renovate: datasource=go depName=github.com/pulumi/pulumi-yaml
YAML_HOST = "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml@v1.25.0"
NEEDS_NPM = pytest.mark.skipif(shutil.which("npm") is None, reason="needs Node.js and npm")
REFERENCE = re.compile(r"^/(?P<package>[^/]+)/v(?P<version>[^/]+)/schema\.json#/resources/(?P<token>.+)$")
HOST = """\
#!/bin/sh
exec {python} -c 'import sys; sys.path[0] = "{root}"; from tests.engine.package_hosts import {entry}; {entry}()' "$@"
"""
STAND_IN = """\
import pathlib, sys

sys.path.insert(0, {root!r})
from pulumi.provider.experimental.provider import GetSchemaResponse
from pulumi.provider.experimental.server import main

from multiarch.model.providers.registry import provider_for
from multiarch.rehearse.engine.bridge import RehearsalPlugin


class StandIn(RehearsalPlugin):
    async def get_schema(self, request):
        return GetSchemaResponse(schema=pathlib.Path(__file__).with_name("schema.json").read_text())


main(sys.argv[1:], {version!r}, StandIn(provider_for({package!r})))
"""
"""The rehearsal's provider, with as much of a schema as SDKs and programs point into. The real one is not had."""


def git(*arguments: str, cwd: Path) -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    command = ["git", *who, *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_clone(folder: Path, *parts: str) -> Path:
    """What a clone of this repository would have, with what is not committed yet, and nothing that is ignored."""
    wanted = ("components/", "archmerge/", "requirements.txt", *parts)
    for name in git("ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=ROOT).split("\0"):
        if name.startswith(wanted) and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def go_program(package: str, environment: dict[str, str]) -> None:
    """Build or install a Go program; the test is skipped where there is no Go."""
    try:
        toolchain = have_go(default_root(), PlainLines(), TOOLS_MODULE)
    except BinariesError as error:
        pytest.skip(f"no Go for {package}: {error}")
    command = [str(toolchain.go), "install", *FLAGS, "-ldflags", "-s -w", package]
    whole = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off", **environment}
    subprocess.run(command, cwd=TOOLS_MODULE, env=whole, check=True)


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

    def with_programs(self, folder: Path) -> "Consumer":
        """Give the same with one more folder on the CLI's PATH."""
        path = os.pathsep.join([str(folder), self.environment["PATH"]])
        return replace(self, environment=Environment({**self.environment, "PATH": path}))

    def made(self) -> dict[str, Any]:
        """Let the engine make what the program declares; give the stack's outputs."""
        self.done(*cli.stack_init(STACK))
        self.done(*cli.up(STACK))
        outputs: dict[str, Any] = json.loads(self.done("stack", "output", "--json", "--stack", STACK))
        return outputs


def write_consumer(folder: Path, project: Path, pulumi: Path, sdkgen: Path) -> Consumer:
    """Make what the CLI needs for the project: language hosts on its PATH, a home and a backend of its own."""
    programs = folder / "programs"
    for path in (programs, folder / "state", project):
        path.mkdir(exist_ok=True)
    for name, entry in (("python", "serve_python"), ("nodejs", "serve_node")):
        path = programs / f"pulumi-language-{name}"
        path.write_text(HOST.format(python=sys.executable, root=ROOT, entry=entry))
        path.chmod(0o755)
    stand_ins = folder / "stand-ins"
    write_stand_ins(stand_ins)
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")},
        "PATH": os.pathsep.join([str(programs), str(stand_ins), os.environ["PATH"]]),
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "only for this test",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
        SDKGEN: str(sdkgen),
    }
    return Consumer(project, pulumi, Environment(environment))


def references() -> set[tuple[str, str, str]]:
    """The clouds' own resources that the components' schema points to, one of each: package, version and token."""
    text = (ROOT / "tests/golden/components.schema.json").read_text()
    found = [match for ref in re.findall(r'"\$ref": "([^"]+)"', text) if (match := REFERENCE.match(ref))]
    return {(one["package"], one["version"], unquote(one["token"])) for one in found}


def _schemas() -> dict[str, dict[str, Any]]:
    """As much of the providers' schemas as is pointed into: a cloud's cluster; what a program tells Kubernetes'."""
    clouds = {
        package: {
            "version": version,
            "meta": {"moduleFormat": "([^/]*)(?:/[^/]*)?"},  # as the clouds have it: `eks/cluster` is the module eks
            "resources": {token: {}},
        }
        for package, version, token in references()
    }
    told = {key: {"type": "string"} for key in ("kubeconfig", "context", "clusterIdentifier")}
    kubernetes = provider_for("kubernetes")
    assert kubernetes is not None
    return {**clouds, "kubernetes": {"version": kubernetes.version, "provider": {"inputProperties": told}}}


def write_stand_ins(folder: Path) -> None:
    """Write a plugin for each package that programs and the components use, as programs for the CLI's PATH.

    Listed in Pulumi.yaml they would be found by `package add`, but not by `install`, which asks for them as well.
    """
    for package, schema in _schemas().items():
        place = folder / package
        place.mkdir(parents=True)
        (place / "schema.json").write_text(json.dumps({"name": package, **schema}))
        text = STAND_IN.format(root=str(ROOT), version=schema["version"], package=package)
        (place / "__main__.py").write_text(text)
        program = folder / f"pulumi-resource-{package}"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {place} "$@"\n')
        program.chmod(0o755)


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
