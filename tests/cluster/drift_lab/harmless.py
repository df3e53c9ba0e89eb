"""What happens to a healthy runner every day, and is no drift."""

import base64
import datetime as dt
from typing import Any

from multiarch.rehearse.install.chart import EMBEDDED
from tests.cluster.drift_lab.changes import (
    CONFIG,
    DEPLOYMENT,
    JOB_ACCOUNT,
    JOB_NAMESPACE,
    JOBS,
    MANAGER_ACCOUNT,
    POLICIES,
    ROLE,
    RUNNER,
    SECRET,
    Change,
    merge,
    node_of,
)
from tests.cluster.drift_lab.expectations import Harmless
from tests.cluster.drift_lab.lab import JSON_PATCH, STRATEGIC, Lab, record
from tests.cluster.drift_lab.narrowings import NARROWINGS

CONTROLLER = "kube-controller-manager"
NOW = "2026-11-25T12:00:00Z"


def _metadata(path: str, manager: str, **fields: dict[str, str]) -> Change:
    return merge(path, {"metadata": fields}, manager)


def _taint(pool: str, key: str, effect: str = "NoSchedule") -> Change:
    return lambda lab: lab.patch(
        node_of(pool),
        [{"op": "add", "path": "/spec/taints/-", "value": {"key": key, "effect": effect}}],
        kind=JSON_PATCH,
    )


def _restart_pod(lab: Lab) -> None:
    """Delete the manager's pods: its ReplicaSet makes new ones."""
    lab.api.delete(f"/api/v1{RUNNER}/pods", {"labelSelector": "app=gitlab-runner", "gracePeriodSeconds": "0"})


def _another_node(pool: str, name: str, labels: dict[str, str]) -> Change:
    def add(lab: Lab) -> None:
        twin = lab.api.get(node_of(pool))
        metadata = {"name": name, "labels": {**twin["metadata"]["labels"], **labels, "kubernetes.io/hostname": name}}
        taints = [taint for taint in twin["spec"].get("taints") or [] if taint["key"] == "kubernetes.io/arch"]
        node = {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {"taints": taints}}
        lab.create(f"/api/v1/nodes/{name}", node)

    return add


def _own_objects_of_others(lab: Lab) -> None:
    labels = {"app": "theirs"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "x", "image": "example.org/x"}]}}
    for path, body in (
        (f"/api/v1{RUNNER}/configmaps/theirs", {"data": {"config.toml": "concurrent = 1"}}),
        (f"/api/v1{RUNNER}/secrets/theirs", {"stringData": {"a": "b"}}),
        (f"/apis/apps/v1{RUNNER}/deployments/theirs", {"spec": {"selector": {"matchLabels": labels}, "template": pod}}),
        (f"/apis/rbac.authorization.k8s.io/v1{JOBS}/roles/theirs", {"rules": []}),
    ):
        lab.create(path, {"metadata": {"name": "theirs"}, **body})


def _another_release(lab: Lab) -> None:
    """Install somebody else's release of the same chart, beside ours; it is gone again with the others' objects."""
    values = {
        "gitlabUrl": "https://gitlab.com",
        "runners": {"secret": "gitlab-runner-token", "jobNamespace": "gitlab-runner-jobs", "config": "[[runners]]\n"},
        "rbac": {"create": True, "rules": [{"resources": ["pods"], "verbs": ["get"]}]},
        "serviceAccount": {"create": True},
    }
    lab.helm.install("gitlab-runner-theirs", "gitlab-runner", EMBEDDED, values)
    lab.afterwards.append(lambda: lab.helm.uninstall("gitlab-runner-theirs", "gitlab-runner"))


def _lease_and_event(lab: Lab) -> None:
    lease = {"metadata": {"name": "theirs"}, "spec": {"holderIdentity": "somebody"}}
    lab.create(f"/apis/coordination.k8s.io/v1{RUNNER}/leases/theirs", lease)
    event = {
        "metadata": {"name": "theirs"},
        "involvedObject": {"kind": "Deployment", "name": "gitlab-runner", "namespace": "gitlab-runner"},
        "reason": "ScalingReplicaSet",
        "firstTimestamp": NOW,
    }
    lab.create(f"/api/v1{RUNNER}/events/theirs", event)


def _managed_fields_removed(lab: Lab) -> None:
    for path in (ROLE, JOB_ACCOUNT, f"{POLICIES}/default-deny"):
        lab.patch(path, {"metadata": {"managedFields": [{}]}})


def _rules_in_another_order(item: dict[str, Any]) -> None:
    item["rules"] = [{**rule, "verbs": rule["verbs"][::-1]} for rule in item["rules"][::-1]]


def _variables_in_another_order(item: dict[str, Any]) -> None:
    container = item["spec"]["template"]["spec"]["containers"][0]
    container["env"], container["volumeMounts"] = container["env"][::-1], container["volumeMounts"][::-1]


def _config_written_anew(item: dict[str, Any]) -> None:
    text = item["data"]["config.template.toml"]
    item["data"]["config.template.toml"] = "# written by hand\n" + text.replace('"Always"', "'Always'").replace(
        " = ", "="
    )


def _heartbeat(lab: Lab) -> None:
    lab.keep(node_of("amd64"))
    at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": at, "lastTransitionTime": at, "reason": "x"}
    lab.api.call("PATCH", f"{node_of('amd64')}/status", {"status": {"conditions": [ready]}}, None, STRATEGIC)


def _older_records(lab: Lab) -> None:
    """A release that was upgraded, after an upgrade that failed: older records stay."""
    newest = lab.api.get(record("gitlab-runner"))
    for revision in (2, 3):
        name = f"sh.helm.release.v1.gitlab-runner.v{revision}"
        labels = {**newest["metadata"]["labels"], "version": str(revision)}
        body = {"metadata": {"name": name, "labels": labels}, "type": newest["type"], "data": newest["data"]}
        lab.create(record("gitlab-runner", revision), body)
        lab.stored("gitlab-runner", lambda release, number=revision: release.update(version=number), revision)  # type: ignore[misc]
    lab.stored("gitlab-runner", lambda release: release["info"].update(status="failed"), 2)


def _other_quantity(lab: Lab) -> None:
    change = {"op": "replace", "path": "/spec/template/spec/containers/0/resources/limits/memory", "value": "536870912"}
    lab.patch(DEPLOYMENT, [change], kind=JSON_PATCH)


def _helm_in_config_maps(lab: Lab) -> None:
    """Move the release's record to where `HELM_DRIVER=configmap` has it."""
    secret = lab.api.get(record("gitlab-runner"))
    metadata = {"name": secret["metadata"]["name"], "labels": secret["metadata"]["labels"]}
    body = {"metadata": metadata, "data": {"release": base64.b64decode(secret["data"]["release"]).decode()}}
    lab.create(record("gitlab-runner").replace("/secrets/", "/configmaps/"), body)
    lab.delete(record("gitlab-runner"))


def _kubectl_apply(lab: Lab) -> None:
    """`kubectl apply` of what is there: its own bookkeeping and nothing else."""
    written = {"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": '{"kind":"Role"}'}}}
    for path in (ROLE, DEPLOYMENT, SECRET):
        lab.patch(path, written, manager="kubectl-client-side-apply")


def _surplus_status(lab: Lab) -> None:
    lab.keep(DEPLOYMENT)
    lab.api.patch_status(DEPLOYMENT, {"observedGeneration": 99, "collisionCount": 3})


HARMLESS = (
    Harmless("status", _surplus_status),
    Harmless("scaled by an autoscaler", merge(f"{DEPLOYMENT}/scale", {"spec": {"replicas": 3}}, CONTROLLER)),
    Harmless("managedFields removed", _managed_fields_removed),
    Harmless(
        "revision by the controller",
        _metadata(DEPLOYMENT, CONTROLLER, annotations={"deployment.kubernetes.io/revision": "42"}),
    ),
    Harmless(
        "annotation by a controller", _metadata(JOB_NAMESPACE, "cost-controller", annotations={"example.org/cost": "1"})
    ),
    Harmless("label that nobody guards", _metadata(JOB_NAMESPACE, "kubectl-label", labels={"team": "ci"})),
    Harmless(
        "annotation on a ServiceAccount that is no identity",
        _metadata(MANAGER_ACCOUNT, "kubectl-annotate", annotations={"example.org/owner": "ci"}),
    ),
    Harmless("kubectl apply's bookkeeping", _kubectl_apply),
    Harmless(
        "rollout restart",
        merge(
            DEPLOYMENT,
            {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": NOW}}}}},
            "kubectl-rollout",
        ),
    ),
    Harmless("pod restarted", _restart_pod),
    Harmless("token rotated", merge(SECRET, {"data": {"runner-token": "Z2xydC1yb3RhdGVk"}}, "external-secrets")),
    Harmless("tokens by the controller", merge(JOB_ACCOUNT, {"secrets": [{"name": "token-x1"}]}, CONTROLLER)),
    Harmless(
        "finalizer by a controller",
        merge(MANAGER_ACCOUNT, {"metadata": {"finalizers": ["example.org/cleanup"]}}, CONTROLLER),
    ),
    Harmless("rules in another order", lambda lab: lab.edit(ROLE, _rules_in_another_order)),
    Harmless("variables in another order", lambda lab: lab.edit(DEPLOYMENT, _variables_in_another_order)),
    Harmless("quantity in another spelling", _other_quantity),
    Harmless("config in another spelling", lambda lab: lab.edit(CONFIG, _config_written_anew)),
    Harmless("older and failed revisions below the newest", _older_records),
    Harmless("Helm keeps records in ConfigMaps", _helm_in_config_maps),
    Harmless("other people's objects", _own_objects_of_others),
    Harmless("another release of the same chart", _another_release),
    Harmless("lease and event", _lease_and_event),
    Harmless(
        "another network policy",
        lambda lab: lab.create(f"{POLICIES}/theirs", {"metadata": {"name": "theirs"}, "spec": {"podSelector": {}}}),
    ),
    Harmless(
        "cluster's CA bundle",
        merge(f"/api/v1{JOBS}/configmaps/kube-root-ca.crt", {"metadata": {"annotations": {"a": "b"}}}),
    ),
    Harmless(
        "default service account",
        merge(f"/api/v1{JOBS}/serviceaccounts/default", {"automountServiceAccountToken": True}),
    ),
    Harmless("node cordoned", merge(node_of("amd64"), {"spec": {"unschedulable": True}}, "kubectl-cordon")),
    Harmless("node not ready", _taint("arm64", "node.kubernetes.io/not-ready", "NoExecute")),
    Harmless("node about to go", _taint("arm64", "ToBeDeletedByClusterAutoscaler")),
    Harmless("node's heartbeat", _heartbeat),
    Harmless("one node more", _another_node("arm64", "arm64-more", {})),
    Harmless("a node of another pool", _another_node("amd64", "theirs", {"node-pool": "theirs"})),
    *NARROWINGS,
)
