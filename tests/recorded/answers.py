"""Recorded answers of the real CLI (3.260.0): see pulumi-cli/README.md for what each shows."""

import json
from pathlib import Path
from typing import Any

from multiarch.model.pulumi_answers import CliResult

FOLDER = Path(__file__).parent / "pulumi-cli"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def recorded(name: str) -> dict[str, Any]:
    """Read one recorded answer; its stdout as the text that it was. `name@0` gives it another exit code."""
    name, _, exit_code = name.partition("@")
    raw: dict[str, Any] = json.loads(FOLDER.joinpath(f"{name}.json").read_text())
    if exit_code:
        raw["exit"] = int(exit_code)
    if not isinstance(raw["stdout"], str):
        raw["stdout"] = json.dumps(raw["stdout"])
    return raw


def recorded_result(name: str) -> CliResult:
    """Give a recorded answer as its readers see it."""
    raw = recorded(name)
    return CliResult(command=("pulumi",), exit=raw["exit"], stdout=raw["stdout"], stderr=raw["stderr"])
