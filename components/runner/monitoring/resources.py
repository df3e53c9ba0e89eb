"""Declares what Prometheus and Grafana are given of a runner."""

from collections.abc import Mapping, Sequence
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components.runner.monitoring.dashboard import LABEL, dashboard_text
from components.runner.monitoring.rules import API_VERSION, KIND, rule_spec
from components.runner.monitoring.series import MonitoredRunner
from components.runner.settings import RunnerConfig

_LABELS: Final[Mapping[str, str]] = {"managed-by": "pulumi"}


def declare_monitoring(
    name: str,
    runner: RunnerConfig,
    namespace: pulumi.Input[str],
    after: Sequence[pulumi.Resource],
    parent: pulumi.Resource,
) -> None:
    """Declare the alert rules and the dashboard, as far as they are asked for, in the manager's namespace."""
    wanted, seen = runner.metrics, MonitoredRunner.of(runner)
    opts = pulumi.ResourceOptions(parent=parent, depends_on=list(after))
    if wanted.prometheus_rule:
        k8s.apiextensions.CustomResource(
            f"{name}-alerts",
            api_version=API_VERSION,
            kind=KIND,
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=seen.fullname, namespace=namespace, labels={**wanted.rule_labels, **_LABELS}
            ),
            spec=rule_spec(seen),
            opts=opts,
        )
    if wanted.dashboard:
        key, value = LABEL
        k8s.core.v1.ConfigMap(
            f"{name}-dashboard",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=f"{seen.fullname}-dashboard", namespace=namespace, labels={key: value, **_LABELS}
            ),
            data={f"{seen.namespace}-{seen.fullname}.json": dashboard_text(seen)},
            opts=opts,
        )
