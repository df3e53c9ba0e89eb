"""The public face of the runner's configuration: its types and its checks. Pure."""

import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from components.cluster_spec import Cluster
from components.node_pools.spec import Pool
from components.problems import Problem
from components.runner.cache import check_cache
from components.runner.guards import REFUSED_KEYS, check_values
from components.runner.helper_image import (
    chart_version,
    check_helper_image,
    named_architecture,
    runner_version,
)
from components.runner.networking import check_network_policies
from components.runner.placement import RunnerPool, check_placement, unresolved
from components.runner.quantities import check_requirements, check_resources
from components.runner.selectors import allowed_selectors, check_selectors
from components.runner.settings import Chart, RunnerConfig
from components.runner.tokens import check_token, check_token_source
from components.versions import CHART_REPOSITORY, RUNNER_OF_CHART

__all__ = [
    "REFUSED_KEYS",
    "RunnerConfig",
    "allowed_selectors",
    "chart_version",
    "check_runner",
    "check_settings",
    "check_token",
    "runner_version",
]

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_OBJECT_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_EXACT_VERSION = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
_LONGEST_RELEASE = 53  # Helm's own limit
_NOT_OURS = ("default", "kube-system", "kube-public", "kube-node-lease")
# GitLab's least maximum_timeout; also, below it the grace period would not outlast a build.
_SHORTEST_JOB = 600


def check_runner(runner: RunnerConfig, pools: Sequence[Pool], cluster: Cluster) -> list[Problem]:
    """Return every mistake in the runner's configuration, in the order of its keys, with paths `runner.<key>`."""
    return check_settings(runner, unresolved(pools), cluster.type)


def check_settings(runner: RunnerConfig, pools: Sequence[RunnerPool], cluster_type: str) -> list[Problem]:
    """Return the same for pools that are described by what the runner needs of them."""
    return [
        *_check_url(runner.gitlab_url),
        *check_token_source(runner.token),
        *_check_names(runner),
        *_check_chart(runner.chart),
        *_check_architectures(runner),
        *check_placement(runner, pools),
        *check_selectors(runner),
        *check_helper_image(runner),
        *_check_images(runner),
        *_check_numbers(runner),
        *check_resources(runner.resources),
        *check_requirements("runner.manager.resources", runner.manager.resources),
        *check_cache(runner.cache, runner.network_policies, cluster_type),
        *check_network_policies(runner.network_policies, cluster_type),
        *check_values(runner.values),
    ]


def _check_url(url: str) -> list[Problem]:
    path = "runner.gitlabUrl"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    if parts.scheme not in ("http", "https") or not host or port == 0 or parts.query or parts.fragment:
        return [
            Problem(
                path=path,
                found="not the URL of a server" if "@" in url else f"{url!r} is not the URL of a server",
                consequence="the manager would find no GitLab",
                fix="Write it as https://gitlab.example.com.",
            )
        ]
    if parts.username is not None or parts.password is not None:
        return [
            Problem(
                path=path,
                found="has credentials in it",
                consequence="they would be readable in Helm values and pods, and the runner does not use them",
                fix=f"Write {parts.scheme}://{host}.",
            )
        ]
    if parts.scheme == "https" or _is_local(host):
        return []
    return [
        Problem(
            path=path,
            found=f"{url!r} is not https",
            consequence="the runner's token and every job's would cross the network readable",
            fix=f"Use https://{url.removeprefix('http://')}.",
        )
    ]


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_names(runner: RunnerConfig) -> list[Problem]:
    names = {"namespace": runner.namespace, "jobNamespace": runner.job_namespace, "releaseName": runner.release_name}
    problems = [
        Problem(
            path=f"runner.{key}",
            found=f"{name!r} is no Kubernetes name",
            consequence="the API server would refuse it",
            fix="Use at most 63 lower-case letters, digits and '-'.",
        )
        for key, name in names.items()
        if not _NAME.fullmatch(name)
    ]
    problems += [
        Problem(
            path=f"runner.{key}",
            found=f"{name!r} belongs to others",
            consequence="the stack would put Pod Security labels and network policies on it, and delete it in the end",
            fix="Use a namespace of the runner's own.",
        )
        for key, name in list(names.items())[:2]
        if name in _NOT_OURS
    ]
    if runner.namespace == runner.job_namespace:
        problems.append(
            Problem(
                path="runner.jobNamespace",
                found=f"{runner.job_namespace!r} is also the manager's namespace",
                consequence="jobs could reach the runner's token, and the restricted profile would refuse every build",
                fix="Use two namespaces, for example gitlab-runner and gitlab-runner-jobs.",
            )
        )
    if len(runner.release_name) > _LONGEST_RELEASE:
        problems.append(
            Problem(
                path="runner.releaseName",
                found=f"{len(runner.release_name)} characters",
                consequence="Helm refuses release names that are longer than 53",
                fix="Shorten it.",
            )
        )
    return problems + _check_object_names(runner)


def _check_object_names(runner: RunnerConfig) -> list[Problem]:
    named = [("jobServiceAccount.name", "ServiceAccount", runner.job_service_account.name)]
    if runner.priority_class is not None:
        named.append(("priorityClass", "PriorityClass", runner.priority_class))
    named += [(f"imagePullSecrets[{index}]", "Secret", name) for index, name in enumerate(runner.image_pull_secrets)]
    return [
        Problem(
            path=f"runner.{key}",
            found=f"{name!r} is no name of a {kind}",
            consequence="the API server would refuse every job's pod",
            fix=f"Give the name of a {kind}: lower-case letters, digits, '-' and '.'.",
        )
        for key, kind, name in named
        if not _OBJECT_NAME.fullmatch(name)
    ]


def _check_chart(chart: Chart) -> list[Problem]:
    sources = {"repository": chart.repository, "reference": chart.reference, "path": chart.path}
    given = [key for key, value in sources.items() if value is not None]
    if len(given) > 1:
        return [
            Problem(
                path=f"runner.chart.{given[1]}",
                found=f"set beside {given[0]}",
                consequence="Helm takes a chart from one place",
                fix="Keep one of repository, reference and path.",
            )
        ]
    problem = _check_chart_source(chart) or _check_chart_version(chart, given) or _check_runner_version(chart)
    return [problem] if problem else []


def _check_chart_source(chart: Chart) -> Problem | None:
    if chart.reference is not None and not re.fullmatch(r"oci://[^\s:@]+(:[0-9]+)?/[^\s:@]+", chart.reference):
        return Problem(
            path="runner.chart.reference",
            found=f"{chart.reference!r} is no OCI reference without tag",
            consequence="Helm would not find the chart, or ignore the pinned version",
            fix="Write oci://registry.example.com/charts/gitlab-runner, and its tag as chart.version.",
        )
    if chart.repository is not None and not re.match(r"https?://[^\s@]+$", chart.repository):
        return Problem(
            path="runner.chart.repository",
            found=f"{chart.repository!r} is no URL of a Helm repository",
            consequence="Helm would not find the chart",
            fix=f"Write a URL such as {CHART_REPOSITORY}; an OCI registry belongs in chart.reference.",
        )
    return None


def _check_chart_version(chart: Chart, given: list[str]) -> Problem | None:
    path = "runner.chart.version"
    if chart.path is not None:
        if chart.version is None:
            return None
        return Problem(
            path=path,
            found=f"{chart.version!r} beside path",
            consequence="Helm installs what lies at the path, whatever its version",
            fix="Drop version; state chart.runnerVersion if something depends on it.",
        )
    if chart.version is None:
        if not given:
            return None
        return Problem(
            path=path,
            found=f"not set, with a {given[0]} of your own",
            consequence="Helm would install whatever is newest there, another one on every update",
            fix="State the exact version, for example 0.90.1.",
        )
    if _EXACT_VERSION.fullmatch(chart.version):
        return None
    return Problem(
        path=path,
        found=f"{chart.version!r} is not one exact version",
        consequence="Helm would install whatever matches on the day of the update",
        fix=f"State the exact version, for example {next(iter(RUNNER_OF_CHART))}.",
    )


def _check_runner_version(chart: Chart) -> Problem | None:
    path, stated = "runner.chart.runnerVersion", chart.runner_version
    if stated is None:
        return None
    if not re.fullmatch(r"v?[0-9]+\.[0-9]+\.[0-9]+", stated):
        return Problem(
            path=path,
            found=f"{stated!r} is no version",
            consequence="the helper image could not be checked against it",
            fix="State the chart's appVersion, for example 19.1.1.",
        )
    version = chart_version(chart) or ""
    known = RUNNER_OF_CHART.get(version.removeprefix("v"))
    if known is None or known == stated.removeprefix("v"):
        return None
    return Problem(
        path=path,
        found=f"{stated}, but chart {version} holds runner {known}",
        consequence="the helper image would be chosen for a runner that is not there",
        fix=f"Drop it, or state {known}.",
    )


def _check_architectures(runner: RunnerConfig) -> list[Problem]:
    listed = runner.architectures
    if listed and len(set(listed)) == len(listed):
        return []
    return [
        Problem(
            path="runner.architectures",
            found="named twice" if listed else "empty",
            consequence="one entry has no effect" if listed else "no job could select an architecture",
            fix="Name amd64, arm64, or both once.",
        )
    ]


def _check_images(runner: RunnerConfig) -> list[Problem]:
    problems = []
    if arch := named_architecture(runner.default_image):
        problems.append(
            Problem(
                path="runner.defaultImage",
                found=f"{runner.default_image!r} is an image for {arch}",
                consequence="jobs of the other architecture would fail with 'exec format error'",
                fix="Use a multi-arch image.",
            )
        )
    if not runner.default_image.strip():
        problems.append(
            Problem(
                path="runner.defaultImage",
                found="empty",
                consequence="a job that names no image would fail",
                fix="Name a multi-arch image, or drop the key.",
            )
        )
    problems += [
        Problem(
            path=f"runner.allowedImages[{index}]",
            found="empty",
            consequence="it matches no image",
            fix="Write a pattern such as registry.example.com/**, or drop the entry.",
        )
        for index, pattern in enumerate(runner.allowed_images)
        if not pattern.strip()
    ]
    return problems


def _check_numbers(runner: RunnerConfig) -> list[Problem]:
    least = {
        "concurrent": (runner.concurrent, 1, "GitLab Runner would refuse to start"),
        "checkInterval": (runner.check_interval, 1, "GitLab Runner takes 0 and less for its own default"),
        "pollTimeout": (runner.poll_timeout, 60, "a job would fail while its node is still being made"),
        "jobTimeout": (runner.job_timeout, _SHORTEST_JOB, "GitLab takes no timeout that is shorter"),
        "manager.replicas": (runner.manager.replicas, 1, "no job would ever run"),
    }
    problems = [
        Problem(path=f"runner.{key}", found=f"{value}", consequence=why, fix=f"Use {bound} or more.")
        for key, (value, bound, why) in least.items()
        if value < bound
    ]
    if not problems and runner.poll_timeout >= runner.job_timeout:
        problems.append(
            Problem(
                path="runner.pollTimeout",
                found=f"{runner.poll_timeout} is not below jobTimeout {runner.job_timeout}",
                consequence="a job could spend its whole time waiting for a node",
                fix="Lower pollTimeout, or raise jobTimeout.",
            )
        )
    return problems
