"""The drift component with the real command: a stub `pulumi` that replays the real CLI's answers, and GitLab's API."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.recorded.stub_pulumi import StubPulumi
from tests.templates.test_drift import SCHEDULE, ended
from tests.unit.drift.conftest import CLEAN, DRIFTED, of_stack
from tests.unit.drift_gitlab.fake import PROJECT, TOKEN, FakeGitLab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.templates.lab.project import Project

BROKEN = {"refresh": {"exit": 1, "stderr": "error: no answer"}, "preview": {"exit": 1, "stderr": "error: no answer"}}


@pytest.fixture
def gitlab() -> Iterator[FakeGitLab]:
    fake = FakeGitLab()
    yield fake
    fake.close()


@pytest.fixture
def stub(tmp_path: Path) -> StubPulumi:
    return StubPulumi(tmp_path / "stub")


@pytest.fixture
def whole(project: Project, stub: StubPulumi, gitlab: FakeGitLab, tmp_path: Path) -> Project:
    """`multiarch` is the real one here."""
    project.use("drift-real")
    project.write("Pulumi.yaml", "name: app\nruntime: python\nstackConfigDir: stacks\n")
    for stack in ("gke", "eks"):
        project.write(f"stacks/Pulumi.{stack}.yaml", "config: {}\n")
    real = tmp_path / "real"
    real.mkdir()
    (real / "multiarch").write_text(f'#!/bin/sh\nexec {sys.executable} -m multiarch.cli "$@"\n')
    (real / "multiarch").chmod(0o755)
    project.add_tools(real)
    project.add_tools(stub.folder)
    project.variables |= {
        "CI_API_V4_URL": gitlab.api,
        "CI_PROJECT_ID": PROJECT,
        "CI_PROJECT_VISIBILITY": "private",
        "DRIFT_TOKEN": TOKEN,
    }
    return project


def test_a_weeks_schedules_keep_one_issue(whole: Project, stub: StubPulumi, gitlab: FakeGitLab) -> None:
    stub.answers(CLEAN | of_stack("gke", DRIFTED))
    first = whole.run(*SCHEDULE)
    assert ended(first) == {"drift-check: [gke]": "WARN 1", "drift-check: [eks]": "", "drift-issue": "WARN 1"}, (
        first.out
    )
    (issue,) = gitlab.opened()
    assert issue["title"] == "Drift: gke"
    assert "pod-security.kubernetes.io/enforce" in issue["description"]

    writes = len(gitlab.writes())
    whole.run_again(*SCHEDULE)
    assert len(gitlab.writes()) == writes, "the same drift was written again"

    stub.answers(CLEAN | of_stack("gke", BROKEN))
    doubt = whole.run_again(*SCHEDULE)
    assert ended(doubt) == {"drift-check: [gke]": "FAIL 3", "drift-check: [eks]": "", "drift-issue": "FAIL 3"}, (
        doubt.out
    )
    assert "pod-security.kubernetes.io/enforce" in gitlab.opened()[0]["description"]

    stub.answers(CLEAN)
    clean = whole.run_again(*SCHEDULE)
    assert ended(clean) == {"drift-check: [gke]": "", "drift-check: [eks]": "", "drift-issue": ""}, clean.out
    assert gitlab.opened() == []
    assert len(gitlab.issues) == 1
    assert all(TOKEN not in ran.out for ran in (first, doubt, clean))


def test_since_when_a_drift_is_there_comes_through_the_cache(whole: Project, stub: StubPulumi) -> None:
    stub.answers(CLEAN | of_stack("gke", DRIFTED))
    since = []
    for run in (whole.run, whole.run_again):
        run(*SCHEDULE)
        report = json.loads(whole.artifact("gke.json").read_text())
        since.append((report["detail"]["started"], sorted(set(_values(report, "since")))))
    (began, first), (later, second) = since
    assert first == second != []
    assert began < later


def test_a_check_that_never_began_is_in_the_issues_report(whole: Project, stub: StubPulumi) -> None:
    stub.answers(CLEAN)
    text = (whole.folder / ".gitlab-ci.yml").read_text()
    whole.pipeline(text + "      prepare: ['test $STACK = eks || exit 1']\n")
    ran = whole.run(*SCHEDULE)
    assert ended(ran) == {"drift-check: [gke]": "FAIL 3", "drift-check: [eks]": "", "drift-issue": "FAIL 3"}, ran.out
    report = json.loads(whole.artifact("drift.json").read_text())
    verdicts = {stack["name"]: stack["verdict"] for stack in report["sections"]}
    assert verdicts == {"eks": "yes", "gke": "could not tell"}


def _values(document: object, name: str) -> Iterator[str]:
    """Yield every value of this name."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key == name and isinstance(value, str):
                yield value
            yield from _values(value, name)
    elif isinstance(document, list):
        for one in document:
            yield from _values(one, name)
