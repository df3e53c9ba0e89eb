"""The terminal's report: drift first, nothing cut off, nothing from outside interpreted."""

import dataclasses
import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from multiarch.core.render.terminal import print_report
from multiarch.drift.model import Check, Comparison
from multiarch.drift.report.wording import value_words
from multiarch.drift.report.words import WORDS, to_report
from tests.unit.drift_report import sample


def printed(report: Comparison, width: int = 120, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    print_report(Console(file=file, width=width, highlight=False), to_report(report), WORDS)
    return raw.getvalue().decode(encoding)


def words(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_drift_stands_first_and_the_clean_is_counted() -> None:
    text = printed(sample.report())
    assert text.index("gke  context") < text.index("eks") < text.index("aks")
    assert "5 clean" in text
    assert "node-3" not in text


def test_each_difference_says_what_from_what_to_what() -> None:
    text = words(printed(sample.report(), 250))
    assert words('metadata.labels["pod-security.kubernetes.io/enforce"]: restricted -> privileged') in text
    assert words(".env[DEBUG].value: (nothing) -> true") in text
    assert words("metadata.labels.team: ci -> (nothing)") in text
    assert words('metadata.annotations.note: "" -> x | y') in text
    assert words("and 2 more differences") in text


def test_a_drift_says_since_when() -> None:
    assert words("since 2026-11-20 04:30 UTC") in words(printed(sample.report(), 250))


def test_both_answers_of_pulumi_are_shown() -> None:
    text = printed(sample.report())
    assert "cloud against state" in text
    assert "cloud against code" in text


def test_what_could_not_be_told_has_its_reason() -> None:
    text = words(printed(sample.report(sample.eks())))
    assert words("error: Unable to connect to the server") in text
    assert words("this login may not look (403)") in text


def test_ignored_skipped_and_notes_are_shown() -> None:
    text = words(printed(sample.report()))
    for part in ("aks-count", "the stack makes no image", "older than the ConfigMap", "expired on 2026-10-01"):
        assert words(part) in text


@pytest.mark.parametrize(
    ("stacks", "told"),
    [
        ((sample.aks(),), "1 clean in 1 stack, 41.5 s. Exit 0"),
        ((sample.gke(),), "4 drifted, 5 clean in 1 stack, 41.5 s. Exit 1: drift was found."),
        ((sample.eks(),), "2 could not tell, 1 clean in 1 stack, 41.5 s. Exit 3: something could not be checked."),
        (
            (sample.gke(), sample.eks()),
            "4 drifted, 2 could not tell, 6 clean in 2 stacks, 41.5 s. Exit 1: drift was found, and something",
        ),
    ],
)
def test_the_last_line_counts_and_tells_the_exit_code(stacks: tuple[object, ...], told: str) -> None:
    assert told in printed(sample.report(*stacks), 200).splitlines()[-1]  # type: ignore[arg-type]  # stacks of the sample


def test_no_stack_is_no_success() -> None:
    text = printed(dataclasses.replace(sample.report(), stacks=()))
    assert "no check was made" in text
    assert "Exit 3" in text


@pytest.mark.parametrize("width", [30, 40, 60, 79, 99])
def test_nothing_is_cut_off_where_there_is_little_room(width: int) -> None:
    lines = printed(sample.report(), width).splitlines()
    assert [line for line in lines if len(line) > width and " " in line] == [], "a word alone may be longer"
    text = words("".join(lines))
    for finding in (sample.namespace(Check.STATE), sample.deployment()):
        assert words(finding.title) in text
        for difference in finding.differences:
            assert (
                words(f"{difference.path}: {value_words(difference.wanted)} -> {value_words(difference.found)}") in text
            )


@pytest.mark.parametrize("width", [100, 120, 200])
def test_nothing_is_cut_off_where_columns_stand_side_by_side(width: int) -> None:
    lines = printed(sample.report(), width).splitlines()
    assert max(map(len, lines)) <= width
    right = words("".join(re.split(r"  +", line.rstrip())[-1] for line in lines))
    for difference in sample.deployment().differences:
        assert words(f"{difference.path}: {value_words(difference.wanted)} -> {value_words(difference.found)}") in right


def test_a_terminal_without_unicode_gets_ascii_signs() -> None:
    text = printed(sample.report(), 250, "ascii")
    assert "restricted -> privileged" in text
    assert "NO" in text
    assert "??" in text


@settings(max_examples=50, deadline=None)
@given(
    sample.reports(
        st.sampled_from(["[red]x[/red]", "[/]", "\x1b[31mred", "a\rb", "[link=http://x]y"]) | st.text(max_size=8)
    )
)
def test_nothing_from_outside_is_interpreted(report: Comparison) -> None:
    text = printed(report)
    assert "\x1b" not in text
    assert "\r" not in text


def test_markup_is_shown_as_it_is() -> None:
    stack = dataclasses.replace(sample.eks(), stack="[red]eks[/red]")
    assert "[red]eks[/red]" in printed(sample.report(stack))
