"""Which series are a runner's, and the queries that rules and panels share. Pure.

The runner's metrics know no architecture: it is read off the jobs' pods, each of which has a node selector for
`kubernetes.io/arch`. kube-state-metrics tells selectors only where `kube_pod_nodeselectors` was opted into. Without it
every pod counts as of the architecture `unknown`: no pod is left out, and no alert stays silent for that.
"""

from dataclasses import dataclass
from typing import Final, Self

from components.runner.settings import RunnerConfig
from components.runner.values import fullname

UNKNOWN_ARCH: Final = "unknown"
SYSTEM_FAILURES: Final = ("runner_system_failure", "runner_external_dependency_failure", "unknown_failure")
"""Reasons of a failed job that lie in the runner or the cluster. Images that can't be pulled are mostly misspelt."""
IMAGE_FAILURE: Final = "image_pull_failure"
"""The reason of a job of which an image can't be pulled: its own, a service's or the helper image."""
STARTING: Final = "prepare_script"
"""The stage of a job within which the Kubernetes executor makes its pod and waits for it."""
_ARCH_SELECTOR: Final = "nodeselector_kubernetes_io_arch"
_POD: Final = "namespace, pod, uid"
# Kubernetes cuts the name that it makes a pod's name of, and puts five characters behind it.
_LONGEST_BASE: Final = 58


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoredRunner:
    """What is needed of a runner."""

    name: str
    """Of its release."""

    namespace: str
    job_namespace: str
    replicas: int
    poll_timeout: int
    job_timeout: int

    @classmethod
    def of(cls, runner: RunnerConfig) -> Self:
        """Take it from the settings."""
        return cls(
            name=runner.release_name,
            namespace=runner.namespace,
            job_namespace=runner.job_namespace,
            replicas=runner.manager.replicas,
            poll_timeout=runner.poll_timeout,
            job_timeout=runner.job_timeout,
        )

    @property
    def fullname(self) -> str:
        """Name of its objects."""
        return fullname(self.name)

    def manager(self, *further: str) -> str:
        """Return the matchers of its managers' series, and no other runner's in the same namespace."""
        pods = rf"{self.fullname[:_LONGEST_BASE]}-?[a-z0-9]*-?[a-z0-9]{{5}}"
        return "{" + ", ".join([f'namespace="{self.namespace}"', f'pod=~"{pods}"', *further]) + "}"

    def jobs(self, *further: str) -> str:
        """Return the matchers of kube-state-metrics' series of its jobs' pods."""
        return "{" + ", ".join([f'namespace="{self.job_namespace}"', *further]) + "}"


def managers(runner: MonitoredRunner) -> str:
    """Count the managers whose metrics are read; nothing where there is none."""
    return f"count(max by (pod) (up{runner.manager()}) == 1)"


def running(runner: MonitoredRunner) -> str:
    """Count the jobs that the managers have."""
    return f"sum(gitlab_runner_jobs{runner.manager()})"


def limit(runner: MonitoredRunner) -> str:
    """Count the jobs that they may have."""
    return f"sum(gitlab_runner_concurrent{runner.manager()})"


def failures(runner: MonitoredRunner, window: str, reasons: tuple[str, ...] = SYSTEM_FAILURES) -> str:
    """Count the jobs that failed for one of some reasons; as a rule, those that the runner or the cluster failed."""
    matcher = f'failure_reason=~"{"|".join(reasons)}"'
    return f"sum(increase(gitlab_runner_failed_jobs_total{runner.manager(matcher)}[{window}]))"


def jobs(runner: MonitoredRunner, window: str) -> str:
    """Count the jobs that were taken."""
    return f"sum(increase(gitlab_runner_jobs_total{runner.manager()}[{window}]))"


def in_phase(runner: MonitoredRunner, phase: str) -> str:
    """Return 1 for each of the jobs' pods in a phase."""
    matchers = runner.jobs(f'phase="{phase}"')
    return f"max by ({_POD}) (kube_pod_status_phase{matchers}) == 1"


def unschedulable(runner: MonitoredRunner) -> str:
    """Return 1 for each of the jobs' pods that no node takes."""
    return f"max by ({_POD}) (kube_pod_status_unschedulable{runner.jobs()}) == 1"


def pending_seconds(runner: MonitoredRunner) -> str:
    """Return the age of each of the jobs' pods that is pending."""
    age = f"time() - max by ({_POD}) (kube_pod_created{runner.jobs()})"
    return f"{age} and on ({_POD}) {in_phase(runner, 'Pending')}"


def start_seconds(runner: MonitoredRunner) -> str:
    """Return how long each of the jobs' pods took until it was ready."""
    ready = f"max by ({_POD}) (kube_pod_status_ready_time{runner.jobs()})"
    return f"{ready} - on ({_POD}) max by ({_POD}) (kube_pod_created{runner.jobs()})"


def by_arch(runner: MonitoredRunner, fold: str, pods: str) -> str:
    """Fold values of pods by the architecture that they ask for."""
    selectors = f"max by ({_POD}, {_ARCH_SELECTOR}) (kube_pod_nodeselectors{runner.jobs()})"
    told = f"({pods}) * on ({_POD}) group_left ({_ARCH_SELECTOR}) {selectors}"
    every = f"{told} or on ({_POD}) ({pods})"
    labelled = f'label_replace({every}, "arch", "{UNKNOWN_ARCH}", "pod", ".*")'
    return f'{fold} by (arch) (label_replace({labelled}, "arch", "$1", "{_ARCH_SELECTOR}", "(.+)"))'


def ready_nodes() -> str:
    """Count the nodes that are ready, by architecture."""
    ready = 'max by (node) (kube_node_status_condition{condition="Ready", status="true"}) == 1'
    label = "label_kubernetes_io_arch"
    return f"count by ({label}) (({ready}) * on (node) group_left ({label}) max by (node, {label}) (kube_node_labels))"
