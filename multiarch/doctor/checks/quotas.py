"""Whether the quotas of the jobs' namespaces have room for another job."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from multiarch.doctor.advice import cause
from multiarch.doctor.checks.admission import job_pods, with_defaults
from multiarch.doctor.facts import Facts, Raw, Space, amount
from multiarch.doctor.model import Asked, Cause, Check, Fix
from multiarch.doctor.scheduling.filters import requests

_SUMMED = ("cpu", "memory", "ephemeral-storage")


def quota_checks(facts: Facts) -> Iterator[Check]:
    """Ask of every namespace that jobs run in and that is there."""
    pods = job_pods(facts)
    for space in facts.spaces:
        if space.found.missing:
            continue
        asked = Asked("quotas", "the quotas have room for another job", space.name)
        if not space.quotas.known:
            yield asked.unknown(space.quotas.failure)
        elif not space.quotas.items:
            yield asked.fine("there is none")
        else:
            mine = pods.get(space.name, [])
            causes = [found for quota in space.quotas.items for found in _judge(space, quota, mine)]
            room = "; ".join(_room(quota) for quota in space.quotas.items) + _left(space, mine)
            doubt = "" if mine or causes else f"what a job asks for is not known; {room}"
            yield asked.judged(causes, room, doubt)


def _judge(space: Space, quota: Raw, pods: Sequence[Raw]) -> Iterator[Cause]:
    """Yield why the quota refuses another job. Where the jobs' pods are not known, only their number is counted."""
    one_more = {"pods": Decimal(1), "count/pods": Decimal(1)}
    mine = [_asks(space, pod) for pod in pods if applies(quota, pod["spec"])] if pods else [one_more]
    for asks in mine:
        found = _full(space, quota, asks) or (_unstated(space, quota, asks) if pods else None)
        if found:
            yield found
            return


def _full(space: Space, quota: Raw, asks: Mapping[str, Decimal]) -> Cause | None:
    hard, used = _list(quota, "hard"), _list(quota, "used")
    # The quota controller has not counted yet where `used` is missing: what it will say is not known.
    full = [key for key, bound in hard.items() if key in asks and key in used and used[key] + asks[key] > bound]
    if not full:
        return None
    status, name = quota["status"], quota["metadata"]["name"]
    text = "Raise it, or let fewer jobs run at once (`concurrent`), or lower the jobs' requests and limits."
    return cause(
        "quota-exhausted",
        f"ResourceQuota {space.name}/{name}",
        f"quota {name} has no room for another job: {', '.join(full)}",
        [f"{key}: {status['used'][key]} of {status['hard'][key]} used" for key in full],
        [Fix(text=text)],
    )


def _unstated(space: Space, quota: Raw, asks: Mapping[str, Decimal]) -> Cause | None:
    name = quota["metadata"]["name"]
    absent = [key for key in _list(quota, "hard") if key not in asks and _is_compute(key)]
    if not absent:
        return None
    headline = f"quota {name} wants {', '.join(absent)} of every pod, and the jobs' pods do not have it"
    return cause("quota-needs-requests", f"ResourceQuota {space.name}/{name}", headline, [_room(quota)])


def applies(quota: Raw, spec: Raw) -> bool:
    """Tell whether a quota counts a job's pod, by its scopes (kubernetes pkg/quota/v1/evaluator/core/pods.go)."""
    rules = (quota["spec"].get("scopeSelector") or {}).get("matchExpressions") or []
    scopes: list[tuple[str, str, tuple[str, ...]]] = [
        *((scope, "", ()) for scope in quota["spec"].get("scopes") or []),
        *((rule["scopeName"], rule.get("operator", ""), tuple(rule.get("values") or ())) for rule in rules),
    ]
    return all(_in_scope(scope, operator, values, spec) for scope, operator, values in scopes)


def _in_scope(scope: str, operator: str, values: tuple[str, ...], spec: Raw) -> bool:
    terminating = spec.get("activeDeadlineSeconds") is not None
    effort = not any((container.get("resources") or {}) for container in spec.get("containers") or [])
    match scope:
        case "Terminating":
            return terminating
        case "NotTerminating":
            return not terminating
        case "BestEffort":
            return effort
        case "NotBestEffort":
            return not effort
        case "PriorityClass":
            own = spec.get("priorityClassName") or ""
            chosen = {"In": own in values, "NotIn": own not in values, "Exists": bool(own), "DoesNotExist": not own}
            return chosen.get(operator, False)
        case _:
            return False


def _asks(space: Space, pod: Raw) -> dict[str, Decimal]:
    """Return what one more pod adds to a quota, under the quota's own names."""
    ranges = space.limits.items
    filled = {
        key: [{**item, "resources": with_defaults(ranges, item)} for item in pod["spec"].get(key) or []]
        for key in ("containers", "initContainers")
    }
    asked = requests({"spec": {**pod["spec"], **filled}})
    capped = [container["resources"]["limits"] for container in filled["containers"]]
    result = {"pods": Decimal(1), "count/pods": Decimal(1)}
    for name in _SUMMED:
        if name in asked:
            result |= {name: asked[name], f"requests.{name}": asked[name]}
        if capped and all(name in limits for limits in capped):
            result[f"limits.{name}"] = sum((amount(limits[name]) for limits in capped), Decimal(0))
    return result


def _is_compute(key: str) -> bool:
    return key.removeprefix("requests.").removeprefix("limits.") in _SUMMED


def _left(space: Space, pods: Sequence[Raw]) -> str:
    """Say how many more jobs fit, as the tightest quota has it."""
    counts = [
        int((bound - used[key]) // asks[key])
        for quota in space.quotas.items
        for used in (_list(quota, "used"),)
        for pod in pods
        if applies(quota, pod["spec"])
        for asks in (_asks(space, pod),)
        for key, bound in _list(quota, "hard").items()
        if asks.get(key) and key in used
    ]
    return f"; room for {max(min(counts), 0)} more jobs" if counts else ""


def _list(quota: Raw, key: str) -> Mapping[str, Decimal]:
    return {name: amount(text) for name, text in ((quota.get("status") or {}).get(key) or {}).items()}


def _room(quota: Raw) -> str:
    hard, used = (quota.get("status") or {}).get("hard") or {}, (quota.get("status") or {}).get("used") or {}
    parts = ", ".join(f"{key} {used.get(key, '?')} of {bound}" for key, bound in sorted(hard.items()))
    return f"{quota['metadata']['name']}: {parts or 'not counted yet'}"
