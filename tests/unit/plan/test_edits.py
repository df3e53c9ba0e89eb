"""What an edit does is told by the stand-ins' own knowledge of each provider, and by what the program tells Pulumi."""

from typing import Any

import pytest

from multiarch.model.edits import Action, Edit, edits
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.model.providers.values import UNKNOWN, SecretValue

POOL = "gcp:container/nodePool:NodePool"
SECRET = "kubernetes:core/v1:Secret"


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


@pytest.mark.parametrize(("key", "anew"), [("imageType", True), ("labels", False), ("taints", False)])
def test_of_what_is_changed_in_place_only_what_makes_nodes_anew_renews_them(key: str, *, anew: bool) -> None:
    found = one(resource("a", inputs={"nodeConfig": {key: "b"}}), resource("a", inputs={"nodeConfig": {key: "c"}}))
    assert found is not None
    assert (found.action, found.renews) == (Action.UPDATE, (f"nodeConfig.{key}",) if anew else ())


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
    forced = ("autoscaling.totalMaxNodeCount",)
    found = one(pool(most=20, protect=True), pool(most=30, protect=True, replace_on_changes=forced))
    assert found is not None
    assert (found.action, found.reasons, found.protected) == (
        Action.REPLACE,
        forced,
        True,
    )


def test_protection_that_the_same_edit_takes_away_protects_no_more() -> None:
    found = one(pool(protect=True), pool(spot="yes"))
    assert found is not None
    assert (found.action, found.protected) == (Action.REPLACE, False)


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
