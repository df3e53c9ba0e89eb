"""Explains every job's pod that hangs or failed to start, and merges twins: one cause, however many pods."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from multiarch.doctor import containers, scaling
from multiarch.doctor.advice import Advice, cause
from multiarch.doctor.catalogue import BY_ID, ORDER
from multiarch.doctor.facts import (
    Event,
    Facts,
    Node,
    Raw,
    by_time,
    condition,
    is_job,
    moment,
    pod_key,
    quoted,
    statuses_of,
    twin,
    unique,
)
from multiarch.doctor.history import lasting
from multiarch.doctor.model import Cause, Fix
from multiarch.doctor.scheduling.message import Message, parse
from multiarch.doctor.scheduling.placement import placement_causes
from multiarch.doctor.scheduling.question import Question

YOUNG_SECONDS = 60
"""A pod may be silent as long as this: images are being pulled, volumes attached."""
SLOW_SECONDS = 600
"""A node that was ordered comes within this (docs/pitfalls.md: poll_timeout)."""
EVIDENCE = 8
"""Most of what is shown of one cause; the pods of one cause say the same in other words."""
FIXES = 5
_CLOSER = frozenset({"scale-from-zero", "pool-at-maximum", "scale-up-fails", "node-pool-excludes"})
_PLACING = frozenset(
    {"affinity", "containers", "initContainers", "nodeSelector", "overhead", "resources", "tolerations"}
)
"""Keys of a pod's spec that its placement is judged by."""
HISTORY_SECONDS = 3600
"""Failures older than this are history; events live no longer, but where kube-apiserver has another `--event-ttl`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What came of all pods."""

    causes: tuple[Cause, ...] = ()
    """Twins merged."""
    waiting: tuple[str, ...] = ()
    """Remarks on pods that are as they should be: a node is on its way, they are young."""
    doubts: tuple[str, ...] = ()
    """Pods of which nothing tells why they hang."""


def explain_jobs(facts: Facts) -> Explained:
    """Explain each pod of a job; managers are not jobs."""
    explainer = Explainer(facts)
    causes: list[Cause] = []
    waiting: list[str] = []
    doubts: list[str] = []
    for pod in facts.pods.value:
        if not is_job(pod):
            continue
        found, remark = explainer.explain(pod)
        causes += [replace(one, pods=(pod_key(pod),)) for one in found]
        if not found and remark:
            (waiting if remark.fine else doubts).append(remark.text)
    return Explained(causes=merged(causes), waiting=_counted(waiting), doubts=_counted(doubts))


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to say of a pod without a cause."""

    text: str
    fine: bool


class Explainer:
    """Explains one pod at a time, with everything that bears on it at hand."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._advice = Advice(facts)
        self._nodes: Mapping[str, Node] = {node.name: node for node in facts.nodes.value}
        self._events: dict[tuple[str, str], list[Event]] = {}
        self._schedulers = {_scheduler(pod) for pod in facts.pods.value if condition(pod, "PodScheduled")}
        """Those that have judged at least one of these pods: they live."""
        self._placements: dict[str, list[Cause]] = {}
        """By everything of a pod that placement depends on: a thousand twins are judged once."""
        for event in facts.events.value:
            if event.kind == "Pod":
                self._events.setdefault((event.namespace, event.name), []).append(event)

    def explain(self, pod: Raw) -> tuple[list[Cause], Remark | None]:
        """Return the causes of one pod, or what is to be said when there is none. The first cause counts most."""
        if terminating := self._terminating(pod):
            return [terminating], None
        phase = (pod.get("status") or {}).get("phase")
        if phase == "Failed" and self._since(ended_at(pod, self._of(pod))) > HISTORY_SECONDS:
            return [], None
        if pod["spec"].get("nodeName") or phase == "Failed":
            return self._started(pod)
        return self._unplaced(pod)

    def _unplaced(self, pod: Raw) -> tuple[list[Cause], Remark | None]:
        message, events = self._message(pod), self._of(pod)
        gates = [gate["name"] for gate in pod["spec"].get("schedulingGates") or []]
        if gates:
            names = ", ".join(gates)
            return [cause("scheduling-gated", names, f"pods are held back by the scheduling gate {names}")], None
        said = scaling.of(events)
        question = Question(
            pod=pod,
            nodes=self._facts.nodes.value if self._facts.nodes.known else None,
            message=message,
            scaling=said,
            advice=self._advice,
        )
        if not message.text:
            return self._silent(pod, question)
        found = self._placement(question)
        if said.ordered and self._age(pod) < SLOW_SECONDS:
            return [], Remark(f"a node is on its way ({said.said})", fine=True)
        if found:
            return found[:1], None
        # It would fit by now: the scheduler comes back to it within seconds, but for what it does not tell.
        return [], Remark(
            f"by labels, taints and room they would fit now; the scheduler said: {quoted(message.text)}",
            fine=self._age(pod) < YOUNG_SECONDS,
        )

    def _placement(self, question: Question) -> list[Cause]:
        spec = {key: value for key, value in question.pod["spec"].items() if key in _PLACING}
        key = json.dumps([spec, question.message.text, question.scaling.said], sort_keys=True)
        if key not in self._placements:
            self._placements[key] = placement_causes(question)
        return self._placements[key]

    def _silent(self, pod: Raw, question: Question) -> tuple[list[Cause], Remark | None]:
        """Judge a pod without a word from any scheduler."""
        scheduler = _scheduler(pod)
        if self._age(pod) < YOUNG_SECONDS:
            return [], Remark(f"they are younger than {YOUNG_SECONDS} s", fine=True)
        if scheduler in self._schedulers:
            late = self._age(pod) > SLOW_SECONDS
            return [], Remark(f"{scheduler} has not tried them yet; it has tried others", fine=not late)
        found = self._placement(question) if self._facts.nodes.known else []
        return [
            cause(
                "scheduler-silent",
                scheduler,
                f"no scheduler has looked at the pods: they are for '{scheduler}'",
                [
                    f"no condition PodScheduled, no event, after {self._age(pod):.0f} s",
                    *(one.headline for one in found),
                ],
                [
                    Fix(
                        text="See whether that scheduler runs:",
                        lines=(self._advice.kubectl("-n kube-system get pods,leases | grep -i schedul"),),
                    )
                ],
            )
        ], None

    def _started(self, pod: Raw) -> tuple[list[Cause], Remark | None]:
        node = self._nodes.get(pod["spec"].get("nodeName") or "")
        logs = {status["name"]: self._facts.logs.get(twin(pod, status), "") for status in statuses_of(pod)}
        events = tuple(lasting(self._of(pod)))
        started = containers.Started(pod=pod, node=node, events=events, logs=logs, advice=self._advice)
        found = containers.start_causes(started)
        if found:
            return found[:1], None
        if (pod.get("status") or {}).get("phase") != "Pending":
            return [], None
        if node is not None and not node.ready:
            return [
                cause(
                    "nodes-not-ready",
                    node.arch or "all",
                    f"node {node.name}, which the pods were given to, is not Ready",
                    [node.trouble or "its Ready condition is not True"],
                    [Fix(text="See its conditions:", lines=(self._advice.kubectl(f"describe node {node.name}"),))],
                )
            ], None
        young = self._age(pod) < 2 * YOUNG_SECONDS
        state = "they are being started" if young else "they have a node and no container has started; nothing says why"
        return [], Remark(state, fine=young)

    def _terminating(self, pod: Raw) -> Cause | None:
        deleted = moment(pod["metadata"].get("deletionTimestamp"))
        if deleted is None or (self._facts.now - deleted).total_seconds() < YOUNG_SECONDS:
            return None  # deletionTimestamp is when the grace period ends
        holders = pod["metadata"].get("finalizers") or []
        namespace, _, name = pod_key(pod).partition("/")
        if holders:
            names = ", ".join(holders)
            patch = """-p '{"metadata":{"finalizers":null}}'"""
            line = self._advice.kubectl(f"-n {namespace} patch pod {name} --type=merge {patch}")
            text = "See why its owner does not remove it; if the owner no longer exists:"
            return cause(
                "stuck-terminating",
                names,
                f"pods are not deleted: finalizer {names}",
                [f"deleted {deleted:%Y-%m-%d %H:%M} UTC, still there"],
                [Fix(text=text, lines=(line,))],
            )
        node = str(pod["spec"].get("nodeName") or "")
        known = self._nodes.get(node)
        state = (
            "is gone"
            if self._facts.nodes.known and known is None
            else "is not Ready"
            if known and not known.ready
            else ""
        )
        return cause(
            "stuck-terminating",
            node or "no node",
            f"pods are not deleted: their node {node} {state}" if state else "pods are not deleted",
            [f"deleted {deleted:%Y-%m-%d %H:%M} UTC, still there, on node {node or '-'}"],
            [
                Fix(
                    text="Once the machine is certainly off:",
                    lines=(self._advice.kubectl(f"-n {namespace} delete pod {name} --grace-period=0 --force"),),
                )
            ],
        )

    def _message(self, pod: Raw) -> Message:
        placed = condition(pod, "PodScheduled")
        if placed.get("status") == "False" and placed.get("message"):
            return parse(str(placed["message"]))
        events = by_time(self._of(pod))
        said = [event for event in events if event.reason == "FailedScheduling" and event.source != "karpenter"]
        return parse(said[-1].message) if said else Message("")

    def _of(self, pod: Raw) -> list[Event]:
        """Return the pod's events, and none of an earlier pod of its name."""
        uid = pod["metadata"].get("uid", "")
        events = self._events.get((pod["metadata"].get("namespace", ""), pod["metadata"]["name"]), [])
        return [event for event in events if not event.uid or event.uid == uid]

    def _age(self, pod: Raw) -> float:
        return self._since(moment(pod["metadata"].get("creationTimestamp")))

    def _since(self, when: dt.datetime | None) -> float:
        return (self._facts.now - (when or self._facts.now)).total_seconds()


def ended_at(pod: Raw, events: Iterable[Event]) -> dt.datetime | None:
    """Return when a pod that has failed ended: the last that is told of it. None where nothing tells a time.

    An eviction may leave no container's end; then the pod's conditions turned with it, and kubelet's event says when.
    """
    status = pod.get("status") or {}
    ends = [((one.get("state") or {}).get("terminated") or {}).get("finishedAt") for one in statuses_of(pod)]
    turns = [one.get("lastTransitionTime") for one in status.get("conditions") or []]
    starts = [status.get("startTime"), pod["metadata"].get("creationTimestamp")]
    times = [moment(text) for text in (*ends, *turns, *starts)]
    return max(filter(None, (*times, *(event.last for event in events))), default=None)


def _scheduler(pod: Raw) -> str:
    return str(pod["spec"].get("schedulerName") or "default-scheduler")


def merged(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """Merge twins and put the likeliest first: by what it stops, by pods that hang now, by the catalogue."""
    twins: dict[tuple[str, str], list[Cause]] = {}
    for one in causes:
        twins.setdefault((one.kind, one.subject), []).append(one)
    # What an autoscaler says of an architecture without nodes is the same cause, known more closely.
    closer = {subject for kind, subject in twins if kind in _CLOSER}
    kept = [group for (kind, subject), group in twins.items() if kind != "no-node-of-arch" or subject not in closer]
    return tuple(sorted(map(_one, kept), key=_rank))


def _one(group: Sequence[Cause]) -> Cause:
    # What was seen of pods says more than what a check foresaw.
    first = next((one for one in group if one.pods), group[0])
    evidence = unique(text for one in (first, *group) for text in one.evidence)
    return replace(
        first,
        evidence=evidence[:EVIDENCE],
        fixes=tuple(dict.fromkeys(fix for one in group for fix in one.fixes))[:FIXES],
        pods=unique(pod for one in group for pod in one.pods),
        gone=unique(pod for one in group for pod in one.gone),
    )


def _rank(one: Cause) -> tuple[int, int, int, int, str]:
    reach = BY_ID[one.kind].reach
    return int(reach), not one.pods, -len(one.pods) or -len(one.gone), ORDER[one.kind], one.subject


def _counted(texts: Iterable[str]) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    for text in texts:
        counts[text] = counts.get(text, 0) + 1
    return tuple(f"{count} pod{'' if count == 1 else 's'}: {text}" for text, count in counts.items())


def stuck(pod: Raw, now: dt.datetime) -> bool:
    """Tell whether a pod is worth an explanation: not started, failed, not going away, or waiting in a bad state."""
    phase = (pod.get("status") or {}).get("phase")
    if phase in {"Pending", "Failed"}:
        return True
    deleted = moment(pod["metadata"].get("deletionTimestamp"))
    if deleted is not None and (now - deleted).total_seconds() > YOUNG_SECONDS:
        return True
    return phase == "Running" and any(_bad(status) for status in statuses_of(pod))


def _bad(status: Raw) -> bool:
    reason = ((status.get("state") or {}).get("waiting") or {}).get("reason")
    return reason in containers.STUCK_REASONS
