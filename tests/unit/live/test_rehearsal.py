"""Trouble ends a run in a report, and takes nothing away of what was already seen."""

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from archmerge import UsageError
from multiarch.core.progress import ProgressDisplay
from multiarch.core.verdict import Verdict, yes
from multiarch.model.pipeline import TemplateError, TemplatesMissing
from multiarch.rehearse.control_plane.errors import StartError
from multiarch.rehearse.live import claims, project, rehearsal
from multiarch.rehearse.outline import unplanned


class Programs:
    """Programs that run, or one that has ended."""

    def __init__(self, ended: str = "") -> None:
        self.ended = ended

    def check(self) -> None:
        if self.ended:
            raise StartError(self.ended)


def a_run(plane: Programs) -> rehearsal._Run:
    return rehearsal._Run(
        options=rehearsal.Options(project=Path(), stack="local"),
        plan=cast("Any", None),
        plane=cast("Any", plane),
        sources=project.Sources(Path(), "Dockerfile"),
        commit="0" * 40,
        builder="kaniko",
        display=ProgressDisplay(Console(quiet=True)),
    )


@pytest.mark.parametrize(
    ("plane", "nodes", "why"),
    [
        (Programs(), Programs(), ""),
        (Programs("etcd ended with signal 9; the last lines of its log:\n  bye"), Programs(), "etcd ended"),
        (
            Programs(),
            Programs("real-arm64 ended with exit code 1; the last lines of its log:\n  x"),
            "real-arm64 ended",
        ),
    ],
)
def test_where_a_program_of_the_lab_has_ended_every_no_is_a_doubt_and_one_check_says_so(
    plane: Programs, nodes: Programs, why: str
) -> None:
    run = a_run(plane)
    run.found.checks = [claims.not_installed("refused"), claims.registry_answers(before=True, after=True)]
    run._lasted(cast("Any", nodes))
    installed, registry, *more = run.found.checks
    assert registry.verdict is Verdict.YES
    assert installed.verdict is (Verdict.UNKNOWN if why else Verdict.NO)
    assert why in installed.evidence
    assert [(check.id, check.verdict) for check in more] == ([("run-programs", Verdict.UNKNOWN)] if why else [])


def test_what_was_answered_before_trouble_is_reported_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def trouble(*_: Any) -> None:
        raise StartError("a node has ended")

    monkeypatch.setattr(rehearsal._Run, "_on_real_nodes", trouble)
    run = a_run(Programs())
    run.found.checks.append(claims.registry_answers(before=True, after=True))
    section = run.proved(unplanned("local", "of no interest"))
    verdicts = {check.id: check.verdict for check in section.checks}
    assert verdicts["run-registry"] is Verdict.YES
    assert section.checks[-1].verdict is Verdict.UNKNOWN
    assert section.checks[-1].evidence == "a node has ended"


class Plane:
    """A control plane that is never waited for."""

    binaries: Mapping[str, Any] = {}

    def __init__(self, **_: Any) -> None:
        pass

    def start(self, _: Any) -> None:
        pass

    def stop(self) -> None:
        pass


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (TemplatesMissing("no templates here"), Verdict.UNKNOWN),
        (TemplateError("template.yml: broken"), Verdict.NO),
        (UsageError("no reference", fix="name one"), Verdict.UNKNOWN),
    ],
)
def test_templates_that_can_not_be_used_are_an_answer_and_no_crash(
    monkeypatch: pytest.MonkeyPatch, error: Exception, verdict: Verdict
) -> None:
    def refused(_: Any) -> None:
        raise error

    monkeypatch.setattr(rehearsal, "builder_jobs", refused)
    monkeypatch.setattr(rehearsal, "ControlPlane", Plane)
    monkeypatch.setattr(rehearsal, "picture", dict)
    monkeypatch.setattr(rehearsal, "own_folder", nullcontext)
    monkeypatch.setattr(rehearsal, "nothing_left", lambda _: yes("as before"))
    with ProgressDisplay(Console(quiet=True)) as display:
        report = rehearsal.rehearse_run(rehearsal.Options(project=Path(), stack="local"), display)
    (section,) = report.sections
    assert [check.verdict for check in section.checks] == [verdict, Verdict.YES]
    assert str(error) in section.checks[0].evidence
