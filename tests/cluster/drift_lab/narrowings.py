"""What people add beside the program's objects that is theirs alone, or only narrows."""

from typing import Any

from tests.cluster.drift_lab.changes import JOBS, POLICIES, RUNNER, Change
from tests.cluster.drift_lab.expectations import Harmless
from tests.cluster.drift_lab.lab import Lab
from tests.cluster.drift_lab.widenings import (
    JOB,
    MANAGER,
    RBAC,
    admin_policy,
    allow,
    bind,
    both,
    create,
    group,
    pod_of,
    token,
    workload,
)

_THEIRS = {"kind": "ServiceAccount", "name": "gitlab-runner-job", "namespace": "default"}
_WITHIN = {
    "to": [{"ipBlock": {"cidr": "203.0.113.0/24"}}, {"ipBlock": {"cidr": "198.51.100.7/32"}}],
    "ports": [{"port": 443}],
}
_DISCOVERY = {"nonResourceURLs": ["/version", "/openapi/*"], "verbs": ["get"]}
_ONESELF = {"apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews"], "verbs": ["create"]}


def _made_by_a_controller(path: str, body: dict[str, Any]) -> Change:
    def change(lab: Lab) -> None:
        lab.keep(path)
        named = {**body, "metadata": {"name": path.rpartition("/")[2], **body["metadata"]}}
        lab.api.call("POST", path.rpartition("/")[0], named, {"fieldManager": "kube-controller-manager"})

    return change


NARROWINGS = (
    Harmless("rights of others in the jobs' namespace", bind(_THEIRS, "admin", JOBS)),
    Harmless("rights of another namespace's accounts", bind(group("system:serviceaccounts:kube-system"), "view")),
    Harmless("rights of people", bind(group("oidc:sre"), "cluster-admin")),
    Harmless("a role that does not exist", bind(JOB, "nobody-made-it")),
    Harmless(
        "a role without rules",
        both(create(f"{RBAC}{JOBS}/roles/theirs", {"rules": []}), bind(MANAGER, "theirs", JOBS, "Role")),
    ),
    Harmless(
        "what every login may ask anyway",
        both(
            create(f"{RBAC}/clusterroles/theirs", {"rules": [_DISCOVERY, _ONESELF]}),
            bind(group("system:authenticated"), "theirs"),
        ),
    ),
    Harmless("a further policy that denies", allow(f"{POLICIES}/theirs", {}, egress=[], ingress=[])),
    Harmless(
        "a policy on other people's pods", allow(f"{POLICIES}/theirs", {"matchLabels": {"app": "theirs"}}, egress=[{}])
    ),
    Harmless("a policy within what is allowed", allow(f"{POLICIES}/theirs", {}, egress=[_WITHIN])),
    Harmless(
        "a policy of another namespace",
        allow("/apis/networking.k8s.io/v1/namespaces/default/networkpolicies/theirs", {}, egress=[{}]),
    ),
    Harmless("an administrator's policy that denies", admin_policy("Deny")),
    Harmless("a token of another account", create(f"/api/v1{JOBS}/secrets/theirs", token("default"))),
    Harmless(
        "a token that the control plane made",
        _made_by_a_controller(f"/api/v1{JOBS}/secrets/theirs", token("gitlab-runner-job")),
    ),
    Harmless(
        "a Deployment as another account", create(f"/apis/apps/v1{RUNNER}/deployments/theirs", workload("default"))
    ),
    Harmless(
        "a job of the runner's",
        create(
            f"/api/v1{JOBS}/pods/runner-abc-project-1-concurrent-0-x",
            pod_of("gitlab-runner-job", {"job.runner.gitlab.com/pod": "runner-abc-project-1-concurrent-0"}),
        ),
    ),
    Harmless(
        "a pod of another namespace, labelled as a job's",
        create("/api/v1/namespaces/default/pods/theirs", pod_of("default", {"pod": "theirs"})),
    ),
)
