"""The generated reference and the JSON Schema: fresh, valid, and as strict as a schema can be."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from docs.config_page import DOCS, main, stale
from docs.stack_schema import stack_schema

STACKS = sorted((DOCS.parent / "stacks").glob("Pulumi.*.yaml"))
SCHEMA = stack_schema()


def errors(document: Any) -> list[str]:
    return [error.message for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(document)]


def stack(name: str) -> Any:
    return yaml.safe_load((DOCS.parent / "stacks" / f"Pulumi.{name}.yaml").read_text())


def test_generated_files_are_fresh() -> None:
    assert stale() == []


def test_check_names_a_stale_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("docs.config_page.DOCS", tmp_path / "docs")
    (tmp_path / "docs").mkdir()
    assert main(["--check"]) == 1
    assert "docs/config.md is stale" in capsys.readouterr().err
    assert main([]) == 0
    assert main(["--check"]) == 0


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_there_is_a_stack_for_each_cluster_type_and_one_with_a_mirror() -> None:
    assert [path.name for path in STACKS] == [
        f"Pulumi.{name}.yaml" for name in ("aks", "eks", "gke", "local", "mirror")
    ]


@pytest.mark.parametrize("path", STACKS, ids=lambda path: path.name)
def test_every_stack_satisfies_the_schema(path: Path) -> None:
    assert errors(yaml.safe_load(path.read_text())) == []


@pytest.mark.parametrize("path", STACKS, ids=lambda path: path.name)
def test_every_stack_names_the_schema_for_editors(path: Path) -> None:
    first = path.read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../docs/stack.schema.json"
    assert (path.parent / first.partition("=")[2]).resolve() == DOCS / "stack.schema.json"


def _set(document: Any, keys: str, value: Any) -> None:
    *parents, last = keys.split("/")
    for key in parents:
        document = document[int(key) if key.isdigit() else key]
    document[last] = value


@pytest.mark.parametrize(
    ("name", "keys", "value"),
    [
        ("gke", "multiarch-runner:poools", []),
        ("gke", "multiarch-runner:pools/1/machinetype", "t2a-standard-8"),
        ("gke", "multiarch-runner:pools/1/amiType", "AL2023_ARM_64_STANDARD"),
        ("eks", "multiarch-runner:pools/1/osSku", "Ubuntu"),
        ("aks", "multiarch-runner:pools/1/nodeLocations", ["a"]),
        ("local", "multiarch-runner:pools/1/machineType", "t2a-standard-8"),
        ("gke", "multiarch-runner:pools/1/maxNodes", "5"),
        ("gke", "multiarch-runner:pools/1/maxNodes", 0),
        ("gke", "multiarch-runner:pools/1/spot", "yes"),
        ("gke", "multiarch-runner:pools/1/arch", "aarch64"),
        ("gke", "multiarch-runner:pools/1/labels", {"a": 1}),
        ("gke", "multiarch-runner:pools", []),
        ("gke", "multiarch-runner:pools", {"arm64": {"arch": "arm64"}}),
        ("gke", "multiarch-runner:cluster/type", "gk"),
        ("gke", "multiarch-runner:cluster/resourceGroup", "ci"),
        ("eks", "multiarch-runner:cluster/project", "ci"),
        ("local", "multiarch-runner:cluster/access", {"kubeconfig": "x"}),
        ("gke", "multiarch-runner:runner/concurent", 3),
        ("gke", "multiarch-runner:runner/privileged", True),
        ("gke", "multiarch-runner:runner/cache", {"bucket": "b"}),
        ("gke", "multiarch-runner:runner/cache", {"type": "s3", "bucket": "b", "region": "r", "account": "a"}),
        ("gke", "multiarch-runner:runnerToken", "glrt-plain-text"),
        ("gke", "poools", []),
    ],
)
def test_the_schema_refuses_what_the_reader_refuses_by_shape(name: str, keys: str, value: Any) -> None:
    document = stack(name)
    _set(document["config"], keys, value)
    assert errors(document) != []


@pytest.mark.parametrize("key", ["cluster", "pools", "runner"])
def test_the_schema_wants_each_part_under_either_spelling(key: str) -> None:
    document = stack("gke")
    document["config"][key] = document["config"].pop(f"multiarch-runner:{key}")
    assert errors(document) == []
    del document["config"][key]
    assert errors(document) != []


def test_the_schema_wants_config_and_nothing_unknown_beside_it() -> None:
    assert errors({}) != []
    assert errors(stack("gke") | {"cluster": {}}) != []


def test_the_schema_takes_secrets_and_the_settings_of_providers() -> None:
    document = stack("gke") | {"encryptionsalt": "v1:abc"}
    document["config"] |= {"multiarch-runner:runnerToken": {"secure": "AAABAA"}, "gcp:project": "other"}
    assert errors(document) == []


def test_every_key_in_the_schema_is_described() -> None:
    bare = [
        f"{name}.{key}"
        for name, definition in json.loads((DOCS / "stack.schema.json").read_text())["definitions"].items()
        for key, schema in definition.get("properties", {}).items()
        if not schema.get("description")
    ]
    assert bare == []


def test_every_link_in_the_reference_leads_to_a_section() -> None:
    text = (DOCS / "config.md").read_text()
    anchors = {line.lstrip("# ").lower().replace(" ", "-") for line in text.splitlines() if line.startswith("#")}
    links = {part.partition(")")[0] for part in text.split("](#")[1:]}
    assert links <= anchors


@pytest.mark.parametrize(
    ("runner", "word"),
    [
        ({"concurrent": 0}, "minimum"),
        ({"namespace": "Not one"}, "does not match"),
        ({"resources": {"build": {"cpuLimit": "1 GB"}}}, "not valid"),
        ({"jobs": {"featureFlags": {"SCRIPT": True}}}, "do not match|does not match"),
        ({"helperMirror": {"repository": "r/i", "digests": {"arm": "x"}}}, "not valid"),
        ({"values": {"revisionHistoryLimit": 0}}, "minimum"),
    ],
)
def test_bounds_and_forms_reach_editors(runner: dict[str, Any], word: str) -> None:
    document = stack("local")
    document["config"]["multiarch-runner:runner"].update(runner)
    found = errors(document)
    assert found
    assert any(re.search(word, one) for one in found), found
