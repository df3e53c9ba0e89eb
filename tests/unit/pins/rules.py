"""renovate.json as Renovate reads it: its own managers by their regular expressions, built-in ones by file name."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from tests.repository import ROOT

CONFIG: Final[dict[str, Any]] = json.loads((ROOT / "renovate.json").read_text(encoding="utf-8"))
BUILT_IN: Final = {
    "gomod": [r"/(^|/)go\.mod$/"],
    "npm": [r"/(^|/)package\.json$/"],
    "pep621": [r"/(^|/)pyproject\.toml$/"],
    "pip_requirements": [r"/(^|/)[\w-]*requirements([-._]\w+)?\.(txt|pip)$/"],
}
"""Where Renovate 44 looks by itself; `make renovate` holds this to a real one."""


def python(pattern: str) -> re.Pattern[str]:
    """Translate a regular expression of JavaScript's: names of groups are spelled otherwise."""
    return re.compile(re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", pattern))


def matches(patterns: list[str], file: str) -> bool:
    """Tell whether one of a manager's patterns, `/…/`, is for this file."""
    assert all(len(pattern) > 2 and pattern[0] == pattern[-1] == "/" for pattern in patterns)
    return any(python(pattern[1:-1]).search(file) for pattern in patterns)


def is_like(file: str, glob: str) -> bool:
    """Tell whether a glob of Renovate's is for this file: here, a name, or a folder with all that is in it."""
    return file == glob or (glob.endswith("/**") and file.startswith(glob.removesuffix("**")))


def captured(file: str, text: str) -> Iterator[dict[str, str]]:
    """Return what the custom managers find in a file: datasource, depName, currentValue."""
    for manager in CONFIG["customManagers"]:
        if "custom.regex" in CONFIG["enabledManagers"] and matches(manager["managerFilePatterns"], file):
            for pattern in manager["matchStrings"]:
                for match in python(pattern).finditer(text):
                    yield {name: value for name, value in match.groupdict().items() if value is not None}


def built_in(file: str) -> list[str]:
    """Name the built-in managers that read this file."""
    if any(is_like(file, path) for path in CONFIG["ignorePaths"]):
        return []
    managers = [name for name in CONFIG["enabledManagers"] if not name.startswith("custom.")]
    more = {name: CONFIG.get(name, {}).get("managerFilePatterns", []) for name in managers}
    return [name for name in managers if matches([*BUILT_IN[name], *more[name]], file)]
