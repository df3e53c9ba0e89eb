"""Markdown: nothing from outside leaves the code that it stands in, and the text fits into a note."""

import dataclasses
import datetime as dt
from html import unescape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from multiarch.core.printable import one_line
from multiarch.core.render.markdown import LONGEST, code
from multiarch.core.verdict import Verdict
from multiarch.drift.model import Check, CheckResult, ComparedStack, Comparison
from multiarch.drift.report.words import to_markdown as render
from tests.unit.drift_report import sample

PARSER = MarkdownIt("commonmark").enable("table")
PLANTED = "PLANTED"
OURS = {"<code>", "</code>", "<br>"}
BLOCKS = {"<details><summary>", "</details>"}
HOSTILE = st.one_of(
    st.sampled_from(
        [
            "@root",
            "`@root`",
            "``",
            "|",
            "\\|",
            "a\\",
            "</code>@root",
            "</details>",
            "\n/close\n",
            "\n\n# head",
            "![x](http://a)",
            "<img src=x>",
            "&lt;",
            "<!--",
            "]]>",
            "~~~",
            "```\n",
            "- - -",
            "\\`",
            "$`x`$",
        ]
    ),
    st.text(alphabet="`|\\<>&@#/!~$*_[]()\n \tab", max_size=12),
    st.text(max_size=6),
).map(lambda text: f"{PLANTED}{text}{PLANTED}")


def leaks(text: str) -> list[str]:
    """Return what of the planted text is anywhere but in code, and whatever markup is not the report's own."""
    found: list[str] = []
    for token in PARSER.parse(text):
        if token.type == "html_block":
            rest = token.content.strip()
            if not (rest == "</details>" or (rest.startswith("<details><summary>") and PLANTED not in rest)):
                found.append(f"html: {rest}")
        elif token.type in ("fence", "code_block"):
            found.append(f"{token.type}: {token.content}")
        elif token.type == "inline":
            found.extend(_inline_leaks(token.children or []))
    return found


def _inline_leaks(tokens: list[Token]) -> list[str]:
    found, inside = [], False
    for token in tokens:
        if token.type == "html_inline":
            if token.content not in OURS:
                found.append(f"html: {token.content}")
            inside = token.content == "<code>" if token.content != "<br>" else inside
        elif token.type in ("code_inline", "softbreak", "strong_open", "strong_close", "text_special") or inside:
            continue
        elif token.type != "text" or PLANTED in token.content or "@" in token.content:
            found.append(f"{token.type}: {token.content}")
    return found


def cells(text: str) -> set[tuple[int, int]]:
    """Return the number of cells of each table's head, and of each of its rows."""
    counted: set[tuple[int, int]] = set()
    head = row = 0
    for token in PARSER.parse(text):
        if token.type == "table_open":
            head = 0
        elif token.type == "tr_open":
            row = 0
        elif token.type in ("th_open", "td_open"):
            row += 1
        elif token.type == "tr_close":
            head = head or row
            counted.add((head, row))
    return counted


@settings(max_examples=200, deadline=None)
@given(sample.reports(HOSTILE))
def test_nothing_from_outside_leaves_its_code(report: Comparison) -> None:
    text = render(report)
    assert leaks(text) == []
    assert all(head == row for head, row in cells(text))
    assert not any(line.startswith("/") for line in text.splitlines())


@given(HOSTILE | st.text())
@example("`")
@example("``` ` ``")
@example("a|`b`")
def test_code_shows_the_text_that_it_was_given(text: str) -> None:
    table = f"| a | b |\n|---|---|\n| {code(text, 10_000)} | x |\n"
    inline = [token for token in PARSER.parse(table) if token.type == "inline"]
    assert len(inline) == 4
    shown = "".join(token.content for token in inline[2].children or [] if token.type != "html_inline")
    assert shown.strip() == unescape(one_line(text)).strip() or shown.strip() == one_line(text).strip()


def test_a_long_value_is_shortened() -> None:
    assert code("x" * 500, 10) == "`xxxxxxxxx…`"


def test_drift_is_told_with_what_from_what_to_what_and_since_when() -> None:
    text = render(sample.report())
    assert "`spec.template.spec.containers[gitlab-runner].image: runner:v19.1.1 -> runner:latest`" in text
    assert "`Secret gitlab-runner/cache` | `gone`<br>`it does not exist`" in text
    assert "2026-11-20 04:30 UTC" in text
    assert "`and 2 more differences`" in text


def test_what_could_not_be_told_is_listed_beside_drift() -> None:
    text = render(sample.report(sample.gke(), sample.eks()))
    assert text.startswith("## ❌ Drift: 4 drifted, 2 could not tell")
    assert "- `the check as a whole` (`cloud against state`): `error: Unable to connect to the server`" in text
    assert "- `v1 ConfigMap runner/settings` (`objects`): `this login may not look (403)`" in text


def test_drift_comes_first_and_clean_stacks_are_only_counted() -> None:
    text = render(sample.report(sample.aks(), sample.eks(), sample.gke()))
    assert text.index("### ❌ `gke`") < text.index("### ❓ `eks`")
    assert "### ✅" not in text
    assert "| ✅ | `aks` | 0 | 0 | 1 |" in text


def test_what_was_ignored_is_folded_away_and_not_left_out() -> None:
    text = render(sample.report(sample.aks()))
    assert "aks-count" in text[text.index("<details>") :]


def test_the_same_findings_make_the_same_text_whenever_they_are_made() -> None:
    later = dataclasses.replace(sample.report(), started=sample.STARTED + dt.timedelta(days=1), seconds=99.0)
    stacks = tuple(dataclasses.replace(stack, seconds=1.0) for stack in later.stacks)
    assert render(dataclasses.replace(later, stacks=stacks)) == render(sample.report())


@pytest.mark.parametrize("many", [150, 1000])
def test_a_report_of_any_size_fits_and_says_that_it_is_not_whole(many: int) -> None:
    stacks = [dataclasses.replace(sample.gke(), stack=f"stack-{number}") for number in range(many)]
    text = render(sample.report(*stacks))
    assert len(text) <= LONGEST
    assert "This is not all" in text
    assert leaks(text) == []
    assert f"{4 * many} drifted, {5 * many} clean in {many} stacks" in text


def test_one_huge_finding_fits() -> None:
    finding = dataclasses.replace(sample.deployment(), differences=sample.deployment().differences * 500)
    stack = ComparedStack(stack="gke", checks=(CheckResult(check=Check.RELEASE, findings=(finding,)),))
    text = render(sample.report(stack))
    assert len(text) <= LONGEST
    assert "This is not all" in text


def test_a_small_report_is_whole() -> None:
    assert "This is not all" not in render(sample.report())


def test_no_stack_is_no_success() -> None:
    text = render(dataclasses.replace(sample.report(), stacks=()))
    assert "nothing was checked" in text
    assert Verdict.YES.value not in text.splitlines()[0]
