"""What people add beside the program's objects, by which jobs or runner may do more: nothing of its own is touched."""

from collections.abc import Mapping
from typing import Any

from multiarch.cluster.api import ApiRefused
from multiarch.drift.model import Check
from tests.cluster.drift_lab.changes import JOBS, POLICIES, RUNNER, Change, json_patch
from tests.cluster.drift_lab.expectations import Expected, Mutation, Place
from tests.cluster.drift_lab.lab import STRATEGIC, Lab, until

RBAC = "/apis/rbac.authorization.k8s.io/v1"
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
JOB = {"kind": "ServiceAccount", "name": "gitlab-runner-job", "namespace": "gitlab-runner-jobs"}
MANAGER = {"kind": "ServiceAccount", "name": "gitlab-runner", "namespace": "gitlab-runner"}
THE_JOB = "ServiceAccount gitlab-runner-jobs/gitlab-runner-job"
THE_MANAGER = "ServiceAccount gitlab-runner/gitlab-runner"


def create(path: str, body: Mapping[str, Any]) -> Change:
    """Create an object under the last name of its path."""
    named = {**body, "metadata": {"name": path.rpartition("/")[2], **body.get("metadata", {})}}
    return lambda lab: lab.create(path, named)


def group(name: str) -> dict[str, str]:
    return {"kind": "Group", "name": name, "apiGroup": "rbac.authorization.k8s.io"}


def bind(subject: Mapping[str, str], role: str, place: str = "", kind: str = "ClusterRole") -> Change:
    """Bind a subject to a role: in a namespace, or in the whole cluster."""
    plural = "rolebindings" if place else "clusterrolebindings"
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role}
    return create(f"{RBAC}{place}/{plural}/theirs", {"roleRef": reference, "subjects": [dict(subject)]})


def allow(path: str, selector: Mapping[str, Any], **rules: Any) -> Change:
    """Create a network policy with rules for the directions that are named."""
    types = [direction.capitalize() for direction in rules]
    return create(path, {"spec": {"podSelector": selector, "policyTypes": types, **rules}})


def pod_of(account: str, labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    container = {"name": "x", "image": "example.org/x", "securityContext": RESTRICTED}
    spec = {"serviceAccountName": account, "containers": [container], "restartPolicy": "Always"}
    return {"metadata": {"labels": {"app": "theirs", **(labels or {})}}, "spec": spec}


def workload(account: str, **more: Any) -> dict[str, Any]:
    return {"spec": {"selector": {"matchLabels": {"app": "theirs"}}, "template": pod_of(account), **more}}


def batch(account: str) -> dict[str, Any]:
    pod = pod_of(account)
    return {"spec": {"template": {**pod, "spec": {**pod["spec"], "restartPolicy": "Never"}}}}


def token(account: str) -> dict[str, Any]:
    annotations = {"kubernetes.io/service-account.name": account}
    return {"type": "kubernetes.io/service-account-token", "metadata": {"annotations": annotations}}


def serve(group_name: str, version: str, kind: str, plural: str, *, namespaced: bool = False) -> Change:
    """Make the API server serve a kind of whoever makes the network."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    body = {
        "spec": {
            "group": group_name,
            "names": {"kind": kind, "plural": plural},
            "scope": "Namespaced" if namespaced else "Cluster",
            "versions": [
                {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}},
            ],
        },
        # The group is of the Kubernetes project's, whose kinds need a sign of its reviewers.
        "metadata": {"annotations": {"api-approved.kubernetes.io": "https://example.org/1"}},
    }

    def change(lab: Lab) -> None:
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.{group_name}"
        create(path, body)(lab)
        until(lambda: any(one["name"] == group_name for one in lab.api.get("/apis")["groups"]))
        until(lambda: _answers(lab, f"/apis/{group_name}/{version}/{plural}"))

    return change


def _answers(lab: Lab, path: str) -> bool:
    """Tell whether a list can be had: the API server makes its storage a moment after it was defined."""
    try:
        return lab.api.find(path) is not None
    except ApiRefused:
        return False


def both(*changes: Change) -> Change:
    def change(lab: Lab) -> None:
        for one in changes:
            one(lab)

    return change


def admin_policy(action: str) -> Change:
    group_name, version, plural = "policy.networking.k8s.io", "v1alpha1", "adminnetworkpolicies"
    labels = {"kubernetes.io/metadata.name": "gitlab-runner-jobs"}
    spec = {
        "priority": 1,
        "subject": {"namespaces": {"matchLabels": labels}},
        "egress": [{"action": action, "to": [{"networks": ["0.0.0.0/0"]}]}],
    }
    path = f"/apis/{group_name}/{version}/{plural}/theirs"
    body = {"apiVersion": f"{group_name}/{version}", "kind": "AdminNetworkPolicy", "spec": spec}
    return both(serve(group_name, version, "AdminNetworkPolicy", plural), create(path, body))


def debug(lab: Lab) -> str:
    """Do as `kubectl debug` does to the manager's pod, and return its name; its ReplicaSet makes another afterwards."""
    pods = f"/api/v1{RUNNER}/pods"
    query = {"labelSelector": "app=gitlab-runner"}
    name = lab.api.items(pods, query)[0]["metadata"]["name"]
    container = {"name": "debugger", "image": "busybox", "securityContext": {**RESTRICTED, "runAsUser": 1}}
    body = {"spec": {"ephemeralContainers": [container]}}
    lab.api.call("PATCH", f"{pods}/{name}/ephemeralcontainers", body, None, STRATEGIC)
    lab.afterwards.append(lambda: lab.api.delete(f"{pods}/{name}", {"gracePeriodSeconds": "0"}))
    return str(name)


def _in(resource: str) -> Place:
    return Place(Check.WIDENED, resource)


def _bound(subject: str, place: str = "", name: str = "theirs") -> Expected:
    kind = f"RoleBinding {place}/" if place else "ClusterRoleBinding "
    return _in(f"rbac.authorization.k8s.io/v1 {kind}{name}").added(f"subjects[{subject}]")


def _opened(namespace: str, path: str) -> Expected:
    return _in(f"networking.k8s.io/v1 NetworkPolicy {namespace}/theirs").added(path)


def _runs(resource: str, path: str = "spec.template.spec") -> Expected:
    return _in(f"{resource}/theirs").added(f"{path}.serviceAccountName")


def _token(namespace: str) -> Expected:
    return _in(f"v1 Secret {namespace}/theirs").added('metadata.annotations["kubernetes.io/service-account.name"]')


BUILDKIT = "/namespaces/gitlab-runner-buildkit-jobs"
_MANAGER_POLICIES = f"/apis/networking.k8s.io/v1{RUNNER}/networkpolicies"
_METADATA = {"to": [{"ipBlock": {"cidr": "169.254.169.254/32"}}], "ports": [{"port": 80}]}
_NOT_THEIRS = {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["theirs"]}]}
_JOBS_LABEL = {"matchExpressions": [{"key": "job.runner.gitlab.com/pod", "operator": "Exists"}]}
_SECRETS = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}

RIGHTS = (
    Mutation("jobs made admin of their namespace", bind(JOB, "admin", JOBS), _bound(THE_JOB, "gitlab-runner-jobs")),
    Mutation("jobs made admin of the cluster", bind(JOB, "cluster-admin"), _bound(THE_JOB)),
    Mutation(
        "manager let into another namespace",
        bind(MANAGER, "edit", "/namespaces/kube-system"),
        _bound(THE_MANAGER, "kube-system"),
    ),
    Mutation(
        "every service account a viewer",
        bind(group("system:serviceaccounts"), "view"),
        _bound("Group system:serviceaccounts"),
    ),
    Mutation(
        "every service account of the jobs' namespace",
        bind(group("system:serviceaccounts:gitlab-runner-jobs"), "gitlab-runner", JOBS, "Role"),
        _bound("Group system:serviceaccounts:gitlab-runner-jobs", "gitlab-runner-jobs"),
    ),
    Mutation(
        "every login an admin",
        bind(group("system:authenticated"), "cluster-admin"),
        _bound("Group system:authenticated"),
    ),
    Mutation(
        "no login at all, in the default namespace",
        bind(group("system:unauthenticated"), "view", "/namespaces/default"),
        _bound("Group system:unauthenticated", "default"),
    ),
    Mutation(
        "a service account by its user's name",
        bind({"kind": "User", "name": "system:serviceaccount:gitlab-runner-buildkit-jobs:gitlab-runner-job"}, "view"),
        _bound("User system:serviceaccount:gitlab-runner-buildkit-jobs:gitlab-runner-job"),
    ),
    Mutation(
        "jobs among the cluster's own admins",
        json_patch(f"{RBAC}/clusterrolebindings/cluster-admin", "add", "/subjects/-", JOB),
        _bound(THE_JOB, name="cluster-admin"),
    ),
    Mutation(
        "a role that everybody has",
        json_patch(f"{RBAC}/clusterroles/system:basic-user", "add", "/rules/-", _SECRETS),
        _bound("Group system:authenticated", name="system:basic-user"),
    ),
)
NETWORK = (
    Mutation(
        "all egress of the jobs opened",
        allow(f"{POLICIES}/theirs", {}, egress=[{}]),
        _opened("gitlab-runner-jobs", "spec.egress[0]"),
    ),
    Mutation(
        "the metadata server opened to whatever is a job",
        allow(f"{POLICIES}/theirs", _JOBS_LABEL, egress=[_METADATA]),
        _opened("gitlab-runner-jobs", "spec.egress[0]"),
    ),
    Mutation(
        "the manager reached from everywhere",
        allow(f"{_MANAGER_POLICIES}/theirs", {"matchLabels": {"app": "gitlab-runner"}}, ingress=[{}]),
        _opened("gitlab-runner", "spec.ingress[0]"),
    ),
    Mutation(
        "a port of BuildKit's jobs opened to all but some",
        allow(
            f"/apis/networking.k8s.io/v1{BUILDKIT}/networkpolicies/theirs",
            _NOT_THEIRS,
            egress=[{"to": [{"podSelector": {}}]}],
        ),
        _opened("gitlab-runner-buildkit-jobs", "spec.egress[0]"),
    ),
    Mutation(
        "an administrator's network policy",
        admin_policy("Allow"),
        _in("policy.networking.k8s.io/v1alpha1 AdminNetworkPolicy theirs").added("spec.egress[0]"),
    ),
)
IDENTITIES = (
    Mutation(
        "a lasting token of the jobs'",
        create(f"/api/v1{JOBS}/secrets/theirs", token("gitlab-runner-job")),
        _token("gitlab-runner-jobs"),
    ),
    Mutation(
        "a lasting token of the manager's",
        create(f"/api/v1{RUNNER}/secrets/theirs", token("gitlab-runner")),
        _token("gitlab-runner"),
    ),
    Mutation(
        "a Deployment as the manager",
        create(f"/apis/apps/v1{RUNNER}/deployments/theirs", workload("gitlab-runner")),
        _runs("apps/v1 Deployment gitlab-runner"),
    ),
    Mutation(
        "a StatefulSet as the manager",
        create(f"/apis/apps/v1{RUNNER}/statefulsets/theirs", workload("gitlab-runner", serviceName="theirs")),
        _runs("apps/v1 StatefulSet gitlab-runner"),
    ),
    Mutation(
        "a DaemonSet as a job",
        create(f"/apis/apps/v1{JOBS}/daemonsets/theirs", workload("gitlab-runner-job")),
        _runs("apps/v1 DaemonSet gitlab-runner-jobs"),
    ),
    Mutation(
        "a Job as a job",
        create(f"/apis/batch/v1{JOBS}/jobs/theirs", batch("gitlab-runner-job")),
        _runs("batch/v1 Job gitlab-runner-jobs"),
    ),
    Mutation(
        "a CronJob as the manager",
        create(
            f"/apis/batch/v1{RUNNER}/cronjobs/theirs",
            {"spec": {"schedule": "0 0 1 1 *", "jobTemplate": batch("gitlab-runner")}},
        ),
        _runs("batch/v1 CronJob gitlab-runner", "spec.jobTemplate.spec.template.spec"),
    ),
    Mutation(
        "a bare pod as the manager",
        create(f"/api/v1{RUNNER}/pods/theirs", pod_of("gitlab-runner")),
        _runs("v1 Pod gitlab-runner", "spec"),
    ),
)

WIDENINGS = (*RIGHTS, *NETWORK, *IDENTITIES)
