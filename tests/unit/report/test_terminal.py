"""The terminal: nothing is cut off, nothing from outside moves the cursor, and what was not proved is said last."""

import io
import re

import pytest
from rich.console import Console

from multiarch.core.render.layout import show
from multiarch.core.render.terminal import print_report
from multiarch.core.report import Check
from multiarch.core.verdict import Verdict
from multiarch.rehearse.report.model import RehearsalReport
from multiarch.rehearse.report.plan_table import in_short, plan_table
from multiarch.rehearse.report.words import WORDS
from tests.unit.report import sample


def shown(
    report: RehearsalReport,
    *,
    width: int = 100,
    encoding: str = "utf-8",
    colour: bool = False,
    verbose: bool = True,
) -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    console = Console(file=stream, width=width, force_terminal=colour)
    show(console, map(plan_table, report.sections if verbose else ()))
    print_report(console, report, WORDS, verbose=verbose)
    stream.flush()
    return raw.getvalue().decode(encoding)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_cut_off(width: int) -> None:
    text = shown(sample.report(sample.gke()), width=width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    for label in ("multiarch-runner.io/pool=ci-arm64", sample.ARM_TAINT, "us-central1-f", "t2a-standard-8", "1..20"):
        assert label in text


def test_without_a_terminal_there_is_no_control_character() -> None:
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown(sample.report()))


def test_no_color_takes_the_colours_away_from_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    colours = re.compile("\x1b\\[[0-9;]*3[0-7]")
    assert colours.search(shown(sample.report(), colour=True))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colours.search(shown(sample.report(), colour=True))


def test_an_escape_sequence_in_evidence_is_shown_and_not_obeyed() -> None:
    claim = Check(id="x", title="[red]title[/red]", verdict=Verdict.NO, evidence="\x1b[2Jgone\r")
    text = shown(sample.report(sample.changed(sample.gke(), checks=(claim,))))
    assert "\x1b" not in text
    assert r"\x1b[2Jgone" in text
    assert "[red]title[/red]" in text, "rich markup from outside must not be obeyed either"


def test_an_ascii_terminal_gets_ascii_marks() -> None:
    text = shown(sample.report(), encoding="ascii")
    assert "NO" in text
    assert "??" in text


def test_the_last_lines_say_what_was_not_proved_and_what_the_exit_code_means() -> None:
    text = squeezed(shown(sample.report()))
    tail = text[text.rindex("onembedded") :]
    assert squeezed("The arm64 taint keeps a plain pod off arm64 nodes") in tail
    assert squeezed("timed out after 30 s") in tail
    assert tail.index("arm64taint") < tail.index("timedout"), "failures come before doubts"
    assert tail.endswith(
        squeezed("1 failed, 1 could not tell, 34 proved in 4 stacks, 1 min 01 s. Exit 1: a claim failed.")
    )


def test_every_claim_is_listed_with_mark_evidence_and_time() -> None:
    text = shown(sample.report(sample.gke()), width=200)
    line = next(line for line in text.splitlines() if "An arm64 job lands on an arm64 node" in line)
    assert line.lstrip().startswith("✓")
    assert "runner-2-build-arm64 on gke-ci-arm64-0" in line
    assert line.rstrip().endswith("0.3 s")


def test_every_job_is_listed_with_where_it_went_or_who_refused_it() -> None:
    text = shown(sample.report(sample.gke()), width=160)
    for job, went in {
        "build-arm64": "gke-ci-arm64-0, helper arm64-v19.3.0",
        "mainframe": "refused (runner)",
        "privileged": "refused (admission)",
        "elsewhere": "refused (RBAC)",
        "plain-on-arm64": "pending (scheduler)",
    }.items():
        assert any(line.strip().startswith(job) and went in line for line in text.splitlines()), job


def test_a_stack_without_claims_says_so() -> None:
    text = shown(sample.report(sample.changed(sample.gke(), checks=())))
    assert "no claim was checked" in text
    assert "Exit 3" in text


def test_a_spot_pool_and_resource_counts_are_shown_in_the_plan() -> None:
    text = shown(sample.report(sample.eks()))
    assert "1..20 spot" in text
    assert "19 resources: 4 NetworkPolicy, 2 Namespace, 1 Release; planned in 2.1 s" in text


def test_a_short_report_has_a_stack_in_25_lines_and_five_on_two_screens() -> None:
    stacks = (sample.gke(), sample.eks(), sample.aks(), sample.local(), sample.gke())
    assert len(shown(sample.report(stacks[1]), width=80, verbose=False).splitlines()) <= 25
    assert len(shown(sample.report(*stacks), width=80, verbose=False).splitlines()) <= 100


def test_a_short_report_has_what_is_not_well_whole_and_what_is_well_by_number() -> None:
    text = shown(sample.report(), width=200, verbose=False)
    assert "runner-7-plain-on-arm64 landed on eks-ci-arm64-1: the pool ci-arm64 carries no taint" in text
    assert "no answer: GET /api/v1/namespaces/ci-jobs/pods timed out after 30 s (connection refused)" in text
    assert "runnerToken is a placeholder" in text, "notes are worth knowing"
    assert text.count("jobs land where they should          2 of 2 proved") == 4
    assert "runner-2-build-arm64 on gke-ci-arm64-0" not in text
    assert "--verbose" in text


def test_a_group_with_a_failure_says_how_many_of_it_are_well() -> None:
    claims = sample.replaced(sample.claims_of("gke"), "amd64-job-on-amd64-node", Verdict.NO, "on gke-ci-arm64-0")
    text = shown(sample.report(sample.changed(sample.gke(), checks=claims)), width=80, verbose=False)
    assert re.search(r"✗ +jobs land where they should +1 of 2 proved", text)
    assert "An amd64 job lands on an amd64 node" in text


def test_a_short_report_leaves_no_answer_uncounted() -> None:
    """An id that no group knows, as a new claim's, still stands there by its title."""
    new = Check(id="brand-new", title="something else is so", verdict=Verdict.YES)
    text = shown(sample.report(sample.changed(sample.gke(), checks=(*sample.claims_of("gke"), new))), verbose=False)
    assert "✓  something else is so" in text


def test_a_short_report_says_the_pools_in_a_line_each() -> None:
    text = shown(sample.report(sample.eks()), width=120, verbose=False)
    assert "pool ci-arm64: 2 spot nodes (1..20) of arm64, m7g.2xlarge" in text
    assert in_short(sample.eks()) == (
        "19 resources; pools: ci-amd64 (m7i.2xlarge, 1..20), ci-arm64 (m7g.2xlarge, 1..20 spot)"
    )


def test_a_note_of_several_stacks_is_told_once_with_their_names() -> None:
    stacks = [sample.changed(stack, notes=("the chart was not reached",)) for stack in (sample.gke(), sample.eks())]
    text = shown(sample.report(*stacks, sample.aks()), width=120, verbose=False)
    assert text.count("the chart was not reached") == 1
    assert "note (gke, eks): the chart was not reached" in text
    assert shown(sample.report(*stacks)).count("the chart was not reached") == 2
