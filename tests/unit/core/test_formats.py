"""Every command has every format; a format is a module and a line; the schemas in docs/ are those of the classes."""

import importlib
import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from docs import record_schemas
from multiarch.cli import COMMANDS, multiarch
from multiarch.core import render
from multiarch.core.options import field_of
from multiarch.core.render import FORMATS, Format, junit
from multiarch.core.render import json as document
from multiarch.core.render.words import Words
from multiarch.core.report import Check, Counts, Report, Section, leaves
from multiarch.core.verdict import Verdict

WORDS: Words[None, None] = Words(
    command="any",
    title="Any",
    answers={Verdict.YES: "good", Verdict.NO: "bad", Verdict.UNKNOWN: "could not tell"},
    counted={Verdict.YES: "good", Verdict.NO: "bad", Verdict.UNKNOWN: "open"},
    meanings=dict.fromkeys(Verdict, "so it is"),
    nothing="nothing was asked",
    report_type=Report[None, None],
)


def check(verdict: Verdict = Verdict.YES, **more: object) -> Check:
    return Check(id="a", title="it is so", verdict=verdict, **more)  # type: ignore[arg-type]  # a check's own fields


def report(*checks: Check, own_code: int | None = None) -> Report[None, None]:
    section = Section(name="ci", checks=checks, detail=None)
    return Report(command="any", sections=(section,), own_code=own_code, detail=None)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_every_format(name: str) -> None:
    command = importlib.import_module(COMMANDS[name]).command
    options = {option for parameter in command.params for option in parameter.opts}
    assert set(FORMATS) <= options
    assert set(FORMATS) == {"--json", "--junit", "--markdown", "--html"}


def test_a_new_format_is_a_module_and_a_line_and_every_command_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two files are touched: the renderer, and the table of formats."""
    monkeypatch.setattr(render, "FORMATS", {**FORMATS, "--new": Format("junit", "Write it anew.")})
    for module in ("multiarch.core.options", *COMMANDS.values()):
        importlib.reload(importlib.import_module(module))
    try:
        for name in COMMANDS:
            assert "--new FILE" in CliRunner().invoke(multiarch, [name, "--help"]).output, name
    finally:
        monkeypatch.undo()
        for module in ("multiarch.core.options", *COMMANDS.values()):
            importlib.reload(importlib.import_module(module))


def test_every_format_has_a_renderer_of_its_own() -> None:
    modules = [found.module for found in FORMATS.values()]
    assert len(set(modules)) == len(modules)
    assert all(found.render(report(check()), WORDS) for found in FORMATS.values())
    assert [field_of(option) for option in FORMATS] == ["json_file", "junit_file", "markdown_file", "html_file"]


@pytest.mark.parametrize("path", record_schemas.files(), ids=lambda path: path.stem)
def test_the_schema_in_the_docs_is_that_of_the_classes(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == record_schemas.files()[path], "run `make docs`"
    jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", record_schemas.files(), ids=lambda path: path.stem)
def test_every_key_of_a_document_is_described_and_always_written(path: Path) -> None:
    found = json.loads(record_schemas.files()[path])
    for name, node in {"the document": found, **found["$defs"]}.items():
        keys = node.get("properties", {})
        assert [f"{name}.{key}" for key, value in keys.items() if "description" not in value] == []
        assert set(node.get("required", ())) == set(keys)


def test_the_commands_documents_differ_in_their_details_alone() -> None:
    frames = []
    for text in record_schemas.files().values():
        found = json.loads(text)
        frames.append((sorted(found["properties"]), sorted(found["required"])))
    assert len(frames) == len(COMMANDS)
    assert all(frame == frames[0] for frame in frames)


def test_parts_are_what_is_counted_and_a_skipped_check_is_no_answer() -> None:
    found = report(
        check(Verdict.NO, parts=(check(Verdict.NO), check(), check(Verdict.UNKNOWN))),
        check(skipped=True, evidence="nothing there"),
    )
    assert found.counts == Counts(yes=1, no=1, could_not_tell=1)
    assert found.verdict is Verdict.NO
    assert len(leaves(found.sections[0].checks)) == 3


def test_a_section_without_an_answer_is_a_doubt_in_every_count() -> None:
    assert report().counts == Counts(could_not_tell=1)
    assert Report(command="any", sections=(), detail=None).counts == Counts(could_not_tell=1)
    assert report(check(skipped=True)).verdict is Verdict.YES


def test_answers_of_one_subject_are_read_together_whoever_gave_them() -> None:
    def about(name: str, *subjects: str) -> Check:
        parts = tuple(Check(id=one, title=one, verdict=Verdict.NO, about=name) for one in subjects)
        return Check(id=name, title=name, verdict=Verdict.NO, parts=parts)

    read = [(leaf.check.id, leaf.check.about) for leaf in leaves([about("first", "x", "y"), about("second", "x")])]
    assert read == [("x", "first"), ("x", "second"), ("y", "first")]


def test_a_command_with_codes_of_its_own_says_them_in_the_document_too() -> None:
    assert document.to_document(report(check(Verdict.NO), own_code=4), WORDS)["exitCode"] == 4
    assert document.to_document(report(check(Verdict.NO)), WORDS)["exitCode"] == 1


def test_two_answers_of_one_title_stay_two_cases() -> None:
    twins = (Check(id="v1", title="Role a", verdict=Verdict.YES), Check(id="v2", title="Role a", verdict=Verdict.YES))
    text = junit.render(report(*twins), WORDS)
    assert 'name="v1"' in text
    assert 'name="v2"' in text
