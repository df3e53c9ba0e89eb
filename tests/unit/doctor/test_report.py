"""The report: cause first, nothing from the cluster in control of the terminal, JSON as its schema says."""

import io
import json
import re
import xml.etree.ElementTree as ET

import jsonschema
import pytest
from rich.console import Console

from multiarch.core.printable import one_line
from multiarch.core.render import json as document
from multiarch.core.render import junit, markdown
from multiarch.core.render.terminal import print_report
from multiarch.core.report import Fix
from multiarch.core.verdict import EXIT_CODES, Verdict
from multiarch.doctor.advice import cause
from multiarch.doctor.examine import examine, unreachable
from multiarch.doctor.model import Asked, Examination
from multiarch.doctor.report.words import WORDS, to_report
from tests.unit.doctor.made import facts, node, pod, unschedulable

EVIL = "red \x1b[31m [bold]and\u202e back"


def shown(report: Examination, *, width: int = 100, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    print_report(Console(file=stream, width=width, highlight=False), to_report(report), WORDS)
    return raw.getvalue().decode(encoding)


def broken() -> Examination:
    evil = cause("nodes-full", EVIL, f"full {EVIL}", [EVIL], [Fix(text=EVIL, lines=(EVIL, "kubectl " + "x" * 150))])
    checks = (
        Asked("a", "first").judged([evil]),
        Asked("b", "second").unknown(EVIL),
        Asked("c", "third").fine(EVIL),
    )
    return Examination(cluster="context c", version="1.36.3", checks=checks, causes=(evil,), notes=(EVIL,))


def test_the_cause_comes_before_what_is_open_and_that_before_what_is_well() -> None:
    text = shown(broken())
    assert text.index("full red") < text.index("second") < text.index("third") < text.index("Exit 1")


def test_nothing_from_the_cluster_controls_the_terminal() -> None:
    text = shown(broken())
    assert "\x1b[31m" not in text
    assert "\u202e" not in text
    assert "[bold]and" in text
    assert "\\x1b" in text


def test_a_line_to_be_copied_is_never_broken() -> None:
    assert "kubectl " + "x" * 150 in shown(broken(), width=60)


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_marks_fit_the_terminals_encoding(encoding: str) -> None:
    plain = Examination(cluster="c", checks=(Asked("a", "first").fine(),))
    assert "first" in shown(plain, encoding=encoding)


@pytest.mark.parametrize(
    "report",
    [
        broken(),
        examine(facts(), "c"),
        examine(facts(nodes=(node(),), pods=[pod(status=unschedulable("0/1 nodes are available: 1 x."))]), "c"),
        unreachable("c", "s", "no answer"),
    ],
    ids=["broken", "healthy", "pending", "unreachable"],
)
def test_json_is_as_its_schema_says(report: Examination) -> None:
    text = document.render(to_report(report), WORDS)
    jsonschema.validate(json.loads(text), document.schema(WORDS))
    assert json.loads(text)["exitCode"] == EXIT_CODES[report.verdict]
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", text)


def test_an_api_server_that_does_not_answer_is_a_doubt() -> None:
    report = unreachable("c", "", "refuses connections")
    assert report.verdict is Verdict.UNKNOWN
    assert "refuses connections" in shown(report)


def test_causes_and_doubts_have_exit_codes_of_their_own() -> None:
    assert sorted(EXIT_CODES.values()) == [0, 1, 3]


def test_a_cause_is_a_failure_with_its_ways_out_and_a_doubt_an_error_for_a_ci() -> None:
    suite = ET.fromstring(junit.render(to_report(broken()), WORDS).partition("\n")[2])  # noqa: S314 - our own output
    (failure,), (error,) = suite.iter("failure"), suite.iter("error")
    assert "kubectl " + "x" * 150 in (failure.text or "")
    assert error.get("message") == one_line(EVIL)


def test_the_ways_out_of_a_cause_are_in_its_markdown() -> None:
    assert f"  - `kubectl {'x' * 150}`" in markdown.render(to_report(broken()), WORDS)


def test_a_cause_that_two_checks_found_is_told_once_and_hides_neither_check() -> None:
    twin = cause("nodes-full", "amd64", "the nodes are full", ["seen"], [Fix(text="wait")])
    checks = (Asked("a", "first").judged([twin]), Asked("b", "second").judged([twin]))
    found = to_report(Examination(cluster="c", checks=checks, causes=(twin,)))
    first, second = found.sections[0].checks
    assert [part.title for part in first.parts] == ["the nodes are full"]
    assert (second.verdict, second.parts, second.evidence) == (Verdict.NO, (), "the nodes are full")


def test_the_likeliest_cause_is_read_first_whatever_check_found_it() -> None:
    likely, less = (cause("nodes-full", subject, subject, ["seen"], [Fix(text="x")]) for subject in ("likely", "less"))
    checks = (Asked("a", "first").fine(), Asked("b", "second").judged([less]), Asked("c", "third").judged([likely]))
    text = shown(Examination(cluster="c", checks=checks, causes=(likely, less)))
    assert text.index("likely") < text.index("less") < text.index("first")
