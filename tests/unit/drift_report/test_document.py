"""The JSON document keeps the shape that its schema promises, and reads back as the report that it was."""

import dataclasses
import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiarch.core.render import json as document
from multiarch.core.verdict import Verdict
from multiarch.drift.model import Check, CheckResult, ComparedStack, Comparison
from multiarch.drift.plain import NewerVersionError, to_plain
from multiarch.drift.report.reading import read
from multiarch.drift.report.words import WORDS, to_report
from tests.unit.drift_report import sample


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


@settings(max_examples=50, deadline=None)
@given(sample.reports(st.text(max_size=10)))
def test_the_document_holds_exactly_the_documented_keys(report: Comparison) -> None:
    validator().validate(json.loads(document.render(to_report(report), WORDS)))


def test_the_schema_requires_every_key_it_documents() -> None:
    lax = [
        path
        for path, node in _walk(document.schema(WORDS), "$")
        if set(node.get("properties", ())) - set(node.get("required", ()))
    ]
    assert lax == []


def test_every_key_of_the_schema_is_described() -> None:
    bare = [
        path for path, node in _walk(document.schema(WORDS), "$") if "$ref" not in node and "description" not in node
    ]
    assert bare == []


@settings(max_examples=100, deadline=None)
@given(sample.reports(st.text(max_size=10)))
def test_a_document_reads_back_as_the_report_that_it_was(report: Comparison) -> None:
    assert read(document.render(to_report(report), WORDS)) == report


def test_a_document_with_keys_of_a_later_version_is_read() -> None:
    later = json.loads(document.render(to_report(sample.report()), WORDS))
    later["weather"] = later["sections"][0]["detail"]["checks"][0]["findings"][0]["mood"] = "fine"
    assert read(json.dumps(later)) == sample.report()


def broken(**changes: Any) -> str:
    return json.dumps({**json.loads(document.render(to_report(sample.report()), WORDS)), **changes})


def misplaced(check: str) -> str:
    """A document whose findings of the release are said to be another check's."""
    text = document.render(to_report(sample.report()), WORDS)
    return text.replace('"check": "release"', f'"check": "{check}"', 1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "schemaVersion: not a version number"),
        (broken(schemaVersion="1"), "schemaVersion: not a version number"),
        (broken(sections="none"), "sections: "),
        (broken(sections=[{"name": 5}]), "sections[0].name: "),
        (broken(detail={"started": "yesterday"}), "detail.started: "),
        (broken(detail={"started": "2026-11-25T06:00:00"}), "started: without a time zone"),
        (broken(verdict="yes"), "verdict: 'yes', but what it holds says 'no'"),
        (broken(sections=[], verdict="could not tell"), "ok"),
        (misplaced("nodes"), "stacks[1].checks[2].findings[0].check"),
        (misplaced("magic"), "sections[1].detail.checks[2].check"),
        (document.render(to_report(sample.report()), WORDS)[:-50], "not JSON"),
    ],
)
def test_a_text_that_is_no_report_is_told_with_its_place(text: str, told: str) -> None:
    if told == "ok":  # no stacks at all: still a doubt, as it says
        assert read(text).verdict is Verdict.UNKNOWN
        return
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is looked at below
        read(text)
    assert told in str(caught.value)


def test_a_report_of_a_newer_version_is_refused_as_such() -> None:
    with pytest.raises(NewerVersionError, match="schemaVersion: 5"):
        read(broken(schemaVersion=5))


@pytest.mark.parametrize(("version", "former"), [(1, "drifted"), (2, "drifted"), (3, "no")])
def test_a_report_of_a_version_in_which_drift_had_its_own_document_is_read_and_judged_anew(
    version: int, former: str
) -> None:
    values = {**to_plain(Comparison, sample.report()), "schemaVersion": version, "verdict": "could not tell"}
    before = json.dumps(values).replace('"verdict": "no"', f'"verdict": "{former}"')
    assert former in before
    assert read(before) == sample.report()
    assert read(before).verdict is Verdict.NO


@pytest.mark.parametrize(
    ("stacks", "code"),
    [
        ((sample.aks(),), 0),
        ((sample.aks(), sample.gke()), 1),
        ((sample.gke(), sample.eks()), 1),
        ((sample.aks(), sample.eks()), 3),
    ],
)
def test_the_exit_code_in_the_document_is_that_of_the_verdict(stacks: tuple[ComparedStack, ...], code: int) -> None:
    assert document.to_document(to_report(sample.report(*stacks)), WORDS)["exitCode"] == code


def test_a_run_without_stacks_is_a_doubt() -> None:
    written = document.to_document(to_report(dataclasses.replace(sample.report(), stacks=())), WORDS)
    assert (written["exitCode"], written["counts"]["couldNotTell"]) == (3, 1)


def test_answers_are_counted_by_verdict() -> None:
    assert document.to_document(to_report(sample.report()), WORDS)["counts"] == {"yes": 7, "no": 4, "couldNotTell": 2}


def test_a_check_without_any_answer_counts_as_a_doubt() -> None:
    silent = ComparedStack(stack="a", checks=(CheckResult(check=Check.NODES),))
    assert document.to_document(to_report(sample.report(silent)), WORDS)["counts"]["couldNotTell"] == 1


def test_the_document_is_ascii_so_that_any_pipe_can_carry_it() -> None:
    text = document.render(to_report(sample.report(dataclasses.replace(sample.gke(), cluster="größe → ci"))), WORDS)
    assert text.isascii()
    assert json.loads(text)["sections"][0]["place"] == "größe → ci"


def _walk(schema: dict[str, Any], path: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [(path, schema)]
    for holder in ("properties", "$defs"):
        for name, node in schema.get(holder, {}).items():
            found.extend(_walk(node, f"{path}.{name}"))
    return found
