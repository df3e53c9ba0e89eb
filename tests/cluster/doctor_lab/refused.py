"""Clusters whose API server would not take a job's pod: quotas, limits, Pod Security, policies, webhooks.

Each takes effect when the API server's caches have it, and is gone when they have forgotten it: both are waited for.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from multiarch.cluster.api import ApiRefused
from multiarch.model.executor import Job, Pod, build_pod
from multiarch.model.readback import read_back
from multiarch.model.release import release_of
from tests.cluster.doctor_lab.hooks import refusing
from tests.cluster.doctor_lab.ward import Ward, changed_config, made

_REGISTRATION = "admissionregistration.k8s.io/v1"
Break = Callable[[Ward, ExitStack], None]


def words(ward: Ward, **metadata: Any) -> str:
    """Return how the API server refuses a job's pod now; empty where it takes it."""
    config = read_back(ward.api, release_of(ward.plan)).config
    pod = build_pod(config, Job(name="tried"), ward.installed.runner_version)
    assert isinstance(pod, Pod), pod
    manifest = {**pod.manifest, "metadata": {**pod.manifest["metadata"], **metadata}}
    try:
        ward.runner.create(f"/api/v1/namespaces/{ward.job_namespace}/pods", manifest, dry_run=True)
    except ApiRefused as refusal:
        return refusal.message
    return ""


def _until_refused(ward: Ward) -> None:
    ward.wait("the API server to refuse the pod", lambda: bool(words(ward)))


def _taken_afterwards(ward: Ward, stack: ExitStack) -> None:
    stack.callback(ward.wait, "the API server to take the pod again", lambda: not words(ward))


def _with(ward: Ward, stack: ExitStack, collection: str, body: Mapping[str, Any]) -> str:
    _taken_afterwards(ward, stack)
    return stack.enter_context(made(ward, collection, body))


def quota(ward: Ward, stack: ExitStack) -> None:
    """Two jobs use up all of it."""
    ward.job("first")
    ward.job("second")
    path = _quota(ward, stack, {"pods": "2"})
    ward.wait("the quota to be counted", lambda: (ward.api.get(path)["status"].get("used") or {}).get("pods") == "2")
    _until_refused(ward)


def quota_of_one_container(ward: Ward, stack: ExitStack) -> None:
    """The build container states what the quota counts, and the helper does not."""
    stack.enter_context(changed_config(ward, cpu_limit="2"))
    _quota(ward, stack, {"limits.cpu": "100"})
    _until_refused(ward)


def _quota(ward: Ward, stack: ExitStack, hard: Mapping[str, str]) -> str:
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team"}, "spec": {"hard": hard}}
    return _with(ward, stack, f"/api/v1/namespaces/{ward.job_namespace}/resourcequotas", body)


def limit_range(**limit: Any) -> Break:
    """Return a cluster with a limit range."""

    def break_(ward: Ward, stack: ExitStack) -> None:
        body = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}, "spec": {"limits": [limit]}}
        _with(ward, stack, f"/api/v1/namespaces/{ward.job_namespace}/limitranges", body)
        _until_refused(ward)

    return break_


def restricted(ward: Ward, stack: ExitStack) -> None:
    """The jobs' namespace enforces more than its stack says."""
    _taken_afterwards(ward, stack)
    path, label = f"/api/v1/namespaces/{ward.job_namespace}", "pod-security.kubernetes.io/enforce"
    before = ward.api.get(path)["metadata"]["labels"][label]
    stack.callback(ward.patch, path, {"metadata": {"labels": {label: before}}})
    ward.patch(path, {"metadata": {"labels": {label: "restricted"}}})
    _until_refused(ward)


def config(**changes: Any) -> Break:
    """Return a cluster whose runner's config makes pods that are refused."""

    def break_(ward: Ward, stack: ExitStack) -> None:
        stack.enter_context(changed_config(ward, **changes))

    return break_


def policy(ward: Ward, stack: ExitStack) -> None:
    """A ValidatingAdmissionPolicy whose expression is false of a job's pod."""
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": rules},
        "validations": [{"expression": "has(object.metadata.labels.team)", "message": "every pod names its team"}],
    }
    kind = "ValidatingAdmissionPolicy"
    body = {"apiVersion": _REGISTRATION, "kind": kind, "metadata": {"name": "teams"}, "spec": spec}
    _with(ward, stack, f"/apis/{_REGISTRATION}/validatingadmissionpolicies", body)
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": ward.job_namespace}}}
    binding = {"policyName": "teams", "validationActions": ["Deny"], "matchResources": here}
    body = {"apiVersion": _REGISTRATION, "kind": f"{kind}Binding", "metadata": {"name": "teams"}, "spec": binding}
    _with(ward, stack, f"/apis/{_REGISTRATION}/validatingadmissionpolicybindings", body)
    _until_refused(ward)


def webhook(ward: Ward, stack: ExitStack, **given: Any) -> None:
    """A webhook that must agree to the jobs' pods, and whose service is gone, but for what is given."""
    hook = {
        "name": "pods.policy.example.com",
        "clientConfig": {"service": {"namespace": "default", "name": "policy", "path": "/"}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": ward.job_namespace}},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        **given,
    }
    kind = "ValidatingWebhookConfiguration"
    body = {"apiVersion": _REGISTRATION, "kind": kind, "metadata": {"name": "policy"}, "webhooks": [hook]}
    _with(ward, stack, f"/apis/{_REGISTRATION}/validatingwebhookconfigurations", body)


def webhook_without_service(ward: Ward, stack: ExitStack) -> None:
    """A leftover of what was removed."""
    webhook(ward, stack)
    _until_refused(ward)


def webhook_without_endpoints(ward: Ward, stack: ExitStack) -> None:
    """Its service is there, and none of its pods is."""
    spec = {"ports": [{"port": 443}], "selector": {"app": "policy"}}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "policy"}, "spec": spec}
    stack.enter_context(made(ward, "/api/v1/namespaces/default/services", body))
    webhook_without_service(ward, stack)


def webhook_says(name: str, said: str) -> Break:
    """Return a cluster with a living webhook of that name, which refuses in those words."""

    def break_(ward: Ward, stack: ExitStack) -> None:
        webhook(ward, stack, name=name, clientConfig=stack.enter_context(refusing(said)))
        _until_refused(ward)

    return break_


def webhook_for_others(ward: Ward, stack: ExitStack) -> None:
    """A webhook that is down, and whose matchConditions leave the jobs' pods out."""
    webhook(ward, stack, matchConditions=[{"name": "marked", "expression": "object.metadata.name == 'marked'"}])
    ward.wait("the webhook to be known", lambda: bool(words(ward, name="marked")))
