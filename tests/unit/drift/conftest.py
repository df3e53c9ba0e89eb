"""A project of stacks that have nothing but names, and a stub `pulumi` on PATH."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from multiarch import cli
from tests.recorded.answers import recorded
from tests.recorded.stub_pulumi import StubPulumi

CLEAN = {"refresh": recorded("refresh-preview-clean"), "preview": recorded("preview-refresh-clean")}
DRIFTED = {"refresh": recorded("refresh-preview-drift"), "preview": recorded("preview-refresh-drift")}
CLOUD = ("--only", "cloud-against-state", "--only", "cloud-against-code")

Drift = Callable[..., Result]


def of_stack(stack: str, answers: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    """Give answers to one stack alone; recorded ones say `gke` in their URNs, whatever the stack."""
    return {f"{command} {stack}": answer for command, answer in answers.items()}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "stacks").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text("name: multiarch-runner\nruntime: python\nstackConfigDir: stacks\n")
    for stack in ("aks", "eks", "gke"):
        (folder / "stacks" / f"Pulumi.{stack}.yaml").write_text("config: {}\n")
    return folder


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StubPulumi:
    made = StubPulumi(tmp_path / "bin")
    made.answers(CLEAN)
    monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    return made


@pytest.fixture
def drift(project: Path) -> Drift:
    """Run the command on the project, `pulumi`'s two checks alone unless `everything` is wanted."""

    def run(*arguments: str, everything: bool = False) -> Result:
        given = ["drift", "--project", str(project), *(() if everything else CLOUD), *arguments]
        return CliRunner().invoke(cli.multiarch, given)

    return run
