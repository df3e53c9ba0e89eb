"""`multiarch rehearse --against FILE`: what a changed stack file would do to what exists. No engine, no cluster."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from multiarch.core.progress import ProgressDisplay
from multiarch.core.report import Check, Report
from multiarch.core.verdict import Verdict
from multiarch.model.edits import Action, Edit, edits, not_looked_up
from multiarch.model.plan.launch import plan_stack
from multiarch.model.plan.model import Plan, PlanError
from multiarch.rehearse.because import MOST, because
from multiarch.rehearse.outline import goes_through, outline, unplanned
from multiarch.rehearse.report.model import ChangeView, RehearsalReport, RunsOn, StackReport

ARCH_LABEL = "multiarch-runner.io/arch"
"""What every node pool that the program makes bears in its inputs (components)."""
_ENDS = (Action.REPLACE, Action.DELETE)
_HOUSES = ("kubernetes:core/v1:Namespace", "kubernetes:core/v1:NamespacePatch", "kubernetes:helm.sh/v3:Release")
"""What no running job outlives: its namespace, and the release whose rights its manager works with."""


def rehearse_edit(project: Path, stack: str, against: Path, display: ProgressDisplay) -> RehearsalReport:
    """Plan the stack as it is and as `against` says, and tell the difference.

    Raises ConfigError for either file that cannot be used.
    """
    began = time.monotonic()
    section = _compared(project, stack, against, display)
    display.finish(f"compare {stack}", f"{len(section.detail.changes or ())} changes", sign=section.verdict)
    runs_on = RunsOn(control_plane="none: two plans are compared, with the stand-ins' knowledge of the providers")
    return Report(command="rehearse", sections=(section,), detail=runs_on, seconds=time.monotonic() - began)


def _compared(project: Path, stack: str, against: Path, display: ProgressDisplay) -> StackReport:
    display.update(f"compare {stack}", "planning the stack as it is")
    try:
        before = plan_stack(project, stack)
        display.update(f"compare {stack}", f"planning it as {against.name} says")
        after = plan_stack(project, stack, stack_file=against)
    except PlanError as error:
        return unplanned(stack, str(error))
    report = outline(after)
    if not (goes_through(outline(before)) and goes_through(report)):
        note = "an incomplete plan is not compared: what it does not declare would look deleted"
        return replace(report, notes=(*report.notes, note))
    found = edits(before, after)
    display.update(f"compare {stack}", "planning each key's own part in it")
    keys = because(project, stack, against, before, found)
    lost = jobs_lost(found, before)
    changes = tuple(_view(edit, keys.get(edit.urn, ()), lost.get(edit.urn, "")) for edit in found)
    checks = (*report.checks, allowed(found, before), kept(found, before, after))
    if found and not keys:
        note = f"more than {MOST} keys differ: the cause of each change is shown for smaller edits only"
        report = replace(report, notes=(*report.notes, note))
    return replace(report, checks=checks, detail=replace(report.detail, changes=changes))


def allowed(found: Sequence[Edit], before: Plan) -> Check:
    """Claim that `up` carries the edit out: it deletes nothing that is protected, and the cloud refuses nothing."""
    held = [f"{edit.name} ({_why(edit)}; it is protected)" for edit in found if edit.protected and edit.action in _ENDS]
    held += [f"{edit.name} ({_why(edit)})" for edit in found if edit.action is Action.REFUSE]
    same = sum(resource.custom for resource in before.resources) - sum(
        edit.action is not Action.CREATE for edit in found
    )
    doubts = [
        f"{edit.name} ({', '.join(paths)})"
        for edit in found
        if edit.action is not Action.REPLACE and (paths := not_looked_up(edit))
    ]
    if held:
        verdict, evidence = Verdict.NO, f"`up` would refuse: {', '.join(held)}"
    elif doubts:
        evidence = f"no record says whether it is changed in place, replaced or refused: {', '.join(doubts)}"
        verdict = Verdict.UNKNOWN
    else:
        verdict, evidence = Verdict.YES, f"{len(found)} changes, {same} resources are kept"
    return Check(
        id="edit-allowed",
        title="neither Pulumi nor the cloud refuses the edit",
        verdict=verdict,
        evidence=evidence,
    )


def jobs_lost(found: Sequence[Edit], before: Plan) -> Mapping[str, str]:
    """Tell of each edit which running jobs end with it: those of its nodes, or all, with the manager's rights."""
    archs = {resource.urn: _arch(resource.inputs) for resource in before.resources}
    lost = {}
    for edit in found:
        if edit.renews:
            lost[edit.urn] = f"those on it that do not end within the drain ({archs[edit.urn]})"
        if edit.action not in _ENDS or edit.protected:
            continue
        if edit.type in _HOUSES:
            lost[edit.urn] = "all that run"
        elif archs[edit.urn]:
            lost[edit.urn] = f"those that run on it ({archs[edit.urn]})"
    return lost


def kept(found: Sequence[Edit], before: Plan, after: Plan) -> Check:
    """Claim that every architecture has a pool all the time: jobs of one without wait, or fail.

    What is no longer in the program goes last, when all that is new is there.
    """
    ending = {edit.urn: edit for edit in found if edit.action in _ENDS}
    staying = {
        _arch(resource.inputs)
        for resource in before.resources
        if resource.custom and (resource.urn not in ending or not ending[resource.urn].deleted_first)
    }
    archs = {_arch(resource.inputs) for resource in after.resources if resource.custom} - {""}
    lost = {resource.urn: _arch(resource.inputs) for resource in before.resources if resource.urn in ending}
    without = sorted(archs & set(lost.values()) - staying)
    cut = [f"{ending[urn].name} ({arch}: {_why(ending[urn])})" for urn, arch in lost.items() if arch]
    evidence = f"jobs that run on {', '.join(cut)} are lost" if cut else "no pool is replaced or deleted"
    if anew := [f"{edit.name} ({', '.join(edit.renews)})" for edit in found if edit.renews]:
        evidence += f"; nodes are replaced in {', '.join(anew)}: a job that does not end within the drain is lost"
    return Check(
        id="edit-keeps-architectures",
        title="every architecture has a node pool at all times",
        verdict=Verdict.NO if without else Verdict.YES,
        evidence=f"{', '.join(without)} has none for a while; {evidence}" if without else evidence,
    )


def _why(edit: Edit) -> str:
    order = ", deleted first" if edit.deleted_first else ", new one first"
    if edit.action is Action.REFUSE:
        return f"the cloud does not change {', '.join(edit.reasons)}"
    return f"replaced because of {', '.join(edit.reasons)}{order}" if edit.action is Action.REPLACE else "deleted"


def _view(edit: Edit, keys: tuple[str, ...], lost: str) -> ChangeView:
    first = " (deleted first)" if edit.deleted_first else " (new one first)"
    how = first if edit.action is Action.REPLACE else " (nodes are replaced)" if edit.renews else ""
    return ChangeView(
        action=f"{edit.action}{how}",
        resource=f"{edit.type} {edit.name}",
        paths=edit.paths,
        reasons=edit.reasons,
        keys=keys,
        jobs_lost=lost,
    )


def _arch(inputs: Mapping[str, Any]) -> str:
    """Return the architecture that a node pool's inputs are labelled with; empty for whatever is none."""
    return next(_labels(inputs), "")


def _labels(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get(ARCH_LABEL), str):
            yield value[ARCH_LABEL]
        for item in value.values():
            yield from _labels(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _labels(item)
