"""Causes by the scheduler's words alone: where nodes can't be listed, or for filters that are not recomputed."""

from collections.abc import Iterator, Mapping, Sequence

from multiarch.doctor.advice import cause
from multiarch.doctor.model import Cause
from multiarch.doctor.scheduling import lifecycle
from multiarch.doctor.scheduling.message import Message, Reason, Why

_KINDS: Mapping[Why, tuple[str, str]] = {
    Why.TAINT: ("taint-not-tolerated", "nodes carry a taint that the pods do not tolerate"),
    Why.CORDONED: ("nodes-cordoned", "nodes are cordoned"),
    Why.RESOURCE: ("nodes-full", "nodes have too little left, or are too small"),
    Why.PODS: ("nodes-full", "nodes have as many pods as they may"),
    Why.PORTS: ("host-port-taken", "a port of the node that the pods want is taken"),
    Why.VOLUME: ("volume-elsewhere", "a volume of the pods can't be used on these nodes"),
    Why.CLAIM: ("claim-unbound", "a volume claim of the pods is missing or unbound"),
    Why.SPREAD: ("spread-or-affinity", "topology spread or pod affinity leaves no node"),
    Why.GATE: ("scheduling-gated", "a scheduling gate holds the pods back"),
    Why.NO_NODES: ("no-node-of-arch", "the cluster has no node"),
    Why.OTHER: ("scheduler-says", "the scheduler refuses for a reason that this check does not know"),
    Why.SELECTOR: ("selector-matches-no-node", "no node has the labels that the pods select"),
}
"""In the order of what they tell: another pool's nodes always fail the selector, so that it comes last."""


def by_words(message: Message, evidence: Sequence[str]) -> Iterator[Cause]:
    """Yield a cause for each filter that the message names, the most telling first."""
    for why, (kind, headline) in _KINDS.items():
        reasons = [reason for reason in message.reasons if reason.why is why]
        named = {lifecycle.kind(reason.detail.partition("=")[0]) for reason in reasons if why is Why.TAINT}
        if why is Why.TAINT and len(named) == 1 and named != {kind}:
            # Up to 1.35 the taint is named: one that Kubernetes sets on a node in trouble is another cause.
            yield cause(named.pop(), _subject(why, reasons), _headline("nodes are closed", reasons), evidence)
        elif reasons:
            yield cause(kind, _subject(why, reasons), _headline(headline, reasons), evidence)


def _subject(why: Why, reasons: Sequence[Reason]) -> str:
    details = sorted({reason.detail for reason in reasons if reason.detail})
    return ", ".join(details) or ("all" if why is not Why.OTHER else reasons[0].text)


def _headline(headline: str, reasons: Sequence[Reason]) -> str:
    details = sorted({reason.detail for reason in reasons if reason.detail})
    counts = [reason.count for reason in reasons if reason.count is not None]
    where = f" ({sum(counts)} nodes)" if counts else ""
    return f"{headline}{where}{': ' + ', '.join(details) if details else ''}"
