"""Claims about Kubernetes rights: all that the executor needs, nothing more, and none for jobs."""

from multiarch.cluster.access_review import Action, may, rules
from multiarch.cluster.api import Api, ApiRefused
from multiarch.core.verdict import Verdict
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
    wanted = [
        Action(verb=verb, resource=resource, group=group, namespace=namespace) for group, resource, verb in rights
    ]
    answers = {action: may(scene.runner, action) for action in wanted}
    who = f"{scene.installed.namespace}/{scene.installed.service_account}"
    if missing := [str(action) for action, answer in answers.items() if answer.verdict is Verdict.NO]:
        return failed(f"{who} may not {', '.join(missing)} in {namespace}")
    if doubts := [answer.because for answer in answers.values() if answer.verdict is Verdict.UNKNOWN]:
        return unknown(f"whether {who} may do all in {namespace}: {doubts[0]}")
    return proved(f"{who} may do all {len(rights)} in {namespace}")


def _least(scene: Scene) -> Proof:
    namespace = scene.installed.job_namespace
    listed = rules(scene.runner, namespace)
    wild = [
        f"{','.join(rule['verbs'])} on {','.join(rule.get('resources') or [])}"
        for rule in listed.resources
        if "*" in (*rule["verbs"], *(rule.get("resources") or []), *(rule.get("apiGroups") or []))
    ]
    if wild:
        return failed(f"wildcards in {namespace}: {'; '.join(wild)}")
    outside = [
        Action(verb="get", resource="secrets", namespace=scene.installed.namespace),
        Action(verb="create", resource="pods", namespace=scene.installed.namespace),
        Action(verb="list", resource="secrets", namespace="kube-system"),
        Action(verb="list", resource="secrets"),
        Action(verb="list", resource="nodes"),
        Action(verb="create", resource="namespaces"),
    ]
    allowed = [
        f"{action} {f'in {action.namespace}' if action.namespace else 'cluster-wide'}"
        for action in outside
        if action.namespace != namespace and may(scene.runner, action).verdict is not Verdict.NO
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
