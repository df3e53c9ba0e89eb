"""Claims about Kubernetes rights: all that the executor needs, nothing more, and none for jobs."""

from collections.abc import Mapping
from typing import Any

from multiarch.cluster.api import Api, ApiRefused
from multiarch.model.executor import Job, JobRefusal
from multiarch.model.executor.rights import needed
from multiarch.model.readback import service_account_api
from multiarch.rehearse.claims.landing import unmodelled
from multiarch.rehearse.claims.pods import build
from multiarch.rehearse.claims.scene import Promise, Proof, Scene, failed, proved, unknown

_FORBIDDEN = 403


def rights_promises(scene: Scene) -> list[Promise]:
    """Return the promises about rights."""
    return [
        Promise("runner-has-its-rights", "the runner may do all that its executor needs", _needed),
        Promise(
            "runner-has-no-more",
            "the runner's rights have no wildcard and end at the jobs' namespace",
            _least,
        ),
        Promise(
            "jobs-have-no-rights",
            f"a job's service account reads no Secret, neither its namespace's nor {scene.installed.namespace}'s",
            _job_account,
        ),
    ]


def _needed(scene: Scene) -> Proof:
    namespace = scene.installed.job_namespace
    rights = list(needed(scene.installed.config))
    missing = [
        f"{verb} {resource}"
        for group, resource, verb in rights
        if not may(scene.runner, namespace, group, resource, verb)
    ]
    who = f"{scene.installed.namespace}/{scene.installed.service_account}"
    if missing:
        return failed(f"{who} may not {', '.join(missing)} in {namespace}")
    return proved(f"{who} may do all {len(rights)} in {namespace}")


def _least(scene: Scene) -> Proof:
    namespace = scene.installed.job_namespace
    review = _review(scene.runner, "SelfSubjectRulesReview", {"namespace": namespace})
    wild = [
        f"{','.join(rule['verbs'])} on {','.join(rule.get('resources') or [])}"
        for rule in review["status"].get("resourceRules") or []
        if "*" in (*rule["verbs"], *(rule.get("resources") or []), *(rule.get("apiGroups") or []))
    ]
    if wild:
        return failed(f"wildcards in {namespace}: {'; '.join(wild)}")
    outside = [
        (scene.installed.namespace, "secrets", "get"),
        (scene.installed.namespace, "pods", "create"),
        ("kube-system", "secrets", "list"),
        ("", "secrets", "list"),
        ("", "nodes", "list"),
        ("", "namespaces", "create"),
    ]
    allowed = [
        f"{verb} {resource} {f'in {place}' if place else 'cluster-wide'}"
        for place, resource, verb in outside
        if place != namespace and may(scene.runner, place, "", resource, verb)
    ]
    if allowed:
        return failed(f"beyond {namespace} it may {', '.join(allowed)}")
    return proved(f"no wildcard in {namespace}, and nothing asked for beyond it was allowed")


def _job_account(scene: Scene) -> Proof:
    built = build(scene, Job(name="rights"))
    if isinstance(built, JobRefusal):
        return unknown(f"even a plain job is refused: {built.reason}")
    if scene.installed.config.unmodelled:
        return unknown(unmodelled(scene))
    spec, namespace = built.manifest["spec"], built.namespace
    name = spec.get("serviceAccountName") or "default"
    account = service_account_api(scene.admin, namespace, name)
    try:
        for place in dict.fromkeys((scene.installed.namespace, namespace)):
            if _reads_secrets(account, place):
                return failed(f"{namespace}/{name} reads the Secrets of {place}")
    finally:
        account.close()
    if spec.get("automountServiceAccountToken") is not False:
        return failed(f"{namespace}/{name} has no such right, but its token is mounted into every job's pod")
    return proved(f"{namespace}/{name} is refused, and its token is not mounted")


def _reads_secrets(account: Api, namespace: str) -> bool:
    """Tell whether the account reads them. Raises ApiRefused for an answer that is neither."""
    try:
        account.items(f"/api/v1/namespaces/{namespace}/secrets")
    except ApiRefused as refusal:
        if refusal.status == _FORBIDDEN:
            return False
        raise
    return True


def may(api: Api, namespace: str, group: str, resource: str, verb: str) -> bool:
    """Ask the API server whether an identity may do something; an empty namespace means everywhere."""
    kind, _, subresource = resource.partition("/")
    attributes = {"namespace": namespace, "verb": verb, "group": group, "resource": kind, "subresource": subresource}
    review = _review(
        api, "SelfSubjectAccessReview", {"resourceAttributes": {key: text for key, text in attributes.items() if text}}
    )
    return bool(review["status"].get("allowed"))


def _review(api: Api, kind: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
    return api.create(f"/apis/authorization.k8s.io/v1/{kind.lower()}s", body)
