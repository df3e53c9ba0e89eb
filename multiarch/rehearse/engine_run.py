"""`multiarch rehearse --engine`: each stack under the real Pulumi engine, with stand-ins for the clouds."""

import time
from dataclasses import asdict
from pathlib import Path

from multiarch.core.progress import ProgressDisplay
from multiarch.core.report import Report, Section
from multiarch.model.pulumi_cli import PulumiCli
from multiarch.rehearse.background import shown_on
from multiarch.rehearse.engine import Change, run_engine
from multiarch.rehearse.engine.have import Mode, have_pulumi
from multiarch.rehearse.report.model import ChangeView, RehearsalReport, Rehearsed, RunsOn, StackReport


def rehearse_under_engine(
    project: Path,
    stacks: tuple[str, ...],
    display: ProgressDisplay,
    *,
    against: Path | None = None,
    binaries: Mode = "auto",
) -> RehearsalReport:
    """Let the real engine preview, up, preview again, refresh and destroy each stack.

    Raises PulumiCliError when there is no usable `pulumi` and none can be built, and ConfigError for a stack file that
    cannot be read.
    """
    began = time.monotonic()
    pulumi = have_pulumi(binaries, shown_on(display))
    reports = [_one(pulumi, project, stack, display, against) for stack in stacks]
    detail = RunsOn(control_plane="; ".join(sorted({report.place for report in reports})))
    return Report(command="rehearse", sections=tuple(reports), detail=detail, seconds=time.monotonic() - began)


def _one(pulumi: PulumiCli, project: Path, stack: str, display: ProgressDisplay, against: Path | None) -> StackReport:
    name = f"engine {stack}"
    found = run_engine(project, stack, against=against, pulumi=pulumi, progress=lambda what: display.update(name, what))
    changes = None if found.changes is None else tuple(_view(change) for change in found.changes)
    report = Section(
        name=stack,
        place=f"{found.engine}, file backend, stand-ins for the providers",
        checks=found.claims,
        notes=found.notes,
        detail=Rehearsed(changes=changes),
    )
    display.finish(name, f"{len(report.checks)} claims", sign=report.verdict)
    return report


def _view(change: Change) -> ChangeView:
    values = asdict(change)
    del values["urn"]  # the resource's type and name say the same to a reader
    return ChangeView(**values)
