"""Each alert fires where it should and nowhere else, and each query is PromQL: as Prometheus' own engine says."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.ci_jobs import ATTEMPTS, BUILDS
from components.runner.monitoring import dashboard, rules
from components.runner.monitoring.series import MonitoredRunner
from components.runner.settings import Manager, RunnerConfig
from tests.monitoring.promtool import Promtool

SEEN = MonitoredRunner.of(RunnerConfig(gitlab_url="https://gitlab.com"))
TWO = MonitoredRunner.of(RunnerConfig(gitlab_url="https://gitlab.com", manager=Manager(replicas=2)))
POD = 'namespace="gitlab-runner", pod="gitlab-runner-7d8f9b6c5d-x2x4z"'
SECOND = 'namespace="gitlab-runner", pod="gitlab-runner-7d8f9b6c5d-aaaaa"'
OTHER = 'namespace="gitlab-runner", pod="gitlab-runner-buildkit-7d8f9b6c5d-x2x4z"'
JOB = 'namespace="gitlab-runner-jobs", pod="runner-1", uid="1"'
OTHER_JOB = 'namespace="gitlab-runner-jobs", pod="runner-2", uid="2"'
DAY_LONG = MonitoredRunner.of(RunnerConfig(gitlab_url="https://gitlab.com", job_timeout=86_400))
UP = {f"up{{{POD}}}": "1x400"}
STATUSES = "gitlab_runner_api_request_statuses_total"
ACCEPTED = f'{STATUSES}{{{POD}, endpoint="request_job", status="204"}}'
FAILED = "gitlab_runner_failed_jobs_total"
BUCKET = "gitlab_runner_job_queue_duration_seconds_bucket"
VARIABLES = {"$__rate_interval": "5m", "${datasource}": "prometheus"}
MANAGER_POD = f'kube_pod_status_phase{{{POD}, uid="9", phase="Running"}}'
ARM = f'kube_pod_nodeselectors{{{JOB}, nodeselector_kubernetes_io_arch="arm64"}}'
AMD = f'kube_pod_nodeselectors{{{OTHER_JOB}, nodeselector_kubernetes_io_arch="amd64"}}'


def pending(job: str) -> str:
    return f'kube_pod_status_phase{{{job}, phase="Pending"}}'


def created(job: str) -> str:
    return f"kube_pod_created{{{job}}}"


@dataclass(frozen=True, kw_only=True)
class Case:
    """Series, one sample a minute, and when to look; which label sets the alert fires with then."""

    alert: str
    what: str
    series: Mapping[str, str]
    at: int
    fires: tuple[Mapping[str, str], ...] = ()
    runner: MonitoredRunner = field(default=SEEN)
    cause: str = ""
    """The word of the alert's description for what these series are the trace of, where it has one."""


ONCE: tuple[Mapping[str, str], ...] = ({},)
CASES = [
    Case(alert="GitLabRunnerDown", what="no series at all", series={}, at=10, fires=ONCE),
    Case(
        alert="GitLabRunnerDown",
        what="a manager that does not answer",
        series={f"up{{{POD}}}": "0x60"},
        at=10,
        fires=ONCE,
    ),
    Case(
        alert="GitLabRunnerDown",
        what="only the other runner's manager",
        series={f"up{{{OTHER}}}": "1x60"},
        at=10,
        fires=ONCE,
    ),
    Case(alert="GitLabRunnerDown", what="one manager of two", series=UP, at=10, fires=ONCE, runner=TWO),
    Case(alert="GitLabRunnerDown", what="a manager", series=UP, at=10),
    Case(
        alert="GitLabRunnerDown",
        what="two managers of two",
        series={**UP, f"up{{{SECOND}}}": "1x60"},
        at=10,
        runner=TWO,
    ),
    Case(alert="GitLabRunnerDown", what="a short gap", series={f"up{{{POD}}}": "1 1 0 0 1 1 1"}, at=5),
    *(
        Case(alert="GitLabRunnerCutOff", what=f"no answer ever: {cause}", series=UP, at=30, fires=ONCE, cause=cause)
        for cause in ("certificate", "network policy", "proxy")
    ),
    *(
        Case(
            alert="GitLabRunnerCutOff",
            what=f"403: {cause}",
            series={**UP, ACCEPTED: "100x60", f'{STATUSES}{{{POD}, endpoint="request_job", status="403"}}': "0+20x60"},
            at=30,
            fires=ONCE,
            cause=cause,
        )
        for cause in ("revoked", "deleted")
    ),
    Case(
        alert="GitLabRunnerCutOff",
        what="no jobs, but answers: a runner that was paused is given the same ones",
        series={**UP, ACCEPTED: "0+20x60"},
        at=30,
        cause="paused",
    ),
    Case(
        alert="GitLabRunnerCutOff",
        what="a full manager, which asks for nothing",
        series={
            **UP,
            ACCEPTED: "100x60",
            f'gitlab_runner_jobs{{{POD}, stage="step_script"}}': "20x60",
            f"gitlab_runner_concurrent{{{POD}}}": "20x60",
        },
        at=30,
    ),
    Case(
        alert="GitLabRunnerCutOff",
        what="a manager with some jobs, which asks",
        series={
            **UP,
            ACCEPTED: "100x60",
            f'gitlab_runner_jobs{{{POD}, stage="step_script"}}': "19x60",
            f"gitlab_runner_concurrent{{{POD}}}": "20x60",
        },
        at=30,
        fires=ONCE,
    ),
    Case(alert="GitLabRunnerCutOff", what="a manager that is down, which is another alert", series={}, at=30),
    Case(
        alert="GitLabRunnerJobsPending",
        what="an arm64 job beside an amd64 one that runs",
        series={pending(JOB): "1x60", created(JOB): "0x60", ARM: "1x60", pending(OTHER_JOB): "0x60", AMD: "1x60"},
        at=9,
        fires=({"arch": "arm64"},),
    ),
    Case(
        alert="GitLabRunnerJobsPending",
        what="one job of each architecture",
        series={
            **{pending(job): "1x60" for job in (JOB, OTHER_JOB)},
            **{created(job): "0x60" for job in (JOB, OTHER_JOB)},
            ARM: "1x60",
            AMD: "1x60",
        },
        at=9,
        fires=({"arch": "arm64"}, {"arch": "amd64"}),
    ),
    Case(
        alert="GitLabRunnerJobsPending",
        what="a job without its selector told",
        series={pending(JOB): "1x60", created(JOB): "0x60"},
        at=9,
        fires=({"arch": "unknown"},),
    ),
    Case(
        alert="GitLabRunnerJobsPending",
        what="a node that is being made",
        series={pending(JOB): "1 1 1 1 1 1 0 0 0 0", created(JOB): "0x60", ARM: "1x60"},
        at=9,
    ),
    Case(
        alert="GitLabRunnerJobsPending",
        what="a pod of somebody else",
        series={
            'kube_pod_status_phase{namespace="else", pod="p", uid="3", phase="Pending"}': "1x60",
            'kube_pod_created{namespace="else", pod="p", uid="3"}': "0x60",
        },
        at=30,
    ),
    Case(
        alert="GitLabRunnerSystemFailures",
        what="every second job",
        series={
            f'{FAILED}{{{POD}, failure_reason="runner_system_failure"}}': "0+1x60",
            f"gitlab_runner_jobs_total{{{POD}}}": "0+2x60",
        },
        at=30,
        fires=ONCE,
    ),
    Case(
        alert="GitLabRunnerSystemFailures",
        what="scripts that fail",
        series={
            f'{FAILED}{{{POD}, failure_reason="script_failure"}}': "0+1x60",
            f"gitlab_runner_jobs_total{{{POD}}}": "0+2x60",
        },
        at=30,
    ),
    Case(
        alert="GitLabRunnerSystemFailures",
        what="few of many",
        series={
            f'{FAILED}{{{POD}, failure_reason="runner_system_failure"}}': "0+1x60",
            f"gitlab_runner_jobs_total{{{POD}}}": "0+50x60",
        },
        at=30,
    ),
    *(
        Case(
            alert="GitLabRunnerSystemFailures",
            what=f"the {jobs} failures that one mistake in a file makes, {how}",
            series={
                f'{FAILED}{{{POD}, failure_reason="runner_system_failure"}}': values,
                f"gitlab_runner_jobs_total{{{POD}}}": values,
            },
            at=at,
        )
        for jobs in (ATTEMPTS, ATTEMPTS * BUILDS)
        for how, values, at in (
            ("on a new manager", f"0 {jobs}x60", 7),
            ("at once", f"7 {7 + jobs}x60", 7),
            ("late in a full hour", f"7x75 {7 + jobs}x60", 85),
            ("one by one", f"7+1x{jobs} {7 + jobs}x60", 15),
        )
    ),
    Case(
        alert="GitLabRunnerSystemFailures",
        what="one failure more than one mistake makes",
        series={
            f'{FAILED}{{{POD}, failure_reason="runner_system_failure"}}': f"7x75 {8 + ATTEMPTS * BUILDS}x60",
            f"gitlab_runner_jobs_total{{{POD}}}": f"7x75 {8 + ATTEMPTS * BUILDS}x60",
        },
        at=85,
        fires=ONCE,
    ),
    *(
        Case(
            alert="GitLabRunnerImagesFail",
            what=what,
            series={
                f'{FAILED}{{{POD}, failure_reason="{reason}"}}': failed,
                f"gitlab_runner_jobs_total{{{POD}}}": taken,
            },
            at=at,
            fires=fires,
            cause=cause,
        )
        for what, reason, failed, taken, at, fires, cause in (
            ("every job", "image_pull_failure", "0+1x60", "0+1x60", 30, ONCE, "helper image"),
            ("most jobs", "image_pull_failure", "0+3x60", "0+4x60", 30, ONCE, "registry"),
            ("the first jobs of a new manager", "image_pull_failure", "_ 2+2x60", "0+2x60", 12, ONCE, ""),
            ("a helper image that goes", "image_pull_failure", "1x60 2+2x60", "0+2x120", 90, ONCE, ""),
            ("a pipeline of five jobs", "image_pull_failure", "7x40 12x60", "7x40 12x60", 47, (), ""),
            ("six misspelt images of many jobs", "image_pull_failure", "7x40 13x60", "0+1x100", 47, (), "misspelt"),
            ("a helper image that came back", "image_pull_failure", "0+2x20 40x60", "0+2x80", 60, (), ""),
            ("evictions, which are another alert", "runner_system_failure", "0+1x60", "0+1x60", 30, (), ""),
        )
    ),
    Case(
        alert="GitLabRunnerApiErrors",
        what="one in two",
        series={ACCEPTED: "0+10x60", f'{STATUSES}{{{POD}, endpoint="update_job", status="502"}}': "0+10x60"},
        at=40,
        fires=ONCE,
    ),
    Case(
        alert="GitLabRunnerApiErrors",
        what="cancelled jobs, which GitLab answers with 403 and 404",
        series={ACCEPTED: "0+10x60", f'{STATUSES}{{{POD}, endpoint="patch_trace", status="403"}}': "0+10x60"},
        at=40,
    ),
    Case(
        alert="GitLabRunnerApiErrors",
        what="a restart of GitLab",
        series={ACCEPTED: "0+10x60", f'{STATUSES}{{{POD}, endpoint="update_job", status="502"}}': "0 10 20x60"},
        at=40,
    ),
    Case(
        alert="GitLabRunnerQueueLong",
        what="half of the jobs wait a quarter of an hour",
        series={
            f'{BUCKET}{{{POD}, le="300"}}': "0+5x60",
            f'{BUCKET}{{{POD}, le="900"}}': "0+10x60",
            f'{BUCKET}{{{POD}, le="+Inf"}}': "0+10x60",
        },
        at=45,
        fires=ONCE,
    ),
    Case(
        alert="GitLabRunnerQueueLong",
        what="one job of twenty waits",
        series={
            f'{BUCKET}{{{POD}, le="300"}}': "0+19x60",
            f'{BUCKET}{{{POD}, le="900"}}': "0+20x60",
            f'{BUCKET}{{{POD}, le="+Inf"}}': "0+20x60",
        },
        at=45,
    ),
    Case(
        alert="GitLabRunnerFull",
        what="for an hour",
        series={
            f'gitlab_runner_jobs{{{POD}, stage="a"}}': "15x60",
            f'gitlab_runner_jobs{{{POD}, stage="b"}}': "5x60",
            f"gitlab_runner_concurrent{{{POD}}}": "20x60",
        },
        at=40,
        fires=ONCE,
    ),
    Case(
        alert="GitLabRunnerFull",
        what="in a burst",
        series={
            f'gitlab_runner_jobs{{{POD}, stage="a"}}': "1x20 20x15 1x20",
            f"gitlab_runner_concurrent{{{POD}}}": "20x60",
        },
        at=36,
    ),
    Case(
        alert="GitLabRunnerFull",
        what="for an hour and a half, where jobs may take a day",
        series={f'gitlab_runner_jobs{{{POD}, stage="a"}}': "20x120", f"gitlab_runner_concurrent{{{POD}}}": "20x120"},
        at=90,
        fires=ONCE,
        runner=DAY_LONG,
    ),
    Case(
        alert="GitLabRunnerFull",
        what="for half an hour, where jobs may take a day",
        series={
            f'gitlab_runner_jobs{{{POD}, stage="a"}}': "1x10 20x30 1x60",
            f"gitlab_runner_concurrent{{{POD}}}": "20x120",
        },
        at=40,
        runner=DAY_LONG,
    ),
    Case(
        alert="GitLabRunnerFull",
        what="the other runner",
        series={f'gitlab_runner_jobs{{{OTHER}, stage="a"}}': "20x60", f"gitlab_runner_concurrent{{{OTHER}}}": "20x60"},
        at=40,
    ),
    Case(alert="GitLabRunnerPodsUnseen", what="no kube-state-metrics", series=UP, at=90, fires=ONCE),
    Case(alert="GitLabRunnerPodsUnseen", what="kube-state-metrics", series={**UP, MANAGER_POD: "1x400"}, at=90),
    Case(alert="GitLabRunnerPodsUnseen", what="a manager that is down", series={}, at=90),
]


def written(folder: Path, name: str, document: Any) -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump(document, width=1000), encoding="utf-8")
    return path


def expected(case: Case) -> list[dict[str, Any]]:
    (alert,) = (one for one in rules.alerts(case.runner) if one.name == case.alert)
    return [{"exp_labels": {**rules.alert_labels(alert, case.runner), **labels}} for labels in case.fires]


def test_every_alert_has_series_that_fire_it_and_others_that_do_not() -> None:
    names = {alert.name for alert in rules.alerts(SEEN)}
    assert names == {case.alert for case in CASES if case.fires} == {case.alert for case in CASES if not case.fires}


@pytest.mark.parametrize("case", [case for case in CASES if case.cause], ids=lambda case: f"{case.alert}: {case.cause}")
def test_an_alert_names_a_cause_just_where_that_causes_series_fire_it(case: Case) -> None:
    """Whether they do, the next test asks Prometheus."""
    (alert,) = (one for one in rules.alerts(case.runner) if one.name == case.alert)
    assert (case.cause in alert.description) == bool(case.fires), alert.description


@pytest.mark.parametrize("case", CASES, ids=[f"{case.alert}: {case.what}" for case in CASES])
def test_an_alert_fires_where_it_should(case: Case, promtool: Promtool, tmp_path: Path) -> None:
    spec: Any = rules.rule_spec(case.runner)
    for group in spec["groups"]:
        for rule in group["rules"]:
            rule.pop("annotations")  # their text is not what is asked here
    written(tmp_path, "rules.yml", spec)
    document = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
                "alert_rule_test": [
                    {"eval_time": f"{case.at}m", "alertname": case.alert, "exp_alerts": expected(case)}
                ],
            }
        ],
    }
    answer = promtool.test(written(tmp_path, "tests.yml", document))
    assert answer.good, answer.text


def test_an_alerts_text_is_filled_in_with_what_it_saw(promtool: Promtool, tmp_path: Path) -> None:
    """A template that fails is put into the text as its error."""
    written(tmp_path, "rules.yml", rules.rule_spec(SEEN))
    (case,) = (one for one in CASES if one.what == "a job without its selector told")
    wanted = "A pod in gitlab-runner-jobs has been pending for 9m 0s; after 600 s (runner.pollTimeout) its job fails."
    (alert,) = (one for one in rules.alerts(SEEN) if one.name == case.alert)
    description = alert.description.replace("{{ $value | humanizeDuration }}", "9m 0s")
    assert description.startswith(wanted)
    annotations = {"summary": "A job of gitlab-runner for unknown waits for its pod.", "description": description}
    document = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
                "alert_rule_test": [
                    {
                        "eval_time": "9m",
                        "alertname": case.alert,
                        "exp_alerts": [{**expected(case)[0], "exp_annotations": annotations}],
                    }
                ],
            }
        ],
    }
    answer = promtool.test(written(tmp_path, "tests.yml", document))
    assert answer.good, answer.text


@pytest.mark.parametrize("seen", [SEEN, TWO, replace(SEEN, name="r" * 53, namespace="a-b", job_namespace="c")])
def test_prometheus_takes_the_rules(seen: MonitoredRunner, promtool: Promtool, tmp_path: Path) -> None:
    answer = promtool.check(written(tmp_path, "rules.yml", rules.rule_spec(seen)))
    assert answer.good, answer.text
    assert f"{len(rules.alerts(seen))} rules found" in answer.text


def test_prometheus_takes_every_query_of_the_dashboard(promtool: Promtool, tmp_path: Path) -> None:
    text = dashboard.dashboard_text(SEEN)
    for variable, value in VARIABLES.items():
        text = text.replace(variable, value)
    # `$1` is a group of label_replace's pattern.
    assert not re.search(r"\$(?!1\b)", text), "a variable of Grafana's that nobody stands in for"
    queries = [target["expr"] for panel in json.loads(text)["panels"] for target in panel["targets"]]
    recorded = [{"record": f"panel:query:{number}", "expr": query} for number, query in enumerate(queries)]
    answer = promtool.check(written(tmp_path, "rules.yml", {"groups": [{"name": "panels", "rules": recorded}]}))
    assert answer.good, answer.text
    assert f"{len(queries)} rules found" in answer.text


def test_a_query_that_is_no_promql_is_refused(promtool: Promtool, tmp_path: Path) -> None:
    broken = {"groups": [{"name": "g", "rules": [{"record": "a", "expr": "sum(b"}]}]}
    assert not promtool.check(written(tmp_path, "rules.yml", broken)).good
