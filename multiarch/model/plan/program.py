"""Run a Pulumi program, unmodified, in this process, under the recording monitor.

For a process of its own (`python -m multiarch.model.plan`): it sets Pulumi's global runtime and changes the
working directory, and it leaves both changed.
"""

import asyncio
import functools
import logging
import os
import runpy
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi.runtime import set_all_config, set_mocks
from pulumi.runtime.settings import set_root_resource
from pulumi.runtime.stack import run_in_stack

from components.problems import ConfigError
from multiarch.model.plan.graph import in_order
from multiarch.model.plan.inputs import StackInputs
from multiarch.model.plan.model import Plan
from multiarch.model.plan.monitor import RecordingMonitor
from multiarch.model.providers.base import RehearsalProvider
from multiarch.model.providers.registry import provider_for

SDK_PREFIX = "pulumi_"


class ProgramCrashError(Exception):
    """The program raised something that is no configuration problem. The message: what, where, and the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramRun:
    """What to run: a project folder, the stack, its configuration."""

    project_dir: Path
    project: str
    main: Path
    """The program's file or folder, absolute (`main:` of Pulumi.yaml)."""
    stack: str
    inputs: StackInputs
    preview: bool = False


class _Warnings(logging.Handler):
    """Keeps what the program says through `pulumi.log`, warnings and worse."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage().strip())


def sdk_modules() -> tuple[str, ...]:
    """Name the provider SDKs imported so far."""
    return tuple(sorted({name for name in sys.modules if name.startswith(SDK_PREFIX) and "." not in name}))


def config_error_in(error: BaseException) -> ConfigError | None:
    """Find the ConfigError that `error` is, or was raised from: `__main__` may turn it into a RunError."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        if isinstance(current, ConfigError):
            return current
        seen.add(id(current))
        current = current.__cause__ or current.__context__
    return None


def last_words(error: BaseException, project_dir: Path) -> str:
    """Say what stopped the program and where: the deepest frame in its own folder, with that line."""
    kind = type(error).__name__
    text = f"the program stopped with {kind}: {error}" if str(error) else f"the program stopped with {kind}"
    if isinstance(error, SyntaxError) and error.filename:
        return f"{text} ({error.filename}:{error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_own(Path(frame.filename), project_dir)]
    if not own:
        return text
    frame = own[-1]
    return f"{text}\n  at {Path(frame.filename).relative_to(project_dir)}:{frame.lineno}: {frame.line}"


def _is_own(path: Path, project_dir: Path) -> bool:
    if not path.is_relative_to(project_dir):
        return False
    inside = path.relative_to(project_dir).parts
    return "site-packages" not in inside and inside[0] not in {".venv", "venv", "multiarch"}


def run_program(run: ProgramRun, provider_of: Callable[[str], RehearsalProvider | None] = provider_for) -> Plan:
    """Run the program and give its plan.

    Raises ConfigError with the program's own problems, and ProgramCrashError for everything else, except a
    lookup that a rehearsal provider refused: then the plan is incomplete and holds the refusal.
    """
    monitor = RecordingMonitor(functools.cache(provider_of), secrets=run.inputs.secret_values, preview=run.preview)
    warnings = _Warnings()
    started = time.monotonic()
    error = _execute(run, monitor, warnings)
    recording = monitor.recording
    if error is not None:
        problems = config_error_in(error)
        if problems is not None:
            raise problems
        if not recording.refusals:
            raise ProgramCrashError(last_words(error, run.project_dir)) from error
    notes = [*run.inputs.notes, *warnings.lines]
    if error is not None:
        notes.append(f"The plan is incomplete: {last_words(error, run.project_dir)}")
    return Plan(
        stack=run.stack,
        project=run.project,
        resources=in_order(recording.resources.values()),
        outputs=recording.stack_outputs,
        invokes=tuple(sorted(recording.invokes, key=lambda item: (item.token, repr(item.args)))),
        refusals=tuple(sorted(recording.refusals, key=lambda item: (item.resource, item.path, item.message))),
        complete=error is None,
        modules=sdk_modules(),
        notes=tuple(notes),
        timings={"program": time.monotonic() - started},
    )


def _execute(run: ProgramRun, monitor: RecordingMonitor, warnings: _Warnings) -> BaseException | None:
    """Run as Pulumi's own language host does: inside a Stack resource, `__main__` by path, from the project folder."""
    os.chdir(run.project_dir)
    program_folder = str(run.main.parent if run.main.is_file() else run.main)
    if program_folder not in sys.path:
        sys.path.insert(0, program_folder)
    logger = logging.Logger("pulumi-program")  # noqa: LOG001 - private: the program must not inherit its handlers
    logger.addHandler(warnings)
    try:
        asyncio.run(_run_in_stack(run, monitor, logger))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the program raises becomes its last words
        return error
    return None


async def _run_in_stack(run: ProgramRun, monitor: RecordingMonitor, logger: logging.Logger) -> None:
    # set_mocks would make a Stack that never registers its outputs. A root that is there keeps it from doing so;
    # run_in_stack then makes the real one, on this event loop.
    set_root_resource(PLACEHOLDER_ROOT)
    set_mocks(
        monitor.mocks,
        project=run.project,
        stack=run.stack,
        preview=run.preview,
        logger=logger,
        monitor=monitor,
        organization="rehearsal",
    )
    set_root_resource(NO_ROOT)
    set_all_config(dict(run.inputs.config), list(run.inputs.secret_keys))
    await run_in_stack(lambda: _run_main(run.main))


def _run_main(main: Path) -> None:
    runpy.run_path(str(main), run_name="__main__")


PLACEHOLDER_ROOT: Any = object()
NO_ROOT: Any = None
