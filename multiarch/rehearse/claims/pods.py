"""Gives pods to the cluster and sees what becomes of them."""

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from multiarch.cluster.api import Api, ApiRefused
from multiarch.model.executor import Job, JobRefusal, Pod, build_pod
from multiarch.model.nodes.marks import OWNER_LABEL, owner, tolerating
from multiarch.rehearse.claims.scene import Scene
from multiarch.rehearse.report.model import JobView, Outcome

SETTLE_SECONDS = 20.0
"""How long the scheduler may say nothing at all."""
PATIENCE_SECONDS = 1.5
"""How long a pod may stay unschedulable before it counts: the scheduler's view of nodes lags by a moment."""
SHORT_PATIENCE_SECONDS = 0.6
"""The same where every node is Ready by now, and a no is what is expected."""
_POLL_SECONDS = 0.1
_RULES = (
    "node(s) didn't match Pod's node affinity/selector",
    "didn't satisfy plugin(s) [NodeAffinity]",
    "untolerated taint",
)
"""The scheduler's words for what a node's labels and taints decide (pkg/scheduler/framework/plugins)."""
_PREEMPTION = re.compile(r"\.( no new claims to deallocate,)? preemption: .*")
"""The scheduler's second sentence: that removing other pods would not help either."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a pod went, or what the scheduler said. Both empty: it said nothing."""

    node: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class JobRun:
    """A job, and what became of it."""

    view: JobView
    pod: Pod | None = None
    """None: the runner itself refused the job."""
    refusal: ApiRefused | None = None
    """The API server's."""


def build(scene: Scene, job: Job) -> Pod | JobRefusal:
    """Build a job's pod from the config that was read back."""
    return build_pod(scene.installed.config, job, scene.installed.runner_version)


def run_job(scene: Scene, job: Job, asked: str) -> JobRun:
    """Give a job to the executor model, create its pod as the runner, and wait for the scheduler.

    Raises ApiRefused for an answer that says nothing about the pod (a server in trouble), and UnreachableError.
    """
    built = build(scene, job)
    if isinstance(built, JobRefusal):
        view = JobView(name=job.name, asked=asked, outcome=Outcome.REFUSED, refused_by="runner", reason=built.reason)
        return JobRun(view)
    return run_pod(scene, job.name, asked, built)


def run_pod(scene: Scene, name: str, asked: str, pod: Pod) -> JobRun:
    """Create a job's pod as the runner and wait for the scheduler. Raises as `run_job` does."""
    try:
        create(scene.runner, pod.namespace, pod.manifest)
    except ApiRefused as refusal:
        if not refusal.definite:
            raise
        view = JobView(
            name=name,
            asked=asked,
            outcome=Outcome.REFUSED,
            pod=pod.name,
            helper_image=pod.helper_image,
            refused_by=refused_by(refusal),
            reason=refusal.message,
        )
        return JobRun(view, pod, refusal)
    placement = settle(scene.admin, pod.namespace, pod.name)
    # A pool may have one small node, and what was to be seen has been seen: make room for the next job.
    scene.admin.delete(f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}", {"gracePeriodSeconds": "0"})
    view = JobView(
        name=name,
        asked=asked,
        outcome=Outcome.SCHEDULED if placement.node else Outcome.PENDING,
        node=placement.node or None,
        pod=pod.name,
        helper_image=pod.helper_image,
        refused_by=None if placement.node or not placement.message else "scheduler",
        reason=placement.message,
    )
    return JobRun(view, pod)


def create(api: Api, namespace: str, manifest: Mapping[str, Any], *, dry_run: bool = False) -> None:
    """Create a pod as it is, but that it may go to the rehearsal's nodes. Raises ApiRefused.

    Whoever looks at a pod's own tolerations looks at the manifest, which is left as it was given.
    """
    spec = manifest["spec"]
    pod = {**manifest, "spec": {**spec, "tolerations": tolerating(spec.get("tolerations"))}}
    api.create(f"/api/v1/namespaces/{namespace}/pods", pod, dry_run=dry_run)


def stand_in(scene: Scene, name: str, namespace: str, **spec: Any) -> dict[str, Any]:
    """Return a pod that does nothing and that Pod Security `restricted` admits, placed as `spec` says."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {OWNER_LABEL: owner(scene.stack)}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            **spec,
            "containers": [
                {
                    "name": "plain",
                    "image": "registry.k8s.io/pause:3.10",
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "runAsNonRoot": True,
                        "runAsUser": 65535,
                        "capabilities": {"drop": ["ALL"]},
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                }
            ],
        },
    }


def only_on(nodes: Iterable[str], affinity: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a node affinity that admits these nodes alone, of those that `affinity` admits."""
    required = ((affinity or {}).get("nodeAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    # The scheduler's field selector takes one name a term; terms are alternatives, what is in one must all hold.
    terms = [
        {**term, "matchFields": [*(term.get("matchFields") or []), _named(name)]}
        for term in required.get("nodeSelectorTerms") or [{}]
        for name in nodes
    ]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


def _named(node: str) -> dict[str, Any]:
    return {"key": "metadata.name", "operator": "In", "values": [node]}


def settle(api: Api, namespace: str, name: str, patience: float = PATIENCE_SECONDS) -> Placement:
    """Wait until the scheduler has placed a pod or keeps saying that it can't.

    The scheduler's FailedScheduling message stands in the pod's own condition as well, where it comes with the pod.
    """
    path = f"/api/v1/namespaces/{namespace}/pods/{name}"
    deadline, since, message = time.monotonic() + SETTLE_SECONDS, 0.0, ""
    while time.monotonic() < deadline:
        pod = api.get(path)
        if pod["spec"].get("nodeName"):
            return Placement(node=str(pod["spec"]["nodeName"]))
        message = unschedulable(pod)
        if not message:
            since = 0.0
        elif not since:
            since = time.monotonic()
        elif time.monotonic() - since > patience and not waits_for_room(message):
            break
        time.sleep(_POLL_SECONDS)
    return Placement(message=message)


def unschedulable(pod: Mapping[str, Any]) -> str:
    """Return why the scheduler has no node for a pod, in its own words; empty where it does not say so."""
    for condition in pod.get("status", {}).get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            message = str(condition.get("message") or condition.get("reason") or "unschedulable")
            return _PREEMPTION.sub(".", message)
    return ""


def kept_out(message: str) -> bool:
    """Tell whether the scheduler names nothing but labels and taints: a node that is full now may be free tomorrow."""
    reasons = message.partition(": ")[2].rstrip(".").split(", ")
    return all(any(rule in reason for rule in _RULES) for reason in reasons)


def waits_for_room(message: str) -> bool:
    """Tell whether a pod lacks CPU, memory or room for pods: other jobs of the rehearsal leave, and it fits then."""
    return "Insufficient " in message or "Too many pods" in message


def refused_by(refusal: ApiRefused) -> str:
    """Say who refused a pod: RBAC, admission (Pod Security, a webhook, a quota), or the API's own validation."""
    if refusal.status == 403 and "cannot create resource" in refusal.message:  # noqa: PLR2004 - Forbidden
        return "RBAC"
    return "admission" if refusal.status == 403 else "API"  # noqa: PLR2004 - Forbidden


def violates_pod_security(refusal: ApiRefused) -> bool:
    """Tell whether Pod Security admission refused."""
    return refusal.status == 403 and "violates PodSecurity" in refusal.message  # noqa: PLR2004 - Forbidden
