"""The public face of the runner's configuration: its types and its checks. Pure."""

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from components.clouds import CLOUDS, Cluster
from components.clouds.sections import PoolBase as Pool
from components.kubernetes_names import DNS_LABEL, LABEL_VALUE, META_KEY, OBJECT_NAME, is_annotation_key
from components.problems import Problem
from components.reading import joined
from components.runner.buildkit import check_buildkit
from components.runner.cache import check_cache
from components.runner.chart import chart_version, check_chart, runner_version
from components.runner.extra_checks import check_values
from components.runner.guards import RUNNER_KIN
from components.runner.helper_image import check_helper_image, named_architecture
from components.runner.job_pods_checks import check_job_pods
from components.runner.networking import NO_IDENTITY, check_network_policies
from components.runner.placement import RunnerPool, check_placement, unresolved
from components.runner.quantities import check_requirements, check_resources
from components.runner.selectors import allowed_selectors, check_selectors
from components.runner.settings import RunnerConfig
from components.runner.tokens import check_token, check_token_source
from components.secret_text import secret_in

__all__ = [
    "RUNNER_KIN",
    "RunnerConfig",
    "allowed_selectors",
    "chart_version",
    "check_runner",
    "check_settings",
    "check_token",
    "runner_version",
]

_JUDGED_BY_POOLS = ("runner.architectures", "runner.defaultArch", "runner.manager")
_LONGEST_RELEASE = 53  # Helm's own limit
_NOT_OURS = ("default", "kube-system", "kube-public", "kube-node-lease")
# GitLab's least maximum_timeout; also, below it the grace period would not outlast a build.
_SHORTEST_JOB = 600


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
        *_check_url(runner.gitlab_url),
        *check_token_source(runner.token),
        *_check_names(runner),
        *check_chart(runner.chart),
        *_check_architectures(runner),
        *check_placement(runner, pools),
        *check_selectors(runner),
        *check_helper_image(runner),
        *_check_images(runner),
        *_check_numbers(runner),
        *check_resources(runner.resources),
        *check_requirements("runner.manager.resources", runner.manager.resources),
        *check_job_pods(runner.jobs),
        *check_cache(runner.cache, runner.network_policies, cluster_type),
        *_check_job_identity(runner, cluster_type),
        *_check_maps(runner),
        *check_network_policies(runner.network_policies, cluster_type),
        *check_buildkit(runner),
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
    namespaces = {"namespace": runner.namespace, "jobNamespace": runner.job_namespace}
    if runner.buildkit is not None:
        namespaces["buildkit.jobNamespace"] = runner.buildkit.job_namespace
    names = {**namespaces, "releaseName": runner.release_name}
    problems = [
        Problem(
            path=f"runner.{key}",
            found=f"{name!r} is no Kubernetes name",
            consequence="the API server would refuse it",
            fix="Use at most 63 lower-case letters, digits and '-'.",
        )
        for key, name in names.items()
        if not DNS_LABEL.fullmatch(name)
    ]
    problems += [
        Problem(
            path=f"runner.{key}",
            found=f"{name!r} belongs to others",
            consequence="the stack would put Pod Security labels and network policies on it, and delete it in the end",
            fix="Use a namespace of the runner's own.",
        )
        for key, name in namespaces.items()
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
    if runner.buildkit is not None:
        named.append(("buildkit.jobServiceAccount.name", "ServiceAccount", runner.buildkit.job_service_account.name))
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
        if not OBJECT_NAME.fullmatch(name)
    ]


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


def _check_maps(runner: RunnerConfig) -> list[Problem]:
    """Find labels, annotations and taints that the API server would refuse, and secrets among them."""
    accounts = {"jobServiceAccount": runner.job_service_account}
    if runner.buildkit is not None:
        accounts["buildkit.jobServiceAccount"] = runner.buildkit.job_service_account
    entries = [
        (joined(f"runner.{path}.annotations", key), key, value, is_annotation_key(key))
        for path, account in accounts.items()
        for key, value in account.annotations.items()
    ]
    entries += [
        (
            joined("runner.manager.nodeSelector", key),
            key,
            value,
            bool(META_KEY.fullmatch(key) and LABEL_VALUE.fullmatch(value)),
        )
        for key, value in runner.manager.node_selector.items()
    ]
    entries += [
        (
            f"runner.manager.taints[{index}]",
            taint.key,
            taint.value,
            bool(META_KEY.fullmatch(taint.key) and LABEL_VALUE.fullmatch(taint.value)),
        )
        for index, taint in enumerate(runner.manager.taints)
    ]
    return [
        _not_plain(path, secret) if secret else _not_meta(path)
        for path, key, value, good in entries
        if (secret := secret_in(key) or secret_in(value)) or not good
    ]


def _not_plain(path: str, secret: str) -> Problem:
    return Problem(
        path=path,
        found=f"looks like {secret}",
        consequence="whoever may read the stack file or the object would have it",
        fix="Drop it; a cloud identity needs no secret.",
    )


def _not_meta(path: str) -> Problem:
    return Problem(
        path=path,
        found="no label, annotation or taint of Kubernetes",
        consequence="the API server would refuse the object, or no node could match",
        fix="Use letters, digits, '-', '_' and '.'; a key may have a prefix with '/'.",
    )


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
