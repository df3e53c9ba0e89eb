"""A recording becomes a neutral resource: marks off, unknowns kept, secrets remembered by path."""

import pytest

from components.policy.subject import UNKNOWN, CouldNotTell, Resource, join, leaves, look
from multiarch.model.plan.model import PlannedResource
from multiarch.model.plan_checks import judged
from multiarch.model.providers.values import UNKNOWN as PLAN_UNKNOWN
from multiarch.model.providers.values import SecretValue


def test_a_planned_resource_is_judged_without_its_secret_marks_which_are_remembered_by_path() -> None:
    inputs = {"values": {"a": SecretValue("x"), "b": [SecretValue({"c": PLAN_UNKNOWN})]}, "d": PLAN_UNKNOWN}
    item = judged(PlannedResource(urn="urn:pulumi:gke::p::t::n", type="t", name="n", inputs=inputs))
    assert item.properties == {"values": {"a": "x", "b": [{"c": UNKNOWN}]}, "d": UNKNOWN}
    assert item.secret_paths == frozenset({"values.a", "values.b[0]"})
    assert item.stack == "gke"


def test_a_resource_without_marks_does_not_claim_that_nothing_is_secret() -> None:
    assert Resource(type="t", name="n", urn="u", properties={}).secret_paths is None


def test_a_path_through_an_unknown_is_a_doubt_and_says_where() -> None:
    with pytest.raises(CouldNotTell, match=r"a\.b\[0\] is not known yet"):
        look({"a": {"b": [UNKNOWN]}}, "a", "b", 0, "c")


def test_an_absent_path_is_absent_and_not_unknown() -> None:
    assert look({"a": [1]}, "a", 5) is None
    assert look({"a": "text"}, "a", "b") is None


def test_leaves_carry_their_paths() -> None:
    assert dict(leaves({"a": [{"b": 1}, UNKNOWN]})) == {"a[0].b": 1, "a[1]": UNKNOWN}
    assert join("", "a") == "a"


@pytest.mark.parametrize("version", ["", "/v20250901", "/v20250902preview"])
def test_azures_versions_do_not_hide_a_resource_from_the_rules(version: str) -> None:
    type_ = f"azure-native:containerservice{version}:AgentPool"
    assert Resource(type=type_, name="n", urn="u", properties={}).kind == "azure-native:containerservice:AgentPool"
