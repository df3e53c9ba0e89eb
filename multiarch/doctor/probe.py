"""The pod that the runner would make for a job of an architecture: what the checks try against the cluster."""

from multiarch.doctor.facts import ARCH_LABEL, Runner
from multiarch.model.executor import Job, JobRefusal, Pod, build_pod

SELECTOR = "KUBERNETES_NODE_SELECTOR_ARCH"
_ANY_IMAGE = "docker.io/library/alpine:3.22"


def probe(runner: Runner, arch: str = "") -> Pod | JobRefusal:
    """Build the pod of a plain job that selects `arch`; of one that selects nothing without it.

    The pod is never sent anywhere. A runner whose config could not be read refuses every job.
    """
    installed = runner.installed
    if installed is None:
        return JobRefusal(runner.failure or runner.broken or "the runner's config is not known")
    image = "" if installed.config.kubernetes.text("image") else _ANY_IMAGE
    variables = {SELECTOR: f"{ARCH_LABEL}={arch}"} if arch else {}
    return build_pod(installed.config, Job(name="doctor", image=image, variables=variables), installed.runner_version)
