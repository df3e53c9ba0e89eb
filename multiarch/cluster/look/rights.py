"""Whether the user may do what `pulumi up` will do: one access review for each verb on each kind."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final

from components.runner.permissions import job_rules
from multiarch.cluster.access_review import Action
from multiarch.cluster.look.asking import Questions
from multiarch.cluster.look.model import Right
from multiarch.core.verdict import Answer, Verdict

_OBJECT: Final = ("get", "create", "patch", "delete")
"""What Pulumi's Kubernetes provider does with an object of its own: read it, apply it server-side, delete it."""
_HELM: Final = ("get", "create", "update", "patch", "delete")
"""What Helm does with an object of a chart (helm.sh/helm/v3, pkg/kube, client.go)."""

OBJECTS: Final[Mapping[str, str]] = {
    "Namespace": "namespaces",
    "ServiceAccount": "serviceaccounts",
    "Secret": "secrets",
    "NetworkPolicy": "networkpolicies.networking.k8s.io",
    "PodDisruptionBudget": "poddisruptionbudgets.policy",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies.admissionregistration.k8s.io",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings.admissionregistration.k8s.io",
}
"""Kinds that the program declares, to their resource and API group. A test holds it to the plans of all stacks."""
_CLUSTER_WIDE: Final = frozenset({"Namespace", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"})


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Need:
    """One verb on one resource (`deployments.apps`), in a namespace or, with an empty one, cluster-wide."""

    resource: str
    namespace: str
    verb: str


def standard_needs(namespace: str, job_namespace: str) -> tuple[Need, ...]:
    """Return what a stack without a second runner needs: `needs_of` of its plan gives the same."""
    declared = [
        ("Namespace", ""),
        ("ServiceAccount", job_namespace),
        ("NetworkPolicy", job_namespace),
        ("NetworkPolicy", namespace),
        ("Secret", namespace),
    ]
    return (*_declared(declared), *_release(namespace, job_namespace))


def needs_of(manifests: Sequence[Mapping[str, Any]], namespace: str, job_namespace: str) -> tuple[Need, ...]:
    """Return what the objects of a plan need, together with its Helm release. Raises KeyError for an unknown kind."""
    declared = [
        (
            str(manifest["kind"]),
            "" if manifest["kind"] in _CLUSTER_WIDE else str(manifest["metadata"].get("namespace") or "default"),
        )
        for manifest in manifests
    ]
    return (*_declared(declared), *_release(namespace, job_namespace))


def _declared(declared: Sequence[tuple[str, str]]) -> tuple[Need, ...]:
    return tuple(
        Need(verb=verb, resource=OBJECTS[kind], namespace=place)
        for kind, place in dict.fromkeys(declared)
        for verb in _OBJECT
    )


def _release(namespace: str, job_namespace: str) -> tuple[Need, ...]:
    """Return what Helm needs: its record (a Secret), the chart's objects, and a look at how its pods come up."""
    chart = {
        "secrets": namespace,
        "configmaps": namespace,
        "serviceaccounts": namespace,
        "deployments.apps": namespace,
        "roles.rbac.authorization.k8s.io": job_namespace,
        "rolebindings.rbac.authorization.k8s.io": job_namespace,
    }
    found = [Need(verb=verb, resource=resource, namespace=place) for resource, place in chart.items() for verb in _HELM]
    found.append(Need(verb="list", resource="secrets", namespace=namespace))
    waits = {"pods": namespace, "replicasets.apps": namespace, "deployments.apps": namespace}
    found += [Need(verb="list", resource=resource, namespace=place) for resource, place in waits.items()]
    return tuple(found)


def rights(ask: Questions, needs: Sequence[Need], job_namespace: str, pool: Executor) -> tuple[Right, ...]:
    """Ask about every need, side by side, and whether the user may give the runner the rights that it gets."""
    wanted = sorted(set(needs))
    answers = pool.map(lambda need: ask.may(_action(need)), wanted)
    granting = pool.submit(_may_grant, ask, job_namespace)
    found = [
        Right(verb=need.verb, resource=need.resource, namespace=need.namespace, allowed=allowed)
        for need, allowed in zip(wanted, answers, strict=True)
    ]
    role = "roles.rbac.authorization.k8s.io"
    return (*found, Right(verb="grant", resource=role, namespace=job_namespace, allowed=granting.result()))


def _action(need: Need) -> Action:
    kind, _, group = need.resource.partition(".")
    return Action(verb=need.verb, resource=kind, group=group, namespace=need.namespace)


def _may_grant(ask: Questions, namespace: str) -> Answer:
    """Tell whether the API server would let this user create the runner's Role.

    It refuses a Role that grants more than its creator has, unless the creator may `escalate` roles (Kubernetes
    documentation, "Using RBAC Authorization", privilege escalation prevention).
    """
    roles = Need(verb="escalate", resource="roles.rbac.authorization.k8s.io", namespace=namespace)
    escalate = ask.may(_action(roles))
    if escalate.verdict is Verdict.YES:
        return escalate
    doubtful = ""
    for verb, resource in _granted():
        told = ask.may(_action(Need(verb=verb, resource=resource, namespace=namespace)))
        if told.verdict is Verdict.NO:
            because = f"may not {verb} {resource} in {namespace}, which the runner's Role grants, nor escalate roles"
            return Answer(verdict=Verdict.NO, because=because)
        if told.verdict is Verdict.UNKNOWN:
            doubtful = doubtful or told.because
    if doubtful:
        return Answer(verdict=Verdict.UNKNOWN, because=doubtful)
    return Answer(verdict=Verdict.YES, because="has every right that the runner's Role grants")


def _granted() -> list[tuple[str, str]]:
    return [(verb, resource) for rule in job_rules() for resource in rule["resources"] for verb in rule["verbs"]]
