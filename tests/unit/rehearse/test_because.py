"""A changed stack file: which of its keys does what to which resource."""

from typing import Any

import pytest

from multiarch.model.edits import Action, edits
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.rehearse.because import attributed, edited_keys, with_edit

POOLS = "multiarch-runner:pools"
RUNNER = "multiarch-runner:runner"
OLD: dict[str, Any] = {
    RUNNER: {"concurrent": 5, "metrics": {"enabled": True}},
    POOLS: [{"name": "amd64", "labels": {"a/b": "1"}}, {"name": "arm64", "spot": False}],
}


@pytest.mark.parametrize(
    ("new", "paths"),
    [
        ({RUNNER: {**OLD[RUNNER], "concurrent": 6}}, ["runner.concurrent"]),
        ({RUNNER: {**OLD[RUNNER], "metrics": {"enabled": False}}}, ["runner.metrics.enabled"]),
        ({POOLS: [OLD[POOLS][0], {"name": "arm64", "spot": True}]}, ["pools[1].spot"]),
        ({POOLS: [OLD[POOLS][1], OLD[POOLS][0]]}, []),
        ({POOLS: [{"name": "arm64"}, {"name": "amd64"}]}, ["pools[0].spot", "pools[1].labels"]),
        ({POOLS: [*OLD[POOLS], {"name": "more"}]}, ["pools[2]"]),
        ({POOLS: [OLD[POOLS][1]]}, ["pools[0] (amd64, gone)"]),
        ({"aws:region": "eu-central-1"}, ["aws:region"]),
    ],
)
def test_keys_are_told_as_the_changed_file_has_them(new: dict[str, Any], paths: list[str]) -> None:
    assert [key.path for key in edited_keys(OLD, {**OLD, **new})] == paths


def test_all_edits_together_make_the_changed_file() -> None:
    new = {
        RUNNER: {"metrics": {"enabled": False}},
        POOLS: [{"name": "arm64", "spot": True}, {"name": "more"}],
    }
    found: Any = OLD
    for key in edited_keys(OLD, new):
        found = with_edit(found, key)
    assert found == new


TOKEN = "gcp:container/nodePool:NodePool"


def plan(**inputs: Any) -> Plan:
    return Plan(stack="s", resources=(PlannedResource(urn="urn:pool", type=TOKEN, name="pool", inputs=inputs),))


def test_a_replacement_comes_from_the_key_that_forces_it_and_not_from_others_that_touch_the_pool() -> None:
    before, after = plan(maxPodsPerNode=32, tags=1), plan(maxPodsPerNode=64, tags=2)
    (edit,) = found = edits(before, after)
    assert edit.action is Action.REPLACE
    alone = {
        "pools[0].maxPodsPerNode": plan(maxPodsPerNode=64, tags=1),
        "pools[0].tags": plan(maxPodsPerNode=32, tags=2),
    }
    assert attributed(found, alone, before) == {"urn:pool": ("pools[0].maxPodsPerNode",)}


def test_keys_that_are_no_stack_alone_are_told_together() -> None:
    before = plan(maxPodsPerNode=32)
    found = edits(before, plan(maxPodsPerNode=64))
    alone = {"pools[0].arch": None, "pools[0].machineType": None, "runner.concurrent": before}
    assert attributed(found, alone, before) == {"urn:pool": ("pools[0].arch", "pools[0].machineType")}
