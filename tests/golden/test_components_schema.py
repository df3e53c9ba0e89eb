"""The components' public surface, as programs in other Pulumi languages see it, held still."""

import json
from typing import Any

import pytest
from pydantic.alias_generators import to_camel

from components.clouds.component import CloudPoolArgs, NodePool, PoolArgs
from tests.golden.components_schema import GOLDEN, difference, schema_text

# Pulumi's analyzer (3.272.0) reads a class's own docstrings, and not those of its bases.
INHERITED = {
    to_camel(name) for name in (*PoolArgs.__annotations__, *CloudPoolArgs.__annotations__, *NodePool.__annotations__)
}
PUBLIC = ("AksNodePool", "EksNodePool", "ExistingNodes", "GkeNodePool", "MultiArchRunner")


@pytest.fixture(scope="module")
def text() -> str:
    return schema_text()


def test_the_public_surface_is_the_golden_one(text: str) -> None:
    changed = difference(text)
    assert not changed, f"If that was meant: python -m tests.golden.components_schema\n{changed}"


def test_a_changed_surface_fails_with_a_readable_diff(text: str) -> None:
    assert '-        "jobNamespace": {' in difference(text.replace('"jobNamespace": {', '"jobNs": {'))


@pytest.mark.parametrize("name", PUBLIC)
def test_every_output_is_certain_and_every_property_explained(name: str) -> None:
    schema: Any = json.loads(GOLDEN.read_text())
    resource = schema["resources"][f"{schema['name']}:index:{name}"]
    assert resource["isComponent"] is True
    assert sorted(resource["required"]) == sorted(resource["properties"]), "an output that may be missing"
    properties = {**resource["properties"], **resource["inputProperties"]}
    assert {key for key, one in properties.items() if not one.get("description")} <= INHERITED


def test_nothing_else_is_public() -> None:
    schema = json.loads(GOLDEN.read_text())
    assert sorted(schema["resources"]) == [f"{schema['name']}:index:{name}" for name in PUBLIC]
