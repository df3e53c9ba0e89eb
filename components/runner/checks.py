"""What relates several keys of the runner, or the runner and its pools. Each key's own form is in its type. Pure."""

from collections.abc import Sequence

from components.clouds import CLOUDS, Cluster
from components.clouds.sections import PoolBase as Pool
from components.problems import Problem
from components.runner.buildkit import check_buildkit
from components.runner.cache import check_cache
from components.runner.chart import check_chart
from components.runner.extra_checks import check_values
from components.runner.helper_image import check_helper_image, named_architecture
from components.runner.job_pods_checks import check_job_pods
from components.runner.network import NO_IDENTITY, check_network_policies
from components.runner.placement import RunnerPool, check_placement, unresolved
from components.runner.resources import check_requirements, check_resources
from components.runner.selectors import check_selectors
from components.runner.settings import RunnerConfig
from components.runner.tokens import check_token_source

_JUDGED_BY_POOLS = ("runner.architectures", "runner.defaultArch", "runner.manager")


def check_runner(runner: RunnerConfig, pools: Sequence[Pool | None], cluster: Cluster) -> list[Problem]:
    """Return every mistake in the runner's configuration, in the order of its keys, with paths `runner.<key>`.

    None stands for a pool that could not be read. What such a pool, or one of unknown architecture, will serve can't be
    told before that is mended: what depends on it is left out.
    """
    known = unresolved(pool for pool in pools if pool)
    problems = check_settings(runner, known, cluster.type)
    if known and len(known) == len(pools):
        return problems
    return [problem for problem in problems if not problem.path.startswith(_JUDGED_BY_POOLS)]


def check_settings(runner: RunnerConfig, pools: Sequence[RunnerPool], cluster_type: str) -> list[Problem]:
    """Return the same for pools that are described by what the runner needs of them."""
    return [
        *check_token_source(runner.token),
        *_check_namespaces(runner),
        *check_chart(runner.chart),
        *check_placement(runner, pools),
        *check_selectors(runner),
        *check_helper_image(runner),
        *_check_default_image(runner),
        *_check_timeouts(runner),
        *check_resources(runner.resources),
        *check_requirements("runner.manager.resources", runner.manager.resources),
        *check_job_pods(runner.jobs),
        *check_cache(runner.cache, runner.network_policies, cluster_type),
        *_check_job_identity(runner, cluster_type),
        *check_network_policies(runner.network_policies, cluster_type),
        *_check_metrics(runner),
        *check_buildkit(runner),
        *check_values(runner.values),
    ]


def _check_namespaces(runner: RunnerConfig) -> list[Problem]:
    if runner.namespace != runner.job_namespace:
        return []
    return [
        Problem(
            path="runner.jobNamespace",
            found=f"{runner.job_namespace!r} is also the manager's namespace",
            consequence="jobs could reach the runner's token, and the restricted profile would refuse every build",
            fix="Use two namespaces, for example gitlab-runner and gitlab-runner-jobs.",
        )
    ]


def _check_default_image(runner: RunnerConfig) -> list[Problem]:
    arch = named_architecture(runner.default_image)
    if arch is None:
        return []
    found = f"{runner.default_image!r} is an image for {arch}"
    return [Problem(path="runner.defaultImage", found=found, fix="Use a multi-arch image.")]


def _check_job_identity(runner: RunnerConfig, cluster_type: str) -> list[Problem]:
    """Find jobs that are given a cloud identity, and kept from the server that hands it out."""
    policies, cloud = runner.network_policies, CLOUDS[cluster_type].runner
    reached = policies.metadata.provider != NO_IDENTITY and policies.metadata.jobs
    annotation = cloud.identity_annotation
    annotated = bool(annotation) and annotation in runner.job_service_account.annotations
    if not annotated or reached or not policies.enabled:
        return []
    return [
        Problem(
            path="runner.networkPolicies.metadata.jobs",
            found=f"jobServiceAccount has {annotation}, but jobs don't reach the metadata server",
            consequence="no job could take its identity, and every push would be refused",
            fix=f"Set metadata.jobs: true, with provider {' or '.join(cloud.identities)}.",
        )
    ]


def _check_metrics(runner: RunnerConfig) -> list[Problem]:
    """Find what would watch metrics that nobody serves, or label a rule that nobody makes."""
    metrics = runner.metrics
    watching = {
        "podMonitor": metrics.pod_monitor,
        "prometheusRule": metrics.prometheus_rule,
        "dashboard": metrics.dashboard,
    }
    problems = [
        Problem(
            path=f"runner.metrics.{key}",
            found="true, with metrics.enabled: false",
            consequence="there would be nothing to see",
            fix="Leave enabled out, or this.",
        )
        for key, wanted in watching.items()
        if wanted and not metrics.enabled
    ]
    if metrics.rule_labels and not metrics.prometheus_rule:
        problems.append(
            Problem(
                path="runner.metrics.ruleLabels",
                found="labels of a rule that is not made",
                fix="Set metrics.prometheusRule: true, or leave ruleLabels out.",
            )
        )
    return problems


def _check_timeouts(runner: RunnerConfig) -> list[Problem]:
    if runner.poll_timeout < runner.job_timeout:
        return []
    return [
        Problem(
            path="runner.pollTimeout",
            found=f"{runner.poll_timeout} is not below jobTimeout {runner.job_timeout}",
            consequence="a job could spend its whole time waiting for a node",
            fix="Lower pollTimeout, or raise jobTimeout.",
        )
    ]
