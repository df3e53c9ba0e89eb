"""What the autoscalers say of a pod: Cluster Autoscaler and Karpenter, both by events.

Sources: cluster-autoscaler processors/status/eventing_scale_up_processor.go and core/scaleup (`NotTriggerScaleUp`:
`pod didn't trigger scale-up: 12 node(s) didn't match Pod's node affinity/selector, 3 max node group size reached`,
kubernetes/autoscaler#5692; `TriggeredScaleUp`: `pod triggered scale-up: [{group 1->2 (max: 5)}]`); karpenter
pkg/controllers/provisioning/scheduling/events.go (`FailedScheduling` with `Failed to schedule pod, …`, `Nominated`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from multiarch.doctor.facts import Event, by_time, quoted

_NOT = re.compile(
    r"^pod didn't trigger scale-up(?: \(it wouldn't fit if a new node is added\))?:? ?(?P<rest>.*)", re.DOTALL
)
_NEXT = re.compile(r", (?=\d+ )")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """What the autoscalers' newest words on one pod come to."""

    said: str = ""
    """The words themselves; empty when no autoscaler spoke."""
    refused: tuple[str, ...] = ()
    """Cluster Autoscaler's reasons, each with the number of node groups that it is of."""
    ordered: bool = False
    """A node is on its way."""
    fitted: bool = False
    """An autoscaler has ordered a node for this pod before: some group would take it."""
    failed: bool = False
    """A node was ordered for it, and did not come."""
    excluded: bool = False
    """Karpenter has no NodePool that may."""

    def has(self, text: str) -> bool:
        """Tell whether a reason says so."""
        return any(text in reason for reason in self.refused)

    @property
    def unfit(self) -> bool:
        """Whether a group was tried, and its nodes would not have the labels that the pod selects."""
        return self.has("node affinity/selector")

    @property
    def at_maximum(self) -> bool:
        """Whether some group is at its maximum: any, also one that could never take the pod.

        Groups at their maximum or in backoff are left out before the pod is tried on the others, and counted for every
        pod (cluster-autoscaler core/scaleup/orchestrator/orchestrator.go, ScaleUp: filterValidScaleUpNodeGroups comes
        before SchedulablePodGroups).
        """
        return self.has("max node group size reached") or self.has("max cluster ")

    @property
    def backing_off(self) -> bool:
        """Likewise whether some group does not grow, because its last growth failed."""
        return self.has("in backoff after failed scale-up") or self.has("not ready for scale-up")

    @property
    def cluster_full(self) -> bool:
        """Whether the cluster has as many nodes as it may, of whatever kind (--max-nodes-total)."""
        return self.has("max total nodes in cluster reached")


def of(events: Iterable[Event]) -> Scaling:
    """Judge the events of one pod. A later word takes the place of an earlier one."""
    result = Scaling()
    for event in by_time(events):
        said = partial(Scaling, said=quoted(event.message), fitted=result.fitted)
        match event.reason:
            case "NotTriggerScaleUp":
                result = said(refused=_refusals(event.message))
            case "TriggeredScaleUp" | "Nominated":
                result = said(ordered=True, fitted=True)
            case "FailedScaleUp" | "FailedToScaleUpGroup":
                result = said(failed=True)
            case "FailedScheduling" if event.message.startswith("Failed to schedule pod, "):
                result = said(excluded=True)
            case _:
                pass
    return result


def _refusals(message: str) -> tuple[str, ...]:
    match = _NOT.match(" ".join(message.split()))
    return tuple(part for part in _NEXT.split(match["rest"]) if part) if match else ()
