"""What an edit does is told by the stand-ins' own knowledge of each provider, and by what the program tells Pulumi."""

from collections.abc import Mapping
from typing import Any

import pytest

from multiarch.model.edits import Action, Edit, edits
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.model.providers.registry import provider_for
from multiarch.model.providers.values import UNKNOWN, SecretValue

POOL = "gcp:container/nodePool:NodePool"
SECRET = "kubernetes:core/v1:Secret"
ROLE, GROUP = "aws:iam/role:Role", "aws:eks/nodeGroup:NodeGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"


def resource(name: str, type_: str = POOL, **given: Any) -> PlannedResource:
    inputs = given.pop("inputs", {})
    return PlannedResource(urn=f"urn:pulumi:s::p::{type_}::{name}", type=type_, name=name, inputs=inputs, **given)


def pool(spot: str = "no", most: int = 20, **given: Any) -> PlannedResource:
    inputs = {"name": "arm64", "nodeConfig": {"spot": spot == "yes"}, "autoscaling": {"totalMaxNodeCount": most}}
    return resource("arm64", inputs=inputs, **given)


def one(before: PlannedResource, after: PlannedResource) -> Edit | None:
    found = edits(Plan(stack="s", resources=(before,)), Plan(stack="s", resources=(after,)))
    assert len(found) <= 1
    return found[0] if found else None


def test_what_stays_the_same_is_no_edit_whatever_it_is_made_of() -> None:
    made = resource("x", SECRET, inputs={"data": {"a": SecretValue("s"), "b": UNKNOWN}, "metadata": {"name": "x"}})
    assert one(made, made) is None


def test_a_bound_is_changed_in_place() -> None:
    found = one(pool(most=20), pool(most=30))
    assert found is not None
    assert (found.action, found.paths, found.reasons) == (Action.UPDATE, ("autoscaling.totalMaxNodeCount",), ())


@pytest.mark.parametrize("first", [True, False])
def test_what_the_provider_replaces_is_told_with_its_reason_and_its_order(*, first: bool) -> None:
    found = one(pool(), pool(spot="yes", most=30, delete_before_replace=first))
    assert found is not None
    assert found.action is Action.REPLACE
    assert found.reasons == ("nodeConfig.spot",)
    assert set(found.paths) == {"nodeConfig.spot", "autoscaling.totalMaxNodeCount"}
    assert found.deleted_first is first


def test_what_the_program_tells_pulumi_counts() -> None:
    assert one(pool(most=20), pool(most=30, ignore_changes=("autoscaling",))) is None
    reasons = ("autoscaling.totalMaxNodeCount",)
    for stays in (True, False):  # an edit may take the protection away itself
        found = one(pool(most=20, protect=True), pool(most=30, protect=stays, replace_on_changes=reasons))
        assert found is not None
        assert (found.action, found.reasons, found.protected) == (Action.REPLACE, reasons, stays)


def test_a_changed_secret_is_an_edit_and_its_value_is_nowhere_in_it() -> None:
    def made(value: str) -> PlannedResource:
        return resource("x", SECRET, inputs={"metadata": {"name": "x"}, "stringData": {"t": SecretValue(value)}})

    found = one(made("hunter2"), made("hunter3"))
    assert found is not None
    assert "hunter" not in str(found)


def test_what_comes_goes_and_is_replaced_stands_in_the_order_of_the_harm() -> None:
    before = Plan(stack="s", resources=(pool(), resource("old", SECRET)))
    after = Plan(stack="s", resources=(pool(spot="yes"), resource("new", SECRET)))
    assert [(edit.action, edit.name) for edit in edits(before, after)] == [
        (Action.REPLACE, "arm64"),
        (Action.DELETE, "old"),
        (Action.CREATE, "new"),
    ]


def test_components_are_no_edit_of_their_own() -> None:
    shell = resource("shell", "multiarch-runner:index:MultiArchRunner", custom=False, inputs={"a": 1})
    changed = resource("shell", "multiarch-runner:index:MultiArchRunner", custom=False, inputs={"a": 2})
    assert one(shell, changed) is None


def test_a_provider_that_leads_elsewhere_is_an_update_of_it() -> None:
    def made(context: str) -> PlannedResource:
        return resource("cluster", "pulumi:providers:kubernetes", inputs={"context": context})

    found = one(made("a"), made("b"))
    assert found is not None
    assert (found.action, found.paths) == (Action.UPDATE, ("context",))


def test_an_update_changes_what_takes_its_new_outputs_and_nothing_that_takes_what_stays() -> None:
    aws = provider_for("aws")
    assert aws is not None

    def made(type_: str, inputs: Any) -> tuple[PlannedResource, Mapping[str, Any]]:
        outputs = aws.create(type_, type_, inputs).outputs
        return resource(type_, type_, inputs=inputs, outputs=outputs, id="lt-1"), outputs

    def plan(**edit: str) -> Plan:
        role, its = made(ROLE, {"tags": {"managed-by": "pulumi", **edit}, "assumeRolePolicy": "{}"})
        template, has = made(TEMPLATE, {"tags": {"managed-by": "pulumi", **edit}})
        launch = {"id": "lt-1", "version": str(has["latestVersion"])}
        group = resource(
            "group",
            GROUP,
            inputs={"nodeRoleArn": its["arn"], "launchTemplate": launch},
            property_dependencies={"nodeRoleArn": (role.urn,), "launchTemplate": (template.urn,)},
        )
        return Plan(stack="s", resources=(role, template, group))

    found = {edit.name: edit for edit in edits(plan(), plan(team="ci"))}
    assert {edit.action for edit in found.values()} == {Action.UPDATE}
    assert found["group"].paths == ("launchTemplate",)
