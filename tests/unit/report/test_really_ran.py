"""What really ran, in all five renderings: told well, and harmless whatever a container says."""

import io
import json
import re
import xml.etree.ElementTree as ET
from html import unescape

import pytest
from hypothesis import given, settings
from rich.console import Console

from multiarch.core.output import ReportConsole
from multiarch.core.render import html, junit, markdown
from multiarch.core.render import json as document
from multiarch.core.render.terminal import print_report
from multiarch.core.render.words import Log
from multiarch.core.verdict import Verdict
from multiarch.rehearse.report.logs import kept_log
from multiarch.rehearse.report.model import Rehearsed, StackReport
from multiarch.rehearse.report.runs import blocks, outcome, stages
from multiarch.rehearse.report.words import WORDS
from tests.unit.report import sample
from tests.unit.report.test_html import Tree, tree

ARM = "image-build: [arm64]"
ERROR = "exec format error"


def terminal(stack: StackReport, *, width: int = 100, verbose: bool = False) -> str:
    console = ReportConsole(file=io.StringIO(), width=width, highlight=False)
    print_report(console, sample.report(stack), WORDS, verbose=verbose)
    return str(console.file.getvalue())  # type: ignore[attr-defined]  # the StringIO of above


def parsed(stack: StackReport) -> ET.Element:
    text = junit.render(sample.report(stack), WORDS)
    return ET.fromstring(text.removeprefix('<?xml version="1.0" encoding="UTF-8"?>\n'))  # noqa: S314 - our own output


def logs_of_page(found: Tree) -> dict[str, dict[str, str]]:
    return {
        around[-2]["data-run"]: around[-1]
        for tag, attributes, around in found.elements
        if tag == "div" and attributes.get("role") == "region"
    }


def test_jobs_of_one_stage_stand_side_by_side_and_one_without_a_stage_alone() -> None:
    found = sample.really_ran().detail.runs
    assert [(one.name, len(one.runs)) for one in stages(found)] == [("build", 2), ("merge", 1), ("run", 2)]
    bare = [sample.run_of("", name, "amd64", "", "") for name in ("a", "b")]
    assert [len(one.runs) for one in stages(bare)] == [1, 1]


def test_a_job_that_never_came_to_a_node_is_a_doubt_and_not_a_success() -> None:
    found = {run.name: outcome(run) for run in sample.really_ran(ARM).detail.runs}
    assert list(found.values()) == [Verdict.YES, Verdict.NO, *[Verdict.UNKNOWN] * 3]


def test_the_terminal_has_a_line_for_each_job() -> None:
    lines = [line.strip() for line in terminal(sample.really_ran(ARM)).splitlines()]
    assert "image-build: [amd64] on real-amd64, 6.5 s" in lines
    assert f"{ARM} on real-arm64 (emulated), 21.0 s: failed: exit code 1" in lines
    assert f"image-merge: not started: {ARM} failed" in lines


def test_the_short_terminal_has_the_end_of_a_failed_jobs_log_alone_and_the_long_one_all_logs() -> None:
    short = terminal(sample.really_ran(ARM), width=200)
    assert short.count(ERROR) == 1
    assert short.count("Taking snapshot") == 19
    assert f"log of {ARM}, the last 20 of 42 lines; all with --verbose" in short
    assert ERROR not in terminal(sample.really_ran())
    assert terminal(sample.really_ran(ARM), width=200, verbose=True).count(ERROR) == 2
    assert terminal(sample.really_ran(), width=200, verbose=True).count(ERROR) == 5


def test_a_short_report_of_a_run_that_is_well_fits_two_screens() -> None:
    assert len(terminal(sample.really_ran(), width=80).splitlines()) <= 45


def test_every_rendering_says_what_was_real_and_whether_policies_are_enforced() -> None:
    stack = sample.really_ran()
    report = sample.report(stack)
    page = re.sub(r"<[^>]*>", "", html.render(report, WORDS))
    texts = [terminal(stack, width=200), page, markdown.render(report, WORDS), junit.render(report, WORDS)]
    for text in map(unescape, [*texts, document.render(report, WORDS)]):
        for word in (*sample.REAL.values(), sample.REACHED.because, "the cloud's metadata"):
            assert word in text
    for text in (*texts[:1], *texts[2:]):
        assert "network policies enforced: no" in text


def test_confinement_that_could_not_be_read_is_said_and_not_taken_for_none() -> None:
    found = blocks(sample.really_ran().detail)
    rows = {row[0]: row[-1] for block in found if getattr(block, "rows", None) for row in block.rows}  # type: ignore[union-attr]  # as asked
    assert "capabilities CHOWN DAC_OVERRIDE" in rows[ARM]
    assert "token not mounted" in rows[ARM]
    assert rows["image-merge"] == "confined could not be read"


def test_without_a_real_run_nothing_of_one_is_shown() -> None:
    assert list(blocks(Rehearsed())) == []
    assert 'class="ran"' not in html.render(sample.report(sample.local()), WORDS)


def test_on_the_page_each_log_can_be_reached_by_keyboard_has_a_name_and_is_open_where_the_job_failed() -> None:
    found = tree(sample.report(sample.really_ran(ARM)))
    regions = [one for _, one, _ in found.elements if one.get("role") == "region"]
    assert [(one["tabindex"], one["aria-label"]) for one in regions] == [
        ("0", "Log of image-build: [amd64]"),
        ("0", f"Log of {ARM}"),
    ]
    assert {name: "open" in details for name, details in logs_of_page(found).items()} == {
        "image-build: [amd64]": False,
        ARM: True,
    }


def test_the_page_has_a_log_whole() -> None:
    text = html.render(sample.report(sample.really_ran(ARM)), WORDS)
    (first, _) = re.findall(r"<pre>\n(.*?)</pre></div>", text, re.DOTALL)
    assert unescape(re.sub("</?span[^>]*>", "", first)) == sample.BUILD_LOG


def test_the_page_says_of_an_emulated_time_that_it_says_nothing_and_of_no_other() -> None:
    assert html.render(sample.report(sample.really_ran()), WORDS).count("its time says nothing") == 2


def test_in_junit_a_log_stands_with_its_own_jobs_claim_once() -> None:
    cases = {case.get("name"): case for case in parsed(sample.really_ran(ARM)).iter("testcase")}
    failed = cases[f"{ARM} really ran"]
    assert [child.tag for child in failed] == ["failure", "system-out"]
    assert ERROR in (failed.findtext("system-out") or "")
    text = junit.render(sample.report(sample.really_ran(ARM)), WORDS)
    assert text.count(ERROR) == 2, "the two jobs that said something"


def test_in_junit_a_log_that_no_claim_is_about_stands_with_the_suite() -> None:
    stack = sample.changed(sample.really_ran(ARM), checks=sample.local().checks)
    suite = parsed(stack).find("testsuite")
    assert suite is not None
    assert (suite.findtext("system-out") or "").count(ERROR) == 2


def test_markdown_has_the_end_of_a_failed_jobs_log_folded_and_no_other() -> None:
    text = markdown.render(sample.report(sample.really_ran(ARM)), WORDS)
    (log,) = re.findall(r"<details><summary>([^<]*)</summary>\n\n<pre>(.*)</pre>\n\n</details>", text)
    assert unescape(log[0]).startswith(f"local: log of {ARM}")
    assert unescape(log[1]) == sample.BUILD_LOG
    assert "<pre>" not in markdown.render(sample.report(sample.really_ran()), WORDS)


@pytest.mark.parametrize("line", ["<&`*[x](y)" * 100, "word " * 4_000, "节点 " * 3_000])
def test_markdown_of_long_logs_is_bounded_and_tells_how_much_was_left_out(line: str) -> None:
    stack = sample.really_ran(ARM, kept_log("\n".join([line] * 3_000 + ["the end"])))
    text = markdown.render(sample.report(stack), WORDS)
    assert len(text) <= markdown.LONGEST
    (title, log) = re.findall(r"<summary>([^<]*)</summary>\n\n<pre>(.*)</pre>", text)[0]
    for shown, count in re.findall(r"the last (\d+) of (\d+) lines", unescape(title)):
        assert int(shown) == log.count("&#10;") + 1 < int(count)
    assert "the JSON report of the run has everything" in unescape(title)
    assert log.endswith("the end")
    assert "too long" not in text


def test_a_log_in_markdown_gives_gitlab_no_orders() -> None:
    said = "x\n/close\n/assign @root\n</pre>\n```\n<!-- \n[[_TOC_]]\n::include{file=x}\n"
    text = markdown.render(sample.report(sample.really_ran(ARM, said)), WORDS)
    (line,) = [line for line in text.splitlines() if line.startswith("<pre>")]
    assert not set(line.removeprefix("<pre>").removesuffix("</pre>")) & set("/<>`@[]{}!-:")
    assert unescape(line.removeprefix("<pre>").removesuffix("</pre>")) == said


@settings(max_examples=25, deadline=None)
@given(sample.hostile_logs)
def test_a_hostile_log_is_text_in_every_rendering(said: str) -> None:
    stack = sample.really_ran(ARM, kept_log(said))
    report = sample.report(stack)
    kept = stack.detail.runs[1].log
    for text in (terminal(stack), terminal(stack, verbose=True)):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
    page = html.render(report, WORDS)
    assert "<script" not in page
    assert [one for one in Tree(page).elements if one[0] in {"script", "img", "iframe"}] == []
    assert json.loads(document.render(report, WORDS))["sections"][0]["detail"]["runs"][1]["log"] == kept
    out = "\n".join(element.text or "" for element in parsed(stack).iter("system-out"))
    assert kept in out
    text = markdown.render(report, WORDS)
    assert text.count("<details>") == text.count("</details>") == len(re.findall("^<details>", text, re.MULTILINE))
    assert len(text) <= markdown.LONGEST


@settings(max_examples=25, deadline=None)
@given(sample.hostile_logs)
def test_a_log_that_nobody_cleaned_is_harmless_all_the_same(said: str) -> None:
    """Renderers trust no maker of a report."""
    stack = sample.really_ran(ARM, said)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", terminal(stack, verbose=True))
    page = html.render(sample.report(stack), WORDS)
    assert not re.search(r"<script|[\x00-\x08\x0b-\x1f]", page)
    assert parsed(stack).find(".//system-out") is not None
    assert len(markdown.render(sample.report(stack), WORDS)) <= markdown.LONGEST


def test_a_log_is_named_by_whose_it_is_and_by_how_much_is_shown() -> None:
    log = Log(about="a", lines=("1", "2", "3"), failed=True)
    assert (log.titled(3), log.titled(2), log.end(2)) == ("log of a", "log of a, the last 2 of 3 lines", ("2", "3"))


def test_a_short_report_counts_the_claims_of_a_run_together() -> None:
    assert re.search(r"✗  containers really ran +1 of 5 proved", terminal(sample.really_ran(ARM)))


def test_an_ascii_terminal_shows_a_log_too() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="backslashreplace")
    print_report(Console(file=stream, width=100), sample.report(sample.really_ran(ARM)), WORDS)
    stream.flush()
    assert ERROR.encode() in raw.getvalue()
