"""The runner as one component: namespaces, policies, token Secret, Helm release; and the second one, if asked for."""

from functools import partial

import pulumi

from components.runner.arguments import MultiArchRunnerArgs, parsed, runner_args
from components.runner.buildkit_runner import BuildKitRunner, BuildKitRunnerArgs
from components.runner.classes import KANIKO, first_class
from components.runner.executor import config_toml
from components.runner.installation import Installation, install
from components.runner.mirrored import checksum, declare_mirror
from components.runner.namespaces import RunnerNamespaces
from components.runner.selectors import allowed_selectors
from components.runner.spec import chart_version, runner_version
from components.runner.values import fullname

__all__ = ["MultiArchRunner", "MultiArchRunnerArgs", "runner_args"]


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
        mirrored = declare_mirror(name, runner, args.get("mirror_password"), self)
        release = install(
            Installation(
                name=name,
                own=first_class(runner),
                pools=pools,
                cluster_type=args["cluster_type"],
                parent=self,
                namespace=runner.namespace,
                token=args.get("token"),
                gitlab_token=args.get("gitlab_token"),
                nodes=args.get("nodes", []),
                mirrored=mirrored,
                after=[namespaces],
            )
        )
        if runner.buildkit is not None:
            self._with_buildkit(name, args, namespaces.namespace, mirrored)
        self.namespace = namespaces.namespace
        self.job_namespace = namespaces.job_namespace
        self.release_name = release.name.apply(lambda found: found or runner.release_name)
        self.chart_version = pulumi.Output.from_input(chart_version(runner.chart) or "")
        self.runner_version = pulumi.Output.from_input(runner_version(runner.chart) or "")
        self.service_account = pulumi.Output.from_input(fullname(runner.release_name))
        self.job_service_account = namespaces.job_service_account
        self.selector_regex = pulumi.Output.from_input(allowed_selectors(runner))
        self.config_checksum = checksum(mirrored, partial(config_toml, runner, pools, args["cluster_type"], KANIKO))
        self.register_outputs({key: getattr(self, key) for key in type(self).__annotations__})

    def _with_buildkit(
        self,
        name: str,
        args: MultiArchRunnerArgs,
        namespace: pulumi.Output[str],
        mirrored: pulumi.Output[str] | None,
    ) -> None:
        """Declare the second runner, where it is asked for."""
        own = BuildKitRunnerArgs(
            runner=args["runner"], pools=args["pools"], cluster_type=args["cluster_type"], namespace=namespace
        )
        if "buildkit_token" in args:
            own["token"] = args["buildkit_token"]
        if "gitlab_token" in args:
            own["gitlab_token"] = args["gitlab_token"]
        if "nodes" in args:
            own["nodes"] = args["nodes"]
        if mirrored is not None:
            own["helper_image"] = mirrored
        BuildKitRunner(f"{name}-buildkit", own, pulumi.ResourceOptions(parent=self))
