"""Where things are in the installed stack, and the ways in which people change them."""

from collections.abc import Callable
from typing import Any

from multiarch.model.nodes.model import short_hash
from tests.cluster.drift_lab.lab import JSON_PATCH, MERGE, STRATEGIC, Lab

Change = Callable[[Lab], None]

RUNNER = "/namespaces/gitlab-runner"
JOBS = "/namespaces/gitlab-runner-jobs"
DEPLOYMENT = f"/apis/apps/v1{RUNNER}/deployments/gitlab-runner"
CONFIG = f"/api/v1{RUNNER}/configmaps/gitlab-runner"
SECRET = f"/api/v1{RUNNER}/secrets/gitlab-runner-token"
ROLE = f"/apis/rbac.authorization.k8s.io/v1{JOBS}/roles/gitlab-runner"
BINDING = f"/apis/rbac.authorization.k8s.io/v1{JOBS}/rolebindings/gitlab-runner"
MANAGER_ACCOUNT = f"/api/v1{RUNNER}/serviceaccounts/gitlab-runner"
JOB_ACCOUNT = f"/api/v1{JOBS}/serviceaccounts/gitlab-runner-job"
JOB_NAMESPACE = f"/api/v1{JOBS}"
POLICIES = f"/apis/networking.k8s.io/v1{JOBS}/networkpolicies"
ADMISSION = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
ADMISSION_NAME = "gitlab-runner-buildkit-jobs.multiarch-runner.io"
ADMISSION_BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"


def node_of(pool: str) -> str:
    """Path of the one node of a pool."""
    return f"/api/v1/nodes/{pool}-0-{short_hash(pool, 5)}"


def container(**fields: Any) -> Change:
    """Change the manager's container as `kubectl patch` does."""
    return pod(containers=[{"name": "gitlab-runner", **fields}])


def pod(**fields: Any) -> Change:
    """Change the manager's pod template as `kubectl patch` does."""
    body = {"spec": {"template": {"spec": fields}}}
    return lambda lab: lab.patch(DEPLOYMENT, body, kind=STRATEGIC)


def merge(path: str, body: Any, manager: str = "kubectl-patch") -> Change:
    return lambda lab: lab.patch(path, body, manager=manager, kind=MERGE)


def json_patch(path: str, op: str, at: str, value: Any = None) -> Change:
    return lambda lab: lab.patch(path, [{"op": op, "path": at, "value": value}], kind=JSON_PATCH)


def in_config(key: str, old: str, new: str) -> Change:
    """Replace text in the runner's ConfigMap as `kubectl edit` does."""

    def change(item: dict[str, Any]) -> None:
        assert old in item["data"][key], item["data"][key]
        item["data"][key] = item["data"][key].replace(old, new, 1)

    return lambda lab: lab.edit(CONFIG, change)


def delete(path: str) -> Change:
    return lambda lab: lab.delete(path)
