"""This repository with something added: what docs/clouds.md and docs/extending.md show, done to a copy of it.

`grow` puts the made-up fourth cloud where it belongs; `change` does what a diff in the documentation says.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
NIMBUS: Final = Path(__file__).parent / "unit" / "clouds" / "nimbus"
FOLDERS: Final = {"components": "components/clouds/nimbus", "tools": "multiarch/model/clouds/nimbus"}
STACK: Final = "stacks/Pulumi.nimbus.yaml"
REGISTRIES: Final = {
    "components/clouds/__init__.py": "from components.clouds.nimbus import NIMBUS",
    "multiarch/model/clouds/__init__.py": "from multiarch.model.clouds.nimbus import NIMBUS",
}
"""The two registries, with the import that each needs beside the cloud's name in its list."""
_PROGRAM: Final = ("components", "multiarch", "archmerge", "docs", "stacks", "templates", "Pulumi.yaml", "__main__.py")
_LAB: Final = "tests/unit/onboard/lab.py"
"""Clusters that are not there: what onboarding looks at in the grown tree."""


def copy(tree: Path) -> Path:
    """Copy the repository's program into `tree`."""
    for name in (*_PROGRAM, _LAB):
        _copy(ROOT / name, tree / name)
    return tree


def change(tree: Path, diff: str) -> None:
    """Do what a diff of the documentation says: lines with `+` go behind the line before them, which is there once."""
    path, before = tree, ""
    for line in diff.splitlines():
        text = line[1:]
        if text.startswith("# "):
            path = tree / text.removeprefix("# ")
        elif line.startswith("+"):
            now = path.read_text(encoding="utf-8")
            assert now.count(before) == 1, (path, before)
            before += f"{text}\n"
            path.write_text(now.replace(before.removesuffix(f"{text}\n"), before), encoding="utf-8")
        else:
            before = f"{text}\n"


def grow(tree: Path) -> Path:
    """Copy the repository's program into `tree`, and add the cloud."""
    copy(tree)
    for part, folder in FOLDERS.items():
        _copy(NIMBUS / part, tree / folder)
        for path in (tree / folder).glob("*.py"):
            path.write_text(_at_home(path.read_text(encoding="utf-8")), encoding="utf-8")
    _copy(NIMBUS / Path(STACK).name, tree / STACK)
    for registry, line in REGISTRIES.items():
        text = (tree / registry).read_text(encoding="utf-8")
        listed = text.replace("AKS, EXISTING)", "AKS, NIMBUS, EXISTING)")
        assert listed != text
        first = next(line for line in text.splitlines() if line.startswith("from components") or "import AKS" in line)
        (tree / registry).write_text(listed.replace(first, f"{line}\n{first}", 1), encoding="utf-8")
    return tree


def touched(tree: Path) -> tuple[set[str], set[str]]:
    """Return the files that were added, and those that are not as here."""
    added, changed = set(), set()
    for path in tree.rglob("*"):
        where = path.relative_to(tree)
        if not path.is_file() or "__pycache__" in where.parts:
            continue
        here = ROOT / where
        if not here.is_file():
            added.add(where.as_posix())
        elif here.read_bytes() != path.read_bytes():
            changed.add(where.as_posix())
    return added, changed


def run(tree: Path, *command: str, program: str = "") -> subprocess.CompletedProcess[str]:
    """Run a module (`multiarch.cli`, ...) of the grown tree, or a program on standard input."""
    return subprocess.run(
        [sys.executable, *(("-m", *command) if command else ("-",))],
        input=program,
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target)


def _at_home(text: str) -> str:
    """Spell the imports as where the files belong; here they are modules of the tests, so that mypy reads them."""
    for part, folder in FOLDERS.items():
        text = text.replace(f"tests.unit.clouds.nimbus.{part}", folder.replace("/", "."))
    return text
