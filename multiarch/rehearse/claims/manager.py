"""Claims about the runner manager: admitted, running, on a node that stays, with everything it mounts."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from multiarch.model.pod_sources import sources
from multiarch.rehearse.claims.pods import (
    PATIENCE_SECONDS,
    SHORT_PATIENCE_SECONDS,
    Placement,
    create,
    kept_out,
    only_on,
    settle,
    stand_in,
)
from multiarch.rehearse.claims.scene import Promise, Proof, Scene, failed, proved, unknown

START_SECONDS = 30.0
_POLL_SECONDS = 0.1
_LOST = "with it all running jobs would be lost"
_ENFORCE = "pod-security.kubernetes.io/enforce"


def manager_promises(scene: Scene) -> list[Promise]:
    """Return the promises about the manager."""
    del scene
    return [
        Promise("runner-installed", "the runner is installed, its manager admitted under `restricted`", _installed),
        Promise(
            "manager-on-demand",
            "the manager runs on an on-demand node, and no node of a spot pool would accept it",
            _on_demand,
        ),
        Promise("manager-mounts", "all that the manager mounts is there, with the keys it needs", _mounts),
    ]


def _installed(scene: Scene) -> Proof:
    namespace = scene.admin.get(f"/api/v1/namespaces/{scene.installed.namespace}")
    level = (namespace["metadata"].get("labels") or {}).get(_ENFORCE, "")
    if level != "restricted":
        found = f"Pod Security '{level}'" if level else "no Pod Security level"
        return failed(f"the namespace {scene.installed.namespace} enforces {found}, not `restricted`")
    pod, why = _running_pod(scene)
    if pod is None:
        return failed(why) if why else unknown("the manager's pod was neither created nor refused")
    image = pod["spec"]["containers"][0]["image"]
    node = pod["spec"]["nodeName"]
    state = str(pod["status"].get("phase")) if scene.kubelet else "bound (nothing starts containers on rehearsal nodes)"
    return proved(f"pod {pod['metadata']['name']} ({image}) on {scene.describe(node)}: {state}")


def _on_demand(scene: Scene) -> Proof:
    pod, why = _running_pod(scene)
    if pod is None:
        return unknown(f"the manager's pod does not run: {why or 'nothing was reported'}")
    node = pod["spec"]["nodeName"]
    if scene.spot(node):
        return failed(f"{scene.describe(node)} is a spot node: {_LOST}")
    spots = sorted(name for name in scene.nodes if scene.pool(name) and scene.spot(name))
    if not spots:
        return proved(f"{scene.describe(node)}; no pool has spot nodes")
    placement = _try(scene, pod["spec"], spots)
    if placement.node:
        spot = scene.describe(placement.node)
        return failed(f"{scene.describe(node)} by chance: the scheduler also takes {spot}, a spot node: {_LOST}")
    if not kept_out(placement.message):
        return unknown(f"{scene.describe(node)}; of spot nodes: {placement.message or 'no answer from the scheduler'}")
    return proved(f"{scene.describe(node)}; with spot nodes only, the scheduler finds none: {placement.message}")


def _try(scene: Scene, manager: Mapping[str, Any], nodes: Sequence[str]) -> Placement:
    """Let the scheduler choose among these nodes alone, for a pod that is placed by the manager's own rules.

    Only rules that hold on any day count: not what the manager requests, nor which pods are there already. The pod does
    nothing: a second manager would take jobs.
    """
    namespace, name = scene.installed.namespace, f"{scene.installed.deployment[:40]}-on-spot"
    rules = {key: manager[key] for key in ("nodeSelector", "tolerations", "schedulerName") if key in manager}
    affinity = only_on(nodes, manager.get("affinity"))
    try:
        create(scene.admin, namespace, stand_in(scene, name, namespace, **rules, affinity=affinity))
        return settle(scene.admin, namespace, name, SHORT_PATIENCE_SECONDS)
    finally:
        scene.admin.delete(f"/api/v1/namespaces/{namespace}/pods/{name}", {"gracePeriodSeconds": "0"})


def _running_pod(scene: Scene) -> tuple[Mapping[str, Any] | None, str]:
    """Wait for a running pod of the manager; else return why there is none, as the cluster says it."""
    place = f"/namespaces/{scene.installed.namespace}"
    selector = ",".join(f"{key}={value}" for key, value in scene.installed.selector.items())
    deadline, since, why = time.monotonic() + START_SECONDS, 0.0, ""
    while time.monotonic() < deadline:
        for pod in scene.admin.items(f"/api/v1{place}/pods", {"labelSelector": selector}):
            if pod["spec"].get("nodeName") and (not scene.kubelet or pod["status"].get("phase") == "Running"):
                return pod, ""
        deployment = scene.admin.get(f"/apis/apps/v1{place}/deployments/{scene.installed.deployment}")
        why = _trouble(deployment) or _pending(scene, place, selector)
        if not why:
            since = 0.0
        elif not since:
            since = time.monotonic()
        elif time.monotonic() - since > PATIENCE_SECONDS:
            break
        time.sleep(_POLL_SECONDS)
    return None, why


def _trouble(deployment: Mapping[str, Any]) -> str:
    for condition in deployment.get("status", {}).get("conditions") or []:
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            return str(condition.get("message"))
    return ""


def _pending(scene: Scene, place: str, selector: str) -> str:
    for pod in scene.admin.items(f"/api/v1{place}/pods", {"labelSelector": selector}):
        for condition in pod["status"].get("conditions") or []:
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                return f"pod {pod['metadata']['name']} stays pending: {condition.get('message')}"
    return ""


def _mounts(scene: Scene) -> Proof:
    """Check what a kubelet would: kwok starts a pod whose Secret is missing, a real node does not."""
    place = f"/namespaces/{scene.installed.namespace}"
    deployment = scene.admin.get(f"/apis/apps/v1{place}/deployments/{scene.installed.deployment}")
    missing, seen = [], []
    for kind, name, keys, optional in sources(deployment["spec"]["template"]["spec"]):
        if optional or (kind == "secret" and _stood_in(scene, name)):
            continue
        found = scene.admin.find(f"/api/v1{place}/{kind}s/{name}")
        absent = [key for key in keys if key not in ((found or {}).get("data") or {})]
        seen.append(f"{kind} {name}")
        if found is None:
            missing.append(f"{kind} {name} does not exist")
        elif absent:
            missing.append(f"{kind} {name} lacks the key {', '.join(absent)}")
    if missing:
        return failed(f"{'; '.join(missing)}: the manager's pod would never start")
    others = f"; someone else creates {', '.join(sorted(scene.stand_ins))}" if scene.stand_ins else ""
    return proved(", ".join(dict.fromkeys(seen)) + others)


def _stood_in(scene: Scene, secret: str) -> bool:
    """Tell whether somebody else makes this Secret: then the rehearsal's stand-in says nothing about theirs."""
    return secret in scene.stand_ins
