"""Run the whole program on a broken stack: the real stack files, one change each, and a record of what it declared."""

import asyncio
import re
import runpy
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pulumi
import pulumi.runtime
import pytest
import yaml
from pulumi.runtime.settings import set_root_resource
from pulumi.runtime.stack import run_in_stack

from components.stack_keys import NAMESPACE

PROJECT = Path(__file__).resolve().parents[3]
REMOVED = "<removed>"
NO_ROOT: Any = None
STEP = re.compile(r"\.?([^.\[\]]+)|\[([0-9]+)\]")


def change(document: dict[str, Any], path: str, value: Any) -> None:
    """Set `pools[1].machineType` and the like in a stack's config; `<removed>` removes the key."""
    steps = [int(index) if index else key for key, index in STEP.findall(path)]
    steps[0] = f"{NAMESPACE}:{steps[0]}"
    target: Any = document
    for step in steps[:-1]:
        target = target.setdefault(step, {}) if isinstance(target, dict) else target[step]
    if value == REMOVED:
        del target[steps[-1]]
    elif isinstance(target, list) and steps[-1] == len(target):
        target.append(value)
    else:
        target[steps[-1]] = value


@pytest.fixture
def broken_stack(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a copy of a stack's own file with changes: YAML lines of `path: value`."""

    def write(stack: str, changes: str) -> Path:
        document = yaml.safe_load((PROJECT / "stacks" / f"Pulumi.{stack}.yaml").read_text())
        for path, value in (yaml.safe_load(changes) or {}).items():
            change(document["config"], path, value)
        file = tmp_path / f"Pulumi.{stack}.yaml"
        file.write_text(yaml.safe_dump(document, sort_keys=False))
        return file

    return write


class Recorder(pulumi.runtime.Mocks):
    """Notes every resource and every lookup that the program asks for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.asked.append(args.typ)
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        self.asked.append(args.token)
        return {}, []


@pytest.fixture
def run_program(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, str], Collection[str]], list[str]]:
    """Run `__main__.py` as Pulumi's language host does; return what it asked for, or raise what it raised.

    What it asked for before it raised is in the error's notes, so that a test can see that it was nothing.
    """
    monkeypatch.chdir(PROJECT)

    def run(values: Mapping[str, str], secret_keys: Collection[str]) -> list[str]:
        recorder = Recorder()

        def main() -> None:
            runpy.run_path(str(PROJECT / "__main__.py"), run_name="__main__")

        async def program() -> None:
            pulumi.runtime.set_mocks(recorder, project=NAMESPACE, stack="test")
            set_root_resource(NO_ROOT)  # set_mocks made one; run_in_stack makes its own, on this loop
            pulumi.runtime.set_all_config(dict(values), sorted(secret_keys))
            await run_in_stack(main)

        try:
            # Pulumi's runtime and the event loop are per thread: the other tests' own stay as they are.
            with ThreadPoolExecutor(1) as thread:
                thread.submit(asyncio.run, program()).result()
        except BaseException as error:
            error.add_note(f"asked for: {[asked for asked in recorder.asked if asked != 'pulumi:pulumi:Stack']}")
            raise
        return [asked for asked in recorder.asked if asked != "pulumi:pulumi:Stack"]

    return run
