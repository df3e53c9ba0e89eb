"""Edits under the real engine: it does to each resource what the comparison of two plans says, and in that order.

And the runner's namespaces do not move, with all running jobs, unless the stack file says so.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from multiarch.model.edits import Action, edits
from multiarch.model.plan import plan_stack
from multiarch.model.pulumi_answers import CliResult, Step
from multiarch.model.pulumi_cli import PulumiCli, commands, protected_runner, protection, run
from multiarch.rehearse.engine import cli
from multiarch.rehearse.engine.have import has_language_host
from multiarch.rehearse.engine.rehearsal import changes_of
from multiarch.rehearse.engine.workspace import Workspace, read_inputs, workspace, write_stack_file

PROJECT = Path(__file__).resolve().parents[2]
MOVED = {"protect": False, "namespace": "other", "jobNamespace": "other-jobs", "concurrent": 7}
EDITS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "gke": {"amd64": {"maxNodes": 30}, "arm64": {"maxPodsPerNode": 32}, "runner": MOVED},
    "eks": {"amd64": {"diskSizeGb": 120}, "arm64": {"amiType": "BOTTLEROCKET_ARM_64"}, "runner": MOVED},
    "aks": {"amd64": {"maxNodes": 30}, "arm64": {"osDiskSizeGb": 64}, "runner": MOVED},
}


@dataclass(frozen=True)
class Life:
    """A stack in its workspace, its commands, and its file as this project has it."""

    pulumi: PulumiCli
    space: Workspace

    def command(self, arguments: tuple[str, ...], stdin: str = "") -> CliResult:
        command = (str(self.pulumi.path), *arguments)
        return run(command, cwd=self.space.project_dir, environment=self.space.environment, limit=300, stdin=stdin)

    def done(self, arguments: tuple[str, ...], stdin: str = "") -> CliResult:
        result = self.command(arguments, stdin)
        assert result.exit == 0, f"{arguments}: {result.stdout} {result.stderr}"
        return result

    def state(self) -> Any:
        return json.loads(self.done(("stack", "export", "--stack", self.space.stack)).stdout)

    def edit(self, file: Path) -> None:
        inputs = read_inputs(file, PROJECT, self.space.stub_folder, None)
        write_stack_file(self.space.stack_file, inputs, keep=self.space.stack_file)


@contextmanager
def life(stack: str, file: Path, pulumi: PulumiCli) -> Iterator[Life]:
    """Bring the stack up, against stand-ins alone."""
    ours = not has_language_host(pulumi)
    with workspace(PROJECT, stack, stack_file=file, language_host=ours) as space:
        living = Life(pulumi, space)
        living.done(cli.stack_init(stack))
        for key in space.inputs.secret_keys:
            living.done(cli.set_secret(stack, key), space.inputs.config[key])
        living.done(cli.up(stack))
        yield living


def stack_file(stack: str, folder: Path, changes: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write this project's stack file with other values for pools, by name, and for `runner`."""
    document = deepcopy(yaml.safe_load((PROJECT / "stacks" / f"Pulumi.{stack}.yaml").read_text()))
    config = document["config"]
    config["multiarch-runner:runner"] |= changes.get("runner", {})
    for pool in config["multiarch-runner:pools"]:
        pool.update(changes.get(pool["name"], {}))
    folder.mkdir(exist_ok=True)
    file = folder / f"Pulumi.{stack}.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


def operations(answer: CliResult) -> tuple[Step, ...]:
    """Read what the engine began to do, in order, from its own events."""
    events = (json.loads(line) for line in answer.stdout.splitlines())
    begun = (event["resourcePreEvent"]["metadata"] for event in events if "resourcePreEvent" in event)
    return tuple(Step(op=one["op"], urn=one["urn"]) for one in begun)


def deleted_first(done: tuple[Step, ...]) -> dict[str, bool]:
    """Tell of each replacement whether the old one went before the new one was made."""
    order = [(step.urn, step.op) for step in done]
    made = [urn for urn, op in order if op == "create-replacement"]
    return {urn: order.index((urn, "delete-replaced")) < order.index((urn, "create-replacement")) for urn in made}


@pytest.mark.parametrize("stack", EDITS)
def test_the_engine_does_to_each_resource_what_the_comparison_says(
    stack: str, tmp_path: Path, pulumi: PulumiCli
) -> None:
    before, after = stack_file(stack, tmp_path / "before", {}), stack_file(stack, tmp_path / "after", EDITS[stack])
    told = edits(plan_stack(PROJECT, stack, stack_file=before), plan_stack(PROJECT, stack, stack_file=after))
    with life(stack, before, pulumi) as living:
        living.edit(after)
        done = operations(living.done((*cli.up(stack), "--json")))
    assert {edit.urn: edit.action.value for edit in told} == {one.urn: one.action for one in changes_of(done)}
    assert {edit.urn: edit.deleted_first for edit in told if edit.action is Action.REPLACE} == deleted_first(done)


def test_running_jobs_end_by_no_edit_of_a_name_alone_and_destroy_needs_one_step(
    tmp_path: Path, pulumi: PulumiCli
) -> None:
    ours = {"existingNamespaces": False}
    file = stack_file("local", tmp_path / "before", {"runner": ours})
    with life("local", file, pulumi) as living:
        created = living.state()
        for key in ("jobNamespace", "namespace", "releaseName"):
            living.edit(stack_file("local", tmp_path / key, {"runner": {**ours, key: "other"}}))
            refused = living.command(cli.up("local"))
            assert refused.exit != 0
            assert "marked for protection" in refused.stdout + refused.stderr
            assert identities(living.state()) == identities(created), f"{key}: something was changed before the refusal"
        living.edit(stack_file("local", tmp_path / "moved", {"runner": {**ours, **MOVED, "releaseName": "other"}}))
        living.done(cli.up("local"))
        moved = identities(living.state())
        assert {"other", "other-jobs", "other/other"} <= set(moved.values())
        living.edit(stack_file("local", tmp_path / "held", {"runner": {**ours, **MOVED, "protect": True}}))
        living.command(cli.up("local"))
        destroy(living)


def destroy(living: Life) -> None:
    """Do what `make destroy` does, and see that nothing is left."""
    assert living.command(cli.destroy("local")).exit != 0, "what is protected is not destroyed by chance"
    lines = protection(living.pulumi, "unprotect", "local", protected_runner(living.state()))
    for line in [*lines, *commands(living.pulumi, "destroy", "local", ["--yes", "--skip-preview"])]:
        living.done(tuple(line[1:]))
    assert identities(living.state()) == {}


def identities(state: Any) -> dict[str, str]:
    """Give the ids of what stands in a state, by URN."""
    return {one["urn"]: one["id"] for one in state["deployment"].get("resources", ()) if one.get("id")}
