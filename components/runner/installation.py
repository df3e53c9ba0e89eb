"""One runner's token Secret, Helm release and monitoring: what every class has, declared for whichever asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from components.runner.chart import chart_version
from components.runner.classes import RunnerClass
from components.runner.monitoring.resources import declare_monitoring
from components.runner.placement import RunnerPool
from components.runner.settings import Chart
from components.runner.values import (
    fullname,
    helm_values,
    release_config,
    token_checksum,
    with_config,
    with_token_checksum,
)
from components.versions import CHART_NAME, CHART_REPOSITORY

# What Helm may take: a node, the image, the start of the new manager. It waits for the new pod only, never for jobs of
# the old one, so that `jobTimeout` adds nothing but a longer wait for a manager that can't start (a wrong token).
_HELM_SECONDS = 600
_PROJECT_ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A runner to install, and what it waits for."""

    name: str
    """What the resources' names begin with."""

    own: RunnerClass
    pools: Sequence[RunnerPool]
    cluster_type: str

    namespace: pulumi.Input[str]
    """The manager's namespace; as an output, it makes everything wait for the namespace."""

    token: pulumi.Input[str] | None
    """The runner's own token, where the stack has it."""

    gitlab_token: pulumi.Input[str] | None
    """GitLab's, for a runner that the stack creates."""

    nodes: Sequence[pulumi.Input[list[str]]]
    """Names of the node pools as outputs."""

    mirrored: pulumi.Output[str] | None = None
    """The published helper image, by digest, for `helperImage: mirror`."""

    after: Sequence[pulumi.Resource] = ()
    """What else has to be there first."""


def install(wanted: Installation, parent: pulumi.Resource) -> k8s.helm.v3.Release:
    """Declare the Secret, unless somebody else makes it, and the release on top of it; alerts and dashboard beside."""
    runner = wanted.own.runner
    declare_monitoring(wanted.name, runner, wanted.namespace, wanted.after, parent)
    secret, checksum, before = _login(wanted, parent)
    values: Mapping[str, Any] = helm_values(
        runner, wanted.pools, wanted.cluster_type, secret=secret, profile=wanted.own.profile
    )
    if wanted.mirrored is not None:
        config = partial(release_config, runner, wanted.pools, wanted.cluster_type, wanted.own.profile)
        values = with_config(values, wanted.mirrored.apply(config))
    if checksum is not None:
        values = with_token_checksum(values, checksum)
    after = [*wanted.after, *before]
    names = pulumi.Output.all(*wanted.nodes)
    return k8s.helm.v3.Release(
        f"{wanted.name}-release",
        name=runner.release_name,
        namespace=wanted.namespace,
        **_chart_source(runner.chart),
        values=values,
        atomic=True,
        cleanup_on_fail=True,
        create_namespace=False,
        max_history=5,
        timeout=_HELM_SECONDS,
        opts=pulumi.ResourceOptions(
            parent=parent,
            # An output's own resources count as dependencies: the manager's pod needs the nodes.
            depends_on=names.apply(lambda _: after),
            # The manager's rights stand in the jobs' namespace: two releases cannot both own them.
            delete_before_replace=True,
            protect=runner.protect or None,
        ),
    )


def _login(
    wanted: Installation, parent: pulumi.Resource
) -> tuple[str, pulumi.Input[str] | None, list[pulumi.Resource]]:
    """Return the Secret's name, what changes when the token does, and what the release has to wait for."""
    runner = wanted.own.runner
    source = runner.token
    if source is not None and source.existing_secret is not None:
        return source.existing_secret, source.revision, []
    if source is not None and source.create is not None:
        from components.runner.created import create_runner  # noqa: PLC0415 - pulumi-gitlab is an optional extra

        token = create_runner(wanted.name, runner, source.create, parent, wanted.gitlab_token)
    elif wanted.token is not None:
        token = pulumi.Output.secret(wanted.token)
    else:
        raise ValueError(f"{wanted.name}: no token, and no other source of one")
    secret_name = f"{fullname(runner.release_name)}-token"
    secret = k8s.core.v1.Secret(
        f"{wanted.name}-token",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=secret_name,
            namespace=wanted.namespace,
            labels={"managed-by": "pulumi"},
        ),
        # The chart projects both keys; a Secret without the first keeps the pod from starting.
        string_data={"runner-registration-token": "", "runner-token": token},
        opts=pulumi.ResourceOptions(
            parent=parent, depends_on=list(wanted.after), additional_secret_outputs=["data", "stringData"]
        ),
    )
    # Not a secret any more, so that a preview shows that the token changed.
    return secret_name, pulumi.Output.unsecret(token.apply(token_checksum)), [secret]


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
