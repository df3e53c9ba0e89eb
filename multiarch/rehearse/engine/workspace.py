"""A temporary Pulumi project: the unmodified program, a generated project file, plugins, and a file backend."""

import json
import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from multiarch.core.environment import Child, Environment, environment
from multiarch.model.plan.inputs import StackInputs, read_project, read_stack
from multiarch.model.providers.registry import provider_for, providers
from multiarch.rehearse.engine.have import write_language_host
from multiarch.rehearse.engine.schema import minimal_schema

REPOSITORY = Path(__file__).resolve().parents[3]
NOT_LINKED = frozenset({"Pulumi.yaml", "stacks", ".git", ".venv", "venv", ".rehearsal", ".pulumi"})
KUBERNETES_PLUGIN = "pulumi-resource-kubernetes"

PLUGIN_MAIN = """\
# Generated for one rehearsal: serves the rehearsal provider of a package as a Pulumi plugin.
import sys

sys.path.insert(0, {repository!r})

from multiarch.rehearse.engine.serve import serve

serve({package!r})
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """Where one stack lives during an engine rehearsal."""

    project_dir: Path
    """Holds the generated Pulumi.yaml; commands run here."""
    stack: str
    environment: Environment
    inputs: StackInputs
    stack_file: Path
    stub_folder: Path
    cluster: Path | None = None
    """Kubeconfig of the real cluster, when the real kubernetes provider is used."""


def find_kubernetes_plugin(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Find the folder that holds the real kubernetes provider plugin: on PATH, else the newest installed one."""
    found = shutil.which(KUBERNETES_PLUGIN, path=environment.get("PATH"))
    if found:
        return Path(found).resolve().parent
    home = Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")
    installed = [path for path in home.glob("plugins/resource-kubernetes-v*") if (path / KUBERNETES_PLUGIN).is_file()]
    return max(installed, key=_version, default=None)


def _version(folder: Path) -> tuple[int, ...]:
    numbers = folder.name.rsplit("-v", 1)[-1].split("-", 1)[0].split(".")
    return tuple(int(part) if part.isdigit() else 0 for part in numbers)


def write_plugin(package: str, folder: Path) -> None:
    """Write the folder of a Python plugin that serves the package's rehearsal provider."""
    provider = provider_for(package)
    if provider is None:
        raise LookupError(f"the rehearsal has no provider for {package!r}")
    folder.mkdir(parents=True)
    runtime = {"name": "python", "options": python_options(folder)}
    folder.joinpath("PulumiPlugin.yaml").write_text(yaml.safe_dump({"runtime": runtime}), encoding="utf-8")
    main = PLUGIN_MAIN.format(repository=str(REPOSITORY), package=package)
    folder.joinpath("__main__.py").write_text(main, encoding="utf-8")
    folder.joinpath("schema.json").write_text(minimal_schema(package, provider.version), encoding="utf-8")


def python_options(folder: Path) -> dict[str, str]:
    """Point Pulumi at the virtualenv that runs this process; none when it runs outside of one."""
    options = {"toolchain": "pip"}
    if sys.prefix != sys.base_prefix:
        options["virtualenv"] = os.path.relpath(sys.prefix, folder.resolve())
    return options


def project_document(original: Mapping[str, Any], folder: Path, plugins: Mapping[str, Path]) -> dict[str, Any]:
    """Give the generated Pulumi.yaml: the original's name and main, this process's Python, and the plugins."""
    document: dict[str, Any] = {
        "name": original["name"],
        "runtime": {"name": "python", "options": python_options(folder)},
        "stackConfigDir": "stacks",
        "plugins": {"providers": [{"name": name, "path": str(path)} for name, path in sorted(plugins.items())]},
    }
    if original.get("main"):
        document["main"] = original["main"]
    return document


def stack_document(inputs: StackInputs) -> dict[str, Any]:
    """Give the temporary stack's configuration: all that is not secret. Secrets are set by the CLI, encrypted."""
    config = {key: _value(text) for key, text in inputs.config.items() if key not in inputs.secret_keys}
    return {"config": config}


def _value(text: str) -> Any:
    """Give objects and lists back as such; everything else stays the text that it is."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, dict | list) else text


def write_stack_file(path: Path, inputs: StackInputs, keep: Path | None = None) -> None:
    """Write the stack file; `keep` is an earlier one whose encrypted values and key material stay."""
    document = stack_document(inputs)
    if keep is not None:
        before = yaml.safe_load(keep.read_text(encoding="utf-8")) or {}
        secure = {key: item for key, item in (before.get("config") or {}).items() if key in inputs.secret_keys}
        document = {**before, "config": {**document["config"], **secure}}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")


def _environment(root: Path, programs: Path | None) -> Environment:
    inherited = environment(Child.PROGRAM)
    path = [str(programs), *filter(None, [inherited.get("PATH")])] if programs else []
    return environment(
        Child.PROGRAM,
        {
            **({"PATH": os.pathsep.join(path)} if path else {}),
            "PULUMI_HOME": str(root / "home"),
            "PULUMI_BACKEND_URL": (root / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_hex(16),
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )


def _plugins(root: Path, real_kubernetes: Path | None) -> dict[str, Path]:
    plugins: dict[str, Path] = {}
    for package in providers():
        if package == "kubernetes" and real_kubernetes is not None:
            plugins[package] = real_kubernetes
            continue
        plugins[package] = root / "plugins" / package
        write_plugin(package, plugins[package])
    return plugins


@contextmanager
def workspace(
    project_dir: Path,
    stack: str,
    *,
    stack_file: Path | None = None,
    kubeconfig: Path | None = None,
    language_host: bool = False,
) -> Iterator[Workspace]:
    """Make a temporary project for one stack and remove it afterwards, state and all.

    With `kubeconfig`, and the real kubernetes plugin found, Kubernetes objects go to that cluster for real. With
    `language_host` our own is put on the CLI's PATH.
    Raises ConfigError for a project or stack file that cannot be read.
    """
    project = read_project(project_dir)
    original = yaml.safe_load(project_dir.joinpath("Pulumi.yaml").read_text(encoding="utf-8"))
    with TemporaryDirectory(prefix="multiarch-engine-") as folder:
        root = Path(folder).resolve()
        target = root / "project"
        for path in (target / "stacks", root / "state", root / "home", root / "stub", root / "bin"):
            path.mkdir(parents=True)
        if language_host:
            write_language_host(root / "bin")
        source = stack_file or project.stack_dir / f"Pulumi.{stack}.yaml"
        real = find_kubernetes_plugin() if kubeconfig is not None else None
        cluster = kubeconfig if real is not None else None
        inputs = read_inputs(source, project_dir, root / "stub", cluster)
        _link(project_dir.resolve(), target)
        document = project_document(original, target, _plugins(root, real))
        target.joinpath("Pulumi.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
        written = target / "stacks" / f"Pulumi.{stack}.yaml"
        write_stack_file(written, inputs)
        yield Workspace(
            project_dir=target,
            stack=stack,
            environment=_environment(root, root / "bin" if language_host else None),
            inputs=inputs,
            stack_file=written,
            stub_folder=root / "stub",
            cluster=cluster,
        )


def read_inputs(stack_file: Path, project_dir: Path, stub_folder: Path, cluster: Path | None) -> StackInputs:
    """Read a stack file; the real cluster's kubeconfig, if there is one, takes the stub's place."""
    inputs = read_stack(stack_file.resolve(), project_dir.resolve(), stub_folder)
    if cluster is not None and inputs.stub is not None:
        shutil.copyfile(cluster, inputs.stub)
    return inputs


def _link(source: Path, target: Path) -> None:
    """Link the program into the temporary project, as it is."""
    for entry in source.iterdir():
        if entry.name not in NOT_LINKED and not entry.name.startswith("Pulumi."):
            target.joinpath(entry.name).symlink_to(entry, target_is_directory=entry.is_dir())
