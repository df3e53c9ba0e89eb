"""The pod that the runner would make for a job of an architecture: what the checks try against the cluster."""

from collections.abc import Iterable

from components.versions import JOB_IMAGE
from multiarch.doctor.facts import ARCH_LABEL, Raw, Runner
from multiarch.model import executor
from multiarch.model.executor import Job, JobRefusal, Pod, build_pod
from multiarch.model.pools import PlannedPool

SELECTOR = "KUBERNETES_NODE_SELECTOR_ARCH"
KNOWN_ARCHES = ("amd64", "arm64")


def probe(runner: Runner, arch: str = "") -> Pod | JobRefusal:
    """Build the pod of a plain job that selects `arch`; of one that selects nothing without it.

    It is sent to the API server by dry run alone. A runner whose config could not be read refuses every job.
    """
    installed = runner.installed
    if installed is None:
        return JobRefusal(runner.failure or runner.broken or "the runner's config is not known")
    image = "" if installed.config.kubernetes.text("image") else JOB_IMAGE
    variables = {SELECTOR: f"{ARCH_LABEL}={arch}"} if arch else {}
    return build_pod(installed.config, Job(name="doctor", image=image, variables=variables), installed.runner_version)


def probes(runner: Runner, arches: Iterable[str]) -> dict[str, Pod | JobRefusal]:
    """Build the pods of jobs of those architectures that jobs may select; under `""` the one that selects nothing.

    The latter only where it would be another: its architecture may not be selected. That a regex refuses an
    architecture which the cluster has is told by its own check.
    """
    pods = {arch: probe(runner, arch) for arch in arches if admits(runner, f"{ARCH_LABEL}={arch}")}
    default = (
        runner.installed.config.kubernetes.text_map("node_selector").get(ARCH_LABEL, "") if runner.installed else ""
    )
    if not pods or (default and default not in pods):
        pods[""] = probe(runner)
    return pods


def plain_pods(runners: Iterable[Runner]) -> dict[str, list[Raw]]:
    """Return the pods that plain jobs would be, by the namespace that they would be created in."""
    pods: dict[str, list[Raw]] = {}
    for pod in map(probe, runners):
        if not isinstance(pod, JobRefusal):
            pods.setdefault(pod.namespace, []).append(pod.manifest)
    return pods


def admits(runner: Runner, value: str) -> bool:
    """Tell whether the runner's regex lets jobs select `label=value`; never where it is empty or none."""
    return runner.installed is not None and executor.admits(runner.installed.config.kubernetes, value)


def default_arch(runner: Runner) -> str:
    """Return the architecture of jobs that select none; empty where the config does not say."""
    if runner.installed is None:
        return ""
    return runner.installed.config.kubernetes.text_map("node_selector").get(ARCH_LABEL, "")


def arches_of(pools: Iterable[PlannedPool], runners: Iterable[Runner]) -> tuple[str, ...]:
    """Return the architectures that jobs may count on: the pools' and those that a runner admits, or defaults to."""
    arches = {pool.arch for pool in pools}
    for runner in runners:
        arches |= {arch for arch in KNOWN_ARCHES if admits(runner, f"{ARCH_LABEL}={arch}")}
        arches.add(default_arch(runner))
    return tuple(sorted(arches - {""}))
