"""The house as docs/architecture.md draws it: imports point down, never sideways, and `--help` imports next to none."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from multiarch.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[3]
LEVELS = ("core", "cluster", "model")
"""The lowest first; the commands stand on all of them, side by side, and `cli` on the commands."""
HEAVY = {"pydantic", "kubernetes", "rich", "pulumi", "yaml", "jinja2", "cryptography", "requests", "grpc"}


def imports(folder: str) -> Iterator[tuple[str, str]]:
    """Every module below a folder, with every module that it imports anywhere in its text."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name}: a relative import"
                yield from ((name, f"{node.module}.{alias.name}") for alias in node.names)
            elif isinstance(node, ast.Import):
                yield from ((name, alias.name) for alias in node.names)


def part(module: str) -> str:
    """`multiarch.drift.run` is of the part `drift`."""
    return module.split(".")[1]


def may(importer: str, imported: str) -> bool:
    """Tell whether one part of the package may import another."""
    if importer in ("cli", imported):
        return True
    if importer in COMMANDS:
        return imported in LEVELS
    return imported in LEVELS[: LEVELS.index(importer)]


def test_every_part_of_the_package_is_a_level_or_a_command() -> None:
    parts = {path.stem for path in (ROOT / "multiarch").iterdir() if path.name != "__pycache__"}
    assert parts == {*LEVELS, *COMMANDS, "cli", "__init__"}


def test_imports_point_down_and_never_sideways() -> None:
    ours = [(one, other) for one, other in imports("multiarch") if other.startswith("multiarch.")]
    assert len(ours) > 500, "the imports are read"
    assert [f"{one} imports {other}" for one, other in ours if not may(part(one), part(other))] == []


def test_the_program_imports_nothing_of_the_command() -> None:
    assert [pair for pair in imports("components") if pair[1].split(".")[0] == "multiarch"] == []


@pytest.mark.parametrize("arguments", [(), *((name,) for name in COMMANDS)], ids=lambda names: "-".join(names) or "all")
def test_help_imports_no_library_but_click(arguments: tuple[str, ...]) -> None:
    code = "import sys; from multiarch.cli import main\ntry: main()\nfinally: print('MODULES', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    text, _, modules = done.stdout.rpartition("MODULES")
    assert "Usage:" in text
    assert {name.split(".")[0] for name in modules.split()} & HEAVY == set()
