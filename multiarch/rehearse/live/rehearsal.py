"""`multiarch rehearse --run` from beginning to end."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol

from archmerge import ArchmergeError, parse_reference
from multiarch.cluster.api import ApiRefused
from multiarch.cluster.errors import ClusterError
from multiarch.core.progress import ProgressDisplay
from multiarch.core.report import Check, Report, Section
from multiarch.core.secrets import hide
from multiarch.core.verdict import Verdict
from multiarch.model.executor import ConfigInvalid
from multiarch.model.pipeline import TemplateError, TemplatesMissing
from multiarch.model.plan.launch import plan_stack
from multiarch.model.plan.model import Plan, PlanError
from multiarch.model.release import InstallFailed
from multiarch.rehearse.background import BackgroundStart, shown_on
from multiarch.rehearse.claims.buildkit import buildkit_promises
from multiarch.rehearse.claims.prove import prove_one
from multiarch.rehearse.claims.refusals import refusal_promises
from multiarch.rehearse.claims.scene import Scene
from multiarch.rehearse.control_plane.binaries import Mode
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.control_plane.sources import BinarySource
from multiarch.rehearse.doubt import taken_back
from multiarch.rehearse.images.have import have_registry
from multiarch.rehearse.images.model import ImagesError
from multiarch.rehearse.images.recipes import taking_from
from multiarch.rehearse.install import Charts, HelmError
from multiarch.rehearse.live import claims, digests, image, look, project
from multiarch.rehearse.live.canary import Canary
from multiarch.rehearse.live.claims import InRegistry
from multiarch.rehearse.live.gitlab.runner import ClusterPlace
from multiarch.rehearse.live.job import CiJob, Ended, JobRunner
from multiarch.rehearse.live.kubectl import Kubectl
from multiarch.rehearse.live.nothing_left import nothing_left, picture, pods_ended
from multiarch.rehearse.live.pipeline import (
    ARCHITECTURES,
    BRANCH,
    MERGE,
    PROJECT,
    STAGES,
    Builder,
    Project,
    build_name,
    builder_jobs,
    commit_of,
    pipeline,
    reach_job,
)
from multiarch.rehearse.live.reach import Target, enforced, parsed, reach_of, usual_targets
from multiarch.rehearse.live.runners import Candidates, Wish, check_early, helper_lacks
from multiarch.rehearse.live.stage import Stack, installed, planned_nodes
from multiarch.rehearse.live.supply import SHORT, supply, why_not_reached
from multiarch.rehearse.live.taking import taker
from multiarch.rehearse.live.views import image_view, job_view, node_of, real_nodes
from multiarch.rehearse.live.wanted import parts, wanted_images
from multiarch.rehearse.live.way_out import WayOut
from multiarch.rehearse.mirror.registry import LocalRegistry, NoRegistryError, on_path
from multiarch.rehearse.nodes.architectures import Arch
from multiarch.rehearse.nodes.files import KUBELET_PORT
from multiarch.rehearse.nodes.real import RealNodes
from multiarch.rehearse.nodes.run_folder import own_folder
from multiarch.rehearse.outline import goes_through, outline, unplanned, unproved
from multiarch.rehearse.report.model import JobView, Reach, RehearsalReport, Rehearsed, RunsOn, RunView, StackReport
from multiarch.rehearse.run import described, source_words, sources_of

_TITLE: Final = "the stack's own jobs build an image on real nodes, and it runs"
_TROUBLE: Final = (ClusterError, ApiRefused, ImagesError, NoRegistryError, ArchmergeError, HelmError)
"""What says nothing about the stack: then it is not known whether it works."""
_OWN_BRIDGE: Final = "The bridge of these two nodes enforces none; on your cluster its network plugin decides"
_PRIVILEGED: Final = ("privileged-pod-refused", "buildkit-privileged-pod-refused")


class Lasting(Protocol):
    """Programs that should run until they are stopped."""

    def check(self) -> None:
        """Raise ClusterError when one of them has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command was asked to do."""

    project: Path
    stack: str
    dockerfile: Path | None = None
    binaries: Mode = "auto"
    chart: str | None = None
    runner: Wish = "auto"


def rehearse_run(options: Options, display: ProgressDisplay) -> RehearsalReport:
    """Plan a stack, install it on two real nodes, and let its jobs build an image that then runs on both.

    Raises ConfigError before anything is done where the stack, the Dockerfile or this machine cannot be used.
    """
    began = time.monotonic()
    before = picture()
    with own_folder(), project.sources(options.dockerfile) as sources:
        section, detail = _rehearse(options, sources, display)
    section = replace(section, checks=(*section.checks, claims.left_nothing(nothing_left(before))))
    return Report(command="rehearse", sections=(section,), detail=detail, seconds=time.monotonic() - began)


def _rehearse(options: Options, sources: project.Sources, display: ProgressDisplay) -> tuple[StackReport, RunsOn]:
    commit = commit_of(project.archive(sources.folder))
    plane = ControlPlane(mode=options.binaries, beside_real_nodes=True)
    of_nodes: Mapping[str, BinarySource] = {}
    start = BackgroundStart(plane, shown_on(display))
    section: StackReport = Section(name=options.stack, place="not planned", checks=(), detail=Rehearsed())
    try:
        builder, why = choose_builder()
        plan, section = _planned(options, builder, why, display)
        if plan is not None and goes_through(section):
            check_early(options.runner, plan, options.chart, shown_on(display))
            start.ready()
            run = _Run(options, plan, plane, sources, commit, builder, display)
            section, of_nodes = run.proved(section), run.programs
    except _TROUBLE as error:
        section = replace(section, checks=(*section.checks, unproved(_TITLE, str(error))))
    except (TemplateError, TemplatesMissing) as error:
        section = replace(section, checks=(*section.checks, claims.no_template(error)))
    finally:
        plane.stop()
        start.settle()
    programs = {**sources_of(plane), **of_nodes}
    binaries = {name: source_words(source) for name, source in programs.items()}
    return section, RunsOn(control_plane=f"{described(plane)}, and two real nodes", binaries=binaries)


def choose_builder() -> tuple[Builder, str]:
    """Return kaniko, which every stack is for; where its image's registry does not answer BuildKit, and why."""
    (host,) = {parse_reference(job.image).host for job in builder_jobs("kaniko")}
    why = why_not_reached(host, SHORT)
    return ("buildkit", f"kaniko's image can't be had here ({host}: {why})") if why else ("kaniko", "")


def _planned(options: Options, builder: Builder, why: str, display: ProgressDisplay) -> tuple[Plan | None, StackReport]:
    name = f"plan {options.stack}"
    display.update(name, "running the program")
    file, note = options.project / "stacks" / f"Pulumi.{options.stack}.yaml", ""
    with tempfile.TemporaryDirectory(prefix="multiarch-stack-") as folder:
        if builder == "buildkit" and (text := project.with_buildkit(file)):
            file = Path(folder, file.name)
            file.write_text(text, encoding="utf-8")
            note = f"{why}, so a runner for BuildKit was added to the stack for this run"
        try:
            plan = plan_stack(options.project, options.stack, stack_file=file)
        except PlanError as error:
            return None, unplanned(options.stack, str(error))
    section = outline(plan)
    display.finish(name, f"{len(plan.resources)} resources", sign=section.checks[0].verdict)
    return plan, replace(section, notes=(*section.notes, *([note] if note else [])))


@dataclass(slots=True)
class _Found:
    """What a run found so far."""

    checks: list[Check] = field(default_factory=list)
    jobs: list[JobView] = field(default_factory=list)
    runs: list[RunView] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    real: dict[str, str] = field(default_factory=dict)
    reach: Reach | None = None

    def added_to(self, section: StackReport, more: Rehearsed) -> StackReport:
        """Return the section with all of it."""
        jobs, runs = tuple(self.jobs), tuple(self.runs)
        detail = replace(more, jobs=jobs, runs=runs, real=dict(self.real), reach=self.reach)
        notes = tuple(dict.fromkeys((*section.notes, *self.notes)))
        return replace(section, checks=(*section.checks, *self.checks), notes=notes, detail=detail)


@dataclass(slots=True)
class _Run:
    """One run, once its plan and its control plane are there."""

    options: Options
    plan: Plan
    plane: ControlPlane
    sources: project.Sources
    commit: str
    builder: Builder
    display: ProgressDisplay
    found: _Found = field(default_factory=_Found)
    programs: Mapping[str, BinarySource] = field(default_factory=dict)
    """The nodes', once they are had."""

    def proved(self, section: StackReport) -> StackReport:
        """Return the section with the claims of the run: also those that were answered before trouble ended it."""
        try:
            detail = self._on_real_nodes(section.detail)
        except _TROUBLE as error:
            detail = section.detail
            self.found.checks.append(unproved(_TITLE, str(error)))
        return self.found.added_to(section, detail)

    def _on_real_nodes(self, detail: Rehearsed) -> Rehearsed:
        """Put the stack to the proof on two real nodes; return what there was. Raises what nobody could foresee."""
        with ExitStack() as resources:
            nodes = RealNodes(self.plane, mode=self.options.binaries, planned=planned_nodes(self.plan))
            resources.callback(nodes.stop)
            nodes.start(shown_on(self.display))
            self.programs = nodes.programs
            registry = resources.enter_context(LocalRegistry(nodes.address_of_host, self._registry()))
            way_out = resources.enter_context(WayOut(nodes.address_of_host, nodes.subnet))
            nodes.use_registry(f"http://{registry.host}")
            charts = resources.enter_context(Charts(self.options.chart))
            self.display.update("stack", "installing it with Helm")
            try:
                stack = resources.enter_context(installed(self.plan, self.plane, nodes, charts))
                self.display.finish("stack", "installed")
                detail = replace(detail, nodes=tuple(real_nodes(stack)), chart=stack.chart)
                self._jobs(_Place(stack, nodes, registry, way_out))
            except (InstallFailed, ConfigInvalid) as error:
                self.found.checks.append(claims.not_installed(str(error)))
            except (TemplateError, TemplatesMissing) as error:
                self.found.checks.append(claims.no_template(error))
            finally:
                self._lasted(nodes)
        return detail

    def _lasted(self, nodes: RealNodes) -> None:
        """Take every no back where a program of the control plane or of a node has ended: it may be its failing."""
        if why := ended_program(self.plane, nodes):
            self.found.checks = [*taken_back(self.found.checks, why), claims.ended_early(why)]

    def _registry(self) -> Path | None:
        """Return a registry's program where none is on PATH: the embedded one takes no upload in parts."""
        return None if on_path() else have_registry(shown_on(self.display))

    def _jobs(self, place: "_Place") -> None:
        """Run the pipeline, and judge what came of it."""
        stack, found = place.stack, self.found
        found.notes += stack.notes
        given = Project(
            registry=place.registry.host,
            builder=self.builder,
            dockerfile=self.sources.dockerfile,
            commit=self.commit,
            variables=place.way_out.variables(),
        )
        jobs = pipeline(given)
        taken = [(stack.scenes[tag], job) for job in jobs if (tag := taker(stack.scenes, job))]
        runner = self._runner(self._supply(taken, place), place)
        self._refusals(stack)
        first = look.answers(place.registry)
        with place.canary() as canary:
            targets = [*place.targets(self.plane.server), *canary.targets]
            ended = runner.run([*jobs, reach_job(given, targets, stack.first_tag)], self.display.update)
            for one in ended:
                self.display.finish(one.job.name, one.reason or "succeeded", sign=one.end.verdict, took=one.seconds)
            self._reach(ended[-1], targets, canary)
        found.notes += runner.notes
        self._judge(ended, place)
        if runner.faults:
            why = f"the small GitLab went wrong: {', '.join(runner.faults)}"
            found.checks = taken_back(found.checks, why, of=claims.BY_RUNNER, answers=(Verdict.YES, Verdict.NO))
        last = look.answers(place.registry)
        if not (first and last):
            found.checks = taken_back(found.checks, "the registry does not answer", of=claims.OF_JOBS)
        found.checks.append(claims.registry_answers(before=first, after=last))
        pods = {f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for one in ended if (pod := one.pod)}
        pods |= {f"{stack.scene.installed.job_namespace}/{_image_pod(arch)}" for arch in ARCHITECTURES}
        self.display.update("pods", "waiting for the last of them to end")
        answer = pods_ended(place.nodes.containers, pods)
        self.display.finish("pods", answer.because, sign=answer.verdict)
        found.checks.append(claims.ended(answer))
        if reached := place.way_out.asked().reached:
            hosts = ", ".join(sorted(reached))
            found.notes.append(f"jobs reached {hosts} by the rehearsal's own way out, which no cluster has")

    def _runner(self, why_no_helper: str, place: "_Place") -> JobRunner:
        """Choose what runs the jobs, and say it."""
        where = ClusterPlace(
            api=place.stack.scene.admin,
            server=self.plane.server,
            certificate=self.plane.certificate,
            address=place.nodes.address_of_host,
        )
        both = Candidates(stack=place.stack, place=where, sources=self.sources.folder, progress=shown_on(self.display))
        chosen = both.choose(self.options.runner, why_no_helper)
        self.found.real = {"runner": str(chosen), **self.found.real}
        return chosen.runner

    def _supply(self, jobs: Sequence[tuple[Scene, CiJob]], place: "_Place") -> str:
        """Put the images that the pods name into the run's registry; say why gitlab-runner can't use its helper's."""
        wanted, host = wanted_images(jobs), place.registry.host
        supplied = supply(
            {one.reference: one.made for one in wanted},
            place.registry,
            shown_on(self.display),
            change={"buildkit": lambda made: taking_from(made, host)},
        )
        self.found.real.update(parts(wanted, supplied))
        self.found.real["way out"] = "a proxy on this machine, which jobs have as HTTP_PROXY: a cluster has none"
        if changed := digests.changed_references(supplied.values()):
            digests.put_in_force(place.stack.scene.admin, changed)
        return helper_lacks(wanted, supplied)

    def _refusals(self, stack: Stack) -> None:
        promises = [*refusal_promises(stack.scene), *buildkit_promises(stack.scene)]
        for promise in promises:
            if promise.id in _PRIVILEGED:
                check, jobs = prove_one(promise, stack.scene)
                self.found.checks.append(check)
                self.found.jobs += jobs

    def _reach(self, ended: Ended, targets: Sequence[Target], canary: Canary) -> None:
        said = parsed(ended.log)
        reach = reach_of(targets, said, enforced(canary.forbids, canary.control(), said))
        if reach.policies_enforced is Verdict.NO:
            reach = replace(reach, because=f"{reach.because}. {_OWN_BRIDGE}")
        self.found.reach = reach
        self.found.checks.append(claims.reached(self.found.reach, ended))

    def _judge(self, ended: Sequence[Ended], place: "_Place") -> None:
        found = self.found
        by_name = {one.job.name: one for one in ended}
        for arch in ARCHITECTURES:
            one = by_name[build_name(arch)]
            found.checks.append(claims.built(arch, one, node_of(one), place.stack.scene.arch(node_of(one))))
            found.checks.append(self._confinement(f"build-{arch}", one, place))
        found.checks += [claims.merged(by_name[MERGE]), self._confinement("merge", by_name[MERGE], place)]
        found.runs += [job_view(one, STAGES.get(one.job.name, ""), place.nodes) for one in ended]
        index, why = _looked(place.registry)
        digests = {arch: claims.digest_of(by_name[build_name(arch)], arch) for arch in ARCHITECTURES}
        found.checks.append(claims.index(index, digests, why))
        self._images(index, why or "the index has no image for it", place)

    def _confinement(self, what: str, ended: Ended, place: "_Place") -> Check:
        return claims.confinement(what, ended, _user(place.registry, ended), filters=place.nodes.filters_calls)

    def _images(self, index: InRegistry | None, why: str, place: "_Place") -> None:
        """Run the image of the index on each node."""
        config = self.plane.kubeconfig.read_bytes()
        with Kubectl(self.plane.binary("kubectl"), config) as kubectl, ThreadPoolExecutor(len(ARCHITECTURES)) as pool:
            asked = {
                arch: pool.submit(self._ask, arch, digest, kubectl, place)
                for arch in ARCHITECTURES
                if (digest := index.platforms.get(f"linux/{arch}") if index else None)
            }
            for arch in ARCHITECTURES:
                if arch not in asked:
                    self.found.checks.append(claims.not_reached(arch, why))
                    continue
                one = asked[arch].result()
                self.found.checks.append(claims.image_runs(arch, place.nodes.names[Arch(arch)], one))
                self.found.runs.append(image_view(arch, one, place.nodes))

    def _ask(self, arch: str, digest: str, kubectl: Kubectl, place: "_Place") -> image.Asked:
        name = claims.image_name(arch)
        self.display.update(name, "running it")
        scene = place.stack.scene
        where = (scene.installed.job_namespace, _image_pod(arch))
        reference = f"{place.registry.host}/{PROJECT}:{BRANCH}"  # as anybody would: the node takes its own of the index
        config = look.run_config(place.registry, PROJECT, digest)
        asked = image.ask(scene.admin, kubectl, image.pod(where, arch, reference, project.BASE, config))
        self.display.finish(name, asked.reason or "it ran", sign=asked.end.verdict)
        return asked


@dataclass(frozen=True, slots=True)
class _Place:
    """All that is up for a run."""

    stack: Stack
    nodes: RealNodes
    registry: LocalRegistry
    way_out: WayOut

    def canary(self) -> Canary:
        """Return the pod that jobs should not reach; it is beside them, so that the way to it is the shortest."""
        node = self.nodes.names[Arch.AMD64]
        namespace = self.stack.scene.installed.job_namespace
        return Canary(self.stack.scene.admin, project.BASE, job_namespace=namespace, listens_on=node, asks_from=node)

    def targets(self, server: str) -> list[Target]:
        """Return what a job tries to reach."""
        return usual_targets(
            server=server,
            gateway=self.nodes.address_of_host,
            kubelet=f"{self.nodes.addresses[Arch.AMD64]}:{KUBELET_PORT}",
            registry=self.registry.host,
            way_out=self.way_out.url,
        )


def ended_program(*lasting: Lasting) -> str:
    """Say which program has ended of what should last as long as a run; empty where all run."""
    for one in lasting:
        try:
            one.check()
        except ClusterError as error:
            return hide(str(error))
    return ""


def _image_pod(arch: str) -> str:
    return f"image-{arch}"


def _looked(registry: LocalRegistry) -> tuple[InRegistry | None, str]:
    try:
        return look.look(registry, PROJECT, BRANCH), ""
    except ArchmergeError as error:
        return None, f"there is no index to look at: {error}"


def _user(registry: LocalRegistry, ended: Ended) -> str:
    """Return the user of a build job's own image; empty where that cannot be read."""
    for container in ((ended.pod or {}).get("spec") or {}).get("containers") or ():
        if container["name"] == "build":
            repository, _, tag = str(container["image"]).partition("/")[2].rpartition(":")
            try:
                return str(look.run_config(registry, repository, tag).get("User") or "")
            except ArchmergeError:
                return ""
    return ""
