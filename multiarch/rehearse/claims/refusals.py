"""Claims about what jobs must not be able to do."""

import copy
from collections.abc import Mapping
from functools import partial
from typing import Any

from multiarch.cluster.api import ApiRefused
from multiarch.core.verdict import Verdict
from multiarch.model.executor import Job, JobRefusal, Pod
from multiarch.rehearse.claims.pods import build, create, refused_by, violates_pod_security
from multiarch.rehearse.claims.scene import ARCH_LABEL, Promise, Proof, Scene, failed, proved, unknown
from multiarch.rehearse.report.model import JobView, Outcome

_SELECTOR = "KUBERNETES_NODE_SELECTOR_ARCH"
_FOREIGN = "multiarch-rehearsal"
_OVERWRITES = {
    "KUBERNETES_NAMESPACE_OVERWRITE": "namespace_overwrite_allowed",
    "KUBERNETES_SERVICE_ACCOUNT_OVERWRITE": "service_account_overwrite_allowed",
    "KUBERNETES_BEARER_TOKEN": "bearer_token_overwrite_allowed",
}
"""A job's variables, and the settings that let the runner obey them."""


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
            modelled=True,
        ),
        Promise(
            "overwrites-closed",
            "a job cannot choose its namespace, service account or Kubernetes token",
            _overwrites,
            modelled=True,
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
    return Promise(identity, title, partial(_selector, identity, value), modelled=True)


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
        return failed(f"the runner's regex '{pattern}' lets {value} through: the job would never get a node", view)
    return failed(
        "the runner's regex is empty, so it ignores a job's selector silently: the job would run on the wrong node",
        view,
    )


def _tolerations(scene: Scene) -> Proof:
    plain = build(scene, Job(name="tolerations-none"))
    if isinstance(plain, JobRefusal):
        return unknown(f"even a plain job is refused: {plain.reason}")
    before, refusals = plain.manifest["spec"].get("tolerations") or [], []
    for wanted in _wanted_tolerations(scene):
        built = build(scene, Job(name="tolerations", variables={"KUBERNETES_NODE_TOLERATIONS_X": wanted}))
        if isinstance(built, JobRefusal):
            refusals.append(built.reason)
        elif (after := built.manifest["spec"].get("tolerations") or []) != before:
            return failed(f"the pod tolerates what the job asked for: {[item for item in after if item not in before]}")
    if not refusals:
        return proved("KUBERNETES_NODE_TOLERATIONS_* is ignored: the pod keeps the runner's own tolerations")
    return _refused_all(scene, "node_tolerations_overwrite_allowed", refusals[0])


def _wanted_tolerations(scene: Scene) -> list[str]:
    """Return what a job might ask to tolerate: everything, what no node has, and each taint of the pools' nodes."""
    taints = [taint for group in scene.groups for node in group.nodes for taint in node["spec"].get("taints") or []]
    named = [f"{taint['key']}={taint.get('value', '')}:{taint['effect']}" for taint in taints]
    return list(dict.fromkeys(["", f"{_FOREIGN}=x:NoSchedule", *named]))


def _overwrites(scene: Scene) -> Proof:
    plain = build(scene, Job(name="overwrites-none"))
    if isinstance(plain, JobRefusal):
        return unknown(f"even a plain job is refused: {plain.reason}")
    taken, doubts = [], []
    for variable, setting in _OVERWRITES.items():
        values = dict.fromkeys((_FOREIGN, scene.installed.namespace, scene.installed.service_account, "kube-system"))
        built = [build(scene, Job(name="overwrites", variables={variable: value})) for value in values]
        refusals = [one.reason for one in built if isinstance(one, JobRefusal)]
        if any(isinstance(one, Pod) and _identity(one) != _identity(plain) for one in built):
            taken.append(variable)
        elif refusals:
            doubts.append(_refused_all(scene, setting, refusals[0]))
    if taken:
        return failed(f"a job's {', '.join(taken)} is obeyed")
    if open_ := [proof.evidence for proof in doubts if proof.verdict is not Verdict.YES]:
        return unknown("; ".join(open_))
    return proved(f"{', '.join(_OVERWRITES)} are ignored or refused")


def _refused_all(scene: Scene, setting: str, reason: str) -> Proof:
    """Judge an overwrite that is on, and that refused all that was tried: its regex may admit something else."""
    if not reason.startswith("provided value "):
        return proved(f"refused by runner, whatever a job asks for: {reason}")
    pattern = scene.installed.config.kubernetes.text(setting)
    return unknown(f"{setting} = '{pattern}' refuses what was tried; could not tell what else it lets jobs choose")


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
