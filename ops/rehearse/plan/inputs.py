"""The project file and the stack file, read as `pulumi` reads them, secrets replaced by placeholders.

A rehearsal never decrypts anything: no passphrase, no key service, no Pulumi account.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.problems import ConfigError, Problem

TOKEN_KEY = "runnerToken"  # noqa: S105 - the key's name
TOKEN_PLACEHOLDER = "glrt-rehearsal-placeholder"  # noqa: S105 - made up, opens nothing
SECRET_PLACEHOLDER = "rehearsal-secret-placeholder"  # noqa: S105 - as above
SECURE = "secure"


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


def _problem(path: str, found: str, consequence: str, fix: str) -> Problem:
    return Problem(path=path, found=found, consequence=consequence, fix=fix)


def _load_yaml(path: Path, what: str) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        problem = _problem(
            path.name, f"{what} cannot be read ({error.strerror})", "nothing can be planned", "Check the path"
        )
        raise ConfigError([problem], str(path)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = f"line {mark.line + 1}" if (mark := getattr(error, "problem_mark", None)) else "no text"
        reason = getattr(error, "problem", None) or str(error)
        problem = _problem(
            path.name, f"not YAML ({where}: {reason})", "pulumi could not read it either", "Mend the syntax"
        )
        raise ConfigError([problem], str(path)) from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        found = f"a {type(document).__name__} at the top"
        raise ConfigError(
            [_problem(path.name, found, "it has no keys to read", "Use a mapping, with `config:`")], str(path)
        )
    return document


def read_project(project_dir: Path) -> Project:
    """Read Pulumi.yaml. Raises ConfigError."""
    path = project_dir / "Pulumi.yaml"
    document = _load_yaml(path, "the project file")
    name = document.get("name")
    if not isinstance(name, str):
        problem = _problem(
            "name", "missing in Pulumi.yaml", "a stack's configuration keys could not be told", "Name the project"
        )
        raise ConfigError([problem], str(path))
    main = (project_dir / str(document.get("main") or "")).resolve()
    return Project(name=name, main=main, stack_dir=(project_dir / str(document.get("stackConfigDir") or "")).resolve())


def _without_secrets(value: Any, placeholder: str) -> tuple[Any, bool]:
    """Replace every `{secure: ...}` at any depth; tell whether there was one."""
    if isinstance(value, dict):
        if value.keys() == {SECURE}:
            return placeholder, True
        parts = {key: _without_secrets(item, placeholder) for key, item in value.items()}
        return {key: part for key, (part, _) in parts.items()}, any(found for _, found in parts.values())
    if isinstance(value, list):
        items = [_without_secrets(item, placeholder) for item in value]
        return [part for part, _ in items], any(found for _, found in items)
    return value, False


def _text(value: Any) -> str:
    """Spell a value as Pulumi hands it to the program: strings as they are, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def read_stack(path: Path, project: str) -> StackInputs:
    """Read a stack file for a rehearsal. Raises ConfigError when there is none, or it is not YAML."""
    document = _load_yaml(path, "the stack file")
    raw = document.get("config") or {}
    if not isinstance(raw, dict):
        problem = _problem(
            "config", f"a {type(raw).__name__}", "it has no keys to read", "Use a mapping of project:key to value"
        )
        raise ConfigError([problem], str(path))
    config: dict[str, str] = {}
    secret_keys: list[str] = []
    for key, value in raw.items():
        full = str(key) if ":" in str(key) else f"{project}:{key}"
        placeholder = TOKEN_PLACEHOLDER if full == f"{project}:{TOKEN_KEY}" else SECRET_PLACEHOLDER
        replaced, secret = _without_secrets(value, placeholder)
        config[full] = _text(replaced)
        if secret:
            secret_keys.append(full)
    return with_token(StackInputs(config=config, secret_keys=tuple(secret_keys)), project)


def with_token(inputs: StackInputs, project: str) -> StackInputs:
    """Add the placeholder token when the stack needs one and its file has none, and note every placeholder."""
    key = f"{project}:{TOKEN_KEY}"
    config, secret_keys = dict(inputs.config), list(inputs.secret_keys)
    notes = [f"{name}: a placeholder stands in for the encrypted value" for name in secret_keys]
    if key not in config and needs_token(config, project):
        config[key] = TOKEN_PLACEHOLDER
        secret_keys.append(key)
        notes.append(f"{key} is not set: planned with a placeholder. Set it before `pulumi up`")
    return StackInputs(
        config=config,
        secret_keys=tuple(secret_keys),
        secret_values=(TOKEN_PLACEHOLDER, SECRET_PLACEHOLDER) if secret_keys else (),
        notes=tuple(notes),
    )


def needs_token(config: Mapping[str, str], project: str) -> bool:
    """Tell whether the runner's token has to come from the stack: not when a Secret exists already or GitLab makes it."""
    try:
        runner = json.loads(config.get(f"{project}:runner", "null"))
    except ValueError:
        return False
    return isinstance(runner, dict) and not any(runner.get(key) for key in ("tokenSecret", "gitlabRunner"))
