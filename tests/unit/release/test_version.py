"""The version is said in one place: archmerge/__init__.py. All else reads it, or is made of it."""

from __future__ import annotations

import re
import subprocess
from importlib.metadata import version
from pathlib import Path

from archmerge import __version__

ROOT = Path(__file__).resolve().parents[3]
SAYS_IT = "archmerge/__init__.py"
MADE_OF_IT = re.compile(
    r"templates/.*\.yml"  # the comment above the archmerge that they carry, by ci/render.py
    r"|components/policy/PulumiPolicy\.yaml"  # by ci/render.py: Pulumi reads it before any Python runs
    r"|tests/golden/.*\.json"  # by tests/golden, from what the components say
)
OTHERS = re.compile(r".*(^|/)(go\.mod|go\.sum)|CHANGELOG\.md")
"""Versions of other things that may be the same, and the history."""
WHOLE = re.compile(rf"(?<![\d.]){re.escape(__version__)}(?![\d]|\.\d)")


def saying() -> set[str]:
    """The files that hold the version as a text of its own, not as a part of an address or a greater number."""
    ran = subprocess.run(["git", "grep", "-lIF", __version__], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in ran.stdout.splitlines() if WHOLE.search((ROOT / name).read_text(errors="replace"))}


def test_only_one_file_says_the_version_and_the_others_are_made_of_it() -> None:
    assert {name for name in saying() if not MADE_OF_IT.fullmatch(name) and not OTHERS.fullmatch(name)} == {SAYS_IT}


def test_the_scan_sees_a_version_but_no_address() -> None:
    assert WHOLE.search(f"@{__version__}\n")
    assert WHOLE.search(f'version = "{__version__}"')
    assert not WHOLE.search(f"1{__version__}.0/16")
    assert not WHOLE.search(f"{__version__}.5")


def test_the_installed_distribution_has_it() -> None:
    assert version("multiarch-runner") == __version__
