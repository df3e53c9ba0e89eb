"""Measure `multiarch drift` on many stacks: total time against the ideal, memory, and stacks that hang.

    python -m bench.drift [--stacks 100] [--jobs 4] [--seconds 2]

A stub `pulumi` on PATH answers each command after some seconds, with an answer recorded from the real CLI. The ideal is
what the waiting alone would take: commands x seconds / jobs. Nothing here asserts a time; tests never do.
"""

import argparse
import json
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.measuring import ROOT, Run, measure

RECORDED = ROOT / "tests" / "recorded" / "pulumi-cli"
CLOUD = ("--only", "cloud-against-state", "--only", "cloud-against-code")
TIME_LIMIT = 30
COMMANDS = 2
"""Of `pulumi`, for each stack."""
FEW = 10
LIVING = ("--only", "images")
"""A living check that needs no cluster: it tells whether there was time left for any."""


def write_project(folder: Path, stacks: int) -> None:
    """Write a project whose stacks are all `local`, under names of their own."""
    (folder / "stacks").mkdir(parents=True)
    shutil.copy(ROOT / "__main__.py", folder)
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    for number in range(stacks):
        shutil.copy(ROOT / "stacks" / "Pulumi.local.yaml", folder / "stacks" / f"Pulumi.{_name(number)}.yaml")


def _name(number: int) -> str:
    return f"s{number:03}"


def write_stub(folder: Path, seconds: float) -> None:
    """Write a `pulumi` that replays two clean answers, and never answers for stacks that hang."""
    folder.mkdir()
    answers = {}
    for command, name in (("refresh", "refresh-preview-clean"), ("preview", "preview-refresh-clean")):
        answers[command] = folder / command
        answers[command].write_text(json.loads((RECORDED / f"{name}.json").read_text())["stdout"])
    script = (
        "#!/bin/sh\n"
        'case "$1" in version) echo v3.260.0; exit 0 ;; esac\n'
        'for word; do :; done; case " $HANGING " in *" $word "*) sleep 3600 ;; esac\n'
        f"sleep {seconds:g}\n"
        f'case "$1" in refresh) cat {shlex.quote(str(answers["refresh"]))} ;;'
        f" preview) cat {shlex.quote(str(answers['preview']))} ;; *) exit 99 ;; esac\n"
    )
    (folder / "pulumi").write_text(script)
    (folder / "pulumi").chmod(0o755)


def run(
    stacks: int, jobs: int, seconds: float, *, hanging: frozenset[str] = frozenset(), checks: Sequence[str] = CLOUD
) -> tuple[Run, dict[str, str]]:
    """Check that many stacks; the measured run, and each stack's verdict."""
    with tempfile.TemporaryDirectory() as scratch:
        project, bin_folder, report = Path(scratch, "project"), Path(scratch, "bin"), Path(scratch, "drift.json")
        write_project(project, stacks)
        write_stub(bin_folder, seconds)
        command = [
            sys.executable,
            "-m",
            "multiarch.cli",
            "drift",
            "--project",
            str(project),
            "--jobs",
            str(jobs),
            *checks,
        ]
        command += ["--json", str(report), "--time-limit", str(TIME_LIMIT)]
        path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
        environ = {**os.environ, "PATH": path, "HANGING": " ".join(hanging), "MULTIARCH_PASS_ENV": "HANGING"}
        measured = measure(command, 0.2, alone=True, env=environ)
        document = json.loads(report.read_text())
        return measured, {stack["name"]: stack["verdict"] for stack in document["sections"]}


def main() -> int:
    """Measure and print; 1 where a stack's verdict is not what its stub says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stacks", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each command takes to answer")
    given = parser.parse_args()
    table = Table("stacks", "total, s", "ideal, s", "ratio", "own memory at most, MiB", "exit")
    table.title = f"{given.jobs} at a time, each of {COMMANDS} commands answers after {given.seconds:g} s"
    wrong: list[str] = []
    half = frozenset(_name(number) for number in range(FEW // 2))
    for stacks, hanging, checks in (
        (FEW, frozenset[str](), CLOUD),
        (given.stacks, frozenset[str](), CLOUD),
        (given.stacks, frozenset([_name(0)]), CLOUD),
        (FEW, half, (*CLOUD, *LIVING)),
    ):
        measured, verdicts = run(stacks, given.jobs, given.seconds, hanging=hanging, checks=checks)
        expected = {name: "could not tell" if name in hanging else "yes" for name in verdicts}
        wrong += [f"{name}: {verdicts[name]}" for name in verdicts if verdicts[name] != expected[name]]
        wrong += [] if len(verdicts) == stacks else [f"{len(verdicts)} stacks reported of {stacks}"]
        ideal = stacks * COMMANDS * given.seconds / given.jobs
        shown = f"{stacks}, {len(hanging)} hang (limit {TIME_LIMIT} s)" if hanging else str(stacks)
        ratio = "" if hanging else f"{measured.seconds / ideal:.3f}"
        table.add_row(
            shown,
            f"{measured.seconds:.1f}",
            "" if hanging else f"{ideal:.1f}",
            ratio,
            f"{measured.mebibytes:.0f}",
            str(measured.code),
        )
    Console().print(table)
    for line in wrong:
        print("not as it should be:", line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
