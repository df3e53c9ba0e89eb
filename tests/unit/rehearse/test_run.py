"""Stacks in turn on one control plane, which may end meanwhile."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from components.problems import ConfigError, Problem
from multiarch.core.progress import ProgressDisplay
from multiarch.core.report import Check, Section
from multiarch.core.verdict import Verdict
from multiarch.model.plan.model import Plan
from multiarch.model.plan_checks import providers_accept
from multiarch.rehearse import run as module
from multiarch.rehearse.control_plane.errors import StartError
from multiarch.rehearse.report.model import Rehearsed, StackReport

PLAN = Plan(stack="gke")
PLANNED = Section(name="gke", place="gke ci", detail=Rehearsed(), checks=(providers_accept(PLAN),))


class FakePlane:
    """A control plane whose kwok ends when told."""

    ended = False
    ends = False
    answer = Verdict.YES

    def check(self) -> None:
        if self.ended:
            raise StartError("kwok ended with signal 9; the last lines of its log:")


@pytest.fixture
def plane() -> FakePlane:
    return FakePlane()


@pytest.fixture
def prover(plane: FakePlane, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    def rehearse_stack(*_: object, **__: object) -> StackReport:
        claim = Check(id="nodes-join", title="nodes join", verdict=plane.answer, evidence="seen")
        plane.ended = plane.ends
        return Section(name="gke", place="gke ci", detail=Rehearsed(), checks=(claim,))

    monkeypatch.setattr(module, "rehearse_stack", rehearse_stack)
    with ProgressDisplay(Console(quiet=True)) as display:
        yield module._Prover(plane, SimpleNamespace(), display)  # type: ignore[arg-type]  # as much of them as is used


@pytest.mark.parametrize("answer", [Verdict.YES, Verdict.NO])
def test_what_a_control_plane_says_that_ends_meanwhile_is_a_doubt(
    plane: FakePlane, prover: Any, answer: Verdict
) -> None:
    plane.answer, plane.ends = answer, True
    found = prover.prove(PLAN, PLANNED, keep_nodes=False)
    assert found.verdict is Verdict.UNKNOWN
    assert "kwok ended with signal 9" in found.checks[-1].evidence


def test_the_next_stack_is_not_put_on_a_control_plane_that_has_ended(plane: FakePlane, prover: Any) -> None:
    plane.ended = True
    found = prover.prove(PLAN, PLANNED, keep_nodes=False)
    assert [claim.id for claim in found.checks] == ["plan-accepted", "cluster-rehearsed"]
    assert found.verdict is Verdict.UNKNOWN


def test_one_refused_configuration_ends_the_run_and_tells_of_every_refused_stack(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def plan_stack(_: Path, stack: str) -> Plan:
        if stack == "good":
            return Plan(stack=stack)
        problem = Problem(path="runner.jobTimeout", found="empty", fix="Give it a value.")
        raise ConfigError([problem], source=f"stack {stack}")

    monkeypatch.setattr(module, "plan_stack", plan_stack)
    options = module.Options(project=tmp_path, stacks=("one", "good", "two"))
    with ProgressDisplay(Console(quiet=True)) as display, pytest.raises(ConfigError) as caught:
        module.plan_all(options, display)
    text = str(caught.value)
    assert ("stack one" in text, "stack two" in text, "good" in text) == (True, True, False)


@pytest.mark.parametrize("answer", [Verdict.YES, Verdict.NO])
def test_a_control_plane_that_lasts_is_believed(plane: FakePlane, prover: Any, answer: Verdict) -> None:
    plane.answer, plane.ends = answer, False
    assert prover.prove(PLAN, PLANNED, keep_nodes=False).verdict is answer
