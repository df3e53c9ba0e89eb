"""A runner's namespaces, and what must stand in them before the release: profiles, policies, rules, job identity.

It makes no Role: the chart makes the manager's from the rules in permissions.py, and the jobs' account has none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import pulumi
import pulumi_kubernetes as k8s

from components.runner.admission import VARIABLES, policy_name, validations
from components.runner.classes import BUILDKIT, RunnerClass
from components.runner.executor import job_annotations
from components.runner.network_policies import Peer, Policy, Port, Rule, network_policies
from components.runner.permissions import CLASS_LABEL, pod_security
from components.runner.settings import RunnerConfig

_ADMISSION = k8s.admissionregistration.v1
_LABELS: Mapping[str, str] = {"managed-by": "pulumi"}
Namespace: TypeAlias = k8s.core.v1.Namespace | k8s.core.v1.NamespacePatch
"""One that the stack makes, or the labels of one that is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlace:
    """The namespace of a runner's jobs, and what holds them there."""

    namespace: Namespace
    account: k8s.core.v1.ServiceAccount
    rules: tuple[pulumi.Resource, ...]
    """Admission rules that have to be in force before a job may start."""


class RunnerNamespaces(pulumi.ComponentResource):
    """The managers' namespace, and that of the first runner's jobs."""

    namespace: pulumi.Output[str]
    """Name of the manager's namespace."""

    job_namespace: pulumi.Output[str]
    """Name of the jobs' namespace."""

    job_service_account: pulumi.Output[str]
    """Name of the jobs' service account."""

    def __init__(
        self, name: str, own: RunnerClass, cluster_type: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("multiarch-runner:index:RunnerNamespaces", name, None, opts)
        runner = own.runner
        manager = _declare_namespace(f"{name}-manager", runner, runner.namespace, pod_security("restricted"), self)
        self.jobs = declare_jobs(name, own, cluster_type, self)
        for policy in network_policies(runner, cluster_type):
            if policy.namespace == runner.namespace:
                _declare_policy(f"{name}-manager", policy, manager, self)
        self.namespace = manager.metadata.name
        self.job_namespace = self.jobs.namespace.metadata.name
        self.job_service_account = self.jobs.account.metadata.name
        self.register_outputs({key: getattr(self, key) for key in type(self).__annotations__})


def declare_jobs(name: str, own: RunnerClass, cluster_type: str, parent: pulumi.Resource) -> JobPlace:
    """Declare the namespace of a runner's jobs: Pod Security, their account, policies, and rules of its own."""
    runner = own.runner
    labels = {**({CLASS_LABEL: own.name} if own.name else {}), **pod_security(own.profile.pod_security)}
    namespace = _declare_namespace(f"{name}-jobs", runner, runner.job_namespace, labels, parent)
    account = _declare_account(f"{name}-job", runner, namespace, parent)
    for policy in network_policies(runner, cluster_type):
        if policy.namespace == runner.job_namespace:
            _declare_policy(f"{name}-jobs", policy, namespace, parent)
    rules = _declare_rules(name, runner.job_namespace, namespace, parent) if own.name == BUILDKIT else ()
    return JobPlace(namespace=namespace, account=account, rules=rules)


def _declare_namespace(
    name: str, runner: RunnerConfig, namespace: str, labels: Mapping[str, str], parent: pulumi.Resource
) -> Namespace:
    """Declare a namespace with labels; of one that is there, its labels alone."""
    # Of one that is there too: the manager's rights move with it, and without them running jobs are lost.
    opts = pulumi.ResourceOptions(parent=parent, protect=runner.protect or None)
    if runner.existing_namespaces:
        # Server-side apply of these labels: a delete takes them off, and leaves the namespace.
        metadata = k8s.meta.v1.ObjectMetaPatchArgs(name=namespace, labels=dict(labels))
        return k8s.core.v1.NamespacePatch(name, metadata=metadata, opts=opts)
    metadata_of_ours = k8s.meta.v1.ObjectMetaArgs(name=namespace, labels={**_LABELS, **labels})
    return k8s.core.v1.Namespace(name, metadata=metadata_of_ours, opts=opts)


def _declare_account(
    name: str, runner: RunnerConfig, namespace: Namespace, parent: pulumi.Resource
) -> k8s.core.v1.ServiceAccount:
    """Declare the jobs' service account: no rights, no mounted token."""
    return k8s.core.v1.ServiceAccount(
        name,
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=runner.job_service_account.name,
            namespace=runner.job_namespace,
            annotations=job_annotations(runner),
            labels=dict(_LABELS),
        ),
        automount_service_account_token=False,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[namespace]),
    )


def _declare_policy(name: str, policy: Policy, namespace: Namespace, parent: pulumi.Resource) -> None:
    """Declare a NetworkPolicy."""
    k8s.networking.v1.NetworkPolicy(
        f"{name}-{policy.name}",
        metadata=k8s.meta.v1.ObjectMetaArgs(name=policy.name, namespace=policy.namespace, labels=dict(_LABELS)),
        spec=policy_spec(policy),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[namespace]),
    )


def policy_spec(policy: Policy) -> k8s.networking.v1.NetworkPolicySpecArgs:
    """Return a policy's spec: all pods of its namespace, both directions closed but for its rules."""
    return k8s.networking.v1.NetworkPolicySpecArgs(
        pod_selector=k8s.meta.v1.LabelSelectorArgs(),
        policy_types=["Ingress", "Egress"],
        egress=[
            k8s.networking.v1.NetworkPolicyEgressRuleArgs(to=_peers(rule), ports=_ports(rule)) for rule in policy.egress
        ],
        ingress=[
            k8s.networking.v1.NetworkPolicyIngressRuleArgs(from_=_peers(rule), ports=_ports(rule))
            for rule in policy.ingress
        ],
    )


def _peers(rule: Rule) -> list[k8s.networking.v1.NetworkPolicyPeerArgs]:
    return [_peer(peer) for peer in rule.peers]


def _peer(peer: Peer) -> k8s.networking.v1.NetworkPolicyPeerArgs:
    if peer.cidr is not None:
        block = k8s.networking.v1.IPBlockArgs(cidr=peer.cidr, except_=list(peer.blocked) or None)
        return k8s.networking.v1.NetworkPolicyPeerArgs(ip_block=block)
    return k8s.networking.v1.NetworkPolicyPeerArgs(
        namespace_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=dict(peer.namespace_labels or {})),
        pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=dict(peer.pod_labels)) if peer.pod_labels else None,
    )


def _ports(rule: Rule) -> list[k8s.networking.v1.NetworkPolicyPortArgs]:
    return [_port(port) for port in rule.ports]


def _port(port: Port) -> k8s.networking.v1.NetworkPolicyPortArgs:
    return k8s.networking.v1.NetworkPolicyPortArgs(port=port.number, end_port=port.end, protocol=port.protocol)


def _declare_rules(
    name: str, namespace: str, made: Namespace, parent: pulumi.Resource
) -> tuple[pulumi.Resource, pulumi.Resource]:
    """Declare the rules of a jobs' namespace, and what puts them in force there and nowhere else."""
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
    return policy, binding
