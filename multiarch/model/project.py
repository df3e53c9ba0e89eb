"""The Pulumi project that a command works on, and its stacks."""

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import yaml

from multiarch.core.secrets import remember_document

STACK_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
"""pulumi/pulumi, sdk/go/common/tokens: what the engine takes as a stack's name."""


def stacks_of(project: Path) -> list[str]:
    """Name the stacks that have a file, in alphabetical order."""
    return sorted(
        path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in project.glob("stacks/Pulumi.*.yaml")
    )


def find_project(start: Path) -> Path | None:
    """Find the folder that holds Pulumi.yaml, from `start` upwards."""
    return next((folder for folder in (start, *start.parents) if (folder / "Pulumi.yaml").is_file()), None)


def project_of(given: Path | None) -> Path:
    """Return the project's folder: at or above what was given, else the working directory. Raises click.UsageError."""
    found = find_project(given or Path.cwd())
    if found is None:
        where = given or Path.cwd()
        raise click.UsageError(f"there is no Pulumi.yaml in {where} or above it; name the project with --project DIR")
    return found


def named_stacks(project: Path, named: tuple[str, ...]) -> tuple[str, ...]:
    """Return the named stacks, each once; all that have a file when none is named. Raises click.UsageError."""
    known = stacks_of(project)
    misnamed = [name for name in named or known if not STACK_NAME.fullmatch(name)]
    if misnamed:
        raise click.UsageError(
            f"{misnamed[0]!r} is not a valid stack name: use up to 100 letters, digits, dots, dashes, underscores"
        )
    unknown = [name for name in named if name not in known]
    if unknown:
        have = ", ".join(known) or "none"
        raise click.UsageError(f"there is no stacks/Pulumi.{unknown[0]}.yaml in {project}; stacks there: {have}")
    if not known:
        raise click.UsageError(f"there is no stack file stacks/Pulumi.<name>.yaml in {project}")
    wanted = tuple(dict.fromkeys(named)) or tuple(known)
    remember_stacks(project, wanted)
    return wanted


def remember_stacks(project: Path, stacks: Iterable[str], file: Path | None = None) -> None:
    """Let no report show what stack files have under a secret's name, nor what another `file` has.

    What is wrong with the files, others tell.
    """
    document = _read(project / "Pulumi.yaml")
    stated = str(document.get("stackConfigDir") or "") if isinstance(document, dict) else ""
    folders = {project / "stacks", project / stated}
    files = [folder / f"Pulumi.{name}.yaml" for folder in folders for name in stacks]
    remember_document([_read(one) for one in (*files, *([file] if file else []))])


def _read(file: Path) -> Any:
    with suppress(OSError, UnicodeDecodeError, RecursionError, yaml.YAMLError):
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    return None
