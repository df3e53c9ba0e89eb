"""The runner's two namespaces, and what must stand in them before the release: profiles, policies, job identity.

It makes no Role: the chart makes the manager's from the rules in permissions.py, and the jobs' account has none.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeAlias, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from components.runner.classes import KANIKO
from components.runner.executor import job_annotations
from components.runner.network import Peer, Policy, Port, Rule, network_policies
from components.runner.permissions import pod_security
from components.runner.settings import RunnerConfig, runner_of

_LABELS: Mapping[str, str] = {"managed-by": "pulumi"}
Namespace: TypeAlias = k8s.core.v1.Namespace | k8s.core.v1.NamespacePatch
"""One that the stack makes, or the labels of one that is there."""


class RunnerNamespacesArgs(TypedDict):
    """What the namespaces follow from."""

    runner: Mapping[str, Any]
    """The runner's configuration, as in the stack file's `runner`."""

    cluster_type: str
    """`gke`, `eks`, `aks` or `existing`: whose metadata addresses are blocked."""


class RunnerNamespaces(pulumi.ComponentResource):
    """Namespaces, Pod Security, network policies and the jobs' service account."""

    namespace: pulumi.Output[str]
    """Name of the manager's namespace."""

    job_namespace: pulumi.Output[str]
    """Name of the jobs' namespace."""

    job_service_account: pulumi.Output[str]
    """Name of the jobs' service account."""

    def __init__(self, name: str, args: RunnerNamespacesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("multiarch-runner:index:RunnerNamespaces", name, None, opts)
        runner = runner_of(args["runner"])
        declare = partial(declare_namespace, runner=runner, parent=self)
        manager = declare(f"{name}-manager", runner.namespace, pod_security("restricted"))
        jobs = declare(f"{name}-jobs", runner.job_namespace, pod_security(KANIKO.pod_security))
        account = declare_job_account(f"{name}-job", runner, jobs, self)
        within = {runner.namespace: ("manager", manager), runner.job_namespace: ("jobs", jobs)}
        for policy in network_policies(runner, args["cluster_type"]):
            short, namespace = within[policy.namespace]
            declare_policy(f"{name}-{short}-{policy.name}", policy, namespace, self)
        self.namespace = manager.metadata.name
        self.job_namespace = jobs.metadata.name
        self.job_service_account = account.metadata.name
        self.register_outputs(
            {
                "namespace": self.namespace,
                "job_namespace": self.job_namespace,
                "job_service_account": self.job_service_account,
            }
        )


def declare_namespace(
    name: str, namespace: str, labels: Mapping[str, str], runner: RunnerConfig, parent: pulumi.Resource
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


def declare_job_account(
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


def declare_policy(name: str, policy: Policy, namespace: Namespace, parent: pulumi.Resource) -> None:
    """Declare a NetworkPolicy."""
    k8s.networking.v1.NetworkPolicy(
        name,
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
