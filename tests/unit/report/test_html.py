"""The page: complete, self-contained, and safe with whatever a stack file may hold."""

import dataclasses
import html.parser
import re

import pytest

from multiarch.core.render import html as page
from multiarch.core.report import Check, Report
from multiarch.core.verdict import Verdict
from multiarch.model.pools import PlannedNode
from multiarch.rehearse.report.model import JobView, Outcome, RehearsalReport, RunsOn
from multiarch.rehearse.report.words import WORDS
from tests.unit.report import sample

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Tree(html.parser.HTMLParser):
    """Every element with its attributes, its text, and the `data-` names of what it lies in; fails on bad nesting."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[tuple[str, dict[str, str]]] = []
        self.elements: list[tuple[str, dict[str, str], list[dict[str, str]]]] = []
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        self.elements.append((tag, values, [attributes for _, attributes in self.stack]))
        if tag not in VOID:
            self.stack.append((tag, values))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}, []))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop()[0] == tag

    def inside(self, job: str) -> dict[str, str]:
        """The `data-` attributes around a job's card, outermost first."""
        for _, attributes, around in self.elements:
            if attributes.get("data-job") == job:
                merged: dict[str, str] = {}
                for outer in around:
                    merged.update({key: value for key, value in outer.items() if key.startswith("data-")})
                return merged
        raise AssertionError(f"{job} is not drawn")


def tree(report: RehearsalReport) -> Tree:
    return Tree(page.render(report, WORDS))


def test_a_scheduled_job_is_drawn_inside_its_node_and_its_pool() -> None:
    around = tree(sample.report(sample.gke())).inside("build-arm64")
    assert around["data-node"] == "gke-ci-arm64-0"
    assert around["data-pool"] == "ci-arm64"
    assert around["data-section"] == "gke"


@pytest.mark.parametrize("job", ["mainframe", "privileged", "elsewhere"])
def test_a_refused_job_is_drawn_in_the_refused_lane_and_on_no_node(job: str) -> None:
    around = tree(sample.report(sample.gke())).inside(job)
    assert around["data-lane"] == "refused"
    assert "data-node" not in around


def test_a_pending_job_has_a_lane_of_its_own() -> None:
    assert tree(sample.report(sample.gke())).inside("plain-on-arm64")["data-lane"] == "pending"


def test_who_refused_and_why_is_said() -> None:
    text = page.render(sample.report(sample.gke()), WORDS)
    for words in ("refused by runner", "refused by admission", "refused by RBAC", "says the scheduler"):
        assert words in text
    assert "untolerated taint {kubernetes.io/arch: arm64}" in re.sub("</?span[^>]*>", "", text)


def test_a_job_on_a_node_that_is_not_listed_is_still_drawn() -> None:
    job = JobView(name="ghost", asked="nothing", outcome=Outcome.SCHEDULED, node="elsewhere-1")
    stack = sample.changed(sample.gke(), jobs=(job,))
    assert tree(sample.report(stack)).inside("ghost")["data-lane"] == "undrawn"


def test_a_node_of_no_planned_pool_is_still_drawn() -> None:
    node = PlannedNode(name="stray-1", pool="gone", arch="arm64")
    stack = sample.changed(sample.gke(), nodes=(node,))
    drawn = [attributes.get("data-node") for _, attributes, _ in tree(sample.report(stack)).elements]
    assert "stray-1" in drawn


def test_all_fifty_nodes_are_drawn() -> None:
    drawn = [
        attributes["data-node"]
        for _, attributes, _ in tree(sample.report(sample.crowded())).elements
        if "data-node" in attributes
    ]
    assert len(drawn) == len(set(drawn)) == 50


def test_a_job_that_went_wrong_is_not_drawn_like_one_that_went_right() -> None:
    text = page.render(sample.report(sample.eks()), WORDS)
    assert text.count("not as it should be") == 1


def test_markup_in_any_value_is_escaped() -> None:
    evil = "<script>alert('x')</script>"
    stack = sample.stack_of(evil, evil, (sample.pool(evil, evil, evil, evil, taints=(evil,), zones=(evil,)),))
    stack = sample.changed(
        stack,
        chart=evil,
        notes=(evil,),
        timings={evil: 1.0},
        nodes=(PlannedNode(name=evil, pool=evil, arch=evil),),
        jobs=(JobView(name=evil, asked=evil, outcome=Outcome.REFUSED, refused_by=evil, reason=evil),),
        checks=(Check(id='"><script>', title=evil, verdict=Verdict.NO, evidence=evil + "\x00"),),
    )
    report = Report(
        command="rehearse",
        sections=(stack,),
        detail=RunsOn(control_plane=evil, binaries={evil: evil}),
    )
    text = page.render(report, WORDS)
    assert "<script" not in text
    assert "\x00" not in text
    assert all(tag != "script" for tag, _, _ in Tree(text).elements)
    assert text.count("&lt;script&gt;") >= 15


def test_the_page_fetches_nothing() -> None:
    text = page.render(sample.report(), WORDS)
    assert not re.search(r"(https?:)?//[a-z]", re.sub(r"registry\.gitlab\.com[^\"<]*", "", text))
    assert "url(" not in text
    sources = [
        value for _, attributes, _ in Tree(text).elements for key, value in attributes.items() if key in {"src", "href"}
    ]
    assert all(value.startswith(("#", "data:")) for value in sources)
    assert "default-src 'none'" in text


@pytest.mark.parametrize("word", ["--destination", "a-b", "/builds/app", "x" * 30])
def test_a_word_in_which_a_browser_would_break_is_kept_together(word: str) -> None:
    assert page.whole(f"so {word}") == f'so <span class="whole short">{word}</span>'


def test_every_inner_link_has_its_target() -> None:
    elements = tree(sample.report()).elements
    ids = [attributes["id"] for _, attributes, _ in elements if "id" in attributes]
    links = {attributes["href"][1:] for _, attributes, _ in elements if attributes.get("href", "").startswith("#")}
    assert len(ids) == len(set(ids))
    assert links <= set(ids)


@pytest.mark.parametrize(
    ("stack", "words"), [(sample.gke(), "Exit 0"), (sample.eks(), "Exit 1"), (sample.aks(), "Exit 3")]
)
def test_the_banner_says_what_the_exit_code_means(stack: object, words: str) -> None:
    assert words in page.render(sample.report(stack), WORDS)  # type: ignore[arg-type]  # a stack of the sample


def test_a_run_without_stacks_says_that_nothing_was_rehearsed() -> None:
    assert "no claim was checked" in page.render(dataclasses.replace(sample.report(), sections=()), WORDS)
