"""Every pin of the repository, found without Renovate's configuration: by what the files are, not by their comments."""

import ast
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

from tests.repository import ROOT, files

PROGRAM: Final = ("archmerge", "bench", "ci", "components", "docs", "multiarch")
_IMAGE: Final = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}/[a-z0-9._/-]+:(?P<version>\w[\w.-]*)")
_GO_MODULE: Final = re.compile(r"[a-z0-9-]+\.[a-z]+/[\w./-]+@(?P<version>v\d[\w.-]*)")
_NUMBER: Final = re.compile(r"v?\d+(?:\.\d+)+")
_NPM_NAME: Final = re.compile(r"@[\w-]+/[\w-]+")
_REQUIREMENT: Final = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[\w.]+)")
_GO_MOD_LINE: Final = re.compile(r"^(?:\t|require )(?P<name>\S+) (?P<version>v\S+)$", re.MULTILINE)
_MAKE: Final = re.compile(r"^\w+ :?= *(?P<version>\d+(?:\.\d+)+)$|==(?P<inline>\d[\w.]*)", re.MULTILINE)


class Pin(NamedTuple):
    """One version that stands in a file."""

    file: str
    version: str


def pins() -> Counter[Pin]:
    """Return all of them, each as often as it stands there."""
    found = Counter([*_of_pyproject(ROOT / "pyproject.toml"), *_of_pyproject(ROOT / "archmerge" / "pyproject.toml")])
    for path in files():
        if path.suffix in READERS or path.name in READERS:
            where, text = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
            reader = READERS.get(path.name) or READERS[path.suffix]
            found.update(Pin(where, version) for version in reader(text, where))
    return found


def of_python(text: str, where: str) -> Iterator[str]:
    """Images that are named whole, Go modules at a version, constants called `VERSION`, npm packages with theirs."""
    tree = ast.parse(text)
    # Tests are full of images, and pull none: there is no container engine in them.
    whole = (_GO_MODULE, _IMAGE) if where.startswith(PROGRAM) else (_GO_MODULE,)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (match["version"] for shape in whole if (match := shape.fullmatch(node.value)))
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            named = any("VERSION" in target.id for target in targets if isinstance(target, ast.Name))
            if named and (version := _number(node.value)):
                yield version
        elif isinstance(node, ast.Dict):
            pairs = [(_text(key), _number(value)) for key, value in zip(node.keys, node.values, strict=True)]
            yield from (version for name, version in pairs if version and _NPM_NAME.fullmatch(name))


def of_requirements(text: str, where: str) -> Iterator[str]:
    """Return the versions of `name==version` at the begin of a line."""
    del where
    yield from (match["version"] for line in text.splitlines() if (match := _REQUIREMENT.match(line)))


def of_go_mod(text: str, where: str) -> Iterator[str]:
    """Return what a go.mod requires itself; `// indirect` follows from that."""
    del where
    yield from (match["version"] for match in _GO_MOD_LINE.finditer(text))


def of_makefile(text: str, where: str) -> Iterator[str]:
    """Return variables that are a version, and requirements in recipes."""
    del where
    yield from (match["version"] or match["inline"] for match in _MAKE.finditer(text))


def of_package_json(text: str, where: str) -> Iterator[str]:
    """Return the exact versions among what a program of npm's needs."""
    del where
    package = json.loads(text)
    needed = {**package.get("dependencies", {}), **package.get("devDependencies", {})}
    yield from (version for version in needed.values() if _NUMBER.fullmatch(version))


READERS: Final = {
    ".py": of_python,
    ".txt": of_requirements,
    "go.mod": of_go_mod,
    "Makefile": of_makefile,
    "package.json": of_package_json,
}


def _of_pyproject(path: Path) -> Iterator[Pin]:
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    for line in chain(project["dependencies"], *project.get("optional-dependencies", {}).values()):
        if match := _REQUIREMENT.match(line):
            yield Pin(path.relative_to(ROOT).as_posix(), match["version"])


def _text(node: ast.AST | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _number(node: ast.AST | None) -> str:
    return text if _NUMBER.fullmatch(text := _text(node)) else ""
