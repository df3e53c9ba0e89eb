"""No word is broken in a terminal: an image reference, a node's name, a URN and a URL can be searched and copied."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from multiarch.core.output import ReportConsole
from multiarch.core.progress import ProgressDisplay
from multiarch.core.render import words as w
from multiarch.core.render.layout import Columns, Paragraph, Verbatim, show
from multiarch.core.render.terminal import print_report
from multiarch.core.report import Check, Fix, Report, Section
from multiarch.core.verdict import Verdict
from multiarch.rehearse.report.model import Reach, Rehearsed, RunView, Try
from multiarch.rehearse.report.plan_table import plan_table
from multiarch.rehearse.report.words import WORDS as REHEARSE
from tests.unit.report import sample

DIGEST = "sha256:" + "0123456789abcdef" * 4
WORDS: w.Words[None, tuple[w.Block, ...]] = w.Words(
    command="any",
    title="Any",
    answers={Verdict.YES: "good", Verdict.NO: "bad", Verdict.UNKNOWN: "could not tell"},
    counted={Verdict.YES: "good", Verdict.NO: "bad", Verdict.UNKNOWN: "open"},
    meanings=dict.fromkeys(Verdict, "so it is"),
    nothing="nothing was asked",
    report_type=Report[None, tuple[w.Block, ...]],
    repeats=True,
    blocks=lambda section: section.detail,
    traits=lambda section: {"chart": section.place},
)
names = st.text("abcdefgh0123", min_size=1, max_size=40)
tokens = st.one_of(
    names,
    st.builds(lambda a, b: f"registry.example.com/{a}/{b}@{DIGEST}", names, names),
    st.builds(lambda a, b: f"urn:pulumi:gke::multiarch::kubernetes:core/v1:Namespace${a}::{b}", names, names),
    st.builds(lambda a: f"https://gitlab.example.com/group/{a}/-/jobs/4711", names),
    st.builds(lambda a: f"gke-ci-{a}-节点-0", names),
)
texts = st.lists(tokens, min_size=1, max_size=6).map(" ".join)
checks = st.builds(
    Check,
    id=names,
    title=texts,
    verdict=st.sampled_from(Verdict),
    evidence=st.lists(texts, max_size=3).map("\n".join),
    about=st.just("") | tokens,
    seconds=st.sampled_from([0.0, 1.5]),
    fixes=st.just(()) | st.builds(Fix, text=texts, lines=st.tuples(texts)).map(lambda fix: (fix,)),
)
blocks = st.one_of(
    st.builds(
        w.Table, title=texts, heads=st.just(("a", "b", "c")), rows=st.lists(st.tuples(texts, tokens, texts)).map(tuple)
    ),
    st.builds(w.Lines, lines=st.tuples(texts, texts), verdict=st.none() | st.sampled_from(Verdict)),
    st.builds(w.Verbatim, lines=st.tuples(texts)),
    st.builds(w.Log, about=tokens, lines=st.lists(texts, min_size=1, max_size=25).map(tuple), failed=st.booleans()),
)
sections = st.builds(
    lambda name, place, found, notes, detail: Section(
        name=name, place=place, checks=tuple(found), notes=tuple(notes), detail=tuple(detail)
    ),
    tokens, texts, st.lists(checks, max_size=4), st.lists(texts, max_size=2), st.lists(blocks, max_size=2),
)  # fmt: skip


def shown(report: Report[None, tuple[w.Block, ...]], width: int, *, verbose: bool) -> str:
    console = ReportConsole(file=io.StringIO(), width=width, highlight=False)
    print_report(console, report, WORDS, verbose=verbose)
    return str(console.file.getvalue())  # type: ignore[attr-defined]  # the StringIO of above


def said(section: Section[tuple[w.Block, ...]], *, verbose: bool) -> list[str]:
    """Every word of the data that the report must have."""
    found = [section.name, section.place, *section.notes]
    for check in section.checks:
        if verbose or check.verdict is not Verdict.YES:
            found += [check.title, check.evidence, check.about, *(fix.text for fix in check.fixes)]
            found += [line for fix in check.fixes for line in fix.lines]
    for block in section.detail:
        if isinstance(block, w.Log):
            lines = block.lines if verbose else block.end(20) if block.failed else ()
            found += [block.title, *lines] if lines else []
            continue
        found += [block.title]
        found += [cell for row in block.rows for cell in row] if isinstance(block, w.Table) else block.lines
    return " ".join(found).split()


def copied(section: Section[tuple[w.Block, ...]]) -> list[str]:
    """The lines that stay one line, whatever their length."""
    fixes = [line for check in section.checks for fix in check.fixes for line in fix.lines]
    verbatim = [block for block in section.detail if isinstance(block, w.Verbatim | w.Log)]
    return fixes + [line for block in verbatim for line in block.lines]


@settings(max_examples=150, deadline=None)
@given(sections, st.integers(60, 200), st.booleans())
def test_every_word_is_found_whole_and_none_longer_than_the_screen_shares_its_line(
    section: Section[tuple[w.Block, ...]],
    width: int,
    verbose: bool,  # noqa: FBT001 - hypothesis passes it by name
) -> None:
    text = shown(Report(command="any", sections=(section,), detail=None), width, verbose=verbose)
    there = set(text.replace("(", " ").replace(")", " ").split())
    glued = " ".join(there)
    assert [word for word in said(section, verbose=verbose) if word not in there and word not in glued] == []
    too_long = [line.strip() for line in text.splitlines() if cell_len(line.rstrip()) > width]
    assert [line for line in too_long if " " in line and line not in copied(section)] == []


runs = st.builds(
    RunView, name=texts, stage=names, node=st.just("") | tokens, arch=names, emulated=st.booleans(), pod=tokens,
    image=tokens, succeeded=st.booleans(), reason=texts, seconds=st.just(21.0), confinement=st.none(), log=texts,
)  # fmt: skip
really_ran = st.builds(
    lambda found, real, because, tries: Rehearsed(
        runs=tuple(found), real=real, reach=Reach(policies_enforced=Verdict.NO, because=because, tries=tuple(tries))
    ),
    st.lists(runs, max_size=3),
    st.dictionaries(names, texts, max_size=3),
    texts,
    st.lists(st.builds(Try, what=texts, address=tokens, answer=st.sampled_from(["reached", "no answer"])), max_size=3),
)


@settings(max_examples=100, deadline=None)
@given(really_ran, st.integers(60, 200), st.booleans())
def test_what_really_ran_breaks_no_word(found: Rehearsed, width: int, verbose: bool) -> None:  # noqa: FBT001 - as above
    console = ReportConsole(file=io.StringIO(), width=width, highlight=False)
    stack = sample.changed(sample.local(), runs=found.runs, real=found.real, reach=found.reach)
    print_report(console, sample.report(stack), REHEARSE, verbose=verbose)
    text = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO of above
    glued = " ".join(text.split())
    assert found.reach is not None
    said = [*found.real.values(), found.reach.because, *(one.what for one in found.reach.tries)]
    said += [f"{run.name} {run.node} {run.reason if not run.succeeded else ''}" for run in found.runs]
    said += [run.log for run in found.runs if verbose or not run.succeeded]
    assert [word for word in " ".join(said).split() if word not in glued] == []


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_plan_and_a_step_of_progress_break_no_word_either(width: int) -> None:
    machine = f"registry.example.com/group/{'x' * 60}@{DIGEST}"
    stack = sample.stack_of("gke", machine, (sample.pool(machine, "gke", "arm64", machine, taints=(machine,)),))
    for terminal in (False, True):
        console = Console(file=io.StringIO(), width=width, force_terminal=terminal, no_color=True, legacy_windows=False)
        with ProgressDisplay(console) as display:
            display.show(plan_table(stack))
            display.finish("plan", f"said {machine} and more")
        text = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO of above
        assert text.count(machine) == 6, "place, pool, label, machine type, taint, and the step"


def test_a_row_stands_side_by_side_where_there_is_room_and_below_each_other_where_there_is_none() -> None:
    row = [Text("build"), Text(f"registry.example.com/app@{DIGEST}")]
    lines = {}
    for width in (60, 120):
        console = Console(file=io.StringIO(), width=width)
        show(console, [Columns([row], [Text("job"), Text("image")])])
        lines[width] = console.file.getvalue().splitlines()  # type: ignore[attr-defined]  # the StringIO of above
    assert lines[120] == ["job    image", f"build  registry.example.com/app@{DIGEST}"]
    assert lines[60] == ["build", f"registry.example.com/app@{DIGEST}"]


@settings(max_examples=100, deadline=None)
@given(texts, st.integers(20, 120), st.integers(0, 12))
def test_a_paragraph_gives_up_its_indent_before_it_lets_the_terminal_break_a_word(
    text: str, width: int, indent: int
) -> None:
    console = Console(file=io.StringIO(), width=width)
    show(console, [Paragraph(Text(text), indent, Text("✗") if indent > 2 else None)])
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]  # the StringIO of above
    assert " ".join(" ".join(lines).replace("✗", " ").split()) == text
    assert all(cell_len(line) <= width or len(line.split()) == 1 for line in lines)


def test_a_secret_is_taken_out_before_the_text_is_wrapped() -> None:
    secret = "glrt-" + "A1b2C3d4E5f6G7h8J9k0"
    checks = (Check(id="a", title=f"so {secret}", verdict=Verdict.NO),)
    section: Section[tuple[w.Block, ...]] = Section(name="ci", checks=checks, notes=(secret,), detail=())
    text = shown(Report(command="any", sections=(section,), detail=None), 60, verbose=True)
    assert "A1b2C3d4" not in text


def test_a_command_to_be_copied_stays_one_line_on_a_narrow_screen() -> None:
    """The terminal wraps it itself: what is copied then has no line end within."""
    command = "kubectl --context ci taint node arm64-0-f6916 dedicated:NoSchedule- --namespace gitlab-runner-jobs"
    console = Console(width=40, file=io.StringIO())
    show(console, [Verbatim([command, "second"], indent=4)])
    assert console.file.getvalue().splitlines() == [f"    {command}", "    second"]  # type: ignore[attr-defined]  # likewise
