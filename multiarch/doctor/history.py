"""Which of a pod's troubles still stand: events live for an hour, and tell of what has long passed by itself.

A job that waits for its node to be made leaves a `FailedScheduling`, a kubelet that starts a pod before it knows the
ConfigMap a `FailedMount`, and a registry that hiccups a `Failed to pull`; each job ran all the same. A pod's life has
stages (kubelet pkg/kubelet/kubelet.go, SyncPod: volumes, then the sandbox, then images), and what happened at a later
stage shows that the earlier ones were passed.
"""

import re
from collections.abc import Sequence
from enum import IntEnum

from multiarch.doctor.facts import Event, by_time, moment_of

MOUNTS = frozenset({"FailedMount", "FailedAttachVolume", "FailedMapVolume"})
SANDBOX = frozenset({"FailedCreatePodSandBox", "NetworkNotReady"})
PROGRESS = ("Scheduled", "Pulled")
"""Reasons of the Normal events that show a stage passed: the scheduler's, and kubelet's for each image, pulled or had.

Kubelet makes `Pulled` of an image that the node has, too (pkg/kubelet/images/image_manager.go), so that every pod whose
containers are made has one.
"""
_PLACING = frozenset(
    {
        "FailedScheduling",
        "NotTriggerScaleUp",
        "TriggeredScaleUp",
        "Nominated",
        "FailedScaleUp",
        "FailedToScaleUpGroup",
    }
)
TROUBLES = _PLACING | MOUNTS | SANDBOX | {"Failed"}
"""Reasons of events that a cause may be made of."""
_KUBELET = "kubelet"


class Stage(IntEnum):
    """How far a pod had come."""

    PLACING = 0
    MOUNTING = 1
    SANDBOX = 2
    IMAGES = 3


def stage(event: Event) -> Stage:
    """Return the stage that a pod was at when something was said of it."""
    if event.reason in MOUNTS or event.reason == "Scheduled":
        return Stage.MOUNTING
    if event.reason in SANDBOX:
        return Stage.SANDBOX
    return Stage.IMAGES if event.source == _KUBELET else Stage.PLACING


def placed(events: Sequence[Event]) -> bool:
    """Tell whether a pod was given a node."""
    return any(stage(event) > Stage.PLACING for event in events)


def pulled(events: Sequence[Event]) -> bool:
    """Tell whether a pod came as far as to have an image."""
    return any(event.reason == "Pulled" for event in events)


def lasting(events: Sequence[Event]) -> list[Event]:
    """Return one pod's events, oldest first, without the troubles that it has overcome.

    A pod is placed once: whatever shows that it was ends all that was said of placing it, in whatever order the events
    were written. Kubelets may have the same trouble again; there the later word counts.
    """
    known = by_time(events)
    return [event for event in known if event.reason not in TROUBLES or not _overcome(event, known)]


def names(message: str, image: str) -> bool:
    """Tell whether kubelet's message is of this image: in quotes, with the tag that it adds where there is none."""
    return re.search(rf'"{re.escape(image)}(:latest)?"', message) is not None


def _overcome(event: Event, known: Sequence[Event]) -> bool:
    if event.reason in _PLACING:
        return placed(known)
    later = [other for other in known if moment_of(other) >= moment_of(event)]
    if event.reason == "Failed":
        image = re.search(r'"([^"]*)"', event.message)
        had = [other.message for other in later if other.reason == "Pulled"]
        return image is not None and any(names(message, image[1]) for message in had)
    return any(stage(other) > stage(event) for other in later)
