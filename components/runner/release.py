"""The runner as one component: namespaces, policies, token Secret, Helm release."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from components.runner.arguments import MultiArchRunnerArgs, parsed, runner_args
from components.runner.executor import config_toml
from components.runner.namespaces import RunnerNamespaces
from components.runner.selectors import allowed_selectors
from components.runner.settings import Chart, RunnerConfig
from components.runner.spec import chart_version, runner_version
from components.runner.values import fullname, helm_values, token_checksum, with_token_checksum
from components.versions import CHART_NAME, CHART_REPOSITORY

__all__ = ["MultiArchRunner", "MultiArchRunnerArgs", "runner_args"]

# What Helm may take beyond the longest job: image pull and start of the new manager.
_MARGIN_SECONDS = 600
_PROJECT_ROOT = Path(__file__).resolve().parent.parent.parent


class MultiArchRunner(pulumi.ComponentResource):
    """One GitLab Runner whose jobs choose their architecture."""

    namespace: pulumi.Output[str]
    """Namespace of the manager."""

    job_namespace: pulumi.Output[str]
    """Namespace of the jobs."""

    release_name: pulumi.Output[str]
    """Name of the Helm release."""

    chart_version: pulumi.Output[str]
    """Version of the chart; empty for a chart from a path."""

    runner_version: pulumi.Output[str]
    """Version of GitLab Runner; empty when the chart does not tell."""

    service_account: pulumi.Output[str]
    """The manager's service account: the subject of a workload identity binding for the cache."""

    job_service_account: pulumi.Output[str]
    """The jobs' service account: the subject of a workload identity binding for pushing images."""

    selector_regex: pulumi.Output[str]
    """Which node selectors jobs may set."""

    config_checksum: pulumi.Output[str]
    """SHA-256 of the runner's config.toml template, to be compared with what is installed."""

    def __init__(self, name: str, args: MultiArchRunnerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        runner, pools = parsed(args)
        super().__init__("multiarch-runner:index:MultiArchRunner", name, None, opts)
        namespaces = RunnerNamespaces(
            f"{name}-namespaces",
            {"runner": args["runner"], "cluster_type": args["cluster_type"]},
            pulumi.ResourceOptions(parent=self),
        )
        secret, checksum, before = self._token(name, runner, args, namespaces)
        values: Mapping[str, Any] = helm_values(runner, pools, args["cluster_type"], secret=secret)
        if checksum is not None:
            values = with_token_checksum(values, checksum)
        release = self._release(name, runner, values, [namespaces, *before], args)
        self.namespace = namespaces.namespace
        self.job_namespace = namespaces.job_namespace
        self.release_name = release.name.apply(lambda found: found or runner.release_name)
        self.chart_version = pulumi.Output.from_input(chart_version(runner.chart) or "")
        self.runner_version = pulumi.Output.from_input(runner_version(runner.chart) or "")
        self.service_account = pulumi.Output.from_input(fullname(runner.release_name))
        self.job_service_account = namespaces.job_service_account
        self.selector_regex = pulumi.Output.from_input(allowed_selectors(runner))
        text = config_toml(runner, pools, args["cluster_type"])
        self.config_checksum = pulumi.Output.from_input(hashlib.sha256(text.encode()).hexdigest())
        self.register_outputs({key: getattr(self, key) for key in type(self).__annotations__})

    def _token(
        self, name: str, runner: RunnerConfig, args: MultiArchRunnerArgs, namespaces: RunnerNamespaces
    ) -> tuple[str, pulumi.Input[str] | None, list[pulumi.Resource]]:
        """Return the Secret's name, what changes when the token does, and what the release has to wait for."""
        source = runner.token
        if source is not None and source.existing_secret is not None:
            return source.existing_secret, source.revision, []
        if source is not None and source.create is not None:
            from components.runner.created import create_runner  # noqa: PLC0415 - pulumi-gitlab is an optional extra

            token = create_runner(name, runner, source.create, self, args.get("gitlab_token"))
        else:
            token = pulumi.Output.secret(args["token"])
        secret = k8s.core.v1.Secret(
            f"{name}-token",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=f"{fullname(runner.release_name)}-token",
                namespace=runner.namespace,
                labels={"managed-by": "pulumi"},
            ),
            # The chart projects both keys; a Secret without the first keeps the pod from starting.
            string_data={"runner-registration-token": "", "runner-token": token},
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[namespaces], additional_secret_outputs=["data", "stringData"]
            ),
        )
        # Not a secret any more, so that a preview shows that the token changed.
        return f"{fullname(runner.release_name)}-token", pulumi.Output.unsecret(token.apply(token_checksum)), [secret]

    def _release(
        self,
        name: str,
        runner: RunnerConfig,
        values: Mapping[str, Any],
        before: list[pulumi.Resource],
        args: MultiArchRunnerArgs,
    ) -> k8s.helm.v3.Release:
        nodes = pulumi.Output.all(*args.get("nodes", []))
        return k8s.helm.v3.Release(
            f"{name}-release",
            name=runner.release_name,
            namespace=runner.namespace,
            **_chart_source(runner.chart),
            values=values,
            atomic=True,
            cleanup_on_fail=True,
            create_namespace=False,
            max_history=5,
            timeout=runner.job_timeout + _MARGIN_SECONDS,
            # An output's own resources count as dependencies: the manager's pod needs the nodes.
            opts=pulumi.ResourceOptions(parent=self, depends_on=nodes.apply(lambda _: before)),
        )


class _ChartSource(TypedDict):
    chart: str
    version: NotRequired[str]
    repository_opts: NotRequired[k8s.helm.v3.RepositoryOptsArgs]


def _chart_source(chart: Chart) -> _ChartSource:
    if chart.path is not None:
        return {"chart": str(_PROJECT_ROOT / Path(chart.path).expanduser())}
    version = chart_version(chart) or ""
    if chart.reference is not None:
        return {"chart": chart.reference, "version": version}
    repository = k8s.helm.v3.RepositoryOptsArgs(repo=chart.repository or CHART_REPOSITORY)
    return {"chart": CHART_NAME, "version": version, "repository_opts": repository}
