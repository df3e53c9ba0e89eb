"""Answers from a YAML file: the same keys as the flags, strictly."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from components.problems import ConfigError, Problem
from components.reading import did_you_mean, kind
from multiarch.onboard.answers.model import Value
from multiarch.onboard.answers.questions import KEYS

_OWN = ("context", "kubeconfig")
"""Keys that say where to look; as flags they are --context and --kubeconfig."""
_CONSEQUENCE = "nothing was looked at"


def read_answers(path: Path) -> dict[str, Value]:
    """Read an answers file. Raises ConfigError with every problem found."""
    return checked(load_mapping(path), str(path), "")


def load_mapping(path: Path) -> Mapping[str, Any]:
    """Read a YAML file that is a mapping. Raises ConfigError."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _unreadable(path, (error.strerror or str(error)).lower()) from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(path, f"it is not valid YAML ({str(error).splitlines()[0]})") from None
    if not isinstance(document, dict):
        raise _unreadable(path, f"it is {kind(document)}, not a mapping")
    return document


def checked(document: Mapping[Any, Any], source: str, path: str) -> dict[str, Value]:
    """Check keys and types of some answers. Raises ConfigError; `path` is put before the keys in its messages."""
    known = (*_OWN, *KEYS)
    problems = []
    for key, value in document.items():
        where = f"{path}.{key}" if path else str(key)
        if key not in known:
            meant = did_you_mean(str(key), known)
            fix = f"Did you mean {meant}?" if meant else f"Keys: {', '.join(known)}."
            found = "unknown answer"
            problems.append(Problem(path=where, found=found, consequence=_CONSEQUENCE, fix=fix))
        elif not isinstance(value, str | int):
            fix = "Write a text, a whole number, or true or false."
            problems.append(Problem(path=where, found=f"it is {kind(value)}", consequence=_CONSEQUENCE, fix=fix))
    if problems:
        raise ConfigError(problems, source)
    return {str(key): value for key, value in document.items()}


def _unreadable(path: Path, found: str) -> ConfigError:
    fix = "Give a YAML file with keys such as gitlabUrl; docs/onboarding.md lists them."
    return ConfigError([Problem(path=str(path), found=found, consequence=_CONSEQUENCE, fix=fix)])
