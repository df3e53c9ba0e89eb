"""Claims about what jobs must not be able to do."""

import copy
from collections.abc import Mapping
from functools import partial
from typing import Any

from multiarch.cluster.api import ApiRefused
from multiarch.model.executor import Job, JobRefusal, Pod
from multiarch.rehearse.claims.pods import build, create, refused_by, violates_pod_security
from multiarch.rehearse.claims.scene import ARCH_LABEL, Promise, Proof, Scene, failed, proved, unknown
from multiarch.rehearse.report.model import JobView, Outcome

_SELECTOR = "KUBERNETES_NODE_SELECTOR_ARCH"
_FOREIGN = "multiarch-rehearsal"


def refusal_promises(scene: Scene) -> list[Promise]:
    """Return the promises about refusals."""
    namespaces = dict.fromkeys((scene.installed.namespace, "default"))
    others = [name for name in namespaces if name != scene.installed.job_namespace]
    return [
        _selector_promise("forbidden-selector-refused", f"{ARCH_LABEL}=s390x"),
        _selector_promise("foreign-label-refused", f"x.{ARCH_LABEL}=arm64"),
        Promise(
            "tolerations-closed",
            "a job cannot add tolerations of its own",
            _tolerations,
        ),
        Promise(
            "overwrites-closed",
            "a job cannot choose its namespace, service account or Kubernetes token",
            _overwrites,
        ),
        Promise("privileged-pod-refused", "a privileged pod is refused by admission", _privileged),
        *(
            Promise(
                "other-namespace-refused" if name != "default" else "default-namespace-refused",
                f"the runner cannot create pods in the namespace {name}",
                partial(_other_namespace, name),
            )
            for name in others
        ),
    ]


def _selector_promise(identity: str, value: str) -> Promise:
    title = f"a job that selects {value} is refused by the runner"
    return Promise(identity, title, partial(_selector, identity, value))


def _selector(name: str, value: str, scene: Scene) -> Proof:
    pattern = scene.installed.config.kubernetes.text("node_selector_overwrite_allowed")
    built = build(scene, Job(name=name, variables={_SELECTOR: value}))
    if isinstance(built, JobRefusal):
        view = JobView(name=name, asked=value, outcome=Outcome.REFUSED, refused_by="runner", reason=built.reason)
        # Only this wording means that the regex said no; another error would refuse every other job as well.
        return (proved if built.reason.startswith("provided value ") else failed)(built.reason, view)
    view = JobView(name=name, asked=value, outcome=Outcome.PENDING, pod=built.name, helper_image=built.helper_image)
    label, _, wanted = value.partition("=")
    if built.manifest["spec"].get("nodeSelector", {}).get(label) == wanted:
        return failed(
            f"the runner's regex '{pattern}' lets {value} through: the job would wait for a node in vain", view
        )
    return failed(
        "the runner's regex is empty, which ignores a job's selector without a word: it would run on the wrong node",
        view,
    )


def _tolerations(scene: Scene) -> Proof:
    plain = build(scene, Job(name="tolerations-none"))
    built = build(scene, Job(name="tolerations-all", variables={"KUBERNETES_NODE_TOLERATIONS_ALL": ""}))
    if isinstance(plain, JobRefusal):
        return unknown(f"even a plain job is refused: {plain.reason}")
    if isinstance(built, JobRefusal):
        return proved(f"refused by runner: {built.reason}")
    before, after = (pod.manifest["spec"].get("tolerations") or [] for pod in (plain, built))
    if before == after:
        return proved("KUBERNETES_NODE_TOLERATIONS_* is ignored: the pod keeps the runner's own tolerations")
    return failed(f"the pod tolerates what the job asked for: {[item for item in after if item not in before]}")


def _overwrites(scene: Scene) -> Proof:
    variables = {
        "KUBERNETES_NAMESPACE_OVERWRITE": _FOREIGN,
        "KUBERNETES_SERVICE_ACCOUNT_OVERWRITE": _FOREIGN,
        "KUBERNETES_BEARER_TOKEN": _FOREIGN,
    }
    plain = build(scene, Job(name="overwrites-none"))
    if isinstance(plain, JobRefusal):
        return unknown(f"even a plain job is refused: {plain.reason}")
    taken = []
    for variable, value in variables.items():
        built = build(scene, Job(name="overwrites", variables={variable: value}))
        if isinstance(built, Pod) and _FOREIGN in _identity(built):
            taken.append(variable)
    if taken:
        return failed(f"a job's {', '.join(taken)} is obeyed")
    return proved(f"{', '.join(variables)} are ignored or refused")


def _identity(pod: Pod) -> tuple[str, ...]:
    return pod.namespace, pod.bearer_token, str(pod.manifest["spec"].get("serviceAccountName"))


def _privileged(scene: Scene) -> Proof:
    name, asked = "privileged-job", "privileged: true"
    built = build(scene, Job(name=name))
    if isinstance(built, JobRefusal):
        return unknown(f"even a plain job is refused: {built.reason}")
    manifest = with_privileges(built.manifest)
    try:
        create(scene.runner, built.namespace, manifest, dry_run=True)
    except ApiRefused as refusal:
        view = JobView(
            name=name,
            asked=asked,
            outcome=Outcome.REFUSED,
            pod=built.name,
            refused_by=refused_by(refusal),
            reason=refusal.message,
        )
        if violates_pod_security(refusal) and "privileged" in refusal.message:
            return proved(refusal.message, view)
        return unknown(f"refused, but not for being privileged: {refusal.message}", view)
    view = JobView(name=name, asked=asked, outcome=Outcome.PENDING, pod=built.name)
    return failed(f"the API server would admit it into {built.namespace}", view)


def with_privileges(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job's pod whose build container is privileged."""
    changed = copy.deepcopy(dict(manifest))
    build_container = changed["spec"]["containers"][0]
    # Escalation cannot be off for a privileged container: the API's validation would refuse before admission does.
    context = {**build_container.get("securityContext", {}), "privileged": True, "allowPrivilegeEscalation": True}
    build_container["securityContext"] = context
    return changed


def _other_namespace(namespace: str, scene: Scene) -> Proof:
    name, asked = f"job-in-{namespace}", f"namespace: {namespace}"
    built = build(scene, Job(name=name))
    if isinstance(built, JobRefusal):
        return unknown(f"even a plain job is refused: {built.reason}")
    manifest = copy.deepcopy(dict(built.manifest))
    manifest["metadata"]["namespace"] = namespace
    manifest["spec"].pop("serviceAccountName", None)
    try:
        # A dry run asks RBAC and admission just the same, and leaves nothing in a namespace that is not ours.
        create(scene.runner, namespace, manifest, dry_run=True)
    except ApiRefused as refusal:
        if not refusal.definite:
            raise
        who = refused_by(refusal)
        view = JobView(name=name, asked=asked, outcome=Outcome.REFUSED, refused_by=who, reason=refusal.message)
        if who == "RBAC":
            return proved(refusal.message, view)
        return failed(f"RBAC let it pass; only {who} refused it: {refusal.message}", view)
    return failed(
        f"the API server would create it in {namespace}", JobView(name=name, asked=asked, outcome=Outcome.PENDING)
    )
