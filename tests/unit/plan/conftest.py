"""Small projects to plan: a Pulumi.yaml, a stack file, and the program of the test."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from multiarch.model.plan import Plan, plan_stack

PROJECT = "name: multiarch-runner\nruntime: python\nstackConfigDir: stacks\n"
STACK = "config:\n  multiarch-runner:runner:\n    gitlabUrl: https://gitlab.example.org\n"

Planner = Callable[..., Plan]


@pytest.fixture(scope="session")
def plan_program(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    """Plan a program given as text; each gets a folder of its own."""

    def plan(program: str, stack: str = STACK, *, preview: bool = False) -> Plan:
        folder = tmp_path_factory.mktemp("project")
        write_project(folder, program, stack)
        return plan_stack(folder, "test", preview=preview)

    return plan


def write_project(folder: Path, program: str, stack: str = STACK) -> None:
    folder.joinpath("stacks").mkdir()
    folder.joinpath("Pulumi.yaml").write_text(PROJECT)
    folder.joinpath("stacks", "Pulumi.test.yaml").write_text(stack)
    folder.joinpath("__main__.py").write_text(textwrap.dedent(program))
