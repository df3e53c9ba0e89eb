"""The alert rules of a runner, as a PrometheusRule of the Prometheus Operator. Pure.

Few, each worth looking at when it comes. What a setting decides, its threshold is made of; the others are constants
with their reason.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import JsonValue

from components.ci_jobs import ATTEMPTS, BUILDS
from components.runner.monitoring import series
from components.runner.monitoring.series import MonitoredRunner

API_VERSION: Final = "monitoring.coreos.com/v1"
KIND: Final = "PrometheusRule"
RUNNER_LABEL: Final = "gitlab_runner"
"""The label of each alert that says which runner it is about."""
_DOCTOR: Final = "`multiarch doctor` reads the cluster and names the cause."
# A bound of the runner's own histogram, so that the quantile is not interpolated across it.
_QUEUE_SECONDS: Final = 300
_ERROR_SHARE: Final = 0.1
_FAILED_SHARE: Final = 0.1
# One image's jobs are their author's matter, with every attempt: GitLab also calls it a system failure when the runner
# or the API server refuses what a job asks for, and tries that again.
_FAILED_JOBS: Final = ATTEMPTS * BUILDS + 1
# Images that can't be pulled are mostly misspelt, and those are few of many. What most jobs miss is the helper image
# or a registry: the runner tells of all of them by the same reason.
_IMAGE_SHARE: Final = 0.5
_IMAGE_JOBS: Final = 6
# Jobs may take or wait a day; whoever could help has gone home then.
_LONGEST_FOR: Final = 3600
_ERRORS: Final = 'status=~"5..|429"'


class Severity(StrEnum):
    """What an alert's label `severity` says, as kube-prometheus-stack's own rules have it."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert."""

    name: str
    severity: Severity
    expr: str
    after: int
    """Seconds that the expression must hold (`for`)."""

    summary: str
    description: str
    """What is wrong, then the fix."""


def alerts(runner: MonitoredRunner) -> tuple[Alert, ...]:
    """Return every alert of a runner, the worst first."""
    return (
        _down(runner),
        _cut_off(runner),
        _pending(runner),
        _failing(runner),
        _images(runner),
        _api_errors(runner),
        _queue(runner),
        _full(runner),
        _unseen(runner),
    )


def rule_spec(runner: MonitoredRunner) -> dict[str, JsonValue]:
    """Return a PrometheusRule's `spec`: a rule file of Prometheus as data."""
    rules: list[JsonValue] = [_rule(alert, runner) for alert in alerts(runner)]
    return {"groups": [{"name": f"{runner.namespace}/{runner.fullname}", "rules": rules}]}


def alert_labels(alert: Alert, runner: MonitoredRunner) -> dict[str, JsonValue]:
    """Return what Alertmanager may route by. An AlertmanagerConfig is given alerts of its own namespace only."""
    return {"severity": alert.severity.value, "namespace": runner.namespace, RUNNER_LABEL: runner.name}


def _rule(alert: Alert, runner: MonitoredRunner) -> dict[str, JsonValue]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": f"{alert.after}s",
        "labels": alert_labels(alert, runner),
        "annotations": {"summary": alert.summary, "description": alert.description},
    }


def _down(runner: MonitoredRunner) -> Alert:
    return Alert(
        name="GitLabRunnerDown",
        severity=Severity.CRITICAL,
        # No series is no answer to a comparison: without `vector(0)` a manager that is gone would be no alert.
        expr=f"({series.managers(runner)} or vector(0)) < {runner.replicas}",
        after=300,
        summary=f"{{{{ $value }}}} of {runner.replicas} managers of {runner.name} answer Prometheus.",
        description=(
            f"No manager, no job. Look at the pods of Deployment {runner.fullname} in {runner.namespace}: "
            f"{_DOCTOR} If they run, Prometheus does not reach them: check that it finds the PodMonitor, and that "
            "runner.metrics.namespace names the namespace of Prometheus."
        ),
    )


def _cut_off(runner: MonitoredRunner) -> Alert:
    # Nothing is counted of a request without an answer: the sign of an unreachable GitLab is that no answer comes.
    # A runner that somebody paused is answered like one without jobs (204): its pause is no fault, and no alert.
    accepted = runner.manager('endpoint="request_job"', 'status=~"201|204"')
    answers = f"sum(rate(gitlab_runner_api_request_statuses_total{accepted}[10m]))"
    # A manager asks for no job while it has as many as it may.
    full = f"{series.running(runner)} >= {series.limit(runner)}"
    return Alert(
        name="GitLabRunnerCutOff",
        severity=Severity.CRITICAL,
        expr=f"({answers} or vector(0)) == 0 and on () {series.managers(runner)} > 0 unless on () {full}",
        after=300,
        summary=f"GitLab has given {runner.name} no good answer for 10 minutes.",
        description=(
            "The manager runs and gets no jobs. Its log says why: a name or certificate that does not fit, a network "
            f"policy or proxy in the way, a token that was revoked, a runner that was deleted. {_DOCTOR}"
        ),
    )


def _pending(runner: MonitoredRunner) -> Alert:
    # Both together stay below pollTimeout, when the manager gives the job up and deletes the pod.
    oldest = series.by_arch(runner, "max", series.pending_seconds(runner))
    return Alert(
        name="GitLabRunnerJobsPending",
        severity=Severity.WARNING,
        expr=f"{oldest} > {runner.poll_timeout // 2}",
        after=min(runner.poll_timeout // 4, _LONGEST_FOR),
        summary=f"A job of {runner.name} for {{{{ $labels.arch }}}} waits for its pod.",
        description=(
            f"A pod in {runner.job_namespace} has been pending for {{{{ $value | humanizeDuration }}}}; after "
            f"{runner.poll_timeout} s (runner.pollTimeout) its job fails. There is no node of that architecture with "
            f"room, or the image does not come. {_DOCTOR} Raise maxNodes of the pool or the cloud's quota."
        ),
    )


def _failing(runner: MonitoredRunner) -> Alert:
    failed, jobs = series.failures(runner, "1h"), series.jobs(runner, "1h")
    return Alert(
        name="GitLabRunnerSystemFailures",
        severity=Severity.WARNING,
        expr=f"{failed} >= {_FAILED_JOBS} and on () {failed} > {_FAILED_SHARE} * {jobs}",
        after=300,
        summary=f"Jobs of {runner.name} fail for the runner's sake.",
        description=(
            "{{ $value | humanize }} jobs of the last hour failed, more than one in ten, and not by their script: pods "
            "that were evicted or never started, a helper image that does not fit the node, an API server that does "
            f"not answer. {_DOCTOR}"
        ),
    )


def _images(runner: MonitoredRunner) -> Alert:
    failed, jobs = series.failures(runner, "30m", (series.IMAGE_FAILURE,)), series.jobs(runner, "30m")
    return Alert(
        name="GitLabRunnerImagesFail",
        severity=Severity.WARNING,
        expr=f"{failed} >= {_IMAGE_JOBS} and on () {failed} > {_IMAGE_SHARE} * {jobs}",
        after=300,
        summary=f"Most jobs of {runner.name} fail because an image can't be pulled.",
        description=(
            "{{ $value | humanize }} jobs of the last half hour, more than every second one. It is mostly the helper "
            "image, which every job has (runner.helperImage), or a registry that is down, refuses or limits the "
            f"nodes. The jobs' logs name the image. {_DOCTOR}"
        ),
    )


def _api_errors(runner: MonitoredRunner) -> Alert:
    name = "gitlab_runner_api_request_statuses_total"
    bad, every = runner.manager(_ERRORS), runner.manager()
    return Alert(
        name="GitLabRunnerApiErrors",
        severity=Severity.WARNING,
        expr=f"sum(rate({name}{bad}[15m])) / sum(rate({name}{every}[15m])) > {_ERROR_SHARE}",
        after=900,
        summary=f"GitLab answers {{{{ $value | humanizePercentage }}}} of the requests of {runner.name} with errors.",
        description=(
            "5xx: GitLab or the proxy before it is in trouble; look there. 429: the runner asks too often; raise "
            "runner.checkInterval. Logs and results of running jobs arrive late meanwhile."
        ),
    )


def _queue(runner: MonitoredRunner) -> Alert:
    waits = f"sum by (le) (rate(gitlab_runner_job_queue_duration_seconds_bucket{runner.manager()}[30m]))"
    return Alert(
        name="GitLabRunnerQueueLong",
        severity=Severity.WARNING,
        expr=f"histogram_quantile(0.9, {waits}) > {_QUEUE_SECONDS}",
        after=600,
        summary=f"Jobs wait in GitLab's queue before {runner.name} takes them.",
        description=(
            f"One job in ten waited longer than {_QUEUE_SECONDS} s. Raise runner.concurrent, and maxNodes of the pools "
            "with it; or the project has a limit of its own."
        ),
    )


def _full(runner: MonitoredRunner) -> Alert:
    return Alert(
        name="GitLabRunnerFull",
        severity=Severity.WARNING,
        expr=f"{series.running(runner)} >= {series.limit(runner)}",
        # Half of the longest job: a short burst is what the limit is for.
        after=min(runner.job_timeout // 2, _LONGEST_FOR),
        summary=f"{runner.name} has as many jobs as it may.",
        description=(
            "All {{ $value }} places have been taken for a long time, and further jobs wait in GitLab's queue. Raise "
            "runner.concurrent, and maxNodes of the pools with it; or find the jobs that hang."
        ),
    )


def _unseen(runner: MonitoredRunner) -> Alert:
    manager = f'kube_pod_status_phase{{namespace="{runner.namespace}"}}'
    return Alert(
        name="GitLabRunnerPodsUnseen",
        severity=Severity.INFO,
        expr=f"absent({manager}) and on () {series.managers(runner)} > 0",
        after=3600,
        summary="Prometheus has no series of kube-state-metrics for the runner's pods.",
        description=(
            "GitLabRunnerJobsPending can't fire, and half of the dashboard is empty. Install kube-state-metrics, "
            f"scrape it with honorLabels, and let it see the namespaces {runner.namespace} and {runner.job_namespace}."
        ),
    )
