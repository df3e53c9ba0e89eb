"""The second runner, for rootless BuildKit: its namespace with rules of its own, token Secret, and Helm release."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from components.runner.admission import VARIABLES, policy_name, validations
from components.runner.arguments import RunnerPoolArgs, pools_of
from components.runner.classes import BUILDKIT, buildkit_class
from components.runner.executor import config_toml
from components.runner.installation import Installation, install
from components.runner.mirrored import checksum
from components.runner.namespaces import Namespace, declare_job_account, declare_namespace, declare_policy
from components.runner.network import network_policies
from components.runner.permissions import CLASS_LABEL, pod_security
from components.runner.settings import runner_of
from components.runner.values import fullname

_ADMISSION = k8s.admissionregistration.v1
_LABELS: Mapping[str, str] = {"managed-by": "pulumi"}


class BuildKitRunnerArgs(TypedDict):
    """The runner's configuration and what it stands on."""

    runner: Mapping[str, Any]
    """The runner's configuration, as in the stack file's `runner`, with `buildkit` set."""

    pools: list[RunnerPoolArgs]
    """The node pools that the jobs and the manager run on."""

    cluster_type: str
    """`gke`, `eks`, `aks` or `existing`."""

    namespace: pulumi.Input[str]
    """Name of the managers' namespace; as an output of whatever makes it, so that this runner waits for it."""

    token: NotRequired[pulumi.Input[str]]
    """The runner's authentication token, a secret; needed unless `runner.buildkit.token` says where it comes from."""

    gitlab_token: NotRequired[pulumi.Input[str]]
    """The GitLab token that creates the runner, a secret, for `token.create`. Left out: `GITLAB_TOKEN`."""

    nodes: NotRequired[list[pulumi.Input[list[str]]]]
    """Names of the node pools as outputs: the release waits until they are there."""

    helper_image: NotRequired[pulumi.Input[str]]
    """The mirrored helper image by digest; needed with `helperImage: mirror`."""


class BuildKitRunner(pulumi.ComponentResource):
    """A runner whose jobs may run rootless BuildKit, and nothing else that Pod Security `baseline` refuses."""

    job_namespace: pulumi.Output[str]
    """Namespace of the jobs."""

    release_name: pulumi.Output[str]
    """Name of the Helm release."""

    service_account: pulumi.Output[str]
    """The manager's service account: the subject of a workload identity binding for the cache."""

    job_service_account: pulumi.Output[str]
    """The jobs' service account: the subject of a workload identity binding for pushing images."""

    config_checksum: pulumi.Output[str]
    """SHA-256 of the runner's config.toml template, to be compared with what is installed."""

    def __init__(self, name: str, args: BuildKitRunnerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        own = buildkit_class(runner_of(args["runner"]))
        if own is None:
            raise ValueError("runner.buildkit is not set")
        super().__init__("multiarch-runner:index:BuildKitRunner", name, None, opts)
        runner, pools, cluster_type = own.runner, pools_of(args["pools"]), args["cluster_type"]
        mirrored = pulumi.Output.from_input(args["helper_image"]) if "helper_image" in args else None
        labels = {CLASS_LABEL: BUILDKIT, **pod_security(own.profile.pod_security)}
        namespace = declare_namespace(f"{name}-jobs", runner.job_namespace, labels, runner, self)
        account = declare_job_account(f"{name}-job", runner, namespace, self)
        for policy in network_policies(runner, cluster_type):
            # The managers' namespace has its policies from the first runner.
            if policy.namespace == runner.job_namespace:
                declare_policy(f"{name}-jobs-{policy.name}", policy, namespace, self)
        release = install(
            Installation(
                name=name,
                own=own,
                pools=pools,
                cluster_type=cluster_type,
                parent=self,
                namespace=args["namespace"],
                token=args.get("token"),
                gitlab_token=args.get("gitlab_token"),
                nodes=args.get("nodes", []),
                mirrored=mirrored,
                # No job may start before the rules are there.
                after=[account, *_admission(name, runner.job_namespace, namespace, self)],
            )
        )
        self.job_namespace = namespace.metadata.name
        self.release_name = release.name.apply(lambda found: found or runner.release_name)
        self.service_account = pulumi.Output.from_input(fullname(runner.release_name))
        self.job_service_account = account.metadata.name
        self.config_checksum = checksum(mirrored, partial(config_toml, runner, pools, cluster_type, own.profile))
        self.register_outputs({key: getattr(self, key) for key in type(self).__annotations__})


def _admission(name: str, namespace: str, made: Namespace, parent: pulumi.Resource) -> list[pulumi.Resource]:
    """Declare the rules of the jobs' namespace, and what puts them in force there and nowhere else."""
    here = k8s.meta.v1.LabelSelectorArgs(match_labels={"kubernetes.io/metadata.name": namespace})
    metadata = k8s.meta.v1.ObjectMetaArgs(name=policy_name(namespace), labels=dict(_LABELS))
    policy = _ADMISSION.ValidatingAdmissionPolicy(
        f"{name}-rules",
        metadata=metadata,
        spec=_ADMISSION.ValidatingAdmissionPolicySpecArgs(
            failure_policy="Fail",
            match_constraints=_ADMISSION.MatchResourcesArgs(
                namespace_selector=here,
                resource_rules=[
                    _ADMISSION.NamedRuleWithOperationsArgs(
                        api_groups=[""],
                        api_versions=["v1"],
                        operations=["CREATE", "UPDATE"],
                        resources=["pods", "pods/ephemeralcontainers"],
                    )
                ],
            ),
            variables=[
                _ADMISSION.VariableArgs(name=variable, expression=expression)
                for variable, expression in VARIABLES.items()
            ],
            validations=[
                _ADMISSION.ValidationArgs(expression=rule.expression, message=rule.message, reason="Forbidden")
                for rule in validations()
            ],
        ),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[made]),
    )
    binding = _ADMISSION.ValidatingAdmissionPolicyBinding(
        f"{name}-rules-here",
        metadata=metadata,
        spec=_ADMISSION.ValidatingAdmissionPolicyBindingSpecArgs(
            policy_name=policy_name(namespace),
            validation_actions=["Deny"],
            match_resources=_ADMISSION.MatchResourcesArgs(namespace_selector=here),
        ),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[policy]),
    )
    return [policy, binding]
