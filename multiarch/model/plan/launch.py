"""Plan a stack in a process of its own, so that it imports only its own cloud's SDK and stacks plan in parallel."""

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.problems import ConfigError, Problem
from multiarch.core.environment import Child, environment
from multiarch.core.secrets import hide
from multiarch.model.esc import see, to_json
from multiarch.model.plan.model import Plan, PlanError, plan_from_json

REPOSITORY = Path(__file__).resolve().parents[3]
TIME_LIMIT = 60.0
"""Seconds. A plan takes about two; a program that waits for a cloud would wait forever."""
TAIL = 5
"""Lines of the program's stderr worth repeating when it ended without an answer."""


def plan_stack(project_dir: Path, stack: str, *, stack_file: Path | None = None, preview: bool = False) -> Plan:
    """Plan `stack` of the project in `project_dir`; `organization/project/stack` is for Pulumi's own answers.

    Raises ConfigError with the program's own problems, and PlanError when it crashed, hung or ended early. What
    the rehearsal providers refuse is no error: it is in the plan.
    """
    started = time.monotonic()
    short = stack.rpartition("/")[2]
    with tempfile.TemporaryDirectory(prefix="multiarch-plan-") as folder:
        out = Path(folder, "plan.json")
        command = _command(project_dir.resolve(), short, stack_file, out, preview=preview)
        raw = _answer(command, project_dir, short, out)
        if "imports" in raw:
            beyond = Path(folder, "beyond.json")
            beyond.write_text(to_json(see(Path(raw["imports"]), project_dir.resolve(), stack)), encoding="utf-8")
            raw = _answer([*command, "--beyond", str(beyond)], project_dir, short, out)
    return dataclasses.replace(_read(raw, short), seconds=time.monotonic() - started)


def _command(project_dir: Path, stack: str, stack_file: Path | None, out: Path, *, preview: bool) -> list[str]:
    command = [sys.executable, "-m", "multiarch.model.plan", "--project", str(project_dir), "--stack", stack]
    command += ["--out", str(out)]
    if stack_file is not None:
        command += ["--stack-file", str(stack_file.resolve())]
    return [*command, "--preview"] if preview else command


def _answer(command: list[str], project_dir: Path, stack: str, out: Path) -> Mapping[str, Any]:
    words = _run(command, project_dir, stack)
    try:
        raw: Mapping[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PlanError(f"stack {stack}: the program ended before its plan was complete.{words}") from error
    return raw


def _run(command: list[str], project_dir: Path, stack: str) -> str:
    """Run the planning process; give the tail of its stderr, worded to follow a sentence."""
    paths = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
    try:
        done = subprocess.run(
            command,
            cwd=project_dir,
            env=environment(Child.PROGRAM, {"PYTHONPATH": os.pathsep.join(paths)}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIME_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"stack {stack}: the program did not end within {TIME_LIMIT:.0f} s; it may be waiting for the network"
        raise PlanError(message) from error
    except OSError as error:
        raise PlanError(
            f"stack {stack}: the program could not be started in {project_dir}: {error.strerror}"
        ) from error
    lines = [line for line in hide(done.stderr).splitlines() if line.strip()][-TAIL:]
    return f" Exit {done.returncode}." + "".join(f"\n  {line}" for line in lines)


def _read(raw: Mapping[str, Any], stack: str) -> Plan:
    if "plan" in raw:
        return plan_from_json(raw["plan"])
    if "config" in raw:
        problems = [Problem(**item) for item in raw["config"]["problems"]]
        raise ConfigError(problems, raw["config"]["source"] or f"stack {stack}")
    raise PlanError(f"stack {stack}: {raw.get('crash', 'the planning process gave an unknown answer')}")
