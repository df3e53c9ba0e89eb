"""Reads what kube-scheduler says of a pod that it can't place.

The grammar is `FitError.Error` in kubernetes pkg/scheduler/framework/types.go, the same from 1.23 to 1.36:
`0/<nodes> nodes are available: <prefilter>. | <count> <reason>[, <count> <reason>]. [<postfilter>]`. The reasons are
constants of its plugins; 1.36 no longer names the taint (plugins/tainttoleration: `had untolerated taint(s)`), 1.23 to
1.35 do (`had untolerated taint {key: value}`), and 1.22 said `had taint {key: value}, that the pod didn't tolerate`.
What is not understood is kept as it is.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Why(StrEnum):
    """Which of the scheduler's filters said no."""

    TAINT = "taint"
    SELECTOR = "selector"
    RESOURCE = "resource"
    PODS = "pods"
    PORTS = "ports"
    CORDONED = "cordoned"
    VOLUME = "volume"
    CLAIM = "claim"
    SPREAD = "spread"
    GATE = "gate"
    NO_NODES = "no nodes"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, and how many nodes it is of."""

    why: Why
    text: str
    """In the scheduler's own words, without the count."""
    count: int | None = None
    """None where it is about the pod, and so about every node."""
    detail: str = ""
    """The resource, the taint as `key=value`, the claim."""


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message."""

    text: str
    nodes: int | None = None
    reasons: tuple[Reason, ...] = ()
    after: str = ""
    """What the scheduler said of preemption, or anything else that follows; verbatim."""

    @property
    def whys(self) -> frozenset[Why]:
        """The filters that said no."""
        return frozenset(reason.why for reason in self.reasons)


_HEAD = re.compile(r"^0/(?P<nodes>\d+) nodes are available(?:: ?|\.?$)(?P<rest>.*)", re.DOTALL)
_AFTER = re.compile(r"\.+ (?=preemption: |no new claims to deallocate|still not schedulable|\S+: preemption)")
_NEXT = re.compile(r", (?=\d+ )")
_COUNTED = re.compile(r"^(?P<count>\d+) (?P<text>.*)$", re.DOTALL)
_TAINT = re.compile(r"^node\(s\) had (?:untolerated )?taints? ?(?:\{(?P<key>[^:}]*): ?(?P<value>[^}]*)\})?")
_INSUFFICIENT = re.compile(r"^Insufficient (?P<resource>\S+)$")
_CLAIM = re.compile(r'persistentvolumeclaim "(?P<claim>[^"]*)"', re.IGNORECASE)

_KNOWN: tuple[tuple[str, Why], ...] = (
    ("node(s) had taints that the pod didn't tolerate", Why.TAINT),
    ("node(s) had untolerated taint(s)", Why.TAINT),
    ("node(s) didn't match Pod's node affinity", Why.SELECTOR),
    ("node(s) didn't match node selector", Why.SELECTOR),
    ("node(s) didn't match the requested node name", Why.SELECTOR),
    ("node(s) didn't satisfy plugin(s) [NodeAffinity]", Why.SELECTOR),
    ("Too many pods", Why.PODS),
    ("node(s) didn't have free ports", Why.PORTS),
    ("node(s) were unschedulable", Why.CORDONED),
    ("node(s) had volume node affinity conflict", Why.VOLUME),
    ("node(s) didn't match PersistentVolume's node affinity", Why.VOLUME),
    ("node(s) had no available volume zone", Why.VOLUME),
    ("node(s) exceed max volume count", Why.VOLUME),
    ("node(s) had no available disk", Why.VOLUME),
    ("node(s) unavailable due to PersistentVolumeClaim", Why.VOLUME),
    ("node(s) didn't find available persistent volumes to bind", Why.CLAIM),
    ("node(s) did not have enough free storage", Why.CLAIM),
    ("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)", Why.CLAIM),
    ("pod has unbound immediate PersistentVolumeClaims", Why.CLAIM),
    ("waiting for ephemeral volume controller", Why.CLAIM),
    ("node(s) didn't match pod topology spread constraints", Why.SPREAD),
    ("node(s) didn't match pod affinity", Why.SPREAD),
    ("node(s) didn't match pod anti-affinity", Why.SPREAD),
    ("node(s) didn't satisfy existing pods anti-affinity", Why.SPREAD),
    ("waiting for scheduling gates", Why.GATE),
    ("Scheduling is blocked due to non-empty scheduling gates", Why.GATE),
    ("no nodes available to schedule pods", Why.NO_NODES),
)


def parse(text: str) -> Message:
    """Read a message of any version, and of anything else: then it is one reason of kind OTHER.

    >>> parse("0/2 nodes are available: 1 Insufficient cpu, 1 Too many pods.").reasons[0].detail
    'cpu'
    """
    text = " ".join(text.split())
    head = _HEAD.match(text)
    if head is None:
        return Message(text, reasons=(_reason(text.rstrip("."), None),) if text else ())
    body, after = _split(head["rest"])
    reasons = tuple(_counted(part) for part in _NEXT.split(body) if part) if body else ()
    return Message(text, int(head["nodes"]), reasons, after)


def _split(rest: str) -> tuple[str, str]:
    """Part the reasons from what follows them."""
    known = _AFTER.search(rest)
    if known:
        return rest[: known.start()], rest[known.end() :]
    body, stop, after = rest.partition(". ")
    return (body, after) if stop else (rest.rstrip("."), "")


def _counted(part: str) -> Reason:
    match = _COUNTED.match(part)
    return _reason(match["text"], int(match["count"])) if match else _reason(part, None)


def _reason(text: str, count: int | None) -> Reason:
    if match := _INSUFFICIENT.match(text):
        return Reason(Why.RESOURCE, text, count, match["resource"])
    taint = _TAINT.match(text)
    if taint and taint["key"]:
        value = f"={taint['value']}" if taint["value"] else ""
        return Reason(Why.TAINT, text, count, taint["key"] + value)
    if match := _CLAIM.search(text):
        return Reason(Why.CLAIM, text, count, match["claim"])
    why = next((why for start, why in _KNOWN if text.startswith(start)), Why.OTHER)
    return Reason(why, text, count)
