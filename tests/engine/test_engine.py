"""Every stack under the real engine: preview, up, second preview without changes, refresh, destroy."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.core.verdict import Verdict
from multiarch.model.nodes import nodes_for
from multiarch.model.plan import plan_stack
from multiarch.model.pulumi_cli import PulumiCli
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.engine import EngineRun, run_engine
from multiarch.rehearse.engine.workspace import find_kubernetes_plugin
from multiarch.rehearse.install.chart import EMBEDDED
from multiarch.rehearse.install.fleet import add_nodes, remove_nodes

PROJECT = Path(__file__).resolve().parents[2]
OTHERS = ("local", "mirror", "eks", "aks")
RUNNER_NAMESPACE = "gitlab-runner"


def unproved(report: EngineRun) -> list[str]:
    return [f"{claim.id}: {claim.verdict}: {claim.evidence}" for claim in report.claims if claim.verdict != Verdict.YES]


def changed_stack(stack: str, folder: Path, **pool: Any) -> Path:
    """Write the stack's file with other values for its arm64 pool."""
    document = yaml.safe_load((PROJECT / "stacks" / f"Pulumi.{stack}.yaml").read_text())
    pools = document["config"]["multiarch-runner:pools"]
    next(one for one in pools if one["name"] == "arm64").update(pool)
    file = folder / f"Pulumi.{stack}.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


@pytest.mark.parametrize("stack", ["gke", *(pytest.param(stack, marks=pytest.mark.full) for stack in OTHERS)])
def test_a_stack_is_created_unchanged_when_looked_at_again_and_deleted(stack: str, pulumi: PulumiCli) -> None:
    report = run_engine(PROJECT, stack, pulumi=pulumi)
    assert len(report.claims) == 5
    assert unproved(report) == []


def test_the_command_proves_a_stack_under_the_engine_and_says_which_it_was() -> None:
    command = [sys.executable, "-m", "multiarch.cli", "rehearse", "--engine", "--stack", "local", "--json", "-"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (section,) = json.loads(done.stdout)["sections"]
    assert [check["verdict"] for check in section["checks"]] == ["yes"] * 5
    assert section["place"].startswith("pulumi 3.")


@pytest.fixture
def local_nodes(control_plane: ControlPlane) -> Iterator[Api]:
    """The nodes that the stack `local` says are there, so that its release can become ready."""
    with Connection(control_plane.kubeconfig, control_plane.context) as connection:
        api = Api.of(connection)
        add_nodes(api, nodes_for(plan_stack(PROJECT, "local")), "local", embedded=True)
        yield api
        remove_nodes(api, "local")


def test_the_local_stack_is_installed_on_a_real_cluster(
    control_plane: ControlPlane, local_nodes: Api, tmp_path: Path, pulumi: PulumiCli
) -> None:
    if find_kubernetes_plugin() is None:
        pytest.skip(
            "no pulumi-resource-kubernetes on PATH or in ~/.pulumi/plugins: `pulumi plugin install resource kubernetes`"
        )
    document = yaml.safe_load((PROJECT / "stacks" / "Pulumi.local.yaml").read_text())
    document["config"]["multiarch-runner:cluster"]["access"]["context"] = control_plane.context
    # The embedded chart: whether a chart registry is reached is not what this test is about.
    document["config"]["multiarch-runner:runner"]["chart"] = {"path": str(EMBEDDED)}
    # Nobody made the namespaces here: the stack does, and takes them away again.
    document["config"]["multiarch-runner:runner"]["existingNamespaces"] = False
    file = tmp_path / "Pulumi.local.yaml"
    file.write_text(yaml.safe_dump(document))
    report = run_engine(PROJECT, "local", stack_file=file, kubeconfig=control_plane.kubeconfig, pulumi=pulumi)
    assert any("the real one" in note for note in report.notes)
    assert unproved(report) == []
    left = local_nodes.find(f"/api/v1/namespaces/{RUNNER_NAMESPACE}")
    assert left is None or left["status"]["phase"] == "Terminating"


@pytest.mark.full
@pytest.mark.parametrize(
    ("stack", "pool", "action"),
    [
        ("gke", {"maxNodes": 30}, "update"),
        ("gke", {"maxPodsPerNode": 32}, "replace"),
    ],
)
def test_a_change_is_told_as_an_update_or_a_replacement(
    stack: str, pool: dict[str, Any], action: str, tmp_path: Path, pulumi: PulumiCli
) -> None:
    report = run_engine(PROJECT, stack, against=changed_stack(stack, tmp_path, **pool), pulumi=pulumi)
    assert unproved(report) == []
    assert report.changes is not None
    touched = {change.action for change in report.changes if "arm64" in change.resource}
    assert action in touched
    assert ("replace" in touched) == (action == "replace")
    assert not any("amd64" in change.resource for change in report.changes)
