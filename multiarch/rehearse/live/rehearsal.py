"""`multiarch rehearse --run` from beginning to end."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from archmerge import ArchmergeError
from multiarch.cluster.api import ApiRefused
from multiarch.cluster.errors import ClusterError
from multiarch.core.progress import ProgressDisplay
from multiarch.core.report import Check, Report
from multiarch.core.verdict import Verdict
from multiarch.model.executor import ConfigInvalid, JobRefusal
from multiarch.model.nodes import node_view
from multiarch.model.pipeline import TemplateError, TemplatesMissing
from multiarch.model.plan.launch import plan_stack
from multiarch.model.plan.model import Plan, PlanError
from multiarch.model.pools import PlannedNode
from multiarch.model.release import InstallFailed
from multiarch.rehearse.background import BackgroundStart, shown_on
from multiarch.rehearse.claims.buildkit import buildkit_promises
from multiarch.rehearse.claims.pods import build
from multiarch.rehearse.claims.prove import prove_one
from multiarch.rehearse.claims.refusals import refusal_promises
from multiarch.rehearse.control_plane.binaries import Mode
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.images.model import ImagesError
from multiarch.rehearse.install import Charts, HelmError
from multiarch.rehearse.live import claims, confined, image, look, project
from multiarch.rehearse.live.by_model import ByModel
from multiarch.rehearse.live.claims import InRegistry
from multiarch.rehearse.live.job import CiJob, Ended
from multiarch.rehearse.live.kubectl import Kubectl
from multiarch.rehearse.live.pipeline import (
    ARCHITECTURES,
    BRANCH,
    MERGE,
    PROJECT,
    Builder,
    Project,
    build_name,
    commit_of,
    pipeline,
)
from multiarch.rehearse.live.stage import Stack, installed, planned_nodes
from multiarch.rehearse.live.supply import supply_made
from multiarch.rehearse.mirror.registry import LocalRegistry, NoRegistryError
from multiarch.rehearse.nodes.architectures import Arch
from multiarch.rehearse.nodes.files import SANDBOX
from multiarch.rehearse.nodes.real import RealNodes
from multiarch.rehearse.outline import goes_through, outline, unplanned, unproved
from multiarch.rehearse.report.model import RehearsalReport, RunsOn, RunView, StackReport

RUN: Final = "run"
_TITLE = "the stack's own jobs build an image on real nodes, and it runs"
_TROUBLE = (ClusterError, ApiRefused, ImagesError, NoRegistryError, ArchmergeError, HelmError)
"""What says nothing about the stack: then nobody can tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command was asked to do."""

    project: Path
    stack: str
    dockerfile: Path | None = None
    binaries: Mode = "auto"
    chart: str | None = None


def rehearse_run(options: Options, display: ProgressDisplay) -> RehearsalReport:
    """Plan a stack, install it on two real nodes, and let its jobs build an image that then runs on both.

    Raises ConfigError before anything is done where the stack, the Dockerfile or this machine can't be used.
    """
    began = time.monotonic()
    folder, dockerfile = project.find(options.dockerfile)
    sources = project.sources(folder)
    plane = ControlPlane(mode=options.binaries, beside_real_nodes=True)
    start = BackgroundStart(plane, shown_on(display))
    try:
        plan, section = _planned(options, "buildkit", display)
        if plan is not None and goes_through(section):
            start.ready()
            section = _Run(options, plan, section, plane, sources, dockerfile, display).proved()
    except _TROUBLE as error:
        section = replace(section, checks=(*section.checks, unproved(_TITLE, str(error))))
    finally:
        plane.stop()
        start.settle()
    detail = RunsOn(control_plane="an embedded control plane, and two real nodes")
    return Report(command="rehearse", sections=(section,), detail=detail, seconds=time.monotonic() - began)


def _planned(options: Options, builder: Builder, display: ProgressDisplay) -> tuple[Plan | None, StackReport]:
    name = f"plan {options.stack}"
    display.update(name, "running the program")
    file, note = options.project / "stacks" / f"Pulumi.{options.stack}.yaml", ""
    with tempfile.TemporaryDirectory(prefix="multiarch-stack-") as folder:
        if builder == "buildkit" and (text := project.with_buildkit(file)):
            file = Path(folder, file.name)
            file.write_text(text, encoding="utf-8")
            note = "kaniko's image can't be had here, so a runner for BuildKit was added to the stack for this run"
        try:
            plan = plan_stack(options.project, options.stack, stack_file=file)
        except PlanError as error:
            return None, unplanned(options.stack, str(error))
    section = outline(plan)
    display.finish(name, f"{len(plan.resources)} resources", sign=section.checks[0].verdict)
    return plan, replace(section, notes=(*section.notes, *([note] if note else [])))


@dataclass(slots=True)
class _Run:
    """One run, once its plan and its control plane are there."""

    options: Options
    plan: Plan
    section: StackReport
    plane: ControlPlane
    sources: bytes
    dockerfile: str
    display: ProgressDisplay
    checks: list[Check] = field(default_factory=list)
    runs: list[RunView] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    real: dict[str, str] = field(default_factory=dict)
    nodes: list[PlannedNode] = field(default_factory=list)
    chart: str = ""

    def proved(self) -> StackReport:
        """Return the section with the claims of the run. Raises what nobody could foresee (`_TROUBLE`)."""
        with ExitStack() as resources:
            nodes = RealNodes(self.plane, mode=self.options.binaries, planned=planned_nodes(self.plan))
            nodes.start(shown_on(self.display))
            resources.callback(nodes.stop)
            registry = resources.enter_context(LocalRegistry(nodes.address_of_host))
            nodes.use_registry({arch: f"http://{registry.host}/v2/{arch}" for arch in Arch})
            charts = resources.enter_context(Charts(self.options.chart))
            try:
                self.display.update(RUN, "installing the stack")
                stack = resources.enter_context(installed(self.plan, self.plane, nodes, charts))
                self._with_stack(stack, nodes, registry)
            except (InstallFailed, ConfigInvalid) as error:
                self.checks.append(claims.claim("runner-installed", "the stack is installed", Verdict.NO, str(error)))
            except (TemplateError, TemplatesMissing) as error:
                verdict = Verdict.NO if isinstance(error, TemplateError) else Verdict.UNKNOWN
                self.checks.append(claims.claim("run-pipeline", "the template's jobs can be read", verdict, str(error)))
            return self._section()

    def _with_stack(self, stack: Stack, nodes: RealNodes, registry: LocalRegistry) -> None:
        self.notes += stack.notes
        self.chart = stack.chart
        self.nodes += _joined(stack)
        given = Project(
            registry=registry.host,
            builder="buildkit",
            dockerfile=self.dockerfile,
            commit=commit_of(self.sources),
            variables={},
        )
        jobs = pipeline(given)
        runner = ByModel(scenes=stack.scenes, kubectl=stack.kubectl, sources=lambda: self.sources)
        self.real["runner"] = runner.what
        supplied = supply_made(dict(wanted_images(runner, jobs)), registry, shown_on(self.display))
        self.real.update(supplied)
        self._refusals(stack)
        before = look.answers(registry)
        ended = runner.run(jobs, self.display.update)
        for one in ended:
            self.display.finish(one.job.name, one.reason or "ended well", sign=_sign(one))
        self.notes += runner.notes
        self._judge(ended, nodes, stack, registry)
        after = look.answers(registry)
        if not (before and after):
            self.checks = claims.doubted(self.checks, "the registry does not answer")
        self.checks.append(claims.registry_answers(before=before, after=after))

    def _refusals(self, stack: Stack) -> None:
        promises = [*refusal_promises(stack.scene), *buildkit_promises(stack.scene)]
        for promise in promises:
            if promise.id in ("privileged-pod-refused", "buildkit-privileged-pod-refused"):
                self.checks.append(prove_one(promise, stack.scene)[0])

    def _judge(self, ended: Sequence[Ended], nodes: RealNodes, stack: Stack, registry: LocalRegistry) -> None:
        by_name = {one.job.name: one for one in ended}
        for arch in ARCHITECTURES:
            one = by_name[build_name(arch)]
            self.checks.append(claims.built(arch, one, _node(one), stack.scene.arch(_node(one))))
            user = _user(registry, one, arch)
            self.checks.append(claims.confinement(arch, one, user, filters=nodes.filters_calls))
        self.checks.append(claims.merged(by_name[MERGE]))
        self.runs += [self._view(one, nodes) for one in ended]
        found, why = _looked(registry)
        digests = {arch: claims.digest_of(by_name[build_name(arch)], arch) for arch in ARCHITECTURES}
        self.checks.append(claims.index(found, digests, why))
        self._images(found, why, stack, nodes, registry)

    def _images(
        self, found: InRegistry | None, why: str, stack: Stack, nodes: RealNodes, registry: LocalRegistry
    ) -> None:
        """Run the image of the index on each node."""
        why = why or "the index has no image for it"
        config = kubeconfig_of(self.plane)
        with Kubectl(self.plane.binary("kubectl"), config) as kubectl, ThreadPoolExecutor(len(ARCHITECTURES)) as pool:
            asked = {
                arch: pool.submit(self._ask, arch, digest, stack, kubectl, registry)
                for arch in ARCHITECTURES
                if (digest := found.platforms.get(f"linux/{arch}") if found else None)
            }
            for arch in ARCHITECTURES:
                node = nodes.names[Arch(arch)]
                if arch not in asked:
                    self.checks.append(claims.not_reached(arch, why))
                    continue
                one = asked[arch].result()
                self.checks.append(claims.image_runs(arch, node, one))
                self.runs.append(_image_view(arch, one, nodes))

    def _ask(self, arch: str, digest: str, stack: Stack, kubectl: Kubectl, registry: LocalRegistry) -> image.Asked:
        self.display.update(f"image on {arch}", "running it")
        where = (stack.scene.installed.job_namespace, f"image-{arch}")
        reference = f"{registry.host}/{PROJECT}@{digest}"
        manifest = image.pod(where, arch, reference, project.BASE, look.run_config(registry, PROJECT, digest))
        asked = image.ask(stack.scene.admin, kubectl, manifest)
        sign = Verdict.NO if asked.reason else Verdict.YES
        self.display.finish(f"image on {arch}", asked.reason or "it ran", sign=sign)
        return asked

    def _view(self, ended: Ended, nodes: RealNodes) -> RunView:
        node = _node(ended)
        arch = next((str(arch) for arch, name in nodes.names.items() if name == node), "")
        return RunView(
            name=ended.job.name,
            node=node,
            arch=arch,
            emulated=bool(arch) and arch != str(nodes.native),
            pod=str((ended.pod or {}).get("metadata", {}).get("name", "")),
            image=ended.job.pipeline.image,
            succeeded=ended.succeeded,
            reason=ended.reason,
            seconds=ended.seconds,
            confinement=confined.read(ended.log),
            log=confined.without(ended.log),
        )

    def _section(self) -> StackReport:
        detail = replace(
            self.section.detail, nodes=tuple(self.nodes), runs=tuple(self.runs), real=dict(self.real), chart=self.chart
        )
        return replace(
            self.section,
            checks=(*self.section.checks, *self.checks),
            notes=tuple(dict.fromkeys((*self.section.notes, *self.notes))),
            detail=detail,
        )


def wanted_images(runner: ByModel, jobs: Sequence[CiJob]) -> Iterator[tuple[str, str]]:
    """Yield every image that a run's pods name, and which of ours could stand in for it."""
    yield SANDBOX, "pause"
    yield project.BASE, "base"
    for job in jobs:
        scene, _ = runner.scene_of(job)
        own = job.pipeline.to_run(job.name)
        built = build(scene, replace(own, variables=job.variables))
        if isinstance(built, JobRefusal):
            continue  # told when it is run
        for container in built.manifest["spec"]["containers"]:
            kind = "helper" if container["name"] == "helper" else "merge" if job.name == MERGE else "buildkit"
            yield container["image"], kind


def kubeconfig_of(plane: ControlPlane) -> bytes:
    """Return the administrator's kubeconfig."""
    return plane.kubeconfig.read_bytes()


def _joined(stack: Stack) -> list[PlannedNode]:
    """Return the real nodes, each with the pool in whose place it is."""
    live = stack.scene.nodes
    return [
        node_view(live[node["metadata"]["name"]], group.pool.name)
        for group in stack.scene.groups
        for node in group.nodes
        if node["metadata"]["name"] in live
    ]


def _looked(registry: LocalRegistry) -> tuple[InRegistry | None, str]:
    try:
        return look.look(registry, PROJECT, BRANCH), ""
    except ArchmergeError as error:
        return None, f"there is no index to look at: {error}"


def _user(registry: LocalRegistry, ended: Ended, arch: str) -> str:
    """Return the user of a build job's own image; empty where that cannot be read."""
    for container in ((ended.pod or {}).get("spec") or {}).get("containers") or ():
        if container["name"] == "build":
            repository, _, tag = str(container["image"]).partition("/")[2].rpartition(":")
            try:
                return str(look.run_config(registry, f"{arch}/{repository}", tag).get("User") or "")
            except ArchmergeError:
                return ""
    return ""


def _node(ended: Ended) -> str:
    return str(((ended.pod or {}).get("spec") or {}).get("nodeName") or "")


def _sign(ended: Ended) -> Verdict:
    return Verdict.YES if ended.succeeded else Verdict.NO


def _image_view(arch: str, asked: image.Asked, nodes: RealNodes) -> RunView:
    return RunView(
        name=f"the image on {arch}",
        node=str((asked.pod.get("spec") or {}).get("nodeName") or ""),
        arch=arch,
        emulated=arch != str(nodes.native),
        pod=str(asked.pod["metadata"]["name"]),
        image=str(asked.pod["spec"]["containers"][0]["image"]),
        succeeded=not asked.reason,
        reason=asked.reason,
        seconds=asked.seconds,
        log=asked.log,
    )
