import io
from pathlib import Path

import pytest
from rich.console import Console

from multiarch.core.progress import ProgressDisplay
from multiarch.core.render.json import to_document
from multiarch.core.render.terminal import print_report
from multiarch.core.report import Check
from multiarch.core.verdict import Verdict
from multiarch.rehearse import engine_run
from multiarch.rehearse.engine import Change, EngineRun
from multiarch.rehearse.report.words import WORDS

CHANGE = Change(
    action="replace",
    urn="urn:pulumi:gke::p::gcp:container/nodePool:NodePool::arm64-pool",
    resource="gcp:container/nodePool:NodePool arm64-pool",
    paths=("nodeConfig.spot", "nodeConfig.labels"),
    reasons=("nodeConfig.spot",),
)


def engine(changes: tuple[Change, ...] | None) -> EngineRun:
    claim = Check(id="engine-up", title="the engine creates the stack", verdict=Verdict.YES, evidence="exit 0")
    return EngineRun(stack="gke", engine="pulumi 3.260.0", claims=(claim,), changes=changes)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> tuple[str, object]:
    monkeypatch.setattr(engine_run, "run_engine", lambda *_, **__: engine(request.param))
    out = io.StringIO()
    console = Console(file=out, width=120)
    with ProgressDisplay(console) as display:
        report = engine_run.rehearse_under_engine(Path(), ("gke",), display)
    print_report(console, report, WORDS)
    return out.getvalue(), to_document(report, WORDS)["sections"][0]["detail"]["changes"]


@pytest.mark.parametrize("shown", [(CHANGE,)], indirect=True)
def test_a_replacement_is_told_with_the_property_that_forces_it(shown: tuple[str, object]) -> None:
    text, changes = shown
    line = next(line for line in text.splitlines() if "replace" in line)
    assert "arm64-pool" in line
    assert "nodeConfig.spot" in line
    assert "labels" not in line
    assert changes == [
        {
            "action": "replace",
            "resource": "gcp:container/nodePool:NodePool arm64-pool",
            "paths": ["nodeConfig.spot", "nodeConfig.labels"],
            "reasons": ["nodeConfig.spot"],
            "keys": [],
            "jobsLost": "",
        }
    ]


@pytest.mark.parametrize("shown", [()], indirect=True)
def test_no_change_is_said_and_is_not_the_same_as_not_asked(shown: tuple[str, object]) -> None:
    assert "changes nothing" in shown[0]
    assert shown[1] == []


@pytest.mark.parametrize("shown", [None], indirect=True)
def test_changes_that_were_not_asked_for_are_null(shown: tuple[str, object]) -> None:
    assert shown[1] is None
