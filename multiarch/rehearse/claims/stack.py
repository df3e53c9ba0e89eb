"""One stack's rehearsal on a cluster: nodes, install, jobs, and away again."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.connection import Connection
from multiarch.cluster.errors import ClusterError
from multiarch.core.report import Check, Section
from multiarch.core.verdict import Verdict, fold
from multiarch.model.executor import ConfigInvalid
from multiarch.model.nodes import NodeGroup, node_view, nodes_for
from multiarch.model.nodes.marks import KEPT, new_run
from multiarch.model.plan.model import Plan
from multiarch.model.pools import PlannedNode
from multiarch.model.readback import read_back, service_account_api
from multiarch.model.release import (
    InstallFailed,
    PlannedRelease,
    buildkit_release_of,
    created_tags,
    release_of,
)
from multiarch.rehearse.claims.mirror import has_mirrors, make_mirrors
from multiarch.rehearse.claims.prove import prove_all
from multiarch.rehearse.claims.scene import Scene
from multiarch.rehearse.install import Charts, Helm, HelmError, Installer, add_nodes, live_nodes
from multiarch.rehearse.install.removal import Left, clean_command, left_words
from multiarch.rehearse.interrupts import Interrupts
from multiarch.rehearse.report.model import JobView, Rehearsed, StackReport

STEPS = NODES, INSTALL, JOBS, CLEAN = (
    "adding the pools' nodes",
    "installing the runner with Helm",
    "giving jobs to the runner",
    "cleaning up",
)
"""What progress is told of, in this order."""
NOTHING_LEFT = "everything that was put on the cluster has been removed"


class Plane(Protocol):
    """What is needed of a control plane: `ControlPlane` and `ExistingControlPlane` have it."""

    @property
    def kubeconfig(self) -> Path:
        """Path of a kubeconfig."""

    @property
    def context(self) -> str:
        """Name of its context."""

    @property
    def embedded(self) -> bool:
        """False for a cluster of the user's."""

    def binary(self, name: str) -> Path:
        """Path of a program."""

    def check(self) -> None:
        """Raise ClusterError when one of its programs has ended."""


def _silent(_: str) -> None:
    """Show nothing."""


def _unchecked() -> None:
    """Trust the control plane."""


@dataclass(slots=True)
class _Progress:
    """What is known so far."""

    nodes: list[PlannedNode] = field(default_factory=list)
    claims: list[Check] = field(default_factory=list)
    jobs: list[JobView] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    chart: str = ""
    timings: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.timings[step] = round(time.monotonic() - began, 3)


def check_free(
    plans: Iterable[Plan], control_plane: Plane, nodes: Callable[[Plan], Sequence[NodeGroup]], run: str
) -> None:
    """Raise ConfigError before the first stack is rehearsed, where objects of any of them are there already.

    A cluster that does not tell is told by the rehearsal itself.
    """
    clean = clean_command(control_plane.kubeconfig, control_plane.context)
    with suppress(ClusterError, ApiRefused), ExitStack() as resources:
        connection = resources.enter_context(Connection(control_plane.kubeconfig, control_plane.context))
        program = control_plane.binary("helm")
        helm = resources.enter_context(Helm(program, control_plane.kubeconfig, control_plane.context))
        for plan in plans:
            Installer(Api.of(connection), helm, plan.stack, run).check_free(plan, nodes(plan), clean)


def rehearse_stack(  # noqa: PLR0913 - what to prove, where, and how much of it is shown and kept
    plan: Plan,
    control_plane: Plane,
    *,
    chart: Charts,
    progress: Callable[[str], None] = _silent,
    keep_nodes: bool = False,
    nodes: Callable[[Plan], Sequence[NodeGroup]] = nodes_for,
    bystanders: Sequence[NodeGroup] = (),
    run: str = "",
) -> StackReport:
    """Put a plan into the cluster, prove its claims, and take everything out again.

    Stacks share names and nodes, so that they are rehearsed one after the other. `progress` gets one line for each
    step. With `keep_nodes` the nodes stay (for `--keep`), open to everybody's pods. `run` is this run of the command,
    where several stacks are rehearsed in one. `nodes` makes the planned pools' nodes; `bystanders` are
    nodes of the same cluster that no pool of the plan has, and that jobs may land on all the same. What fails or cannot
    be told becomes a claim of the report; raises ConfigError only when the cluster already has objects of those names
    that this run did not make. An interrupt is raised on once all is clean; what is left it carries as a note.
    """
    found = _Progress(notes=list(plan.notes))
    groups = tuple(nodes(plan))
    try:
        with ExitStack() as resources:
            connection = resources.enter_context(Connection(control_plane.kubeconfig, control_plane.context))
            helm = resources.enter_context(
                Helm(control_plane.binary("helm"), control_plane.kubeconfig, control_plane.context)
            )
            api = Api.of(connection)
            steps = _Run(
                plan,
                groups,
                api,
                helm,
                control_plane.embedded,
                found,
                progress,
                control_plane.check,
                tuple(bystanders),
                run or new_run(),
                keep_nodes,
                "" if control_plane.embedded else clean_command(control_plane.kubeconfig, control_plane.context),
            )
            steps.check_free()
            steps.prove_and_clean(chart)
    except (ClusterError, ApiRefused) as error:
        found.claims.append(_claim("cluster-rehearsed", "the stack works on a cluster", Verdict.UNKNOWN, str(error)))
    return _report(plan, groups, found)


def _report(plan: Plan, groups: tuple[NodeGroup, ...], found: _Progress) -> StackReport:
    detail = Rehearsed(
        pools=tuple(group.pool for group in groups),
        nodes=tuple(found.nodes),
        jobs=tuple(found.jobs),
        resources=len(plan.resources),
        chart=found.chart,
    )
    return Section(
        name=plan.stack,
        place=cluster_title(plan, groups),
        checks=tuple(found.claims),
        notes=tuple(found.notes),
        timings=found.timings,
        detail=detail,
    )


@dataclass(slots=True)
class _Run:
    """The steps, in order."""

    plan: Plan
    groups: tuple[NodeGroup, ...]
    api: Api
    helm: Helm
    embedded: bool
    found: _Progress
    progress: Callable[[str], None]
    check: Callable[[], None] = _unchecked
    """Raises ClusterError once the control plane has lost one of its programs."""
    bystanders: tuple[NodeGroup, ...] = ()
    run: str = field(default_factory=new_run)
    keep_nodes: bool = False
    clean_up: str = ""
    """The command that takes off what this one could not; none where the control plane goes as a whole."""
    installer: Installer = field(init=False)

    def __post_init__(self) -> None:
        self.installer = Installer(self.api, self.helm, self.plan.stack, self.run, own_plane=self.embedded)

    def check_free(self) -> None:
        """Raise ConfigError before anything is made where somebody else's objects are in the way."""
        self.installer.check_free(self.plan, self._all_groups, self.clean_up)

    def prove_and_clean(self, charts: Charts) -> None:
        """Prove, and clean up whatever happens. An embedded control plane that is interrupted goes as a whole."""
        with Interrupts() as interrupts:
            try:
                self.prove(charts)
                interrupts.hold()
            except BaseException as error:
                interrupts.hold()
                if not (self.embedded and isinstance(error, (KeyboardInterrupt, SystemExit))):
                    self._clean_after(error)
                raise
            self.clean()

    def prove(self, charts: Charts) -> None:
        """Take the steps up to the claims; what went wrong becomes a claim, too."""
        if not self._joined():
            return
        try:
            with self.found.timed("install"):
                self.progress(INSTALL)
                scene = self._install(charts)
            with self.found.timed("jobs"):
                self.progress(JOBS)
                claims, self.found.jobs = prove_all(scene)
                self.found.claims += claims
                for each in filter(None, (scene, scene.buildkit)):
                    each.runner.close()
        except (InstallFailed, ConfigInvalid) as error:
            self._not_installed(Verdict.NO, str(error))
        except (ApiRefused, HelmError) as error:
            self._not_installed(Verdict.UNKNOWN, str(error))

    def clean(self) -> None:
        """Take everything out again; what stays behind is a claim that failed."""
        title = "the rehearsal leaves nothing behind"
        try:
            left = self._clean()
        except ClusterError as error:
            self.found.claims.append(_claim("cleaned-up", title, Verdict.UNKNOWN, str(error)))
            return
        if left:
            verdict = fold(one.verdict for one in left)
            self.found.claims.append(_claim("cleaned-up", title, verdict, self._left_words(left)))

    def _clean_after(self, error: BaseException) -> None:
        """Clean up after what ends the command: there will be no report, so that the error says what is left."""
        try:
            left = self._clean()
        except ClusterError as doubt:
            error.add_note(str(doubt))
            return
        error.add_note(self._left_words(left) if left else NOTHING_LEFT)

    def _clean(self) -> list[Left]:
        """Return what is left. Raises ClusterError for a plane that broke: it goes as a whole."""
        with self.found.timed("clean"):
            self.progress(CLEAN)
            self.check()  # without its controllers nothing would ever be gone
            return self.installer.clean(() if self.keep_nodes else self._node_names)

    def _left_words(self, left: Sequence[Left]) -> str:
        return left_words(left) + (f". Remove it: {self.clean_up}" if self.clean_up else "")

    @property
    def _all_groups(self) -> tuple[NodeGroup, ...]:
        return (*self.groups, *self.bystanders)

    @property
    def _node_names(self) -> list[str]:
        return [node["metadata"]["name"] for group in self._all_groups for node in group.nodes]

    def _joined(self) -> bool:
        """Put the nodes into the cluster; the claim about them says what came of it."""
        title = "every pool's nodes join the cluster"
        try:
            with self.found.timed("nodes"):
                self.progress(NODES)
                self._nodes()
        except InstallFailed as error:
            self.found.claims.append(_claim("nodes-join", title, Verdict.NO, str(error)))
        except ApiRefused as error:
            self.found.claims.append(_claim("nodes-join", title, Verdict.UNKNOWN, str(error)))
        else:
            pools = ", ".join(f"{group.pool.name}: {len(group.nodes)}" for group in self.groups)
            verdict = Verdict.YES if self.groups else Verdict.UNKNOWN
            evidence = f"Ready by pool: {pools}" if self.groups else "the plan has no node pool"
            claim = _claim("nodes-join", title, verdict, evidence)
            self.found.claims.append(replace(claim, seconds=self.found.timings["nodes"]))
            return True
        self.found.notes.append("nothing else was checked, since the nodes did not join")
        return False

    def _nodes(self) -> None:
        run = KEPT if self.keep_nodes else self.run
        add_nodes(self.api, self._all_groups, self.plan.stack, embedded=self.embedded, run=run)
        live = live_nodes(self.api)
        self.found.nodes = [
            node_view(live[node["metadata"]["name"]], group.pool.name)
            for group in self.groups
            for node in group.nodes
            if node["metadata"]["name"] in live
        ]

    def _install(self, charts: Charts) -> Scene:
        release = release_of(self.plan)
        chart = charts.choose(release, self.helm)
        self.found.chart = chart.description
        self.found.notes += [chart.note] if chart.note else []
        stand_ins = self.installer.install(self.plan, chart)
        self.found.notes += [f"{what} is created by someone else: a stand-in was used" for what in stand_ins]
        scene = self._scene(release, frozenset(name.removeprefix("Secret ") for name in stand_ins))
        if has_mirrors(self.plan):
            with self.found.timed("helper image"):
                scene = replace(scene, mirrors=make_mirrors(self.plan))
        second = buildkit_release_of(self.plan)
        if second is None:
            return scene
        buildkit = replace(self._scene(second, scene.stand_ins, buildkit=True), mirrors=scene.mirrors)
        return replace(scene, buildkit=buildkit)

    def _scene(self, release: PlannedRelease, stand_ins: frozenset[str], *, buildkit: bool = False) -> Scene:
        scene = scene_of(self.plan, self.api, release, self.groups, buildkit=buildkit)
        self._priority_class(scene.installed.config.kubernetes.text("priority_class_name"))
        return replace(scene, kubelet=self.embedded, stand_ins=stand_ins)

    def _priority_class(self, name: str) -> None:
        if name and self.installer.priority_class(name):
            self.found.notes.append(f"PriorityClass {name} is created by someone else: a stand-in was used")

    def _not_installed(self, verdict: Verdict, evidence: str) -> None:
        title = "the runner is installed, its manager admitted under `restricted`"
        self.found.claims.append(_claim("runner-installed", title, verdict, evidence))
        self.found.notes.append("nothing else was checked, since the runner was not installed")


def scene_of(
    plan: Plan, api: Api, release: PlannedRelease, groups: tuple[NodeGroup, ...], *, buildkit: bool = False
) -> Scene:
    """Return an installed release as the cluster has it. Raises InstallFailed, ConfigInvalid and ApiRefused."""
    installed = read_back(api, release)
    return Scene(
        stack=plan.stack,
        admin=api,
        runner=service_account_api(api, installed.namespace, installed.service_account),
        installed=installed,
        groups=groups,
        nodes=live_nodes(api),
        tags=created_tags(plan, buildkit=buildkit),
    )


def cluster_title(plan: Plan, groups: tuple[NodeGroup, ...]) -> str:
    """Return which cluster the program talks to, by its Kubernetes provider's own words: `gke ci (us-central1)`."""
    for resource in plan.resources:
        # `gke/<project>/<location>/<name>`, `eks/<region>/<name>`, `aks/<group>/<name>`, `existing/<name>`
        parts = str(resource.inputs.get("clusterIdentifier") or "").split("/")
        if resource.type == "pulumi:providers:kubernetes" and len(parts) > 1:
            kind, *places, name = parts
            return f"{kind} {name} ({places[-1]})" if places else f"{kind} {name}"
    return groups[0].pool.cloud if groups else ""


def _claim(identity: str, title: str, verdict: Verdict, evidence: str) -> Check:
    return Check(id=identity, title=title, verdict=verdict, evidence=evidence)
