"""The report: cause first, nothing from the cluster in control of the terminal, JSON as its schema says."""

import io
import json
import re

import jsonschema
import pytest
from rich.console import Console

from multiarch.core.verdict import EXIT_CODES, Verdict
from multiarch.doctor.advice import cause
from multiarch.doctor.examine import examine, unreachable
from multiarch.doctor.model import Asked, Fix, Report
from multiarch.doctor.report import document
from multiarch.doctor.report.terminal import print_report
from tests.unit.doctor.made import facts, node, pod, unschedulable

EVIL = "red \x1b[31m [bold]and\u202e back"


def shown(report: Report, *, width: int = 100, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    print_report(Console(file=stream, width=width, highlight=False), report)
    return raw.getvalue().decode(encoding)


def broken() -> Report:
    evil = cause("nodes-full", EVIL, f"full {EVIL}", [EVIL], [Fix(text=EVIL, lines=(EVIL, "kubectl " + "x" * 150))])
    checks = (
        Asked("a", "first").judged([evil]),
        Asked("b", "second").unknown(EVIL),
        Asked("c", "third").fine(EVIL),
    )
    return Report(cluster="context c", version="1.36.3", checks=checks, causes=(evil,), notes=(EVIL,))


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
    plain = Report(cluster="c", checks=(Asked("a", "first").fine(),))
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
def test_json_is_as_its_schema_says(report: Report) -> None:
    text = document.render(report)
    jsonschema.validate(json.loads(text), document.schema())
    assert json.loads(text)["exitCode"] == EXIT_CODES[report.verdict]
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", text)


def test_an_api_server_that_does_not_answer_is_a_doubt() -> None:
    report = unreachable("c", "", "refuses connections")
    assert report.verdict is Verdict.UNKNOWN
    assert "refuses connections" in shown(report)


def test_causes_and_doubts_have_exit_codes_of_their_own() -> None:
    assert sorted(EXIT_CODES.values()) == [0, 1, 3]
