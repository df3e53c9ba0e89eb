"""Claims about the second runner, for rootless BuildKit: it keeps what the first keeps, and its sandbox is closed."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from multiarch.cluster.access_review import Action, may
from multiarch.cluster.api import ApiRefused
from multiarch.core.verdict import Verdict
from multiarch.core.waiting import wait_while
from multiarch.model.executor import Job, JobRefusal, Pod
from multiarch.rehearse.claims.jobs import served
from multiarch.rehearse.claims.manager import manager_promises
from multiarch.rehearse.claims.pipeline import BUILDKIT_TAG, buildkit_jobs, from_templates, judge_tags, land
from multiarch.rehearse.claims.pods import build, create, refused_by, violates_pod_security
from multiarch.rehearse.claims.refusals import refusal_promises, with_privileges
from multiarch.rehearse.claims.rights import rights_promises
from multiarch.rehearse.claims.scene import Promise, Proof, Scene, failed, proved, unknown
from multiarch.rehearse.claims.settings import settings_promises
from multiarch.rehearse.report.model import JobView, Outcome

IN_FORCE_SECONDS = 10.0
"""How long an admission policy may take to be in force: the API server hears of it by a watch."""
_POLL_SECONDS = 0.2
_POLICY = "ValidatingAdmissionPolicy"
_PRIVILEGED = "privileged-pod-refused"
Manifest = dict[str, Any]


def buildkit_promises(scene: Scene) -> list[Promise]:
    """Return the promises about the second runner, where the stack has one."""
    second = scene.buildkit
    if second is None:
        return []
    shared = [
        *manager_promises(second),
        *(promise for promise in refusal_promises(second) if promise.id != _PRIVILEGED),
        *rights_promises(second),
        *settings_promises(second),
    ]
    own = [
        *(
            Promise(
                f"buildkit-{arch}-job-on-{arch}-node",
                f"the templates' BuildKit build job for {arch} is admitted in its namespace, on an {arch} node",
                partial(_job, arch, second),
            )
            for arch in served(second)
        ),
        Promise("buildkit-template-tags", "the BuildKit jobs' tag is this runner's alone", partial(_tags, second)),
        Promise(
            "buildkit-job-refused-elsewhere",
            f"a BuildKit job's pod is refused in {scene.installed.job_namespace}",
            partial(_elsewhere, second),
        ),
        Promise(
            f"buildkit-{_PRIVILEGED}",
            f"a privileged pod is refused in {second.installed.job_namespace}, too",
            partial(_privileged, second),
        ),
        Promise(
            "buildkit-sandbox-closed",
            f"a breach of each other control of `baseline` is refused in {second.installed.job_namespace}",
            partial(_closed, second),
        ),
        Promise("buildkit-apart", "neither runner may create pods in the other's namespace", partial(_apart, second)),
    ]
    return [*(_of(second, promise) for promise in shared), *own]


def _of(second: Scene, promise: Promise) -> Promise:
    """Make a promise of the first runner one of the second."""

    def prove(_: Scene) -> Proof:
        proof = promise.prove(second)
        return replace(proof, jobs=tuple(replace(job, name=f"buildkit-{job.name}") for job in proof.jobs))

    return replace(promise, id=f"buildkit-{promise.id}", title=f"BuildKit runner: {promise.title}", prove=prove)


def _job(arch: str, second: Scene, _: Scene) -> Proof:
    return from_templates(lambda: land(second, buildkit_jobs(arch), {arch}))


def _tags(second: Scene, first: Scene) -> Proof:
    def prove() -> Proof:
        jobs = [job for arch in served(second) for job in buildkit_jobs(arch).values()]
        shared = sorted(set(second.tags or ()) & set(first.tags or ()))
        if shared:
            return failed(f"both runners have the tag {', '.join(shared)}: either runner may take a job")
        return judge_tags(jobs, second.tags, BUILDKIT_TAG)

    return from_templates(prove)


def _elsewhere(second: Scene, first: Scene) -> Proof:
    name, place = "buildkit-job-elsewhere", first.installed.job_namespace
    built = build(second, Job(name=name))
    if isinstance(built, JobRefusal):
        return unknown(f"even a plain job is refused: {built.reason}")
    manifest = copy.deepcopy(dict(built.manifest))
    manifest["metadata"]["namespace"] = place
    manifest["spec"].pop("serviceAccountName", None)
    refusal = _refusal(first, place, manifest)
    if refusal is None:
        view = JobView(name=name, asked=f"namespace: {place}", outcome=Outcome.PENDING)
        return failed(f"the API server would admit it into {place}", view)
    view = _refused(name, f"namespace: {place}", refusal)
    if violates_pod_security(refusal):
        return proved(refusal.message, view)
    return unknown(f"refused, but not by Pod Security: {refusal.message}", view)


def _privileged(second: Scene, _: Scene) -> Proof:
    name, asked = "buildkit-privileged-job", "privileged: true"
    built = build(second, Job(name=name))
    if isinstance(built, JobRefusal):
        return unknown(f"even a plain job is refused: {built.reason}")
    refusal = _in_force(second, built)
    if refusal is None:
        view = JobView(name=name, asked=asked, outcome=Outcome.PENDING, pod=built.name)
        return failed(f"the API server would admit it into {built.namespace}", view)
    view = _refused(name, asked, refusal)
    if _POLICY in refusal.message and "privileged" in refusal.message:
        return proved(refusal.message, view)
    return unknown(f"refused, but not for being privileged: {refusal.message}", view)


def _closed(second: Scene, _: Scene) -> Proof:
    built = build(second, Job(name="buildkit-sandbox"))
    if isinstance(built, JobRefusal):
        return unknown(f"even a plain job is refused: {built.reason}")
    if (plain := _refusal(second, built.namespace, built.manifest)) is not None:
        return unknown(f"even a plain job's pod is refused: {plain.message}")
    _in_force(second, built)
    answers = {what: _refusal(second, built.namespace, manifest) for what, manifest in breaches(built.manifest)}
    admitted = [what for what, refusal in answers.items() if refusal is None]
    others = [f"{what}: {one.message}" for what, one in answers.items() if one and _POLICY not in one.message]
    if admitted:
        return failed(f"the API server would admit into {built.namespace}: {', '.join(admitted)}")
    if others:
        return unknown(f"refused, but not by the namespace's own policy: {'; '.join(others)}")
    return proved(f"refused by the namespace's own policy: {', '.join(answers)}")


def _apart(second: Scene, first: Scene) -> Proof:
    crossings = [(first, second), (second, first)]
    answers = {}
    for runner, other in crossings:
        place = other.installed.job_namespace
        answer = may(runner.runner, Action(verb="create", resource="pods", namespace=place))
        answers[f"{runner.installed.service_account} may create pods in {place}"] = answer
    if allowed := [what for what, answer in answers.items() if answer.verdict is Verdict.YES]:
        return failed("; ".join(allowed))
    if doubts := [f"{what}? {answer.because}" for what, answer in answers.items() if answer.verdict is Verdict.UNKNOWN]:
        return unknown("; ".join(doubts))
    return proved(f"asked for {', '.join(runner.installed.service_account for runner, _ in crossings)}: both refused")


def _in_force(second: Scene, built: Pod) -> ApiRefused | None:
    """Return how a privileged pod is refused, None if it is still admitted after `IN_FORCE_SECONDS`."""
    manifest, answers = with_privileges(built.manifest), []

    def admitted() -> bool:
        answers.append(_refusal(second, built.namespace, manifest))
        return answers[-1] is None

    wait_while(admitted, IN_FORCE_SECONDS, every=_POLL_SECONDS)
    return answers[-1]


def _refusal(scene: Scene, namespace: str, manifest: Mapping[str, Any]) -> ApiRefused | None:
    """Ask for a pod in a dry run: None when it is admitted. Raises ApiRefused for a server in trouble."""
    try:
        create(scene.runner, namespace, manifest, dry_run=True)
    except ApiRefused as refusal:
        if not refusal.definite:
            raise
        return refusal
    return None


def _refused(name: str, asked: str, refusal: ApiRefused) -> JobView:
    who = refused_by(refusal)
    return JobView(name=name, asked=asked, outcome=Outcome.REFUSED, refused_by=who, reason=refusal.message)


def breaches(manifest: Mapping[str, Any]) -> Iterator[tuple[str, Manifest]]:
    """Yield what a job's pod must not be, and such a pod: one for each control of Pod Security `baseline`."""
    for what, change in _BREACHES.items():
        changed = copy.deepcopy(dict(manifest))
        change(changed)
        yield what, changed


def _spec(**fields: Any) -> Callable[[Manifest], None]:
    return lambda pod: pod["spec"].update(fields)


def _container(index: int, **fields: Any) -> Callable[[Manifest], None]:
    return lambda pod: pod["spec"]["containers"][index].update(fields)


def _context(index: int, **fields: Any) -> Callable[[Manifest], None]:
    return lambda pod: pod["spec"]["containers"][index].setdefault("securityContext", {}).update(fields)


def _pod_context(**fields: Any) -> Callable[[Manifest], None]:
    return lambda pod: pod["spec"].setdefault("securityContext", {}).update(fields)


def _host_path(pod: Manifest) -> None:
    pod["spec"]["volumes"].append({"name": "node", "hostPath": {"path": "/"}})


def _unmasked(pod: Manifest) -> None:
    # The API's own validation wants a user namespace beside it.
    pod["spec"]["hostUsers"] = False
    _context(_BUILD, procMount="Unmasked")(pod)


def _annotated(pod: Manifest) -> None:
    key = "container.apparmor.security.beta.kubernetes.io/helper"
    pod["metadata"].setdefault("annotations", {})[key] = "unconfined"


_BUILD, _HELPER = 0, 1
_UNCONFINED = {"type": "Unconfined"}
_BREACHES: Mapping[str, Callable[[Manifest], None]] = {
    "host network": _spec(hostNetwork=True),
    "host processes": _spec(hostPID=True),
    "host IPC": _spec(hostIPC=True),
    "host path": _host_path,
    "host port": _container(_BUILD, ports=[{"containerPort": 80, "hostPort": 80}]),
    "capability SYS_ADMIN": _context(_BUILD, capabilities={"add": ["SYS_ADMIN"]}),
    "root without a seccomp profile": _context(_BUILD, runAsUser=0),
    "helper without a seccomp profile": _context(_HELPER, seccompProfile=_UNCONFINED),
    "helper without an AppArmor profile": _context(_HELPER, appArmorProfile=_UNCONFINED),
    "helper without an AppArmor profile by annotation": _annotated,
    "pod without a seccomp profile": _pod_context(seccompProfile=_UNCONFINED),
    "unmasked /proc": _unmasked,
    "sysctl": _pod_context(sysctls=[{"name": "kernel.shm_rmid_forced", "value": "1"}]),
    "SELinux type": _context(_BUILD, seLinuxOptions={"type": "spc_t"}),
    "probe of another host": _container(_BUILD, livenessProbe={"httpGet": {"host": "169.254.169.254", "port": 80}}),
}
