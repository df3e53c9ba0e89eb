"""The runner's two namespaces, and what must stand in them before the release: profiles, policies, the jobs' identity.

It makes no Role: the chart makes the manager's from the rules in permissions.py, and the jobs' service account has none.
"""

from collections.abc import Mapping
from typing import TypedDict

import pulumi
import pulumi_kubernetes as k8s

from components.runner.network import Peer, Policy, Port, Rule
from components.runner.permissions import pod_security

_LABELS: Mapping[str, str] = {"managed-by": "pulumi"}


class RunnerNamespacesArgs(TypedDict):
    """What the namespaces hold."""

    namespace: str
    """Namespace of the manager; its pods must meet Pod Security `restricted`."""

    job_namespace: str
    """Namespace of the jobs; their pods must meet Pod Security `baseline`."""

    job_service_account: str
    """Name of the jobs' service account."""

    job_annotations: Mapping[str, str]
    """Annotations of the jobs' service account."""

    policies: list[Policy]
    """The network policies of both namespaces."""


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
        manager = self._namespace(f"{name}-manager", args["namespace"], "restricted")
        jobs = self._namespace(f"{name}-jobs", args["job_namespace"], "baseline")
        account = k8s.core.v1.ServiceAccount(
            f"{name}-job",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=args["job_service_account"],
                namespace=args["job_namespace"],
                annotations=dict(args["job_annotations"]),
                labels=dict(_LABELS),
            ),
            automount_service_account_token=False,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[jobs]),
        )
        within = {args["namespace"]: ("manager", manager), args["job_namespace"]: ("jobs", jobs)}
        for policy in args["policies"]:
            short, namespace = within[policy.namespace]
            self._policy(f"{name}-{short}-{policy.name}", policy, namespace)
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

    def _namespace(self, name: str, namespace: str, profile: str) -> k8s.core.v1.Namespace:
        return k8s.core.v1.Namespace(
            name,
            metadata=k8s.meta.v1.ObjectMetaArgs(name=namespace, labels={**_LABELS, **pod_security(profile)}),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _policy(self, name: str, policy: Policy, namespace: k8s.core.v1.Namespace) -> None:
        k8s.networking.v1.NetworkPolicy(
            name,
            metadata=k8s.meta.v1.ObjectMetaArgs(name=policy.name, namespace=policy.namespace, labels=dict(_LABELS)),
            spec=policy_spec(policy),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[namespace]),
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
