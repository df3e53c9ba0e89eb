"""A fourth cloud touches one folder of the program, one of the tools and two registries; then everything knows it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.golden.components_schema import schema_text
from tests.grown import FOLDERS, REGISTRIES, ROOT, STACK, grow, run, touched

ONBOARDED = """
from multiarch.model.clouds import KNOWN
from multiarch.onboard.adopt.imports import adoptions
from multiarch.onboard.answers.interview import interview
from multiarch.onboard.decide.decision import decide
from multiarch.onboard.write.render import render
from tests.unit.onboard.lab import Server, node, seen

labels = {
    "nimbus.example/flock": "old",
    "node.kubernetes.io/instance-type": "drop-8",
    "topology.kubernetes.io/region": "north",
}
nodes = [node(f"n{i}", provider_id=f"nimbus:///north-a/d-{i}", labels=labels) for i in range(2)]
look = seen(Server(nodes=nodes, version="1.34.2-nimbus.7"), context="nimbus-north-ci")
answers = interview(look, {"gitlabUrl": "https://gitlab.example.com", "stack": "seen"}, proposals=True)
decision = decide(look, answers)
assert look.provider == "nimbus" and look.identity == {"sky": "north", "name": "ci"}, look
assert [pool.name for pool in look.pools] == ["old"]
assert decision.price.saves_percent == 20, decision.price
open("stacks/Pulumi.seen.yaml", "w").write(render(look, answers, decision))
"""

DRIFTED = """
import json
from pathlib import Path
from multiarch.drift.live.identity import another_cluster
from multiarch.drift.live.pools import members, promises_of
from multiarch.model.nodes import nodes_for
from multiarch.model.plan.launch import plan_stack

plan = plan_stack(Path("."), "nimbus")
promises = promises_of(plan)
nodes = [node for group in nodes_for(plan) for node in group.nodes]
found = members(promises, nodes)
print(json.dumps({one.name: [len(found[one.urn]), one.taints, dict(one.member)] for one in promises}))
assert not found[""], found[""]
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return grow(tmp_path_factory.mktemp("grown"))


def succeeded(tree: Path, *command: str, program: str = "") -> str:
    done = run(tree, *command, program=program)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_lists_what_is_touched_and_that_is_two_folders_and_two_registries(tmp_path: Path) -> None:
    added, changed = touched(grow(tmp_path))
    assert changed == set(REGISTRIES)
    assert all(path.startswith(tuple(f"{folder}/" for folder in FOLDERS.values())) for path in added - {STACK})
    lines = [*(f"M {path}" for path in sorted(changed)), *(f"A {path}" for path in sorted(added))]
    page = (ROOT / "docs" / "clouds.md").read_text(encoding="utf-8")
    assert "<!-- touched -->\n```text\n" + "\n".join(lines) + "\n```" in page


def test_it_is_planned_by_its_stand_in_and_an_edit_tells_what_is_replaced(tree: Path) -> None:
    text = (tree / STACK).read_text(encoding="utf-8")
    edited = tree / "edited.yaml"
    edited.write_text(text.replace("drop-8", "drop-4").replace("9000", "9001"), encoding="utf-8")
    done = run(tree, "multiarch.cli", "rehearse", "--stack", "nimbus", "--against", "edited.yaml", "--json", "-")
    [section] = json.loads(done.stdout)["sections"]
    told = {check["id"]: check["verdict"] for check in section["checks"]}
    # The stand-in holds a flock's name for taken, and the component deletes the old one first.
    assert told.pop("edit-keeps-architectures") == "no"
    assert set(told.values()) == {"yes"}
    changes = {(change["resource"], change["action"]) for change in section["detail"]["changes"]}
    assert changes == {
        ("nimbus:sky:Flock amd64-flock", "replace (deleted first)"),
        ("nimbus:sky:Flock arm64-flock", "update"),
    }


def test_its_stand_in_refuses_what_its_cloud_would(tree: Path) -> None:
    text = (tree / STACK).read_text(encoding="utf-8").replace("9000", "20000")
    (tree / "stacks" / "Pulumi.high.yaml").write_text(text, encoding="utf-8")
    done = run(tree, "multiarch.model.plan", "--project", ".", "--stack", "high")
    assert "droplets don't fly above 12000" in done.stdout + done.stderr


def test_it_is_documented_and_offered_to_other_languages(tree: Path) -> None:
    succeeded(tree, "docs.config_page")
    page = (tree / "docs" / "config.md").read_text(encoding="utf-8")
    assert "### cluster of type nimbus" in page
    assert "nimbusRain" in page
    schema: Any = json.loads(schema_text(tree / "components"))
    assert "multiarch-runner:index:NimbusNodePool" in schema["resources"]


def test_it_is_onboarded_and_what_is_written_is_planned(tree: Path) -> None:
    assert "nimbus" in succeeded(tree, "multiarch.cli", "onboard", "--help")
    succeeded(tree, program=ONBOARDED)
    text = (tree / "stacks" / "Pulumi.seen.yaml").read_text(encoding="utf-8")
    assert "  nimbus:sky: north\n" in text
    assert "machineType: flake-8" in text
    assert "#   nimbusctl login" in text
    assert "0 refused" in succeeded(tree, "multiarch.model.plan", "--project", ".", "--stack", "seen")


def test_drift_knows_its_nodes(tree: Path) -> None:
    found = json.loads(succeeded(tree, program=DRIFTED))
    assert found == {
        "amd64": [2, [], {"nimbus.example/flock": "amd64"}],
        "arm64": [2, ["kubernetes.io/arch=arm64:NoSchedule"], {"nimbus.example/flock": "arm64"}],
    }
