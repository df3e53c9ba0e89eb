"""A setting of the runner is one declaration and the line that uses it: docs/extending.md's diff, done to a copy."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.golden.components_schema import schema_text
from tests.grown import ROOT, change, copy, run

CONFIG_TOML = """
from pathlib import Path
from multiarch.model.plan.launch import plan_stack
from multiarch.model.release import release_of

print(release_of(plan_stack(Path("."), "local")).values["runners"]["config"])
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    [diff] = re.findall(r"<!-- setting -->\n```diff\n(.*?)```", page, re.DOTALL)
    tree = copy(tmp_path_factory.mktemp("setting"))
    change(tree, diff)
    return tree


def plan(tree: Path, value: Any) -> str:
    """Plan the local stack with a value for the setting; return config.toml, or what is wrong."""
    path = tree / "stacks" / "Pulumi.local.yaml"
    document = yaml.safe_load((ROOT / "stacks" / path.name).read_text(encoding="utf-8"))
    document["config"]["multiarch-runner:runner"]["jobs"] = {"graceSeconds": value}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    done = run(tree, program=CONFIG_TOML)
    return done.stdout if done.returncode == 0 else done.stderr


def test_a_declared_setting_is_in_config_toml(tree: Path) -> None:
    assert "pod_termination_grace_period_seconds = 5\n" in plan(tree, 5)


@pytest.mark.parametrize(("value", "told"), [(601, "is too large. Use 600 or less."), ("5", "whole number")])
def test_a_declared_settings_bound_and_type_are_its_check(tree: Path, value: Any, told: str) -> None:
    found = plan(tree, value)
    assert "runner.jobs.graceSeconds" in found
    assert told in found


def test_a_declared_setting_is_documented_and_in_both_schemas(tree: Path) -> None:
    assert run(tree, "docs.config_page").returncode == 0
    row = next(line for line in (tree / "docs/config.md").read_text(encoding="utf-8").splitlines() if "`grace" in line)
    assert "Seconds that the processes of a cancelled job have to end." in row
    schema = json.loads((tree / "docs/stack.schema.json").read_text(encoding="utf-8"))
    [bounds, _] = schema["definitions"]["JobPods"]["properties"]["graceSeconds"]["anyOf"]
    assert (bounds["minimum"], bounds["maximum"]) == (0, 600)
    components = schema_text(tree / "components")
    assert ("graceSeconds" in components) == ("runtimeClass" in components), "as visible there as the keys beside it"
