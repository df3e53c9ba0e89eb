"""`python -m multiarch.model.plan` for a person: one line, and an exit code that means something."""

import subprocess
import sys
from pathlib import Path

import pytest

from multiarch.model.plan import PlanError, launch, plan_stack
from tests.unit.plan.conftest import STACK, write_project

SOUND = "import pulumi\npulumi.export('x', 1)\n"
REFUSED = "import pulumi\npulumi.CustomResource('random:index:Thing', 'thing', {})\n"


@pytest.mark.parametrize(
    ("program", "stack", "code", "said"),
    [
        (SOUND, STACK, 0, "test: 1 resources, 0 refused"),
        (REFUSED, STACK, 1, "thing : the rehearsal has no provider for 'random'"),
        ("1 / 0\n", STACK, 1, "ZeroDivisionError"),
        (SOUND, "config: [", 2, "line 1"),
    ],
)
def test_the_exit_code_tells_what_the_line_says(tmp_path: Path, program: str, stack: str, code: int, said: str) -> None:
    write_project(tmp_path, program, stack)
    command = [sys.executable, "-m", "multiarch.model.plan", "--project", str(tmp_path), "--stack", "test"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=launch.REPOSITORY)
    assert done.returncode == code
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_program_that_never_ends_is_stopped_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "TIME_LIMIT", 1.0)
    write_project(tmp_path, "import time\ntime.sleep(60)\n")
    with pytest.raises(PlanError, match="did not end within 1 s"):
        plan_stack(tmp_path, "test")


def test_a_program_that_prints_does_not_disturb_the_plan(tmp_path: Path) -> None:
    write_project(tmp_path, "print('{\"plan\": 1}')\n" + SOUND)
    assert plan_stack(tmp_path, "test").outputs == {"x": 1}


def test_the_users_pulumi_settings_do_not_reach_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", '{"multiarch-runner:sneaky": "1"}')
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "pul-secret")
    write_project(
        tmp_path, "import os, pulumi\npulumi.export('x', sorted(k for k in os.environ if k[:7] == 'PULUMI_'))\n"
    )
    assert plan_stack(tmp_path, "test").outputs == {"x": []}
