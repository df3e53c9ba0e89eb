"""Stack files (`stacks/Pulumi.<stack>.yaml`) read without the Pulumi CLI, to what the program itself would be given.

Secrets are never decrypted: each becomes a placeholder. Where the CLI would silently let a mistake pass (a key
written twice, `config` misspelt), this reader says so.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from components.problems import ConfigError, Problem
from components.reading import did_you_mean, kind
from components.stack_keys import BUILDKIT_TOKEN, KEYS, MIRROR_PASSWORD, NAMESPACE, RUNNER_TOKEN
from multiarch.core.plain_yaml import YamlMistakeError, parse_yaml

PLACEHOLDER: Final = "rehearsal-placeholder"
TOKEN_PLACEHOLDER: Final = "glrt-rehearsal-placeholder"  # noqa: S105 - a placeholder, valid in shape only
SECRET_PLACEHOLDERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        RUNNER_TOKEN: TOKEN_PLACEHOLDER,
        BUILDKIT_TOKEN: f"{TOKEN_PLACEHOLDER}-buildkit",
        MIRROR_PASSWORD: f"{PLACEHOLDER}-password",
    }
)
"""What stands in for a secret, by its key."""

# What `pulumi` itself writes or reads at the top level of a stack file (sdk/go/common/workspace, ProjectStack).
_TOP_LEVEL: Final = ("config", "secretsprovider", "encryptedkey", "encryptionsalt", "environment")


def load_stack_file(path: Path) -> tuple[dict[str, str], frozenset[str]]:
    """Return the stack file's configuration as Pulumi hands it to the program: values, and the keys that are secret.

    Values are text, or JSON where the file has a list or a mapping. Keys carry their namespace; a bare key gets ours.
    Raises ConfigError (with line and column for what is no YAML) if the file cannot be read as a stack file. What its
    `environment:` imports is not in the file, and not in the answer.
    """
    top = _top(path)
    if problems := [_not_top_level(key) for key in top if key not in _TOP_LEVEL]:
        raise ConfigError(problems, str(path))
    config = top.get("config", {} if _names(top.get("environment")) else None)
    if not isinstance(config, dict):
        found = f"{kind(config)}, not a mapping" if "config" in top else "required, but not set"
        raise ConfigError([_no_config("config", found)], str(path))
    values: dict[str, str] = {}
    secret_keys: set[str] = set()
    for bare, raw in config.items():
        key = bare if ":" in bare else f"{NAMESPACE}:{bare}"
        if key in values:
            raise ConfigError([_both_spellings(bare, key)], str(path))
        placeholder = SECRET_PLACEHOLDERS.get(key.removeprefix(f"{NAMESPACE}:"), PLACEHOLDER)
        value, secret = _without_secrets(raw, placeholder)
        values[key] = _as_config_value(value, key, path)
        if secret:
            secret_keys.add(key)
    return values, frozenset(secret_keys)


def environments_of(path: Path) -> tuple[str, ...]:
    """Name the ESC environments that a stack file imports; one that is written in the file itself is `inline`.

    Raises ConfigError as `load_stack_file` does.
    """
    return _names(_top(path).get("environment"))


def _names(imported: object) -> tuple[str, ...]:
    """Read Pulumi's two forms (sdk/go/common/workspace, Environment): a list of imports, or a whole definition."""
    if isinstance(imported, list):
        # An import is a name, or a mapping of the name to its options.
        return tuple(str(next(iter(one), "")) if isinstance(one, dict) else str(one) for one in imported)
    if isinstance(imported, dict) and imported:
        return (*_names(imported.get("imports")), *(["inline"] if set(imported) - {"imports"} else []))
    return ()


def _top(path: Path) -> dict[Any, Any]:
    top = _parsed(path)
    if not isinstance(top, dict):
        raise ConfigError([_no_config("the file", f"{kind(top)}, not a mapping")], str(path))
    return top


def _parsed(path: Path) -> object:
    try:
        return parse_yaml(path.read_bytes())
    except OSError as error:
        raise ConfigError([_unreadable(path, error)]) from None
    except YamlMistakeError as mistake:
        raise ConfigError([_not_yaml(mistake.where, mistake.reason)], str(path)) from None


def _without_secrets(value: Any, placeholder: str) -> tuple[Any, bool]:
    """Replace each `secure: <ciphertext>` in a value; return the value and whether there was one."""
    if isinstance(value, dict):
        if set(value) == {"secure"} and isinstance(value["secure"], str):
            return placeholder, True
        inner = {key: _without_secrets(item, placeholder) for key, item in value.items()}
        return {key: item for key, (item, _) in inner.items()}, any(secret for _, secret in inner.values())
    if isinstance(value, list):
        items = [_without_secrets(item, placeholder) for item in value]
        return [item for item, _ in items], any(secret for _, secret in items)
    return value, False


def _as_config_value(value: Any, key: str, path: Path) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        problem = _not_yaml(key.removeprefix(f"{NAMESPACE}:"), "a number too large to write down")
        raise ConfigError([problem], str(path)) from None


def _unreadable(path: Path, error: OSError) -> Problem:
    known = sorted(
        found.name.removeprefix("Pulumi.").removesuffix(".yaml") for found in path.parent.glob("Pulumi.*.yaml")
    )
    return Problem(
        path=str(path),
        found=(error.strerror or str(error)).lower(),
        consequence="a stack needs its stack file",
        fix=f"Stacks here: {', '.join(known)}." if known else "Give the path of a Pulumi.<stack>.yaml.",
    )


def _not_yaml(where: str, reason: str) -> Problem:
    return Problem(
        path=where,
        found=reason,
        consequence="the stack file is not valid YAML, so nothing was planned",
        fix="Correct that line.",
    )


def _no_config(path: str, found: str) -> Problem:
    return Problem(
        path=path,
        found=found,
        consequence="only keys below `config:` are read",
        fix=f"Write `config:` and below it, indented, `{NAMESPACE}:cluster:`, `{NAMESPACE}:pools:` ...",
    )


def _not_top_level(key: str) -> Problem:
    inside = ":" in key or key in KEYS
    meant = did_you_mean(key, _TOP_LEVEL)
    return Problem(
        path=key,
        found="unknown key at the top level of a stack file",
        consequence="Pulumi would silently ignore it",
        fix="Indent it below `config:`." if inside else f"Did you mean {meant}?" if meant else "Remove it.",
    )


def _both_spellings(bare: str, key: str) -> Problem:
    return Problem(
        path=bare,
        found=f"written both as '{bare.removeprefix(f'{NAMESPACE}:')}' and as '{key}'",
        consequence="they are the same key, and one would silently replace the other",
        fix="Keep one.",
    )
