"""What the tools know of the clouds: every list of them has the program's own keys, so that none is forgotten."""

from dataclasses import fields
from typing import Any

import pytest

from components.clouds import CLOUDS
from components.keys import keys
from multiarch.model.clouds import KNOWN, marks
from multiarch.model.clouds.contract import KnownCloud
from multiarch.model.clouds.existing import EXISTING
from multiarch.model.nodes import nodes_for
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.model.providers.registry import provider_for, providers
from multiarch.onboard.answers.questions import QUESTIONS
from multiarch.onboard.decide import prices
from multiarch.onboard.write.login import login_of
from tests.unit.clouds.nimbus.components import NIMBUS

CREATED = {name for name, cloud in CLOUDS.items() if cloud.machines.defaults}


def test_the_tools_know_every_cloud_of_the_program() -> None:
    assert list(KNOWN) == list(CLOUDS)
    assert {name: known.name for name, known in KNOWN.items()} == {name: name for name in KNOWN}


def test_a_look_can_tell_every_cloud_that_makes_pools() -> None:
    assert set(marks()) == CREATED


def test_onboarding_can_answer_for_every_cloud() -> None:
    [kinds] = [question.choices for question in QUESTIONS if question.key == "clusterType"]
    assert {value for value, _ in kinds} == set(CLOUDS)
    assert {question.cloud for question in QUESTIONS} - {""} == set(prices.tables()) == CREATED
    for name in CREATED:
        assert login_of(name).command


@pytest.mark.parametrize("name", sorted(CREATED))
def test_onboarding_asks_for_what_the_cluster_must_say(name: str) -> None:
    section = CLOUDS[name].cluster
    asked = {question.place for question in QUESTIONS if question.cloud == name}
    assert (
        {key.name for key in keys(section) if key.required} - {"name"} <= asked <= {key.name for key in keys(section)}
    )


def test_a_created_cloud_has_a_stand_in_for_its_provider_and_nodes() -> None:
    for name in CREATED:
        known = KNOWN[name]
        assert known.node_groups
        assert known.membership
        assert known.size is not None
        provider: Any = provider_for(known.package)
        assert provider.package == known.package


def test_a_cloud_that_forgets_a_part_is_not_known() -> None:
    parts = {part.name: getattr(EXISTING, part.name) for part in fields(KnownCloud)}
    for name in parts:
        with pytest.raises(TypeError, match=name):
            KnownCloud(**{key: value for key, value in parts.items() if key != name})


def test_a_cloud_that_is_added_at_run_time_gets_its_stand_in_and_its_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    parts = {part.name: getattr(EXISTING, part.name) for part in fields(KnownCloud)}
    stand_in: Any = object()
    parts |= {"name": "nimbus", "provider": lambda: stand_in}
    parts["node_groups"] = {"nimbus:sky:Flock": lambda resource, _: made.append(resource.name)}
    monkeypatch.setitem(CLOUDS, "nimbus", NIMBUS)
    monkeypatch.setitem(KNOWN, "nimbus", KnownCloud(**parts))
    flock = PlannedResource(urn="urn", type="nimbus:sky:Flock", name="arm64", custom=True)
    assert len(nodes_for(Plan(stack="s", resources=(flock,)))) == 1
    assert made == ["arm64"]
    assert provider_for("nimbus") is stand_in
    assert set(providers()) >= {"nimbus", "gcp", "kubernetes"}
