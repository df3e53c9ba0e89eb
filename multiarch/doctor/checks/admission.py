"""Would admission let a job's pod into its namespace? Pod Security, limit ranges and webhooks, tried on the pod."""

from collections.abc import Iterator, Mapping
from typing import Any

from multiarch.cluster.selectors import label_selector
from multiarch.doctor.advice import Advice, cause
from multiarch.doctor.checks import pod_security
from multiarch.doctor.facts import Facts, Raw, Space, amount
from multiarch.doctor.model import Asked, Cause, Check, Fix
from multiarch.doctor.probe import probe
from multiarch.model.executor import JobRefusal

ENFORCE = "pod-security.kubernetes.io/enforce"
LEVELS = ("privileged", "baseline", "restricted")
Spec = Mapping[str, Any]


def job_pods(facts: Facts) -> dict[str, list[Raw]]:
    """Return the pods that plain jobs would be, by the namespace that they would be created in."""
    pods: dict[str, list[Raw]] = {}
    for runner in facts.runners:
        pod = probe(runner)
        if not isinstance(pod, JobRefusal):
            pods.setdefault(pod.namespace, []).append(pod.manifest)
    return pods


def admission_checks(facts: Facts) -> Iterator[Check]:
    """Ask of every namespace that jobs run in."""
    pods = job_pods(facts)
    for space in facts.spaces:
        asked = Asked("job-namespace", "the jobs' namespace exists", space.name)
        if space.found.missing:
            fix = (
                Advice(facts).deploy("Create it:")
                if facts.stack
                else Fix(text="Create it:", lines=(Advice(facts).kubectl(f"create namespace {space.name}"),))
            )
            yield asked.judged(
                [cause("job-namespace-missing", space.name, f"there is no namespace {space.name}", [], [fix])]
            )
            continue
        yield asked.unknown(space.found.failure) if space.found.failure else asked.fine()
        mine = pods.get(space.name, [])
        yield _security(facts, space, mine)
        yield _limits(space, mine)
        yield _webhooks(facts, space, mine)


def _security(facts: Facts, space: Space, pods: list[Raw]) -> Check:
    asked = Asked("pod-security", "Pod Security admits the jobs' pods", space.name)
    if space.found.failure:
        return asked.unknown(space.found.failure)
    level = space.labels.get(ENFORCE, "privileged")
    if level not in LEVELS:
        # The admission plugin takes an unknown level for restricted (pod-security-admission/api/helpers.go).
        level = "restricted"
    if not pods and level != "privileged":
        return asked.unknown(f"it enforces {level}; what the jobs' pods look like is not known")
    found = sorted({text for pod in pods for text in pod_security.violations(pod["spec"], level)})
    if not found:
        return asked.fine(f"enforces {level}" if ENFORCE in space.labels else "no level is enforced by a label")
    lower = Advice(facts).kubectl(f"label namespace {space.name} {ENFORCE}=baseline --overwrite")
    fixes = [Fix(text="Enforce the level that the jobs need:", lines=(lower,))]
    if facts.stack:
        fixes.insert(0, Advice(facts).deploy("The stack enforces baseline there. Deploy it again:"))
    refuses = cause(
        "pod-security-refuses-jobs",
        space.name,
        f"the namespace {space.name} enforces {level}, which refuses the jobs' pods",
        [f"a plain job violates it: {'; '.join(found)}"],
        fixes if level == "restricted" else [Fix(text="Change the runner's config: jobs need none of this.")],
    )
    return asked.judged([refuses])


def _limits(space: Space, pods: list[Raw]) -> Check:
    asked = Asked("limit-ranges", "no limit range refuses the jobs' pods", space.name)
    if not space.limits.known:
        return asked.unknown(space.limits.failure)
    if not space.limits.items:
        return asked.fine("there is none")
    if not pods:
        return asked.unknown("there are limit ranges, and what the jobs ask for is not known")
    causes = []
    for limits in space.limits.items:
        name = limits["metadata"]["name"]
        broken = sorted({text for pod in pods for text in limit_violations(limits, pod["spec"])})
        if broken:
            causes.append(
                cause(
                    "limit-range-refuses",
                    f"LimitRange {space.name}/{name}",
                    f"LimitRange {name} of {space.name} refuses the jobs' pods",
                    broken,
                )
            )
    names = ", ".join(limits["metadata"]["name"] for limits in space.limits.items)
    return asked.judged(causes, f"{names}: they fit")


def with_defaults(ranges: tuple[Raw, ...], container: Spec) -> dict[str, dict[str, str]]:
    """Return a container's requests and limits after the defaults of limit ranges and of the API server."""
    resources = container.get("resources") or {}
    requests, limits = dict(resources.get("requests") or {}), dict(resources.get("limits") or {})
    for name, value in limits.items():
        requests.setdefault(name, value)
    for item in ranges:
        for limit in item["spec"].get("limits") or []:
            if limit.get("type") == "Container":
                requests = {**(limit.get("defaultRequest") or {}), **requests}
                limits = {**(limit.get("default") or {}), **limits}
    return {"requests": requests, "limits": limits}


def limit_violations(limits: Raw, spec: Spec) -> Iterator[str]:
    """Yield how a pod breaks a limit range (kubernetes plugin/pkg/admission/limitranger)."""
    for limit in limits["spec"].get("limits") or []:
        if limit.get("type") != "Container":
            continue
        for container in (*(spec.get("initContainers") or []), *(spec.get("containers") or [])):
            given = with_defaults((limits,), container)
            yield from _beyond(container["name"], limit, given["requests"], given["limits"])


def _beyond(name: str, limit: Raw, requests: Mapping[str, str], limits: Mapping[str, str]) -> Iterator[str]:
    for resource, bound in (limit.get("max") or {}).items():
        given = limits.get(resource)
        if given is None:
            yield f"container {name}: maximum {resource} is {bound}, and it has no limit"
        elif amount(given) > amount(bound):
            yield f"container {name}: maximum {resource} is {bound}, and its limit is {given}"
        if (asked := requests.get(resource)) is not None and amount(asked) > amount(bound):
            yield f"container {name}: maximum {resource} is {bound}, and it requests {asked}"
    for resource, bound in (limit.get("min") or {}).items():
        asked = requests.get(resource)
        if asked is None:
            yield f"container {name}: minimum {resource} is {bound}, and it requests none"
        elif amount(asked) < amount(bound):
            yield f"container {name}: minimum {resource} is {bound}, and it requests {asked}"


def _webhooks(facts: Facts, space: Space, pods: list[Raw]) -> Check:
    asked = Asked("webhooks", "every admission webhook that must agree to jobs' pods answers", space.name)
    if not facts.webhooks.known:
        return asked.unknown(facts.webhooks.failure)
    labels = {**space.labels, "kubernetes.io/metadata.name": space.name}
    mine = [
        hook
        for hook in facts.webhooks.items
        if label_selector(hook.namespace_selector, labels)
        and (not pods or any(label_selector(hook.object_selector, pod["metadata"]["labels"]) for pod in pods))
    ]
    down: list[Cause] = [
        cause(
            "admission-webhook-down",
            hook.service,
            f"webhook {hook.name} must agree to every pod, and its service {hook.service} has no ready endpoint",
            [f"{hook.configuration}, failurePolicy Fail"],
            [
                Fix(
                    text="Bring its pods back:",
                    lines=(Advice(facts).kubectl(f"-n {hook.service.partition('/')[0]} get pods,endpointslices"),),
                )
            ],
        )
        for hook in mine
        if hook.endpoints.value == 0
    ]
    doubts = [hook.endpoints.failure for hook in mine if hook.endpoints.failure]
    seen = ", ".join(hook.name for hook in mine) or "there is none"
    return asked.judged(down, seen, "; ".join(dict.fromkeys(doubts)))
