"""Taints that keep pods off: those that Kubernetes puts on a node in trouble, and those that somebody chose."""

from collections.abc import Mapping, Sequence

from multiarch.doctor.advice import Advice, cause
from multiarch.doctor.facts import ARCH_LABEL, Node, Taint, unique
from multiarch.doctor.model import Cause, Fix

LASTING = "taint-not-tolerated"

_PASSING: Mapping[str, str] = {
    "node.kubernetes.io/unschedulable": "nodes-cordoned",
    "ToBeDeletedByClusterAutoscaler": "nodes-cordoned",
    "karpenter.sh/disrupted": "nodes-cordoned",
    "node.kubernetes.io/not-ready": "nodes-not-ready",
    "node.kubernetes.io/unreachable": "nodes-not-ready",
    "node.kubernetes.io/network-unavailable": "nodes-not-ready",
    "node.cloudprovider.kubernetes.io/uninitialized": "nodes-not-ready",
    "node.cloudprovider.kubernetes.io/shutdown": "nodes-not-ready",
    "node.kubernetes.io/out-of-service": "nodes-not-ready",
    "node.kubernetes.io/disk-pressure": "nodes-under-pressure",
    "node.kubernetes.io/memory-pressure": "nodes-under-pressure",
    "node.kubernetes.io/pid-pressure": "nodes-under-pressure",
}
"""kubernetes.io, "Well-Known Labels, Annotations and Taints"; cluster-autoscaler utils/taints; karpenter.sh/v1."""

PASSING = ("nodes-cordoned", "nodes-under-pressure", "nodes-not-ready")
"""Told before a chosen taint: a pool of somebody else's is tainted for good, and this pool's trouble is the news."""


def kind(key: str) -> str:
    """Return the kind of cause that a taint is."""
    return _PASSING.get(key, LASTING)


def weight(key: str) -> int:
    """Sort a node's taints: one that somebody chose decides, since the others pass."""
    return 0 if kind(key) == LASTING else 1


def taint_cause(  # noqa: PLR0913, PLR0917 - the parts of one cause
    of_kind: str,
    found: Sequence[tuple[Node, Taint]],
    arch: str,
    wanted: int,
    evidence: Sequence[str],
    advice: Advice,
) -> Cause:
    """Return the cause for nodes that are kept off pods in the same way. `wanted` counts the nodes that would serve."""
    nodes = list({node.name: node for node, _ in found}.values())
    what = f"{arch} node" if arch else "node"
    share = f"{len(nodes)} of {wanted} {what}{'' if wanted == 1 else 's'}"
    if of_kind == LASTING:
        return _lasting(found, share, len(nodes), evidence, advice)
    subject = arch or "all"
    names = [node.name for node in nodes]
    if of_kind == "nodes-cordoned":
        headline = f"{share} {'is' if len(nodes) == 1 else 'are'} cordoned"
        fixes = [
            Fix(
                text="Open them again, once their maintenance is over:",
                lines=tuple(advice.kubectl(f"uncordon {name}") for name in names[:5]),
            )
        ]
    else:
        word = "not Ready" if of_kind == "nodes-not-ready" else "under pressure"
        headline = f"{share} {'is' if len(nodes) == 1 else 'are'} {word}"
        fixes = [
            Fix(text="See the node's conditions and events:", lines=(advice.kubectl(f"describe node {names[0]}"),))
        ]
    details = unique(f"{node.name}: {taint}{f' ({node.trouble})' if node.trouble else ''}" for node, taint in found)
    return cause(of_kind, subject, headline, [*_some(details), *evidence], fixes)


def _lasting(
    found: Sequence[tuple[Node, Taint]], share: str, count: int, evidence: Sequence[str], advice: Advice
) -> Cause:
    taints = {str(taint): (node, taint) for node, taint in reversed(found)}
    shown = ", ".join(sorted(taints))
    details = unique(f"{node.name} has {taint}" for node, taint in found)
    return cause(
        LASTING,
        shown,
        f"{share} carr{'ies' if count == 1 else 'y'} {shown}, which the jobs' pods do not tolerate",
        [*_some(details), *evidence],
        [fix for _, (node, taint) in sorted(taints.items()) for fix in tolerate(taint, advice, node)],
    )


def tolerate(taint: Taint, advice: Advice, node: Node) -> list[Fix]:
    """Return how to let jobs onto tainted nodes, of which `node` is one, or the taint off them."""
    key = f"{taint.key}={taint.value}" if taint.value else taint.key
    toml = f'node_tolerations = {{ "{key}" = "{taint.effect}" }}'
    if not advice.stack:
        wide = advice.in_config("Let the jobs tolerate it:", "node_tolerations", (), toml)
    elif taint.key == ARCH_LABEL:
        wide = advice.deploy("The stack's jobs tolerate this taint; put its config back:")
    else:
        value = (f"        value: {taint.value}",) if taint.value else ()
        wide = advice.in_stack(
            "If these nodes are the jobs', say that their pool has the taint, and the jobs tolerate it:",
            "multiarch-runner:pools:",
            f"  - name: {advice.pool_of(node)}",
            "    taints:",
            f"      - key: {taint.key}",
            *value,
            f"        effect: {taint.effect}",
        )
    away = advice.kubectl(f"taint node {node.name} {taint.key}:{taint.effect}-")
    return [wide, Fix(text="Or take the taint away, where it is a mistake:", lines=(away,))]


def _some(details: Sequence[str], most: int = 3) -> list[str]:
    rest = len(details) - most
    return [*details[:most], *([f"and {rest} more"] if rest > 0 else [])]
