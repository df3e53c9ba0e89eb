"""The claim about the arm64 taint: a pod that does not ask for arm64 does not get there."""

from typing import Any

from multiarch.cluster.api import ApiRefused
from multiarch.model.nodes.marks import pools_own
from multiarch.rehearse.claims.pods import SHORT_PATIENCE_SECONDS, create, kept_out, only_on, settle, stand_in
from multiarch.rehearse.claims.scene import ARCH_LABEL, Promise, Proof, Scene, failed, proved, unknown
from multiarch.rehearse.report.model import JobView, Outcome

_NAME = "plain-pod"


def taint_promises(scene: Scene) -> list[Promise]:
    """Return the promise, where the stack has arm64 pools that make it."""
    if not any(group.guarded for group in scene.groups):
        return []
    title = "the arm64 taint keeps a pod that does not tolerate it off every node of the arm64 pools that promise it"
    return [Promise("arm64-taint", title, _plain_pod)]


def _plain_pod(scene: Scene) -> Proof:
    """Let the scheduler choose among the arm64 nodes only, for a pod that tolerates all their taints but this one.

    A pod without a selector would mostly go elsewhere by chance, and prove nothing.
    """
    guarded = {node["metadata"]["name"] for group in scene.groups if group.guarded for node in group.nodes}
    namespace = scene.installed.job_namespace
    asked = "no toleration, arm64 nodes only"
    try:
        create(scene.admin, namespace, _manifest(scene, sorted(guarded)))
    except ApiRefused as refusal:
        return unknown(f"the plain pod could not be created: {refusal.message}")
    placement = settle(scene.admin, namespace, _NAME, SHORT_PATIENCE_SECONDS)
    if placement.node:
        view = JobView(name=_NAME, asked=asked, outcome=Outcome.SCHEDULED, pod=_NAME, node=placement.node)
        return failed(f"a plain pod was placed on {scene.describe(placement.node)}, which has no arm64 taint", view)
    view = JobView(
        name=_NAME,
        asked=asked,
        outcome=Outcome.PENDING,
        pod=_NAME,
        refused_by="scheduler" if placement.message else None,
        reason=placement.message,
    )
    if "untolerated taint" in placement.message and kept_out(placement.message):
        return proved(placement.message, view)
    return unknown(placement.message or "no answer from the scheduler", view)


def _manifest(scene: Scene, nodes: list[str]) -> dict[str, Any]:
    tolerations = [
        {"key": taint["key"], "operator": "Exists"}
        for name in nodes
        for taint in scene.nodes.get(name, {}).get("spec", {}).get("taints") or []
        if taint["key"] != ARCH_LABEL and pools_own(taint)
    ]
    return stand_in(
        scene,
        _NAME,
        scene.installed.job_namespace,
        tolerations=[dict(item) for item in {tuple(sorted(entry.items())) for entry in tolerations}],
        affinity=only_on(nodes),
    )
