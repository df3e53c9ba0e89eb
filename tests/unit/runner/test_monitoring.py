"""Alert rules and dashboard: they read what there is, fit the settings, and are declared where they are asked for."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints

import pytest

from components.runner.arguments import runner_args
from components.runner.classes import buildkit_class, first_class
from components.runner.component import MultiArchRunner
from components.runner.monitoring import dashboard, rules
from components.runner.monitoring.series import SYSTEM_FAILURES, MonitoredRunner
from components.runner.settings import RunnerConfig
from components.versions import CHART_VERSION, RUNNER_OF_CHART
from multiarch.rehearse.install.crds import PROMETHEUS_RULE
from tests.monitoring.extract import CLIENT, KUBE_STATE, OPERATOR, RECORD, RUNNER, shape
from tests.monitoring.promql import grouped_by, selectors

Runner = Callable[..., RunnerConfig]
Stacks = dict[str, Callable[..., Any]]
Record = Callable[[Callable[[], object]], Any]
KNOWN = json.loads(RECORD.read_text(encoding="utf-8"))
METRICS = {name: found for part in (RUNNER, KUBE_STATE, CLIENT) for name, found in KNOWN[part]["metrics"].items()}
OF_THE_SCRAPE = {"namespace", "pod"}
"""Labels that a scrape of pods puts on every series: by PodMonitor, or by Prometheus' own role `pod`."""
RULE = "kubernetes:monitoring.coreos.com/v1:PrometheusRule"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
ALL = {"prometheusRule": True, "dashboard": True}


def queries(seen: MonitoredRunner) -> Iterator[tuple[str, str]]:
    yield from ((alert.name, alert.expr) for alert in rules.alerts(seen))
    yield from ((panel.title, query.expr) for panel in dashboard.panels(seen) for query in panel.queries)


QUERIES = list(queries(MonitoredRunner.of(RunnerConfig(gitlab_url="https://gitlab.com"))))


def family(metric: str) -> dict[str, Any]:
    """Return the record of what a series belongs to: a histogram's `_bucket` is the histogram's."""
    base = metric.removesuffix("_bucket")
    found: dict[str, Any] = METRICS[base if METRICS.get(base, {}).get("type") == "histogram" else metric]
    return found


def labels_of(metric: str) -> set[str]:
    if metric == "up":
        return OF_THE_SCRAPE
    found = family(metric)
    scraped = set() if metric.startswith("kube_") else OF_THE_SCRAPE
    return {*found["labels"], *scraped, *({"le"} if metric.endswith("_bucket") else ())}


def has(metric: str, label: str) -> bool:
    prefix = "" if metric == "up" else family(metric).get("prefix", "")
    return label in labels_of(metric) or bool(prefix and label.startswith(prefix))


@pytest.mark.parametrize(("where", "expr"), QUERIES, ids=[where for where, _ in QUERIES])
def test_each_query_reads_series_and_labels_that_their_exporters_sources_have(where: str, expr: str) -> None:
    found = list(selectors(expr))
    assert found, where
    for selector in found:
        assert selector.metric == "up" or family(selector.metric), selector
        for label, _, _ in selector.matchers:
            assert has(selector.metric, label), f"{selector.metric} has no label {label}"
    for label in grouped_by(expr) - {"arch"}:
        assert any(has(selector.metric, label) for selector in found), f"{where}: nothing has a label {label}"


@pytest.mark.parametrize(("where", "expr"), QUERIES, ids=[where for where, _ in QUERIES])
def test_a_value_that_is_asked_for_is_one_that_the_runner_gives(where: str, expr: str) -> None:
    for selector in selectors(expr):
        for label, _, wanted in selector.matchers:
            known = KNOWN[RUNNER]["values"].get(label)
            if known is not None and selector.metric.startswith("gitlab_runner_"):
                assert set(wanted.split("|")) <= set(known), f"{where}: {label}"


def test_the_reader_of_queries_sees_every_selector() -> None:
    expr = (
        'sum by (a) (rate(x_total{b=~"c{2}|d"}[5m])) / on (e) group_left (f) max(y) and on () z{} > 0.1 * w offset 5m'
    )
    assert [(each.metric, each.matchers) for each in selectors(expr)] == [
        ("x_total", (("b", "=~", "c{2}|d"),)),
        ("z", ()),
        ("y", ()),
        ("w", ()),
    ]
    assert grouped_by(expr) == {"a", "e", "f"}


def test_the_record_is_of_the_runner_that_is_installed_by_default() -> None:
    assert KNOWN[RUNNER]["version"] == f"v{RUNNER_OF_CHART[CHART_VERSION]}", "python -m tests.monitoring.extract"


def test_the_rehearsals_stand_in_demands_of_a_rule_what_the_operators_crd_does() -> None:
    assert shape(PROMETHEUS_RULE) == KNOWN[OPERATOR]["PrometheusRule"]


def test_a_share_of_the_queue_is_asked_for_at_a_bound_of_its_histogram() -> None:
    (alert,) = (one for one in rules.alerts(seen_of()) if one.name == "GitLabRunnerQueueLong")
    threshold = float(alert.expr.rpartition(">")[2])
    assert threshold in METRICS["gitlab_runner_job_queue_duration_seconds"]["buckets"]


def seen_of(**keys: Any) -> MonitoredRunner:
    return MonitoredRunner.of(RunnerConfig(gitlab_url="https://gitlab.com", **keys))


@pytest.mark.parametrize("poll_timeout", [60, 61, 600, 3600])
def test_a_waiting_job_is_told_before_the_runner_gives_it_up(poll_timeout: int) -> None:
    (alert,) = (
        one for one in rules.alerts(seen_of(poll_timeout=poll_timeout)) if one.name == "GitLabRunnerJobsPending"
    )
    assert 0 < int(alert.expr.rpartition(">")[2]) + alert.after < poll_timeout


@pytest.mark.parametrize("job_timeout", [600, 3600, 86_400, 604_800])
def test_no_alert_waits_longer_than_an_hour_whatever_the_settings(job_timeout: int) -> None:
    for alert in rules.alerts(seen_of(job_timeout=job_timeout, poll_timeout=job_timeout // 2)):
        assert 0 < alert.after <= 3600, alert.name


def pods_of(deployment: str) -> list[str]:
    """Name pods as Kubernetes does: a hash behind the Deployment, all cut at 58 characters, five more behind it."""
    return [f"{f'{deployment}-{digest}-'[:58]}abcd5" for digest in ("7d8f9b6c5d", "69b7c")]


@pytest.mark.parametrize("name", ["gitlab-runner", "ci", "r" * 30, "gitlab-runner-" + "x" * 30])
def test_each_runner_sees_its_own_managers_and_no_other_runners(name: str, runner: Runner) -> None:
    config = runner(releaseName=name, buildkit={})
    second = buildkit_class(config)
    assert second is not None
    seen = [MonitoredRunner.of(one.runner) for one in (first_class(config), second)]
    for own in seen:
        (pattern,) = re.findall(r'pod=~"([^"]*)"', own.manager())
        for other in seen:
            for pod in pods_of(other.fullname):
                assert bool(re.fullmatch(pattern, pod)) == (own is other), (pattern, pod)


def test_a_dashboard_is_whole_and_its_panels_lie_side_by_side() -> None:
    board: Any = json.loads(dashboard.dashboard_text(seen_of()))
    assert {"uid", "title", "schemaVersion", "panels", "templating", "time"} <= set(board)
    assert len(board["uid"]) <= 40
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) == len({panel["title"] for panel in panels}) > 0
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert {"type", "title", "description", "targets", "fieldConfig", "gridPos", "datasource"} <= set(panel)
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert cells
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= dashboard.COLUMNS
        taken |= cells
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) > 0
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)
    assert [each["name"] for each in board["templating"]["list"]] == ["datasource"]


def test_a_panel_says_what_it_needs_of_kube_state_metrics() -> None:
    """The series that a plain kube-state-metrics does not have are those of which the record says so."""
    for panel in dashboard.panels(seen_of()):
        metrics = {selector.metric for query in panel.queries for selector in selectors(query.expr)}
        opted = any(METRICS.get(metric, {}).get("optIn") for metric in metrics)
        labelled = any(METRICS.get(metric, {}).get("prefix") == "label_" for metric in metrics)
        wanted = (
            dashboard.Needs.SELECTORS
            if opted
            else dashboard.Needs.NODE_LABELS
            if labelled
            else dashboard.Needs.PODS
            if any(metric.startswith("kube_") for metric in metrics)
            else dashboard.Needs.NOTHING
        )
        assert panel.needs is wanted, panel.title


def test_an_alert_names_settings_that_there_are() -> None:
    for alert in rules.alerts(seen_of()):
        for path in re.findall(r"\brunner\.((?:[a-z]\w*\.?)+)", f"{alert.summary} {alert.description}"):
            section: Any = RunnerConfig
            for key in path.rstrip(".").split("."):
                snake = re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", key)
                assert is_dataclass(section), path
                assert snake in {each.name for each in fields(section)}, path
                section = get_type_hints(section)[snake]


def test_failures_of_the_script_and_of_a_misspelt_image_are_no_system_failures() -> None:
    assert set(SYSTEM_FAILURES) < set(KNOWN[RUNNER]["values"]["failure_reason"])
    assert not {"script_failure", "job_canceled", "image_pull_failure", "job_execution_timeout"} & set(SYSTEM_FAILURES)


def declared(record: Record, stack: Any) -> Any:
    return record(lambda: MultiArchRunner("runner", runner_args(stack.config)))


def of_type(found: Any, kind: str) -> list[Any]:
    return [resource for resource in found.resources if resource.type == kind]


def test_neither_is_made_unless_it_is_asked_for(record: Record, stacks: Stacks) -> None:
    found = declared(record, stacks["local"]())
    assert not of_type(found, RULE)
    assert not of_type(found, CONFIG_MAP)


def test_each_runner_of_a_stack_has_its_own_rule_and_dashboard_beside_its_manager(
    record: Record, stacks: Stacks
) -> None:
    stack = stacks["local"](metrics=ALL, buildkit={"token": {"existingSecret": "second"}}, namespace="ci")
    found = declared(record, stack)
    for kind, suffix in ((RULE, ""), (CONFIG_MAP, "-dashboard")):
        metadata = [one.inputs["metadata"] for one in of_type(found, kind)]
        assert {each["name"] for each in metadata} == {f"gitlab-runner{suffix}", f"gitlab-runner-buildkit{suffix}"}
        assert {each["namespace"] for each in metadata} == {"ci"}
    boards = [json.loads(text) for one in of_type(found, CONFIG_MAP) for text in one.inputs["data"].values()]
    assert len({board["uid"] for board in boards}) == len({board["title"] for board in boards}) == 2
    # The sidecar writes them all into one folder.
    assert len({file for one in of_type(found, CONFIG_MAP) for file in one.inputs["data"]}) == 2
    assert all(one.inputs["metadata"]["labels"]["grafana_dashboard"] == "1" for one in of_type(found, CONFIG_MAP))


def test_the_rule_has_the_labels_that_prometheus_selects_by(record: Record, stacks: Stacks) -> None:
    metrics = {"prometheusRule": True, "ruleLabels": {"release": "kube-prometheus-stack"}}
    (rule,) = of_type(declared(record, stacks["local"](metrics=metrics)), RULE)
    assert rule.inputs["metadata"]["labels"] == {"release": "kube-prometheus-stack", "managed-by": "pulumi"}
    assert rule.inputs["spec"] == rules.rule_spec(MonitoredRunner.of(stacks["local"]().runner))
