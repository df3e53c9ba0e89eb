"""The JSON document keeps the shape that its schema promises, and reads back as the report that it was."""

import dataclasses
import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiarch.core.verdict import Verdict
from multiarch.drift.model import Check, CheckResult, DriftReport, StackReport
from multiarch.drift.plain import NewerVersionError
from multiarch.drift.report import document
from tests.unit.drift_report import sample


def closed(schema: Any) -> Any:
    """The schema with no further keys allowed: a key that is written but not documented must show."""
    if isinstance(schema, dict):
        changed = {key: closed(value) for key, value in schema.items()}
        return {**changed, "additionalProperties": False} if "properties" in changed else changed
    return [closed(item) for item in schema] if isinstance(schema, list) else schema


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(closed(document.schema()))


def test_the_schema_itself_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(document.schema())


@settings(max_examples=50, deadline=None)
@given(sample.reports(st.text(max_size=10)))
def test_the_document_holds_exactly_the_documented_keys(report: DriftReport) -> None:
    validator().validate(json.loads(document.render(report)))


def test_the_schema_requires_every_key_it_documents() -> None:
    lax = [
        path
        for path, node in _walk(document.schema(), "$")
        if set(node.get("properties", ())) - set(node.get("required", ()))
    ]
    assert lax == []


def test_every_key_of_the_schema_is_described() -> None:
    bare = [path for path, node in _walk(document.schema(), "$") if "$ref" not in node and "description" not in node]
    assert bare == []


@settings(max_examples=100, deadline=None)
@given(sample.reports(st.text(max_size=10)))
def test_a_document_reads_back_as_the_report_that_it_was(report: DriftReport) -> None:
    assert document.read(document.render(report)) == report


def test_a_document_with_keys_of_a_later_version_is_read() -> None:
    later = json.loads(document.render(sample.report()))
    later["weather"] = later["stacks"][0]["checks"][0]["findings"][0]["mood"] = "fine"
    assert document.read(json.dumps(later)) == sample.report()


def broken(**changes: Any) -> str:
    return json.dumps({**json.loads(document.render(sample.report())), **changes})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "schemaVersion: not a version number"),
        (broken(schemaVersion="1"), "schemaVersion: not a version number"),
        (broken(stacks="none"), "stacks: "),
        (broken(stacks=[{"stack": 5}]), "stacks[0].stack: "),
        (broken(started="yesterday"), "started: "),
        (broken(started="2026-11-25T06:00:00"), "started: without a time zone"),
        (broken(verdict="yes"), "verdict: 'yes', but what it holds says 'no'"),
        (broken(stacks=[], verdict="could not tell"), "ok"),
        (document.render(sample.report()).replace('"release"', '"nodes"', 1), "stacks[1].checks[2].findings[0].check"),
        (document.render(sample.report()).replace('"release"', '"magic"', 1), "stacks[1].checks[2].check"),
        (document.render(sample.report())[:-50], "not JSON"),
    ],
)
def test_a_text_that_is_no_report_is_told_with_its_place(text: str, told: str) -> None:
    if told == "ok":  # no stacks at all: still a doubt, as it says
        assert document.read(text).verdict is Verdict.UNKNOWN
        return
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is looked at below
        document.read(text)
    assert told in str(caught.value)


def test_a_report_of_a_newer_version_is_refused_as_such() -> None:
    with pytest.raises(NewerVersionError, match="schemaVersion: 4"):
        document.read(broken(schemaVersion=4))


def test_a_report_of_the_version_in_which_a_doubt_outweighed_drift_is_read_and_judged_anew() -> None:
    before = broken(schemaVersion=1, verdict="could not tell", exitCode=3)
    assert document.read(before) == sample.report()
    assert document.read(before).verdict is Verdict.NO


@pytest.mark.parametrize(
    ("stacks", "code"),
    [
        ((sample.aks(),), 0),
        ((sample.aks(), sample.gke()), 1),
        ((sample.gke(), sample.eks()), 1),
        ((sample.aks(), sample.eks()), 3),
    ],
)
def test_the_exit_code_in_the_document_is_that_of_the_verdict(stacks: tuple[StackReport, ...], code: int) -> None:
    assert document.to_document(sample.report(*stacks))["exitCode"] == code


def test_a_run_without_stacks_is_a_doubt() -> None:
    written = document.to_document(dataclasses.replace(sample.report(), stacks=()))
    assert (written["exitCode"], written["counts"]["couldNotTell"]) == (3, 1)


def test_answers_are_counted_by_verdict() -> None:
    assert document.to_document(sample.report())["counts"] == {"clean": 7, "drifted": 4, "couldNotTell": 2}


def test_a_check_without_any_answer_counts_as_a_doubt() -> None:
    silent = StackReport(stack="a", checks=(CheckResult(check=Check.NODES),))
    assert document.to_document(sample.report(silent))["counts"]["couldNotTell"] == 1


def test_the_document_is_ascii_so_that_any_pipe_can_carry_it() -> None:
    text = document.render(sample.report(dataclasses.replace(sample.gke(), cluster="größe → ci")))
    assert text.isascii()
    assert json.loads(text)["stacks"][0]["cluster"] == "größe → ci"


def _walk(schema: dict[str, Any], path: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [(path, schema)]
    for holder in ("properties", "$defs"):
        for name, node in schema.get(holder, {}).items():
            found.extend(_walk(node, f"{path}.{name}"))
    return found
