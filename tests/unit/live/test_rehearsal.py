"""Trouble of the machine ends a run, and takes nothing away of what was already seen."""

from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from multiarch.core.progress import ProgressDisplay
from multiarch.core.verdict import Verdict
from multiarch.rehearse.control_plane.errors import StartError
from multiarch.rehearse.live import claims, project, rehearsal
from multiarch.rehearse.outline import unplanned


def test_what_was_answered_before_trouble_is_reported_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def trouble(*_: Any) -> None:
        raise StartError("a node has ended")

    monkeypatch.setattr(rehearsal._Run, "_on_real_nodes", trouble)
    with ProgressDisplay(Console(quiet=True)) as display:
        run = rehearsal._Run(
            options=rehearsal.Options(project=Path(), stack="local"),
            plan=cast("Any", None),
            plane=cast("Any", None),
            sources=project.Sources(Path(), "Dockerfile"),
            commit="0" * 40,
            builder="kaniko",
            display=display,
        )
        run.found.checks.append(claims.registry_answers(before=True, after=True))
        section = run.proved(unplanned("local", "of no interest"))
    verdicts = {check.id: check.verdict for check in section.checks}
    assert verdicts["run-registry"] is Verdict.YES
    assert section.checks[-1].verdict is Verdict.UNKNOWN
    assert section.checks[-1].evidence == "a node has ended"
