"""`multiarch drift` over the real engine: clean, drifted in the cloud, drifted from the program, and no answer."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from multiarch.drift.model import Check
from multiarch.rehearse.engine import cli
from tests.engine.image_project import REPOSITORY, ROOT, STACK, Project, move_tag, project, registry

__all__ = ["project", "registry"]

CLOUD = ("--only", Check.STATE.value, "--only", Check.CODE.value)


def drift(project: Project, **environment: str) -> tuple[int, dict[str, Any]]:
    """Run the command on the project; its exit code, and its report's stack."""
    # The command finds stacks by their files; a stack without configuration has none of its own.
    stacks = project.folder / "stacks"
    stacks.mkdir(exist_ok=True)
    settings = project.folder / "Pulumi.yaml"
    document = yaml.safe_load(settings.read_text())
    if document.get("stackConfigDir") != "stacks":
        for file in project.folder.glob("Pulumi.*.yaml"):
            file.rename(stacks / file.name)
        settings.write_text(yaml.safe_dump({**document, "stackConfigDir": "stacks"}))
    (stacks / f"Pulumi.{STACK}.yaml").touch()
    done = subprocess.run(
        [sys.executable, "-m", "multiarch.cli", "drift", "--project", str(project.folder), "--json", "-", *CLOUD],
        cwd=ROOT,
        env={**project.environment, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    report = json.loads(done.stdout)
    return done.returncode, report["sections"][0]


def verdicts(stack: dict[str, Any]) -> dict[str, str]:
    return {check["id"]: check["verdict"] for check in stack["checks"]}


def test_what_up_made_is_clean_in_both_answers(project: Project) -> None:
    project.done(*cli.up(STACK))
    code, stack = drift(project)
    assert (code, verdicts(stack)) == (0, {Check.STATE.value: "yes", Check.CODE.value: "yes"}), stack


def test_a_moved_tag_is_told_with_its_path_and_nothing_is_written(project: Project) -> None:
    project.done(*cli.up(STACK))
    moved, before = move_tag(project), state_of(project)
    code, stack = drift(project)
    assert (code, verdicts(stack)) == (1, {Check.STATE.value: "no", Check.CODE.value: "no"}), stack
    paths = {
        one["path"]
        for check in stack["detail"]["checks"]
        for found in check["findings"]
        for one in found["differences"]
    }
    assert "digest" in paths
    assert project.digest() == moved, "looking repairs nothing"
    assert state_of(project) == before


def test_a_changed_program_is_drift_from_the_code_alone(project: Project) -> None:
    project.done(*cli.up(STACK))
    args = project.folder / "args.json"
    args.write_text(json.dumps({**json.loads(args.read_text()), "tags": ["2"]}))
    code, stack = drift(project)
    assert (code, verdicts(stack)) == (1, {Check.STATE.value: "yes", Check.CODE.value: "no"}), stack
    assert project.pusher.digest_of(REPOSITORY, "2") is None


def test_what_the_engine_cannot_answer_is_never_clean_nor_drift(project: Project) -> None:
    project.done(*cli.up(STACK))
    wrong_passphrase = drift(project, PULUMI_CONFIG_PASSPHRASE="another")
    project.registry.stop()
    registry_down = drift(project)
    for code, stack in (wrong_passphrase, registry_down):
        assert (code, set(verdicts(stack).values())) == (3, {"could not tell"}), stack


def state_of(project: Project) -> dict[str, str]:
    """Every file of the backend that holds state; locks and plugins' caches aside."""
    folder = Path(project.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    files = sorted(path for path in folder.rglob("stacks/**/*") if path.is_file())
    return {str(path): path.read_text(errors="replace") for path in files}
