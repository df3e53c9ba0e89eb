"""Every example, without an engine: what it passes to the components is what their schema takes."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.clouds import CLOUDS
from tests.unit.examples import schema

EXAMPLES = schema.ROOT / "examples"
LANGUAGES = ("python", "typescript", "yaml")
HERE = Path(__file__).parent
REFERENCE = re.compile(r"\$\{([^}]+)\}")


def project(cloud: str, language: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((EXAMPLES / f"{cloud}-{language}" / "Pulumi.yaml").read_text())
    return document


def configured(document: Mapping[str, Any]) -> dict[str, Any]:
    """A value for each key that the project declares."""
    return {key: schema.sample(declared) for key, declared in document["config"].items()}


def referred(document: Mapping[str, Any], name: str) -> Any:
    """What `${name}` or `${resource.output}` is."""
    values = configured(document)
    if name in values:
        return values[name]
    resource, _, output = name.partition(".")
    kind = document["resources"][resource]["type"].removeprefix(schema.PREFIX.replace("index:", ""))
    return schema.sample(schema.component(kind)["properties"][output]) if output else resource


def resolved(document: Mapping[str, Any], value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: resolved(document, item) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(document, item) for item in value]
    if not isinstance(value, str):
        return value
    whole = REFERENCE.fullmatch(value)
    return referred(document, whole[1]) if whole else REFERENCE.sub(lambda one: referred(document, one[1]), value)


def in_yaml(cloud: str) -> dict[str, Any]:
    document = project(cloud, "yaml")
    return {
        name: {
            "type": resource["type"].replace("multiarch-runner:", schema.PREFIX),
            "properties": resolved(document, resource["properties"]),
        }
        for name, resource in document["resources"].items()
    }


def in_python(cloud: str) -> dict[str, Any]:
    """What the program passes, run by itself: it sets the SDK up as it needs it."""
    values = configured(project(cloud, "python"))
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    config = {"values": {f"example:{key}": text for key, text in texts.items()}, "secrets": ["example:runnerToken"]}
    program = EXAMPLES / f"{cloud}-python" / "__main__.py"
    command = [sys.executable, str(HERE / "record.py"), str(program)]
    done = subprocess.run(command, input=json.dumps(config), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def ours(resources: Mapping[str, Any]) -> dict[str, Any]:
    """The components, each with its arguments."""
    return {
        name: (one["type"].removeprefix(schema.PREFIX), one["properties"])
        for name, one in resources.items()
        if one["type"].startswith(schema.PREFIX)
    }


def wrong(resources: Mapping[str, Any]) -> list[str]:
    return [found for kind, inputs in ours(resources).values() for found in schema.problems(kind, inputs)]


def test_there_is_an_example_of_every_cloud_in_every_language() -> None:
    folders = {path.parent.name for path in EXAMPLES.glob("*/Pulumi.yaml")}
    assert folders == {f"{cloud}-{language}" for cloud in CLOUDS for language in LANGUAGES}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_yaml_example_passes_what_the_schema_takes(cloud: str) -> None:
    assert wrong(in_yaml(cloud)) == []
    assert len(ours(in_yaml(cloud))) == 3
    # A list: YAML's runtime takes no map here, and says so only when it registers the component.
    assert project(cloud, "yaml")["resources"]["runner"]["options"]["providers"] == ["${cluster}"]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_python_example_passes_the_same_as_the_yaml_one(cloud: str) -> None:
    found = in_python(cloud)
    assert wrong(found) == []
    assert ours(found) == ours(in_yaml(cloud))
    assert found["runner"]["secret"] == ["token"]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_typescript_example_names_the_keys_that_the_yaml_one_does(cloud: str) -> None:
    """Its types are checked by the engine tier, where there is a compiler; a renamed key is seen here, too."""
    text = (EXAMPLES / f"{cloud}-typescript" / "index.ts").read_text()
    code = re.sub(r"//.*", "", re.sub(r'"[^"]*"|`[^`]*`', '""', text))

    def keys(value: Any) -> set[str]:
        if isinstance(value, Mapping):
            return set(value) | {key for item in value.values() for key in keys(item)}
        return {key for item in value for key in keys(item)} if isinstance(value, list) else set()

    wanted = {key for _, inputs in ours(in_yaml(cloud)).values() for key in keys(inputs)}
    written = set(re.findall(r"(\w+)\s*(?=[:,])", code))
    assert wanted - written == set()
    provider = set(project(cloud, "yaml")["resources"]["cluster"]["properties"]) | {"providers"}
    assert set(re.findall(r"(\w+):", code)) - wanted - provider == set()


@pytest.mark.parametrize("cloud", CLOUDS)
def test_an_example_asks_for_the_same_in_every_language_and_for_the_token_as_a_secret(cloud: str) -> None:
    asked = [project(cloud, language) for language in LANGUAGES]
    explained = [one["config"][key].pop("description", None) for one in asked[:2] for key in one["config"]]
    assert None not in explained
    assert explained[: len(explained) // 2] == explained[len(explained) // 2 :]
    # YAML's runtime knows no descriptions there and warns of each: they are comments.
    text = (EXAMPLES / f"{cloud}-yaml" / "Pulumi.yaml").read_text()
    assert [word for word in explained if f"  # {word}.\n" not in text] == []
    assert all(one["config"] == asked[0]["config"] for one in asked)
    assert asked[0]["config"]["runnerToken"]["secret"] is True
    assert all(one["packages"] == {"multiarch-runner": "../../components"} for one in asked)


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, []),
        ({"cluster": "ci"}, []),  # a resource of another package: its own schema's affair
        ({"resourceGroup": "ci"}, ["AksNodePool.resourceGroup: unknown"]),
        ({"pool": {}}, ["AksNodePool.pool.name: missing"]),
        ({"pool": {"name": "a", "maxNode": 2}}, ["AksNodePool.pool.maxNode: unknown"]),
        ({"pool": {"name": 1}}, ["AksNodePool.pool.name: 1 is no string"]),
        ({"pool": {"name": "a", "maxNodes": True}}, ["AksNodePool.pool.maxNodes: True is no integer"]),
        ({"pool": {"name": "a", "arch": "arm"}}, ["AksNodePool.pool.arch: 'arm' is none of ['amd64', 'arm64']"]),
        ({"pool": {"name": "a", "taints": [{}]}}, ["AksNodePool.pool.taints[0].key: missing"]),
        ({"pool": {"name": "a", "labels": {"x": 1}}}, ["AksNodePool.pool.labels.x: 1 is no string"]),
    ],
)
def test_the_schema_check_sees_each_kind_of_mistake(changed: dict[str, Any], found: list[str]) -> None:
    sound = {"pool": {"name": "a"}, "resourceGroupName": "g"}
    assert schema.problems("AksNodePool", {**sound, **changed}) == found
