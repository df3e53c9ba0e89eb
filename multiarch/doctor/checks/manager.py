"""Whether the manager is installed, admitted, running, with all that it mounts."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from multiarch.doctor.advice import Advice, cause
from multiarch.doctor.facts import Facts, Mount, Raw, Runner, condition, containers_of, quoted, statuses_of, unique
from multiarch.doctor.jobs import Explainer
from multiarch.doctor.model import Asked, Cause, Check, Fix

TOKEN_KEYS = ("runner-token", "runner-registration-token")


def manager_checks(facts: Facts) -> Iterator[Check]:
    """Ask of every runner."""
    if not facts.runners:
        asked = Asked("manager", "a runner's manager is installed")
        if facts.runners_failure:
            yield asked.unknown(facts.runners_failure)
        else:
            yield asked.judged([_absent(facts, "no release of gitlab-runner was found in the cluster", "any")])
        return
    if facts.runners_failure:
        yield Asked("runners-found", "all runners of the cluster were found").unknown(facts.runners_failure)
    for runner in facts.runners:
        yield _manager(facts, runner)
        if runner.deployment is not None:
            yield _mounts(facts, runner)


def _manager(facts: Facts, runner: Runner) -> Check:
    asked = Asked("manager", "the manager is installed and runs", runner.title)
    if runner.missing:
        return asked.judged([_absent(facts, f"there is no release {runner.name} in {runner.namespace}", runner.title)])
    if runner.deployment is None:
        return asked.unknown(runner.failure)
    status = runner.deployment.get("status") or {}
    wanted = runner.deployment["spec"].get("replicas", 1)
    ready = int(status.get("readyReplicas") or 0)
    if wanted == 0:
        return asked.judged([_scaled(facts, runner)])
    if ready >= wanted and not _failure(runner):
        return asked.fine(f"{ready} of {wanted} ready")
    found = list(_troubles(facts, runner))
    if not found and not runner.pods.known:
        return asked.unknown(f"{ready} of {wanted} ready; {runner.pods.failure}")
    return asked.judged(found or [_not_ready(facts, runner, ready, wanted)])


def _failure(runner: Runner) -> str:
    """Return why the Deployment can't make a pod; empty where it can, or has them all.

    While a new version is rolled out, the old one's pod may be ready beside that: the update hangs all the same.
    """
    failure = condition(runner.deployment or {}, "ReplicaFailure")
    return str(failure.get("message") or failure.get("reason")) if failure.get("status") == "True" else ""


def _troubles(facts: Facts, runner: Runner) -> Iterator[Cause]:
    if failure := _failure(runner):
        yield _refused(facts, runner, failure)
        return
    explainer = Explainer(facts)
    for pod in runner.pods.value:
        if crash := _crash(facts, runner, pod):
            yield crash
            return
        if any(mount.missing for mount in runner.mounts):
            return  # the check of its mounts names what is missing
        for inner in explainer.explain(pod)[0][:1]:
            yield replace(
                inner,
                kind="manager-not-ready",
                subject=runner.title,
                headline=f"the manager does not run: {inner.headline}",
                evidence=(f"pod {pod['metadata']['name']}", *inner.evidence),
            )
            return


def _refused(facts: Facts, runner: Runner, message: str) -> Cause:
    fixes = []
    if "violates PodSecurity" in message:
        fixes.append(
            Advice(facts).deploy("Deploy the stack again: its manager meets `restricted`.")
            if facts.stack
            else Fix(
                text="Let the pod meet the level (Helm values):",
                lines=("podSecurityContext:", "  seccompProfile:", "    type: RuntimeDefault"),
            )
        )
    return cause(
        "manager-refused",
        runner.title,
        f"admission refuses the manager's pod: {_left(runner)}",
        [quoted(message)],
        fixes,
    )


def _left(runner: Runner) -> str:
    ready = ((runner.deployment or {}).get("status") or {}).get("readyReplicas")
    return "the manager from before the update still runs, with its old settings" if ready else "there is none"


def _crash(facts: Facts, runner: Runner, pod: Raw) -> Cause | None:
    for status in statuses_of(pod):
        waiting = (status.get("state") or {}).get("waiting") or {}
        last = (status.get("lastState") or {}).get("terminated") or {}
        if waiting.get("reason") != "CrashLoopBackOff":
            continue
        name = pod["metadata"]["name"]
        times = f"{status.get('restartCount')} restarts"
        ended = f"it ended with code {last.get('exitCode')} ({last.get('reason', '')}), {times}"
        log = Advice(facts).kubectl(f"-n {runner.namespace} logs {name} --previous --tail=50")
        return cause(
            "manager-crashes",
            runner.title,
            "the manager's container keeps exiting",
            [f"pod {name}: {ended}", *([quoted(str(last["message"]))] if last.get("message") else [])],
            [
                Fix(text="Read why; `glrt-` tokens that GitLab does not know end it with a PANIC:", lines=(log,)),
            ],
        )
    return None


def _not_ready(facts: Facts, runner: Runner, ready: int, wanted: int) -> Cause:
    pods = unique(_state(pod) for pod in runner.pods.value) or ("it has no pod",)
    return cause(
        "manager-not-ready",
        runner.title,
        f"{ready} of {wanted} replicas of the manager are ready",
        pods,
        [
            Fix(
                text="See what it waits for:",
                lines=(Advice(facts).kubectl(f"-n {runner.namespace} describe deployment,pods"),),
            )
        ],
    )


def _state(pod: Raw) -> str:
    status = pod.get("status") or {}
    images = ", ".join(str(container.get("image")) for container in containers_of(pod))
    return f"pod {pod['metadata']['name']} ({images}): {status.get('phase', 'no phase')}"


def _scaled(facts: Facts, runner: Runner) -> Cause:
    name = (runner.deployment or {}).get("metadata", {}).get("name", runner.name)
    scale = Advice(facts).kubectl(f"-n {runner.namespace} scale deployment {name} --replicas=1")
    return cause(
        "manager-scaled-to-zero",
        runner.title,
        "the manager is scaled to zero",
        ["its Deployment wants 0 replicas"],
        [Fix(text="Scale it up:", lines=(scale,))],
    )


def _absent(facts: Facts, headline: str, subject: str) -> Cause:
    fix = Advice(facts).deploy("Install it:") if facts.stack else Fix(text="Install one: `multiarch onboard`.")
    return cause("manager-missing", subject, headline, [], [fix])


def _mounts(facts: Facts, runner: Runner) -> Check:
    asked = Asked("manager-mounts", "all that the manager mounts is there, with the keys it needs", runner.title)
    return judge_mounts(asked, runner.mounts, lambda mount: _missing_mount(facts, runner, mount))


def judge_mounts(asked: Asked, mounts: tuple[Mount, ...], made: Callable[[Mount], Cause]) -> Check:
    """Judge objects that must be there; one whose keys can't be seen is a doubt."""
    causes = [made(mount) for mount in mounts if mount.missing]
    doubts = unique(text for mount in mounts for text in (mount.there.failure, mount.doubt))
    names = ", ".join(f"{mount.kind} {mount.name}" for mount in mounts)
    return asked.judged(causes, names or "nothing is named", "; ".join(doubts))


def _missing_mount(facts: Facts, runner: Runner, mount: Mount) -> Cause:
    keys = ", ".join(mount.lacking)
    what = f"{mount.kind} {mount.name} " + (f"lacks the key {keys}" if keys else "does not exist")
    have = ", ".join(mount.there.value or ())
    return cause(
        "manager-secret",
        f"{mount.namespace}/{mount.name}",
        f"{what}: the manager's pod can't start",
        [f"keys that it has: {have}"] if have else [],
        _make(facts, runner, mount),
    )


def _make(facts: Facts, runner: Runner, mount: Mount) -> Iterator[Fix]:
    advice = Advice(facts)
    if mount.kind != "Secret":
        yield advice.deploy("Deploy it again:") if facts.stack else Fix(text="Upgrade the Helm release.")
    elif mount.there.value is None:
        named = mount.wanted or TOKEN_KEYS
        values = {TOKEN_KEYS[0]: '"$TOKEN"'}
        literals = " ".join(f"--from-literal={key}={values.get(key, '')}" for key in named)
        line = advice.kubectl(f"-n {runner.namespace} create secret generic {mount.name} {literals}")
        yield Fix(text="Make it, or see why External Secrets or Vault did not:", lines=(line,))
    else:
        shown = "-o go-template='{{range $key, $_ := .data}}{{$key}} {{end}}'"
        line = advice.kubectl(f"-n {runner.namespace} get secret {mount.name} {shown}")
        yield Fix(text="See its keys, without their values:", lines=(line,))
        body = '{"stringData":{"runner-registration-token":""}}'
        line = advice.kubectl(f"-n {runner.namespace} patch secret {mount.name} --type=merge -p '{body}'")
        yield Fix(text="`runner-registration-token` may be empty (`runner-token` may not). Add it:", lines=(line,))
