"""The project file, and a stack's configuration as a rehearsal hands it to the program.

A rehearsal never decrypts anything and reads no kubeconfig: placeholders stand in for both.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.clouds import Cluster
from components.config import load_config
from components.problems import ConfigError, Problem
from components.stack_keys import NAMESPACE
from multiarch.model.esc import NOTHING, Beyond, see
from multiarch.model.placeholders import with_placeholder_token, with_stub_access
from multiarch.model.stack_file import PLACEHOLDER, SECRET_PLACEHOLDERS, load_stack_file

STUB_NAME = "kubeconfig"
DEFAULT_KUBECONFIG = "~/.kube/config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The parts of Pulumi.yaml that a plan needs."""

    name: str
    main: Path
    """Absolute: the program's file, or the folder that holds `__main__.py`."""
    stack_dir: Path
    """Absolute: where `Pulumi.<stack>.yaml` lies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackInputs:
    """A stack's configuration as the program will see it."""

    config: Mapping[str, str]
    """Full keys (`project:key`); objects as JSON."""
    secret_keys: tuple[str, ...] = ()
    secret_values: tuple[str, ...] = ()
    """The placeholders in use: none of them may reach a provider without a secret mark."""
    notes: tuple[str, ...] = ()
    stub: Path | None = None
    """The kubeconfig that stands in for the stack's own, if it names one."""
    stated: str = ""
    """What the stack file says in its place; the plan shows this one."""
    beyond: Beyond = NOTHING
    """What the stack file imports."""


def _problem(path: str, found: str) -> ConfigError:
    consequence, fix = "the project cannot be read", "Name the folder of a Pulumi.yaml that has `name:`."
    return ConfigError([Problem(path="Pulumi.yaml", found=found, consequence=consequence, fix=fix)], path)


def read_project(project_dir: Path) -> Project:
    """Read Pulumi.yaml. Raises ConfigError."""
    path = project_dir / "Pulumi.yaml"
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _problem(str(path), (error.strerror or "it cannot be read").lower()) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _problem(str(path), f"it is not valid YAML ({str(error).splitlines()[0]})") from None
    name = document.get("name") if isinstance(document, dict) else None
    if not isinstance(name, str):
        raise _problem(str(path), "it has no name")
    return Project(
        name=name,
        main=(project_dir / str(document.get("main") or "")).resolve(),
        stack_dir=(project_dir / str(document.get("stackConfigDir") or "")).resolve(),
    )


def cluster_of(project_dir: Path, stack: str) -> Cluster:
    """Read a stack's cluster as the program would; `stack` may be `organization/project/stack`. Raises ConfigError."""
    path = read_project(project_dir).stack_dir / f"Pulumi.{stack.rpartition('/')[2]}.yaml"
    beyond = see(path, project_dir, stack)
    values, secrets = _merged(path, beyond)
    values, secrets, _ = with_placeholder_token(values, secrets)
    with doubting(beyond):
        return load_config(values, secrets).cluster


@contextmanager
def doubting(beyond: Beyond) -> Iterator[None]:
    """Let a ConfigError say first what could not be seen: what it misses may be set there."""
    try:
        yield
    except ConfigError as error:
        if beyond.problem is None:
            raise
        raise ConfigError([beyond.problem, *error.problems], error.source) from None


def _merged(path: Path, beyond: Beyond) -> tuple[dict[str, str], frozenset[str]]:
    """Return the values of file and environments together: the file's own win, as they do for Pulumi."""
    values, secret_keys = load_stack_file(path)
    added = {key: value for key, value in beyond.values.items() if key not in values}
    return {**added, **values}, secret_keys | {key for key in beyond.secret_keys if key in added}


def read_stack(path: Path, project_dir: Path, stub_folder: Path, beyond: Beyond | None = None) -> StackInputs:
    """Read a stack file for a rehearsal. Raises ConfigError when there is none, or it is not YAML.

    Writes a stub kubeconfig into `stub_folder` when the stack names a kubeconfig of its own. `beyond` is what the
    file's environments set; Pulumi is asked where it is not given.
    """
    if beyond is None:
        beyond = see(path, project_dir, path.name.removeprefix("Pulumi.").removesuffix(".yaml"))
    values, secret_keys = _merged(path, beyond)
    notes = _imports(beyond)
    notes += [f"{_short(key)}: a placeholder stands in for the encrypted value" for key in sorted(secret_keys)]
    values, secret_keys, added = with_placeholder_token(values, secret_keys)
    notes += [f"{key} is not set: planned with a placeholder. Set it before `pulumi up`" for key in added]
    stated = _stated_kubeconfig(values, project_dir)
    stub = stub_folder / STUB_NAME
    values, content = with_stub_access(values, stub)
    if content is not None:
        stub.write_text(content, encoding="utf-8")
        notes.append("cluster.access: planned without looking at the kubeconfig")
    return StackInputs(
        config=values,
        secret_keys=tuple(sorted(secret_keys)),
        secret_values=(*SECRET_PLACEHOLDERS.values(), PLACEHOLDER) if secret_keys else (),
        notes=tuple(notes),
        stub=stub if content is not None else None,
        stated=stated,
        beyond=beyond,
    )


def _imports(beyond: Beyond) -> list[str]:
    if not beyond.names:
        return []
    told = f"not seen ({beyond.unseen}): what it sets was not planned" if beyond.unseen else "read by `pulumi config`"
    return [f"environment {', '.join(beyond.names)}: {told}"]


def _short(key: str) -> str:
    return key.removeprefix(f"{NAMESPACE}:")


def _stated_kubeconfig(values: Mapping[str, str], project_dir: Path) -> str:
    """Give the kubeconfig's path as the program would resolve it."""
    try:
        cluster: Any = json.loads(values.get(f"{NAMESPACE}:cluster", "null"))
    except ValueError:
        return ""
    access = cluster.get("access") if isinstance(cluster, dict) else None
    stated = access.get("kubeconfig") if isinstance(access, dict) else None
    return str(project_dir / Path(stated or DEFAULT_KUBECONFIG).expanduser()) if isinstance(stated, str | None) else ""
