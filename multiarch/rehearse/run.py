"""One rehearsal from plan to report: stacks are planned while the control plane is made ready, then proved in turn."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from components.problems import ConfigError
from multiarch.cluster.errors import ClusterError
from multiarch.core.progress import ProgressDisplay
from multiarch.core.report import Report
from multiarch.core.verdict import Verdict
from multiarch.model.nodes import NodeGroup, nodes_for
from multiarch.model.nodes.marks import new_run
from multiarch.model.plan.launch import plan_stack
from multiarch.model.plan.model import Plan, PlanError
from multiarch.rehearse.background import BackgroundStart, shown_on
from multiarch.rehearse.claims import rehearse_stack
from multiarch.rehearse.claims.stack import NOTHING_LEFT, check_free
from multiarch.rehearse.control_plane.binaries import Mode
from multiarch.rehearse.control_plane.existing import ExistingControlPlane, use_existing
from multiarch.rehearse.control_plane.keep import default_folder, refuse_second
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.control_plane.sources import BinarySource
from multiarch.rehearse.install import Charts
from multiarch.rehearse.outline import doubted, goes_through, outline, unplanned, unproved
from multiarch.rehearse.report.model import RehearsalReport, RunsOn, StackReport
from multiarch.rehearse.report.plan_table import in_short, plan_table
from multiarch.rehearse.turn import sole_rehearsal

PLANNERS = 2
"""Stacks planned at a time; more would take the processor from the control plane's own start."""

Plane = ControlPlane | ExistingControlPlane


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command was asked to do."""

    project: Path
    stacks: tuple[str, ...]
    binaries: Mode = "auto"
    kubeconfig: Path | None = None
    context: str | None = None
    chart: str | None = None
    keep: bool = False
    verbose: bool = False
    """Whether the plan of each stack is shown whole."""
    nodes: Callable[[Plan], Sequence[NodeGroup]] = nodes_for
    """Makes the nodes of the planned pools."""
    bystanders: tuple[NodeGroup, ...] = ()
    """Nodes of the cluster that no planned pool has."""


class StackConfigError(ConfigError):
    """The configuration of one stack or of several cannot work; the message has every problem of every stack."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        super().__init__([problem for error in errors for problem in error.problems])
        self.args = ("\n".join(str(error) for error in errors),)


def rehearse(options: Options, display: ProgressDisplay) -> RehearsalReport:
    """Rehearse every stack asked for.

    Raises ConfigError before anything is installed when a stack's configuration, or the cluster that was named,
    cannot be used. A control plane that cannot be had is no exception but an answer: could not tell.
    """
    plane = _plane(options)
    with sole_rehearsal(plane.server) if isinstance(plane, ExistingControlPlane) else nullcontext():
        return _rehearse(options, plane, display)


def _rehearse(options: Options, plane: Plane, display: ProgressDisplay) -> RehearsalReport:
    began = time.monotonic()
    start: BackgroundStart | None = None
    try:
        start = BackgroundStart(plane, shown_on(display))
        planned = plan_all(options, display)
        planning = time.monotonic() - began
        try:
            start.ready()
        except ClusterError as error:
            reports = [_without_cluster(report, str(error)) for _, report in planned]
        else:
            reports = _reports(planned, plane, options, display)
    finally:
        plane.stop()
        if start is not None:
            start.settle()
    binaries = {name: source_words(source) for name, source in sources_of(plane).items()}
    return Report(
        command="rehearse",
        sections=tuple(reports),
        detail=RunsOn(control_plane=described(plane), binaries=binaries),
        seconds=time.monotonic() - began,
        timings={"planning": planning, "control plane's start": plane.start_seconds},
    )


def _reports(
    planned: Sequence[tuple[Plan | None, StackReport]], plane: Plane, options: Options, display: ProgressDisplay
) -> list[StackReport]:
    """Put each stack to the proof, one after the other: two at a time would share nodes and namespaces."""
    with Charts(options.chart) as charts:
        prover = _Prover(plane, charts, display, options.nodes, options.bystanders, new_run())
        if isinstance(plane, ExistingControlPlane):
            installed = [plan for plan, report in planned if plan and goes_through(report)]
            check_free(installed, plane, options.nodes, prover.run)
        last = len(planned) - 1
        reports = [
            prover.prove(plan, report, keep_nodes=options.keep and index == last)
            for index, (plan, report) in enumerate(planned)
        ]
    if options.keep and isinstance(plane, ControlPlane) and not prover.gone():
        kept = plane.keep(default_folder(options.project))
        display.finish("kept", f"KUBECONFIG={kept.kubeconfig} context {kept.context}; end: multiarch rehearse --stop")
    return reports


def plan_all(options: Options, display: ProgressDisplay) -> list[tuple[Plan | None, StackReport]]:
    """Plan the stacks side by side and show each table as soon as it and those before it are there."""
    with ThreadPoolExecutor(PLANNERS, thread_name_prefix="plan") as pool:
        futures = {stack: pool.submit(plan_stack, options.project, stack) for stack in options.stacks}
        planned, errors = [], []
        for stack, future in futures.items():
            display.update(f"plan {stack}", "running the program")
            try:
                planned.append(_planned(stack, future))
            except ConfigError as error:
                errors.append(error)
                display.finish(f"plan {stack}", "configuration refused", sign=Verdict.NO)
                continue
            report = planned[-1][1]
            display.finish(f"plan {stack}", in_short(report), sign=report.checks[0].verdict)
            if options.verbose:
                display.show(plan_table(report))
    if errors:
        raise StackConfigError(errors)
    return planned


def _planned(stack: str, future: Future[Plan]) -> tuple[Plan | None, StackReport]:
    try:
        plan = future.result()
    except PlanError as error:
        return None, unplanned(stack, str(error))
    return plan, outline(plan)


@dataclass(frozen=True, slots=True)
class _Prover:
    """Where stacks are proved, and what shows how far it is."""

    plane: Plane
    charts: Charts
    display: ProgressDisplay
    nodes: Callable[[Plan], Sequence[NodeGroup]] = nodes_for
    bystanders: tuple[NodeGroup, ...] = ()
    run: str = ""

    def prove(self, plan: Plan | None, report: StackReport, *, keep_nodes: bool) -> StackReport:
        if plan is None:
            return report
        # A broken policy rule stops nothing here: what it breaks shall be seen on the cluster too.
        if not goes_through(report):
            return _without_cluster(report, "the plan failed, so there is nothing to install")
        if gone := self.gone():
            return _without_cluster(report, gone)
        name = f"rehearse {report.name}"
        with self._told_at_an_end(name):
            proved = rehearse_stack(
                plan,
                self.plane,
                chart=self.charts,
                progress=lambda what: self.display.update(name, what),
                keep_nodes=keep_nodes,
                nodes=self.nodes,
                bystanders=self.bystanders,
                run=self.run,
            )
        if gone := self.gone():
            proved = doubted(proved, gone)
        merged = replace(
            proved,
            checks=(*report.checks, *proved.checks),
            notes=tuple(dict.fromkeys((*report.notes, *proved.notes))),
            timings={**report.timings, **proved.timings},
            detail=replace(proved.detail, resource_counts=report.detail.resource_counts),
        )
        self.display.finish(name, f"{len(merged.checks)} claims", sign=merged.verdict)
        return merged

    @contextmanager
    def _told_at_an_end(self, name: str) -> Iterator[None]:
        """Show the notes of what ends the command: what is left on the cluster."""
        try:
            yield
        except BaseException as end:
            for note in getattr(end, "__notes__", ()):
                self.display.finish(name, note, sign=Verdict.UNKNOWN if note == NOTHING_LEFT else Verdict.NO)
            raise

    def gone(self) -> str:
        """Say which program of the control plane has ended; nothing while all run, or when they are not ours."""
        try:
            self.plane.check()
        except ClusterError as error:
            return str(error)
        return ""


def _without_cluster(report: StackReport, reason: str) -> StackReport:
    return replace(report, checks=(*report.checks, unproved("the stack works on a cluster", reason)))


def _plane(options: Options) -> Plane:
    """Choose the cluster; cheap checks come first, so that a mistake is told before anything is built."""
    if options.kubeconfig is not None:
        return use_existing(options.kubeconfig, options.context or "")
    if options.keep:
        refuse_second(default_folder(options.project))
    return ControlPlane(mode=options.binaries)


def sources_of(plane: Plane) -> Mapping[str, BinarySource]:
    """Return where the control plane's programs came from; nothing where they could not be had."""
    try:
        return plane.binaries
    except ClusterError:
        return {}  # they could not be had; the claims say so


def described(plane: Plane) -> str:
    """Say in a line what the control plane is."""
    if isinstance(plane, ExistingControlPlane):
        return f"Kubernetes {plane.versions['kube-apiserver']}, context {plane.context} of {plane.kubeconfig}"
    sources = sources_of(plane)
    if "kube-apiserver" not in sources:
        return "no control plane"
    origins = ", ".join(sorted({source.origin.value for source in sources.values()}))
    return f"embedded Kubernetes {sources['kube-apiserver'].version} (programs from: {origins})"


def source_words(source: BinarySource) -> str:
    """Say where a program came from."""
    return ", ".join(filter(None, (source.version, source.origin.value, source.detail)))
