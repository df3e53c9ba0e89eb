"""The JSON document keeps the shape that its schema promises."""

import dataclasses
import json
from typing import Any

import jsonschema
import pytest

from multiarch.core.render import json as document
from multiarch.core.report import Counts
from multiarch.core.verdict import Verdict
from multiarch.rehearse.report.words import WORDS
from tests.unit.report import sample


def closed(schema: Any) -> Any:
    """The schema with no further keys allowed: a key that is written but not documented must show."""
    if isinstance(schema, dict):
        changed = {key: closed(value) for key, value in schema.items()}
        return {**changed, "additionalProperties": False} if "properties" in changed else changed
    return [closed(item) for item in schema] if isinstance(schema, list) else schema


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(closed(document.schema(WORDS)))


def test_the_schema_itself_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(document.schema(WORDS))


@pytest.mark.parametrize("stacks", [(), (sample.gke(),), (sample.crowded(), sample.eks())])
def test_the_document_holds_exactly_the_documented_keys(stacks: tuple[Any, ...]) -> None:
    validator().validate(json.loads(document.render(sample.report(*stacks), WORDS)))


def test_every_key_of_the_schema_is_described() -> None:
    bare = [
        path
        for path, node in _walk(document.schema(WORDS), "$")
        if path.endswith("]") is False and isinstance(node, dict) and "$ref" not in node and "description" not in node
    ]
    assert bare == []


def test_a_document_without_a_verdict_is_refused_by_the_schema() -> None:
    broken = document.to_document(sample.report(), WORDS)
    broken["sections"][0]["checks"][0]["verdict"] = "proved"
    with pytest.raises(jsonschema.ValidationError, match="proved"):
        validator().validate(broken)


def test_the_exit_code_in_the_document_is_that_of_the_verdict() -> None:
    assert document.to_document(sample.report(sample.gke()), WORDS)["exitCode"] == 0
    assert document.to_document(sample.report(sample.gke(), sample.eks()), WORDS)["exitCode"] == 1
    assert document.to_document(sample.report(sample.gke(), sample.aks()), WORDS)["exitCode"] == 3
    assert document.to_document(dataclasses.replace(sample.report(), sections=()), WORDS)["exitCode"] == 3


def test_claims_are_counted_by_verdict() -> None:
    assert sample.report().counts == Counts(yes=34, no=1, could_not_tell=1)


def test_the_document_is_ascii_so_that_any_pipe_can_carry_it() -> None:
    stack = sample.changed(sample.gke(), place="gke größe → ci")
    text = document.render(sample.report(stack), WORDS)
    assert text.isascii()
    assert json.loads(text)["sections"][0]["place"] == "gke größe → ci"


def test_a_doubt_is_written_as_a_doubt() -> None:
    verdicts = {
        claim["verdict"] for claim in document.to_document(sample.report(sample.aks()), WORDS)["sections"][0]["checks"]
    }
    assert verdicts == {Verdict.YES.value, Verdict.UNKNOWN.value}


def _walk(schema: dict[str, Any], path: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for holder in ("properties", "$defs"):
        for name, node in schema.get(holder, {}).items():
            found.append((f"{path}.{name}", node))
            found.extend(_walk(node, f"{path}.{name}"))
    return found
