"""The scheduler's filters that a pod and its nodes decide alone, recomputed: labels, taints, resources.

Sources: kubernetes v1.36 pkg/scheduler/framework/plugins (nodeaffinity, tainttoleration, nodeunschedulable,
noderesources) and k8s.io/component-helpers (scheduling/corev1).
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from multiarch.cluster.selectors import expression, is_number
from multiarch.doctor.facts import Node, Raw, Taint, amounts

CORDON = Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule")
_KEEPS_OFF = frozenset({"NoSchedule", "NoExecute"})
"""`PreferNoSchedule` keeps nobody off."""


def terms(pod: Raw) -> list[Raw]:
    """Return the required node affinity terms, of which one must match; none means that there is no such rule."""
    affinity = ((pod["spec"].get("affinity") or {}).get("nodeAffinity")) or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    return list(required.get("nodeSelectorTerms") or [])


def selects(pod: Raw, node: Node) -> bool:
    """Tell whether a pod's node selector and required node affinity admit a node."""
    selector = pod["spec"].get("nodeSelector") or {}
    if any(node.labels.get(key) != value for key, value in selector.items()):
        return False
    alternatives = terms(pod)
    return not alternatives or any(_term(term, node) for term in alternatives)


def _term(term: Raw, node: Node) -> bool:
    expressions, fields = term.get("matchExpressions") or [], term.get("matchFields") or []
    if not expressions and not fields:
        return False  # an empty term matches nothing
    named = {"metadata.name": node.name}
    return all(expression(entry, node.labels) for entry in expressions) and all(
        expression(entry, named) for entry in fields
    )


def untolerated(pod: Raw, node: Node) -> list[Taint]:
    """Return the taints that keep a pod off a node; a cordon counts as its taint."""
    taints = [taint for taint in node.taints if taint.effect in _KEEPS_OFF]
    if node.cordoned and CORDON not in taints:
        taints.append(CORDON)
    tolerations = pod["spec"].get("tolerations") or []
    return [taint for taint in taints if not any(tolerates(entry, taint) for entry in tolerations)]


def tolerates(toleration: Raw, taint: Taint) -> bool:  # noqa: PLR0911 - one answer for each rule
    """Tell whether one toleration covers one taint."""
    if toleration.get("effect") and toleration["effect"] != taint.effect:
        return False
    operator = toleration.get("operator") or "Equal"
    if not toleration.get("key"):
        return bool(operator == "Exists")
    if toleration["key"] != taint.key:
        return False
    value = str(toleration.get("value") or "")
    match operator:
        case "Exists":
            return True
        case "Equal":
            return value == taint.value
        case "Gt" | "Lt":  # alpha since 1.35: TaintTolerationComparisonOperators
            if not is_number(value) or not is_number(taint.value):
                return False
            return int(taint.value) > int(value) if operator == "Gt" else int(taint.value) < int(value)
        case _:
            return False


def requests(pod: Raw) -> dict[str, Decimal]:
    """Return what a pod asks of a node, `pods` included (k8s.io/component-helpers resource.PodRequests).

    Init containers run one after the other, beside the sidecars that were started before them.
    """
    spec = pod["spec"]
    total = added(_requests_of(container) for container in spec.get("containers") or [])
    sidecars: dict[str, Decimal] = {}
    peak: dict[str, Decimal] = {}
    for container in spec.get("initContainers") or []:
        asked = _requests_of(container)
        if container.get("restartPolicy") == "Always":
            sidecars = added([sidecars, asked])
            peak = _largest(peak, sidecars)
        else:
            peak = _largest(peak, added([sidecars, asked]))
    total = _largest(added([total, sidecars]), peak)
    total |= amounts((spec.get("resources") or {}).get("requests"))
    return {**added([total, amounts(spec.get("overhead"))]), "pods": Decimal(1)}


def _requests_of(container: Raw) -> dict[str, Decimal]:
    """Return a container's requests; a limit without a request counts as one, as the API server's default has it."""
    resources: Mapping[str, Any] = container.get("resources") or {}
    return {**amounts(resources.get("limits")), **amounts(resources.get("requests"))}


def added(lists: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    """Sum resource lists."""
    total: dict[str, Decimal] = {}
    for resources in lists:
        for name, value in resources.items():
            total[name] = total.get(name, Decimal(0)) + value
    return total


def _largest(first: Mapping[str, Decimal], second: Mapping[str, Decimal]) -> dict[str, Decimal]:
    zero = Decimal(0)
    return {name: max(first.get(name, zero), second.get(name, zero)) for name in {**first, **second}}


def lacking(asked: Mapping[str, Decimal], node: Node, *, empty: bool = False) -> Iterator[str]:
    """Yield the resources of which a node has too little left; with `empty`, were none but its own pods on it.

    Its own are those of DaemonSets, and static ones. A node whose pods could not be listed is taken for empty.
    """
    used = node.daemons if empty or node.used is None else node.used
    for name, value in asked.items():
        if value > 0 and value > node.allocatable.get(name, Decimal(0)) - used.get(name, Decimal(0)):
            yield name
