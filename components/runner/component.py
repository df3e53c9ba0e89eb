"""The runner as a component, with everything that it stands on in the cluster; and the second one, if asked for."""

import hashlib
from dataclasses import replace
from functools import partial

import pulumi

from archmerge import parse_reference
from components.helper_image.resource import MultiArchImage, MultiArchImageArgs
from components.runner.arguments import MultiArchRunnerArgs, checked
from components.runner.chart import chart_version, runner_version
from components.runner.classes import buildkit_class, first_class
from components.runner.executor import config_toml
from components.runner.helper_image import MIRROR
from components.runner.helper_mirror import mirror_sources, mirror_target
from components.runner.installation import Installation, install
from components.runner.namespaces import JobPlace, RunnerNamespaces, declare_jobs
from components.runner.selectors import allowed_selectors
from components.runner.settings import RunnerConfig
from components.runner.values import fullname


class Runner(pulumi.ComponentResource):
    """A GitLab Runner, whichever of a stack: these outputs."""

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

    def install(self, wanted: Installation, jobs: JobPlace) -> None:
        """Declare the token's Secret and the release; set and register the outputs."""
        release = install(wanted, self)
        runner = wanted.own.runner
        config = partial(config_toml, runner, wanted.pools, wanted.cluster_type, wanted.own.profile)
        text = pulumi.Output.from_input(config(None)) if wanted.mirrored is None else wanted.mirrored.apply(config)
        self.namespace = pulumi.Output.from_input(wanted.namespace)
        self.job_namespace = jobs.namespace.metadata.name
        self.release_name = release.name.apply(lambda found: found or runner.release_name)
        self.chart_version = pulumi.Output.from_input(chart_version(runner.chart) or "")
        self.runner_version = pulumi.Output.from_input(runner_version(runner.chart) or "")
        self.service_account = pulumi.Output.from_input(fullname(runner.release_name))
        self.job_service_account = jobs.account.metadata.name
        self.selector_regex = pulumi.Output.from_input(allowed_selectors(runner))
        self.config_checksum = text.apply(lambda found: hashlib.sha256(found.encode()).hexdigest())
        self.register_outputs({key: getattr(self, key) for key in Runner.__annotations__})


class MultiArchRunner(Runner):
    """One GitLab Runner whose jobs choose their architecture."""

    def __init__(self, name: str, args: MultiArchRunnerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        runner, pools = checked(args)
        super().__init__("multiarch-runner:index:MultiArchRunner", name, None, opts)
        own, within = first_class(runner), pulumi.ResourceOptions(parent=self)
        namespaces = RunnerNamespaces(f"{name}-namespaces", own, args["cluster_type"], within)
        first = Installation(
            name=name,
            own=own,
            pools=pools,
            cluster_type=args["cluster_type"],
            namespace=runner.namespace,
            token=args.get("token"),
            gitlab_token=args.get("gitlab_token"),
            nodes=args.get("nodes", []),
            mirrored=_declare_mirror(name, runner, args.get("mirror_password"), self),
            after=[namespaces],
        )
        self.install(first, namespaces.jobs)
        if (second := buildkit_class(runner)) is not None:
            token = args.get("buildkit_token")
            beside = replace(
                first, name=f"{name}-buildkit", own=second, namespace=namespaces.namespace, token=token, after=[]
            )
            BuildKitRunner(beside, within)


class BuildKitRunner(Runner):
    """A runner whose jobs may run rootless BuildKit, and nothing else that Pod Security `baseline` refuses."""

    def __init__(self, wanted: Installation, opts: pulumi.ResourceOptions) -> None:
        super().__init__("multiarch-runner:index:BuildKitRunner", wanted.name, None, opts)
        jobs = declare_jobs(wanted.name, wanted.own, wanted.cluster_type, self)
        # No job may start before the rules are there.
        self.install(replace(wanted, after=[jobs.account, *jobs.rules]), jobs)


def _declare_mirror(
    name: str, runner: RunnerConfig, password: pulumi.Input[str] | None, parent: pulumi.Resource
) -> pulumi.Output[str] | None:
    """Declare the helper image where `helperImage` is `mirror`, once for every runner; return it by tag and digest.

    The digest decides what is pulled; the tag tells people the version. `runner` has been checked.
    """
    mirror, version = runner.helper_mirror, runner_version(runner.chart)
    if runner.helper_image != MIRROR or mirror is None or version is None:
        return None
    target = mirror_target(mirror, version)
    host = parse_reference(target).host
    args = MultiArchImageArgs(target=target, sources=mirror_sources(mirror, version))
    if mirror.username is not None and password is not None:
        args["credentials"] = {host: {"username": mirror.username, "password": password}}
    if mirror.plain_http:
        args["plain_http"] = [host]
    if mirror.delete_remote:
        args["delete_remote"] = True
    image = MultiArchImage(f"{name}-helper-image", args, pulumi.ResourceOptions(parent=parent))
    return pulumi.Output.concat(target, "@", image.published_digest)
