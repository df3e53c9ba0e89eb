"""Why a pod that has a node does not start: by its containers' states, its conditions and its events.

The reasons are kubelet's: pkg/kubelet/images (pulls), kuberuntime (`CreateContainerConfigError`,
`CreateContainerError`), container (`RunContainerError`), events/event.go (`FailedMount`, `FailedCreatePodSandBox`,
`NetworkNotReady`), lifecycle/predicate.go (`OutOfcpu`), eviction/helpers.go (`The node was low on resource`).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from multiarch.doctor import history
from multiarch.doctor.advice import Advice, cause
from multiarch.doctor.facts import (
    ARCH_LABEL,
    Event,
    Node,
    Raw,
    condition,
    containers_of,
    pod_key,
    quoted,
    statuses_of,
)
from multiarch.doctor.model import Cause, Fix
from multiarch.doctor.pulls import WRONG_FORMAT, named_arch, pull_failure

PULLING = frozenset({"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "SignatureValidationFailed"})
_WAITING: Mapping[str, str] = {
    "InvalidImageName": "image-name-invalid",
    "ErrImageNeverPull": "image-never-pulled",
    "ImageInspectError": "image-pull-fails",
    "CreateContainerConfigError": "container-config",
    "CreateContainerError": "container-start-fails",
    "RunContainerError": "container-start-fails",
    "StartError": "container-start-fails",
    "ContainerCannotRun": "container-start-fails",
}
STUCK_REASONS = PULLING | set(_WAITING) | {"CrashLoopBackOff"}
_REFUSED = re.compile(
    r"^(OutOf.+|NodeAffinity|NodePorts|UnexpectedAdmissionError|NodeShutdown|PodSandboxFailed|Admission.*)$"
)
_TAKEN = frozenset({"DeletionByTaintManager", "DeletionByPodGC", "TerminationByKubelet", "EvictionByEvictionAPI"})
_HELPERS = frozenset({"helper", "init-permissions"})
_MISSING = re.compile(r'(secret|configmap|persistentvolumeclaim)s? "?([a-z0-9.-]+)"? not found', re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A pod that got a node, or never will, and what bears on it."""

    pod: Raw
    node: Node | None = None
    """None while it has none, or it could not be read."""
    events: tuple[Event, ...] = ()
    """The pod's, without what it has overcome."""
    logs: Mapping[str, str]
    """Container to the telling part of its log; mostly empty."""
    advice: Advice

    @property
    def arch(self) -> str:
        """The node's architecture, else the one that the pod selects; empty where neither tells."""
        selected = (self.pod["spec"].get("nodeSelector") or {}).get(ARCH_LABEL, "")
        return (self.node.arch if self.node else "") or str(selected)

    @property
    def place(self) -> str:
        """` on <node> (<architecture>)`; empty where the node is not known."""
        return f" on {self.node.name} ({self.arch})" if self.node else ""


def start_causes(started: Started) -> list[Cause]:
    """Return the causes, the one that came first in the pod's life first."""
    ended = list(_ended(started))
    if ended:
        return ended
    states = list(_states(started))
    return states or list(_by_events(started))


def _ended(started: Started) -> Iterator[Cause]:
    """Yield why the pod was taken away, or refused, as a whole."""
    pod, status = started.pod, started.pod.get("status") or {}
    reason, message = str(status.get("reason") or ""), quoted(str(status.get("message") or ""))
    disrupted = condition(pod, "DisruptionTarget")
    said = [f"{disrupted.get('reason')}: {quoted(str(disrupted.get('message')))}"] if disrupted else []
    if reason == "Evicted":
        resource = re.search(r"low on resource: ([a-z0-9.-]+[a-z0-9])", message)
        what = resource.group(1) if resource else "see its message"
        yield cause("pod-evicted", what, f"nodes evicted pods: {what}", [message, *said])
    elif disrupted.get("status") == "True" and disrupted.get("reason") == "PreemptionByScheduler":
        yield cause("pod-preempted", "all", "pods of higher priority preempted the jobs", said)
    elif disrupted.get("status") == "True" and disrupted.get("reason") in _TAKEN:
        yield cause("node-taken-away", str(disrupted["reason"]), "the node was removed while jobs ran", said)
    elif reason in {"Terminated", "Shutdown", "NodeLost"}:
        yield cause("node-taken-away", reason, "the node was removed while jobs ran", [f"{reason}: {message}"])
    elif _REFUSED.match(reason):
        yield cause("kubelet-refuses", reason, f"the node refused the pod: {reason}", [message or reason])


def _states(started: Started) -> Iterator[Cause]:
    """Yield what containers wait for or ended of, the init containers first."""
    names: set[str] = set()
    for status in statuses_of(started.pod):
        found = _state(started, status)
        if found is not None and found.kind not in names:
            names.add(found.kind)
            yield found


def _state(started: Started, status: Raw) -> Cause | None:
    state = status.get("state") or {}
    waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
    reason = str(waiting.get("reason") or ended.get("reason") or "")
    message = str(waiting.get("message") or ended.get("message") or "")
    name, image = str(status["name"]), _image(started.pod, status)
    if reason in PULLING:
        return _pull(started, name, image, reason, message)
    last = (status.get("lastState") or {}).get("terminated") or {}
    said = " ".join(filter(None, (message, str(last.get("message") or ""), started.logs.get(name, ""))))
    failed = bool(ended and ended.get("exitCode")) or bool(last)
    if (failed or reason in _WAITING) and (found := _wrong_arch(started, name, image, said, failed=failed)):
        return found
    if reason in _WAITING:
        return _waiting(started, name, image, reason, message)
    if failed and name == "init-permissions":
        code = (ended or last).get("exitCode")
        return cause(
            "init-permissions-fails",
            image,
            f"the runner's init container ends with code {code}",
            [f"container {name} ({image}): {quoted(said) or reason}"],
            [_log(started, name)],
        )
    return None


def _pull(started: Started, name: str, image: str, reason: str, message: str) -> Cause:
    kind = pull_failure(message, image) if message else "image-pull-fails"
    if kind == "image-pull-fails" or message == f'Back-off pulling image "{image}"':
        # Kubelets before 1.32 repeat no reason in the back-off: their events still have it.
        failures = [
            event.message
            for event in started.events
            if event.reason == "Failed" and "Failed to pull" in event.message and history.names(event.message, image)
        ]
        kind = next((found for text in failures if (found := pull_failure(text, image)) != "image-pull-fails"), kind)
        message = " / ".join([message, *failures[:1]])
    arch = started.arch
    subject = f"{image} on {arch}" if kind == "image-lacks-arch" and arch else image
    if kind == "image-lacks-arch" and name in _HELPERS and named_arch(image):
        kind = "helper-image-wrong-arch"
    headline = {
        "image-lacks-arch": f"image {image} is not built for {arch or 'the node'}",
        "helper-image-wrong-arch": f"the helper image {image} is not built for {arch or 'the node'}",
        "image-pull-denied": f"the registry refuses to give {image}",
        "image-not-found": f"there is no image {image}",
        "image-rate-limited": f"the registry limits the rate of pulls of {image}",
        "registry-tls": f"the node does not trust the registry of {image}",
        "registry-unreachable": f"the node does not reach the registry of {image}",
    }.get(kind, f"image {image} can't be pulled")
    evidence = f"container {name}{started.place}: {reason}: {quoted(message)}"
    return cause(kind, subject, headline, [evidence], list(_pull_fixes(started.advice, kind, image, arch)))


def _pull_fixes(advice: Advice, kind: str, image: str, arch: str) -> Iterator[Fix]:
    if kind == "image-lacks-arch":
        yield Fix(text="See which architectures it has:", lines=(f"python -m archmerge inspect {image}",))
        yield Fix(text=f"Use one that has {arch or 'this architecture'}, build it for both, or select the other one.")
    elif kind == "image-pull-denied":
        yield advice.in_config(
            "Name a Secret of the jobs' namespace that may pull it:",
            "image_pull_secrets",
            ("imagePullSecrets: [NAME]",),
            'image_pull_secrets = ["NAME"]',
        )
        yield Fix(
            text="Or give the job DOCKER_AUTH_CONFIG; or correct the name: a missing image may get the same answer."
        )
    elif kind == "image-rate-limited":
        yield Fix(text="Pull with credentials, or through a mirror or a pull-through cache of your own.")
    elif kind == "helper-image-wrong-arch":
        yield unset_helper(advice)


def unset_helper(advice: Advice) -> Fix:
    """Return how to let the runner choose the helper image."""
    if advice.stack:
        return advice.in_stack(
            "Let the runner choose the helper image:", "multiarch-runner:runner:", "  helperImage: auto"
        )
    return Fix(text="Let the runner choose the helper image: take `helper_image` out of [runners.kubernetes].")


def _wrong_arch(started: Started, name: str, image: str, said: str, *, failed: bool) -> Cause | None:
    """Return that a container is of another architecture than its node: by its own words, or by its tag."""
    arch, said_so, label = started.arch, WRONG_FORMAT in said, named_arch(image)
    foreign = bool(arch and label and label != arch and failed)
    if not said_so and not (foreign and name in _HELPERS):
        return None
    kind = "helper-image-wrong-arch" if name in _HELPERS else "image-lacks-arch"
    because = f": {quoted(said)}" if said_so else f": it ended at once, and its tag says {label}"
    fixes = (
        [unset_helper(started.advice)]
        if kind == "helper-image-wrong-arch"
        else [*_pull_fixes(started.advice, "image-lacks-arch", image, arch)]
    )
    what = "the helper image" if kind == "helper-image-wrong-arch" else "image"
    return cause(
        kind,
        f"{image} on {arch}" if arch else image,
        f"{what} {image} is not built for {arch or 'the node'}",
        [f"container {name}{started.place}{because}"],
        fixes,
    )


def _waiting(started: Started, name: str, image: str, reason: str, message: str) -> Cause:
    kind = _WAITING[reason]
    missing = _MISSING.search(message)
    subject = missing.group(0) if missing else image
    headline = {
        "image-name-invalid": f"'{image}' is not an image reference",
        "image-never-pulled": f"the pull policy forbids to pull {image}, and the node does not have it",
        "container-config": f"container {name} can't be created: {quoted(message, 160)}",
        "container-start-fails": f"container {name} ({image}) can't be started",
    }.get(kind, f"container {name} ({image}): {reason}")
    return cause(
        kind,
        subject,
        headline,
        [f"container {name}: {reason}: {quoted(message)}"],
        [
            *([Fix(text=f"Make the missing object: {missing.group(0)}.")] if missing else []),
            started.advice.describe_pods([pod_key(started.pod)]),
        ],
    )


def _by_events(started: Started) -> Iterator[Cause]:
    """Yield what keeps containers from being made at all: volumes, then the sandbox."""
    describe = started.advice.describe_pods([pod_key(started.pod)])
    for event in started.events:
        if event.reason in history.MOUNTS:
            missing = _MISSING.search(event.message) or re.search(r"non-existent secret key: \S+", event.message)
            what = missing.group(0) if missing else quoted(event.message, 120)
            yield cause(
                "volume-mount-fails",
                what,
                f"a volume can't be mounted: {what}",
                [f"{event.reason}: {quoted(event.message)}"],
                [describe],
            )
            return
    for event in started.events:
        if event.reason in history.SANDBOX:
            node = started.node.name if started.node else "its node"
            yield cause(
                "sandbox-fails",
                node,
                f"{node} can't set up the pods' network",
                [f"{event.reason}: {quoted(event.message)}"],
                [describe],
            )
            return


def _image(pod: Raw, status: Raw) -> str:
    """Return the image as the pod asks for it: a status may have its digest in its place."""
    asked = {container["name"]: str(container.get("image") or "") for container in containers_of(pod)}
    return asked.get(status["name"]) or str(status.get("image") or "")


def _log(started: Started, container: str) -> Fix:
    namespace, _, name = pod_key(started.pod).partition("/")
    return Fix(text="See what it said:", lines=(started.advice.kubectl(f"-n {namespace} logs {name} -c {container}"),))
