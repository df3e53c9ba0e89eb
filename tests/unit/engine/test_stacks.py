"""Every resource of every stack through the plugins, in the order in which an engine would send them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2 as messages

from multiarch.model.plan import Plan, PlannedResource, plan_stack
from multiarch.model.plan.wire import struct_from_wire, struct_to_wire

PROJECT = Path(__file__).resolve().parents[3]
STACKS = ("local", "mirror", "gke", "eks", "aks")
Connect = Callable[[str], Any]


@pytest.fixture(scope="module")
def plans() -> dict[str, Plan]:
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(STACKS, pool.map(lambda stack: plan_stack(PROJECT, stack), STACKS), strict=True))


def provided(plan: Plan) -> list[PlannedResource]:
    return [one for one in plan.resources if one.custom and not one.type.startswith("pulumi:")]


@pytest.mark.parametrize("stack", STACKS)
def test_every_resource_is_accepted_created_and_then_unchanged(
    connect: Connect, plans: dict[str, Plan], stack: str
) -> None:
    assert provided(plans[stack])
    for resource in provided(plans[stack]):
        plugin, inputs = connect(resource.type.split(":", 1)[0]), struct_to_wire(resource.inputs)
        checked = plugin.Check(messages.CheckRequest(urn=resource.urn, news=inputs))
        assert not checked.failures, resource.urn
        state = plugin.Create(messages.CreateRequest(urn=resource.urn, properties=checked.inputs))
        assert state.id == resource.id
        request = messages.DiffRequest(urn=resource.urn, id=state.id, olds=state.properties, news=checked.inputs)
        assert plugin.Diff(request).changes == messages.DiffResponse.DIFF_NONE, resource.urn
        read = plugin.Read(messages.ReadRequest(urn=resource.urn, id=state.id, properties=state.properties))
        assert struct_from_wire(read.properties) == struct_from_wire(state.properties)
        plugin.Delete(messages.DeleteRequest(urn=resource.urn, id=state.id, properties=state.properties))


@pytest.mark.parametrize("stack", STACKS)
def test_a_plugin_answers_what_the_plan_was_answered(connect: Connect, plans: dict[str, Plan], stack: str) -> None:
    for resource in provided(plans[stack]):
        plugin = connect(resource.type.split(":", 1)[0])
        state = plugin.Create(messages.CreateRequest(urn=resource.urn, properties=struct_to_wire(resource.inputs)))
        outputs = struct_from_wire(state.properties)
        outputs.pop("__inputs")
        assert outputs.keys() == resource.outputs.keys()
    for invoke in plans[stack].invokes:
        plugin = connect(invoke.token.split(":", 1)[0])
        request = messages.InvokeRequest(tok=invoke.token, args=struct_to_wire(invoke.args))
        assert struct_from_wire(getattr(plugin.Invoke(request), "return")) == invoke.result
