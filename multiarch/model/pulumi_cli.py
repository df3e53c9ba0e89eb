"""The real Pulumi CLI: found on PATH, its version checked, run to its end, and for `make up`, `preview`, `destroy`.

A drift check starts its own (multiarch/drift/cloud/processes.py): many at a time, bounded, and ended in good order.
"""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from multiarch.core.environment import Child, Environment, environment
from multiarch.core.streams import exit_redacted
from multiarch.model.pulumi_answers import CliResult

MINIMUM = (3, 226, 1)
"""The first release line whose `stackConfigDir` and Python toolchain options this project was written against."""

INSTALL_HINT = (
    "Install it from https://www.pulumi.com/docs/install/ (3.226.1 or later). `make rehearse` needs no Pulumi CLI."
)
_RUNNER = "multiarch-runner:index:MultiArchRunner$"
ACTIONS = ("up", "preview", "destroy")
USAGE = "usage: python -m multiarch.model.pulumi_cli {up|preview|destroy} STACK [PULUMI ARGUMENT ...]"


class PulumiCliError(Exception):
    """The Pulumi CLI cannot be used; the message says why and how to get one."""


@dataclass(frozen=True, slots=True)
class PulumiCli:
    """A Pulumi CLI that is new enough."""

    path: Path
    version: tuple[int, int, int]


def parse_version(text: str) -> tuple[int, int, int] | None:
    """Read `v3.260.0`, also with a suffix such as `-alpha.1`; None when there is no version in it."""
    match = re.search(r"v?(\d+)\.(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def find_pulumi(named: Path | None = None) -> PulumiCli:
    """Find `pulumi` on PATH, or take the one that is named.

    Raises PulumiCliError when it is absent, silent, or older than `MINIMUM`.
    """
    found = str(named.resolve()) if named else shutil.which("pulumi")
    if found is None:
        raise PulumiCliError(f"There is no `pulumi` on PATH. {INSTALL_HINT}")
    try:
        answer = subprocess.run(
            [found, "version"],
            env=environment(Child.VERSION, {"PULUMI_SKIP_UPDATE_CHECK": "true"}),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PulumiCliError(f"`{found} version` did not answer ({error}). {INSTALL_HINT}") from error
    version = parse_version(answer.stdout)
    if version is None:
        raise PulumiCliError(f"`{found} version` printed no version. {INSTALL_HINT}")
    if version < MINIMUM:
        have = ".".join(map(str, version))
        raise PulumiCliError(f"`{found}` is {have}, too old for this project. {INSTALL_HINT}")
    return PulumiCli(Path(found), version)


def run(command: Sequence[str], *, cwd: Path, environment: Environment, limit: float, stdin: str = "") -> CliResult:
    """Run one command and keep what it says. One that does not end within `limit` seconds is stopped: no exit code."""
    started = time.monotonic()
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        return CliResult(
            command=tuple(command), exit=None, stdout="", stderr=str(error), seconds=time.monotonic() - started
        )
    seconds = time.monotonic() - started
    return CliResult(
        command=tuple(command), exit=done.returncode, stdout=done.stdout, stderr=done.stderr, seconds=seconds
    )


def commands(cli: PulumiCli, action: str, stack: str, extra: list[str]) -> list[list[str]]:
    """Give the command lines of one action, in order.

    The stack is made in the backend when it is new there, but never by `destroy`: a misspelt name must not
    leave an empty stack behind.
    """
    pulumi = str(cli.path)
    act = [pulumi, action, "--stack", stack, *extra]
    return [act] if action == "destroy" else [[pulumi, "stack", "select", "--create", stack], act]


def protection(cli: PulumiCli, word: str, stack: str, urns: Iterable[str]) -> list[list[str]]:
    """Give the command lines that `protect` or `unprotect` resources in the state."""
    return [[str(cli.path), "state", word, urn, "--yes", "--stack", stack] for urn in urns]


def protected_runner(state: Mapping[str, Any]) -> list[str]:
    """List the runner's own protected resources (`runner.protect`) in a state; protected pools are not among them."""
    return [one["urn"] for one in _resources(state) if one.get("protect") and _RUNNER in one["urn"]]


def _resources(state: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = state.get("deployment", {}).get("resources", ())
    return found


def _state(cli: PulumiCli, stack: str) -> Mapping[str, Any]:
    export = [str(cli.path), "stack", "export", "--stack", stack]
    done = subprocess.run(export, env=environment(Child.PULUMI), stdout=subprocess.PIPE, check=False)
    read: Mapping[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}  # Pulumi has said why
    return read


def _in_turn(command_lines: Iterable[Sequence[str]]) -> int:
    """Run commands until one fails; give its exit code."""
    codes = (subprocess.run(line, env=environment(Child.PULUMI), check=False).returncode for line in command_lines)
    return next((code for code in codes if code), 0)


def destroy(cli: PulumiCli, stack: str, extra: list[str]) -> int:
    """Destroy a stack whose runner is protected: the wish takes that off. What is left, it protects again.

    Something is left where the user answers no, where it was a preview, and where it failed.
    """
    held = protected_runner(_state(cli, stack))
    try:
        return _in_turn([*protection(cli, "unprotect", stack, held), *commands(cli, "destroy", stack, extra)])
    finally:
        left = {one["urn"] for one in _resources(_state(cli, stack))} if held else set()
        _in_turn(protection(cli, "protect", stack, (urn for urn in held if urn in left)))


def main(arguments: list[str]) -> int:
    """Run one action on one stack of the project in the working directory; give Pulumi's exit code, or 2 for usage."""
    if len(arguments) < len(("action", "stack")) or arguments[0] not in ACTIONS:
        click.echo(USAGE, err=True)
        return 2
    action, stack, *extra = arguments
    if not Path("stacks", f"Pulumi.{stack}.yaml").is_file():
        known = ", ".join(sorted(path.name.split(".")[1] for path in Path("stacks").glob("Pulumi.*.yaml")))
        click.echo(f"There is no stacks/Pulumi.{stack}.yaml. Stacks here: {known or 'none'}.", err=True)
        return 2
    try:
        cli = find_pulumi()
    except PulumiCliError as error:
        click.echo(error, err=True)
        return 2
    return destroy(cli, stack, extra) if action == "destroy" else _in_turn(commands(cli, action, stack, extra))


if __name__ == "__main__":
    exit_redacted(lambda: main(sys.argv[1:]))
