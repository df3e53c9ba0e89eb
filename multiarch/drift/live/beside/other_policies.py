"""Policies of the network's own kinds that open what the stack's NetworkPolicies keep closed. Pure.

Facts: AdminNetworkPolicy goes before NetworkPolicies, and BaselineAdminNetworkPolicy only where there is none
(network-policy-api, v1alpha1; v1alpha2 has both as ClusterNetworkPolicy with `tier`, and says Accept for Allow).
Cilium's policies add to them; a rule `{}` allows nothing there ("Ingress Default Deny"). Calico's `Allow` goes before
what its order says, whatever kind that is. GKE's FQDNNetworkPolicy adds.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from multiarch.drift.live.beside.ours import Ours, Pods
from multiarch.drift.live.beside.policies import DIRECTIONS, opening, selected
from multiarch.drift.live.beside.selectors import calico_may_select, may_select
from multiarch.drift.live.beside.widening import Kind, Raw, Unclear, Widening
from multiarch.drift.live.lists import canonical
from multiarch.drift.live.shown import shortened
from multiarch.drift.live.told import name_of

Labels = Mapping[str, Mapping[str, str]]
"""Labels of the stack's namespaces, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one API group's policies say what they allow, and for whom."""

    allows: Callable[[Raw], bool]
    """Tell it of one rule."""
    selects: Callable[[Raw, Pods, Mapping[str, str]], bool | None]
    """Tell whether a policy's spec may select pods in a namespace of these labels; None: it is not understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherKind:
    """A kind of policies, by its group; `instead` names the group that serves the same objects, where it is there."""

    group: str
    kind: str
    plural: str
    dialect: Dialect
    namespaced: bool = False
    instead: str = ""

    def of(self, version: str) -> Kind:
        """Return the kind in one version of the group."""
        return Kind(version=f"{self.group}/{version}", kind=self.kind, plural=self.plural)


def widening_others(
    kind: Kind, dialect: Dialect, items: Iterable[Raw], ours: Ours, labels: Labels
) -> Iterator[Widening | Unclear]:
    """Yield every rule of these policies that opens something for pods that the stack's own policies close."""
    for item in items:
        for spec in [*([item["spec"]] if item.get("spec") else []), *(item.get("specs") or [])]:
            yield from _of_spec(kind.named(item), dialect, spec, ours, labels)


def _of_spec(where: Raw, dialect: Dialect, spec: Raw, ours: Ours, labels: Labels) -> Iterator[Widening | Unclear]:
    place = where["metadata"].get("namespace")
    for direction, (key, _) in DIRECTIONS.items():
        allowed = [(index, rule) for index, rule in enumerate(spec.get(key) or []) if dialect.allows(rule)]
        closed = [
            pods
            for namespace in ours.namespaces
            if place in (None, namespace)
            for pods in selected(None, namespace, ours, direction)
        ]
        answers = [(pods, dialect.selects(spec, pods, labels.get(pods.account.namespace, {}))) for pods in closed]
        certain = [pods for pods, answer in answers if answer]
        if allowed and not certain and any(answer is None for _, answer in answers):
            resource, title = name_of(where)
            yield Unclear(resource=resource, title=title, why="whether its selector is about the stack's pods")
        elif certain:
            for index, rule in allowed:
                yield opening(where, direction, index, certain, f"what it says ({shortened(canonical(rule), 150)})")


def _pods(selector: Raw | None, pods: Pods) -> bool:
    return may_select(selector, pods.labels, pods.varies)


def _admin_selects(spec: Raw, pods: Pods, labels: Mapping[str, str]) -> bool:
    subject = spec.get("subject") or {}
    if spec.get("tier", "Admin") != "Admin":
        return False
    if "namespaces" in subject:
        return may_select(subject["namespaces"], labels)
    inner = subject.get("pods") or {}
    return may_select(inner.get("namespaceSelector"), labels) and _pods(inner.get("podSelector"), pods)


def _cilium_selects(spec: Raw, pods: Pods, labels: Mapping[str, str]) -> bool:
    if "endpointSelector" not in spec:
        return False  # a policy for nodes
    known = {
        **pods.labels,
        **{f"io.cilium.k8s.namespace.labels.{key}": value for key, value in labels.items()},
        "io.kubernetes.pod.namespace": pods.account.namespace,
        "io.cilium.k8s.policy.serviceaccount": pods.account.name,
    }
    cluster = "io.cilium.k8s.policy.cluster"
    return may_select(_bare(spec["endpointSelector"]), known, lambda key: key == cluster or pods.varies(key))


def _bare(selector: Raw | None) -> Raw:
    """Return a selector without Cilium's `k8s:` and `any:` before the keys."""
    labels = {_key(key): value for key, value in ((selector or {}).get("matchLabels") or {}).items()}
    rules = [{**rule, "key": _key(rule["key"])} for rule in (selector or {}).get("matchExpressions") or []]
    return {"matchLabels": labels, "matchExpressions": rules}


def _key(key: str) -> str:
    return key.removeprefix("k8s:").removeprefix("any:")


def _calico_selects(spec: Raw, pods: Pods, labels: Mapping[str, str]) -> bool | None:
    account = {"projectcalico.org/name": pods.account.name}
    space = {**labels, "projectcalico.org/name": pods.account.namespace}
    known = {
        **pods.labels,
        "projectcalico.org/namespace": pods.account.namespace,
        "projectcalico.org/serviceaccount": pods.account.name,
        "projectcalico.org/orchestrator": "k8s",
    }
    answers = (
        calico_may_select(spec.get("selector") or "", known, pods.varies),
        calico_may_select(spec.get("namespaceSelector") or "", space),
        # Labels of the account itself are not known here: only its name is.
        calico_may_select(spec.get("serviceAccountSelector") or "", account, lambda key: key not in account),
    )
    return False if False in answers else None if None in answers else True


def _acts(*actions: str) -> Callable[[Raw], bool]:
    return lambda rule: rule.get("action") in actions


def _says_something(rule: Raw) -> bool:
    return any(rule.values())


_ADMIN: Final = Dialect(allows=_acts("Allow", "Accept"), selects=_admin_selects)
_CILIUM: Final = Dialect(allows=_says_something, selects=_cilium_selects)
_CALICO: Final = Dialect(allows=_acts("Allow"), selects=_calico_selects)
_FQDN: Final = Dialect(allows=_says_something, selects=lambda spec, pods, _: _pods(spec.get("podSelector"), pods))


def _kind(group: str, kind: str, plural: str, dialect: Dialect, **more: Any) -> OtherKind:
    return OtherKind(group=group, kind=kind, plural=plural, dialect=dialect, **more)


OTHER_KINDS: Final = (
    _kind("policy.networking.k8s.io", "AdminNetworkPolicy", "adminnetworkpolicies", _ADMIN),
    _kind("policy.networking.k8s.io", "ClusterNetworkPolicy", "clusternetworkpolicies", _ADMIN),
    _kind("cilium.io", "CiliumNetworkPolicy", "ciliumnetworkpolicies", _CILIUM, namespaced=True),
    _kind("cilium.io", "CiliumClusterwideNetworkPolicy", "ciliumclusterwidenetworkpolicies", _CILIUM),
    _kind("projectcalico.org", "NetworkPolicy", "networkpolicies", _CALICO, namespaced=True),
    _kind("projectcalico.org", "GlobalNetworkPolicy", "globalnetworkpolicies", _CALICO),
    _kind("crd.projectcalico.org", "NetworkPolicy", "networkpolicies", _CALICO, namespaced=True,
          instead="projectcalico.org"),
    _kind("crd.projectcalico.org", "GlobalNetworkPolicy", "globalnetworkpolicies", _CALICO,
          instead="projectcalico.org"),
    _kind("networking.gke.io", "FQDNNetworkPolicy", "fqdnnetworkpolicies", _FQDN, namespaced=True),
)  # fmt: skip
"""docs/drift-cluster.md lists them all."""
