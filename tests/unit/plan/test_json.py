"""A plan survives the trip between the two processes."""

import dataclasses
import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.problems import ConfigError
from multiarch.model.plan import UNKNOWN, Plan, PlannedInvoke, PlannedResource, Refusal, SecretValue, plan_stack
from multiarch.model.plan import plan_from_json as read
from multiarch.model.plan import plan_to_json as write
from multiarch.model.plan.graph import in_order
from multiarch.model.plan.wire import struct_from_wire, struct_to_wire

KEYS = st.text(string.ascii_letters, min_size=1, max_size=6)
PLAIN = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8) | st.just(UNKNOWN)
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3) | st.builds(SecretValue, inner)
    ),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_values_survive_json(inputs: dict[str, Any]) -> None:
    plan = Plan(stack="s", resources=(PlannedResource(urn="u", type="t", name="n", inputs=inputs),))
    assert read(json.loads(json.dumps(write(plan)))) == plan


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_values_survive_pulumis_wire_format(inputs: dict[str, Any]) -> None:
    assert struct_from_wire(struct_to_wire(inputs)) == inputs


def test_every_field_of_a_plan_survives() -> None:
    resource = PlannedResource(
        urn="u",
        type="t",
        name="n",
        dependencies=("a",),
        property_dependencies={"k": ("a", "b")},
        ignore_changes=("x",),
        aliases=("y",),
        custom_timeouts={"create": "1m"},
    )
    refusal = Refusal(resource="u", path="p", message="m", source="s")
    plan = Plan(
        stack="s",
        project="p",
        resources=(resource,),
        outputs={"o": SecretValue(1)},
        invokes=(PlannedInvoke(token="t", args={}, result={"r": [1]}),),
        refusals=(refusal,),
        complete=False,
        modules=("pulumi_gcp",),
        notes=("n",),
        seconds=1.5,
        timings={"imports": 0.5},
    )
    again = read(json.loads(json.dumps(write(plan))))
    assert again == plan
    assert all(getattr(again, field.name) == getattr(plan, field.name) for field in dataclasses.fields(plan))


@given(st.permutations(range(6)))
def test_the_order_of_a_plan_does_not_depend_on_the_order_of_registration(order: list[int]) -> None:
    resources = [
        PlannedResource(urn=f"u{i}", type="t", name=f"n{i}", dependencies=(f"u{i - 2}",) if i > 1 else ())
        for i in range(6)
    ]
    shuffled = in_order(resources[i] for i in order)
    assert shuffled == in_order(resources)
    position = {resource.urn: index for index, resource in enumerate(shuffled)}
    assert all(position[f"u{i - 2}"] < position[f"u{i}"] for i in range(2, 6))


def test_a_folder_without_a_project_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Pulumi\.yaml"):
        plan_stack(tmp_path, "test")
