"""The components' public surface, as programs in other Pulumi languages see it, held still."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.clouds import CLOUDS
from components.keys import classes, keys, parts
from components.runner.placement import RunnerPool
from components.runner.settings import RunnerConfig
from tests.golden.components_schema import GOLDEN, difference, schema_text

PUBLIC = ("AksNodePool", "EksNodePool", "ExistingNodes", "GkeNodePool", "MultiArchRunner")
REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "config.md"


def _sections(cls: type) -> Iterator[type]:
    """A section and those inside it; not those of which a key may hold any of several (volumes, caches)."""
    yield cls
    for key in keys(cls):
        inside = classes(key.annotation)
        if len(inside) == 1:
            yield from _sections(inside[0])


ROOTS: tuple[type, ...] = (RunnerConfig, *(cloud.pool for cloud in CLOUDS.values()))
SECTIONS = {found.__name__: found for root in ROOTS for found in _sections(root)}


@pytest.fixture(scope="module")
def text() -> str:
    return schema_text()


def test_the_public_surface_is_the_golden_one(text: str) -> None:
    changed = difference(text)
    assert not changed, f"If that was meant: python -m tests.golden.components_schema\n{changed}"


def test_a_registry_finds_what_it_shows(text: str) -> None:
    """All that Pulumi's metaschema has for it, but for addresses: those are wherever a copy of this repository is."""
    schema = json.loads(text)
    shown = ("displayName", "description", "keywords", "license", "publisher", "version")
    assert [key for key in shown if not schema.get(key)] == []
    assert [key for key in ("homepage", "repository", "logoUrl", "pluginDownloadURL") if key in schema] == []
    assert {"category/infrastructure", "kind/component"} <= set(schema["keywords"])


def test_an_sdk_has_one_name_wherever_the_package_was_added_from(text: str) -> None:
    language = json.loads(text)["language"]
    assert language["python"]["packageName"] == "pulumi_multiarch_runner"
    assert language["nodejs"]["packageName"] == "@pulumi/multiarch-runner"


def test_a_changed_surface_fails_with_a_readable_diff(text: str) -> None:
    assert '-        "jobNamespace": {' in difference(text.replace('"jobNamespace": {', '"jobNs": {'))


@pytest.mark.parametrize("name", PUBLIC)
def test_every_output_is_certain_and_every_property_explained(name: str) -> None:
    schema: Any = json.loads(GOLDEN.read_text())
    resource = schema["resources"][f"{schema['name']}:index:{name}"]
    assert resource["isComponent"] is True
    assert sorted(resource["required"]) == sorted(resource["properties"]), "an output that may be missing"
    properties = {**resource["properties"], **resource["inputProperties"]}
    assert [key for key, one in properties.items() if not one.get("description")] == []


@pytest.mark.parametrize("name", [*SECTIONS, RunnerPool.__name__])
def test_every_key_of_a_section_is_there_as_the_reference_explains_it_and_required_where_it_is(name: str) -> None:
    schema: Any = json.loads(GOLDEN.read_text())
    section = SECTIONS.get(name, RunnerPool)
    found = schema["types"][f"{schema['name']}:index:{name}"]
    assert {key: one["description"] for key, one in found["properties"].items()} == {
        key.name: key.description for key in keys(section)
    }
    assert found.get("required", []) == sorted(key.name for key in keys(section) if key.required)
    assert all(one["plain"] for one in found["properties"].values()), "a section is read before anything is made"
    if name in SECTIONS:
        reference = REFERENCE.read_text().replace("\\|", "|")  # in a table
        assert [key.name for key in keys(section) if key.description not in reference] == []


def test_only_a_choice_and_free_values_are_of_any_type() -> None:
    schema: Any = json.loads(GOLDEN.read_text())
    free = []
    for name, section in SECTIONS.items():
        for key in keys(section):
            one = schema["types"][f"{schema['name']}:index:{name}"]["properties"][key.name]
            inner = one.get("items", one.get("additionalProperties", one))
            if inner.get("$ref") == "pulumi.json#/Any" and len(classes(key.annotation)) <= 1:
                free.append(f"{name}.{key.name}")
                assert any(text in str(list(parts(key.annotation))) for text in ("JsonValue", "int | str")), key
    assert free


def test_nothing_else_is_public() -> None:
    schema = json.loads(GOLDEN.read_text())
    assert sorted(schema["resources"]) == [f"{schema['name']}:index:{name}" for name in PUBLIC]
