"""A runner's dashboard as Grafana reads it. Pure."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import JsonValue

from components.runner.monitoring import series
from components.runner.monitoring.series import MonitoredRunner

LABEL: Final = ("grafana_dashboard", "1")
"""What Grafana's sidecar looks for, in the chart `grafana` and in kube-prometheus-stack."""
SCHEMA_VERSION: Final = 39
"""Of Grafana 10.4; later ones read it too."""
COLUMNS: Final = 24
_HEIGHT: Final = 8
_SOURCE: Final[dict[str, JsonValue]] = {"type": "prometheus", "uid": "${datasource}"}
_RATE: Final = "$__rate_interval"


class Needs(StrEnum):
    """What a panel needs beside the runner's own metrics."""

    NOTHING = "the runner's metrics"
    PODS = "kube-state-metrics"
    SELECTORS = "kube-state-metrics with kube_pod_nodeselectors"
    NODE_LABELS = "kube-state-metrics with the node label kubernetes.io/arch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query, and what its lines are called."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel."""

    title: str
    says: str
    """What it shows, for its tooltip and for docs/monitoring.md."""

    queries: tuple[Query, ...]
    needs: Needs = Needs.NOTHING
    unit: str = "short"
    number: bool = False
    """Whether it is one number, and no graph."""

    width: int = 8


def panels(runner: MonitoredRunner) -> tuple[Panel, ...]:
    """Return every panel, in the order of reading."""
    return (*_numbers(runner), *_pods(runner), *_waiting(runner), *_failures(runner), *_manager(runner))


def dashboard(runner: MonitoredRunner) -> dict[str, JsonValue]:
    """Return the dashboard, which has the same uid in every update."""
    where = f"{runner.namespace}/{runner.fullname}"
    chosen: dict[str, JsonValue] = {"name": "datasource", "label": "Prometheus", "type": "datasource"}
    return {
        "uid": f"multiarch-{hashlib.sha256(where.encode()).hexdigest()[:12]}",
        "title": f"GitLab Runner: {where}",
        "tags": ["gitlab-runner", "multiarch-runner"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": False,
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "1m",
        "templating": {"list": [{**chosen, "query": "prometheus", "current": {}}]},
        "panels": list(_laid_out(panels(runner))),
    }


def dashboard_text(runner: MonitoredRunner) -> str:
    """Return it as the ConfigMap's file."""
    return json.dumps(dashboard(runner), indent=1, sort_keys=True) + "\n"


def _laid_out(all_panels: Iterable[Panel]) -> Iterator[JsonValue]:
    """Put panels side by side, as many as fit; a row is as high as its panels, which are of one kind."""
    left = top = height = 0
    for number, panel in enumerate(all_panels, 1):
        if left + panel.width > COLUMNS:
            left, top = 0, top + height
        height = _HEIGHT // 2 if panel.number else _HEIGHT
        place: dict[str, JsonValue] = {"x": left, "y": top, "w": panel.width, "h": height}
        yield _drawn(panel, number, place)
        left += panel.width


def _drawn(panel: Panel, number: int, place: dict[str, JsonValue]) -> JsonValue:
    needs = "" if panel.needs is Needs.NOTHING else f" Needs {panel.needs.value}."
    targets: list[JsonValue] = [
        {"refId": chr(ord("A") + index), "expr": query.expr, "legendFormat": query.legend, "datasource": dict(_SOURCE)}
        for index, query in enumerate(panel.queries)
    ]
    return {
        "id": number,
        "type": "stat" if panel.number else "timeseries",
        "title": panel.title,
        "description": panel.says + needs,
        "datasource": dict(_SOURCE),
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": targets,
    }


def _number(title: str, says: str, expr: str, unit: str = "short") -> Panel:
    return Panel(title=title, says=says, queries=(Query(expr=expr, legend=title),), unit=unit, number=True, width=6)


def _numbers(runner: MonitoredRunner) -> tuple[Panel, ...]:
    share = f"{series.running(runner)} / {series.limit(runner)}"
    return (
        _number("Managers up", "Managers whose metrics are read.", f"{series.managers(runner)} or vector(0)"),
        _number("Jobs", "Jobs that the managers have now.", f"{series.running(runner)} or vector(0)"),
        _number("Places taken", "Jobs of those that `concurrent` allows.", f"{share} or vector(0)", "percentunit"),
        _number(
            "System failures",
            "Jobs of the last hour that failed by the runner or the cluster.",
            f"{series.failures(runner, '1h')} or vector(0)",
        ),
    )


def _pods(runner: MonitoredRunner) -> tuple[Panel, ...]:
    def counted(title: str, says: str, pods: str) -> Panel:
        query = Query(expr=series.by_arch(runner, "sum", pods), legend="{{arch}}")
        return Panel(title=title, says=says, queries=(query,), needs=Needs.SELECTORS)

    return (
        counted("Jobs running by architecture", "Pods of jobs that run.", series.in_phase(runner, "Running")),
        counted("Jobs pending by architecture", "Pods of jobs that wait.", series.in_phase(runner, "Pending")),
        counted(
            "Jobs without a node by architecture",
            "Pods of jobs that the scheduler has no node for: the autoscaler's turn.",
            series.unschedulable(runner),
        ),
    )


def _waiting(runner: MonitoredRunner) -> tuple[Panel, ...]:
    def seconds(title: str, says: str, fold: str, pods: str) -> Panel:
        query = Query(expr=series.by_arch(runner, fold, pods), legend="{{arch}}")
        return Panel(title=title, says=says, queries=(query,), needs=Needs.SELECTORS, unit="s")

    nodes = Query(expr=series.ready_nodes(), legend="{{label_kubernetes_io_arch}}")
    stage = runner.manager(f'stage="{series.STARTING}"')
    return (
        seconds(
            "Oldest pending job by architecture",
            f"Age of the pod that waits longest; at {runner.poll_timeout} s its job fails.",
            "max",
            series.pending_seconds(runner),
        ),
        seconds(
            "Start latency by architecture",
            "Mean time from making a job's pod to its being ready, of the pods that are there.",
            "avg",
            series.start_seconds(runner),
        ),
        Panel(
            title="Nodes by architecture",
            says="Nodes of the cluster that are ready.",
            queries=(nodes,),
            needs=Needs.NODE_LABELS,
        ),
        Panel(
            title="Time in GitLab's queue",
            says="How long jobs waited before the runner took them.",
            queries=_quantiles("gitlab_runner_job_queue_duration_seconds", runner.manager()),
            unit="s",
        ),
        Panel(
            title="Start latency",
            says="How long the stage took in which a job's pod is made and waited for.",
            queries=_quantiles("gitlab_runner_job_stage_duration_seconds", stage),
            unit="s",
        ),
        Panel(
            title="Length of jobs",
            says="How long jobs took.",
            queries=_quantiles("gitlab_runner_job_duration_seconds", runner.manager()),
            unit="s",
        ),
    )


def _quantiles(name: str, matchers: str) -> tuple[Query, ...]:
    rates = f"sum by (le) (rate({name}_bucket{matchers}[{_RATE}]))"
    return tuple(
        Query(expr=f"histogram_quantile({share}, {rates})", legend=legend)
        for share, legend in (("0.5", "median"), ("0.95", "95 of 100"))
    )


def _failures(runner: MonitoredRunner) -> tuple[Panel, ...]:
    own = runner.manager()
    stages = Query(expr=f"sum by (stage) (gitlab_runner_jobs{own})", legend="{{stage}}")
    reasons = f"sum by (failure_reason) (increase(gitlab_runner_failed_jobs_total{own}[{_RATE}]))"
    statuses = f"sum by (endpoint, status) (rate(gitlab_runner_api_request_statuses_total{own}[{_RATE}]))"
    return (
        Panel(title="Jobs by stage", says="What the jobs are at.", queries=(stages,)),
        Panel(
            title="Failed jobs by reason",
            says="`runner_system_failure` is the runner's or the cluster's, `script_failure` the job's own.",
            queries=(Query(expr=reasons, legend="{{failure_reason}}"),),
        ),
        Panel(
            title="Answers of GitLab",
            says="Requests by what they ask and the status of the answer. One without an answer is not counted.",
            queries=(Query(expr=statuses, legend="{{endpoint}} {{status}}"),),
            unit="reqps",
        ),
    )


def _manager(runner: MonitoredRunner) -> tuple[Panel, ...]:
    own = runner.manager()
    asked = ("request_concurrency", "in use"), ("request_concurrency_used_limit", "limit")
    return (
        Panel(
            title="Jobs and their limit",
            says="Jobs of all managers, and `concurrent` of all managers.",
            queries=(
                Query(expr=series.running(runner), legend="jobs"),
                Query(expr=series.limit(runner), legend="concurrent"),
            ),
        ),
        Panel(
            title="Requests for jobs at a time",
            says="Open requests for a job, and how many the manager allows itself.",
            queries=tuple(Query(expr=f"sum(gitlab_runner_{name}{own})", legend=legend) for name, legend in asked),
        ),
        Panel(
            title="Memory of the managers",
            says="Resident memory; its limit is `runner.manager.resources`.",
            queries=(Query(expr=f"process_resident_memory_bytes{own}", legend="{{pod}}"),),
            unit="bytes",
        ),
    )
