"""Reads everything that the checks need, side by side and page by page; what may not be read is noted, not guessed."""

import datetime as dt
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from multiarch.cluster.api import ApiRefused
from multiarch.cluster.errors import ClusterError
from multiarch.cluster.readonly import ReadOnlyApi
from multiarch.cluster.seen import Seen, read_list, read_one, why
from multiarch.doctor.admission import admissions_of
from multiarch.doctor.facts import (
    JOB_NAME,
    Admission,
    Event,
    Facts,
    Node,
    Raw,
    Runner,
    Space,
    Taint,
    amounts,
    condition,
    is_daemon,
    is_job,
    moment,
    pod_key,
    trimmed,
)
from multiarch.doctor.history import PROGRESS, TROUBLES
from multiarch.doctor.jobs import stuck
from multiarch.doctor.logs import format_errors
from multiarch.doctor.probe import arches_of
from multiarch.doctor.releases import find_releases, read_runner
from multiarch.doctor.scheduling.filters import added, requests, terms
from multiarch.model.pools import PlannedPool
from multiarch.model.release import PlannedRelease

_AT_ONCE = 8
_AUTOSCALERS = ("NotTriggerScaleUp", "TriggeredScaleUp", "Nominated")
"""Reasons of events of type Normal that matter; all other telling ones are warnings."""
_MOST_NAMESPACES = 20
_NOWHERE = "it is not known in which namespaces jobs run"
_LOCAL_DNS = "/apis/apps/v1/namespaces/kube-system/daemonsets/node-local-dns"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be examined."""

    context: str
    version: str
    releases: Sequence[PlannedRelease] = ()
    """Those of the stack; none means that they are to be found."""
    namespaces: Sequence[str] = ()
    """Where to find them; none means everywhere."""
    job_namespaces: Sequence[str] = ()
    """Those that the stack's plan names."""
    pools: Sequence[PlannedPool] = ()
    stack: str = ""


@dataclass(slots=True)
class _Pods:
    """What one pass over the pods leaves."""

    jobs: list[Raw] = field(default_factory=list)
    present: set[str] = field(default_factory=set)
    used: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    daemons: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    failure: str = ""
    everywhere: bool = True


def gather(
    reader: ReadOnlyApi, wanted: Wanted, progress: Callable[[str], None], now: dt.datetime | None = None
) -> Facts:
    """Read the cluster, as of `now` (default: the clock's). Never raises for what it answers."""
    now = now or dt.datetime.now(dt.UTC)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="doctor") as pool:
        progress("nodes, pods and runners")
        nodes = pool.submit(lambda: read_list(lambda: reader.items("/api/v1/nodes"), "nodes"))
        pods_everywhere = pool.submit(_pods, reader, [""], now)
        cache = pool.submit(read_one, lambda: reader.find(_LOCAL_DNS), "the DNS cache of the nodes")
        runners, runners_failure = _runners(reader, wanted, pool.map)
        pods = pods_everywhere.result()
        names = _namespaces(wanted, runners, pods)
        if not pods.everywhere and names:
            pods = _pods(reader, names, now)
        progress(f"events of {len(names)} namespaces")
        managers = {runner.namespace for runner in runners}
        places = sorted({*names, *managers})
        events = list(pool.map(lambda name: read_events(reader, name, pods.present), places))
        spaces = tuple(pool.map(lambda name: _space(reader, name), names))
        progress("what the API server would say of jobs' pods")
        admissions = _admissions(reader, wanted, runners, spaces, pool.map)
        local = cache.result()
        return Facts(
            now=now,
            version=wanted.version,
            context=wanted.context,
            stack=wanted.stack,
            pools=tuple(wanted.pools),
            nodes=_nodes(nodes.result(), pods),
            pods=Seen(tuple(pods.jobs), pods.failure),
            present=frozenset(pods.present),
            events=Seen(
                tuple(event for part in events for event in part.value),
                "; ".join(filter(None, (part.failure for part in events))) or ("" if names else _NOWHERE),
            ),
            runners=runners,
            runners_failure=runners_failure,
            spaces=spaces,
            admissions=admissions,
            local_dns=Seen(None if local.failure else local.value is not None, local.failure),
            logs=format_errors(reader, pods.jobs),
        )


def _runners(
    reader: ReadOnlyApi, wanted: Wanted, at_once: Callable[..., Iterator[Runner]]
) -> tuple[tuple[Runner, ...], str]:
    releases, failure = list(wanted.releases), ""
    if not releases:
        releases, failure = find_releases(reader, wanted.namespaces)
    return tuple(at_once(lambda release: read_runner(reader, release), releases)), failure


def _admissions(
    reader: ReadOnlyApi,
    wanted: Wanted,
    runners: Sequence[Runner],
    spaces: Sequence[Space],
    at_once: Callable[..., Iterator[Sequence[Admission]]],
) -> tuple[Admission, ...]:
    """Ask for the pods of each runner whose namespace is there: its own check tells of one that is not."""
    missing = {space.name for space in spaces if space.found.missing}
    there = [runner for runner in runners if runner.job_namespace not in missing]
    asked = at_once(lambda runner: admissions_of(reader, runner, arches_of(wanted.pools, (runner,))), there)
    return tuple(one for part in asked for one in part)


def _namespaces(wanted: Wanted, runners: Sequence[Runner], pods: _Pods) -> list[str]:
    """Return the namespaces that jobs run in: by config, by plan, and those that their pods are really in."""
    configured = [runner.job_namespace for runner in runners if runner.job_namespace]
    living = sorted({pod["metadata"].get("namespace", "") for pod in pods.jobs})[:_MOST_NAMESPACES]
    return list(dict.fromkeys((*configured, *wanted.job_namespaces, *living)))


def _pods(reader: ReadOnlyApi, namespaces: Sequence[str], now: dt.datetime) -> _Pods:
    """Pass over the pods once: sum up what each node has given away, keep those of jobs that are in trouble."""
    result = _Pods()
    for name in namespaces:
        place = f"/namespaces/{name}" if name else ""
        result.everywhere = result.everywhere and not name
        try:
            for page in reader.pages(f"/api/v1{place}/pods", {"fieldSelector": "status.phase!=Succeeded"}):
                for pod in page:
                    _count(result, pod, now)
        except (ApiRefused, ClusterError) as error:
            result.failure = why(error, f"pods of {name or 'all namespaces'}")
            result.everywhere = False
    return result


def _count(result: _Pods, pod: Raw, now: dt.datetime) -> None:
    node = pod["spec"].get("nodeName")
    if (pod.get("status") or {}).get("phase") != "Failed":
        asked = requests(pod)
        if node:
            result.used[node] = added([result.used.get(node, {}), asked])
        if is_daemon(pod) and (own := node or _pinned(pod)):
            result.daemons[own] = added([result.daemons.get(own, {}), asked])
    if is_job(pod):
        result.present.add(pod_key(pod))
        if stuck(pod, now):
            result.jobs.append(trimmed(pod))


def _pinned(pod: Raw) -> str:
    """Return the node that a DaemonSet's pod waits for (kubernetes pkg/controller/daemon/util: by an affinity)."""
    fields = [field for term in terms(pod) for field in term.get("matchFields") or []]
    names = [name for field in fields if field.get("key") == "metadata.name" for name in field.get("values") or []]
    return str(names[0]) if len(names) == 1 else ""


def _nodes(nodes: Seen[tuple[dict[str, Any], ...]], pods: _Pods) -> Seen[tuple[Node, ...]]:
    return Seen(
        tuple(
            node_of(
                node,
                pods.used.get(node["metadata"]["name"], {}) if pods.everywhere else None,
                pods.daemons.get(node["metadata"]["name"], {}),
            )
            for node in nodes.value
        ),
        nodes.failure,
    )


def node_of(node: Raw, used: Mapping[str, Decimal] | None, daemons: Mapping[str, Decimal]) -> Node:
    """Read a Node object; `used` and `daemons` are what the pods on it request."""
    ready = condition(node, "Ready")
    taints = node["spec"].get("taints") or []
    return Node(
        name=node["metadata"]["name"],
        labels=node["metadata"].get("labels") or {},
        taints=tuple(
            Taint(key=taint["key"], value=str(taint.get("value") or ""), effect=taint["effect"]) for taint in taints
        ),
        cordoned=bool(node["spec"].get("unschedulable")),
        ready=ready.get("status") == "True",
        trouble=_trouble(node),
        allocatable=amounts((node.get("status") or {}).get("allocatable")),
        used=used,
        daemons=daemons,
    )


def _trouble(node: Raw) -> str:
    """Return what a node says of itself where it is not well."""
    ready = condition(node, "Ready")
    if ready.get("status") != "True":
        return str(ready.get("message") or "no kubelet has reported")
    ill = [condition(node, kind) for kind in ("NetworkUnavailable", "DiskPressure", "MemoryPressure", "PIDPressure")]
    return next((str(one.get("message") or one["type"]) for one in ill if one.get("status") == "True"), "")


def read_events(reader: ReadOnlyApi, namespace: str, present: Container[str]) -> Seen[tuple[Event, ...]]:
    """Read what went wrong, and of pods in trouble how far they came all the same.

    `present` holds the jobs' pods that were listed before, as `namespace/name`.
    """
    selectors = ["type=Warning", *(f"reason={reason}" for reason in _AUTOSCALERS)]
    path = f"/api/v1/namespaces/{namespace}/events"

    def wrong() -> list[Event]:
        return [event_of(item) for selector in selectors for item in reader.items(path, {"fieldSelector": selector})]

    troubles = read_list(wrong, f"events of {namespace}")
    troubled = {event.name for event in troubles.value if event.kind == "Pod" and event.reason in TROUBLES}
    gone = {name for name in troubled if JOB_NAME.match(name) and f"{namespace}/{name}" not in present}
    # Those that came since the pods were listed are not gone, nor are those that have succeeded.
    living = read_list(
        lambda: sorted(gone.intersection(_pod_names(reader, namespace))) if gone else [], f"pods of {namespace}"
    )
    dropped = living.value if living.known else gone
    kept = tuple(event for event in troubles.value if event.name not in dropped)
    troubled.difference_update(dropped)
    well = read_list(lambda: list(_progress(reader, path, troubled)) if troubled else [], f"events of {namespace}")
    failure = troubles.failure or living.failure or well.failure
    return Seen(() if well.failure else (*kept, *well.value), failure)


def _pod_names(reader: ReadOnlyApi, namespace: str) -> Iterator[str]:
    for page in reader.pages(f"/api/v1/namespaces/{namespace}/pods", metadata_only=True):
        yield from (pod["metadata"]["name"] for pod in page)


def _progress(reader: ReadOnlyApi, path: str, troubled: Container[str]) -> Iterator[Event]:
    """Yield the events that show how far the named pods came; a busy namespace has very many of others."""
    for reason in PROGRESS:
        for page in reader.pages(path, {"fieldSelector": f"involvedObject.kind=Pod,reason={reason}"}):
            yield from (event for event in map(event_of, page) if event.name in troubled)


def event_of(item: Raw) -> Event:
    """Read an Event of core/v1, which shows those of events.k8s.io too."""
    about, source = item.get("involvedObject") or {}, item.get("source") or {}
    series = item.get("series") or {}
    last = item.get("lastTimestamp") or series.get("lastObservedTime") or item.get("eventTime")
    return Event(
        kind=str(about.get("kind", "")),
        namespace=str(about.get("namespace") or item["metadata"].get("namespace", "")),
        name=str(about.get("name", "")),
        uid=str(about.get("uid", "")),
        reason=str(item.get("reason", "")),
        message=str(item.get("message", "")),
        source=str(item.get("reportingComponent") or source.get("component") or ""),
        count=int(item.get("count") or series.get("count") or 1),
        last=moment(last or item["metadata"].get("creationTimestamp")),
    )


def _space(reader: ReadOnlyApi, name: str) -> Space:
    place = f"/api/v1/namespaces/{name}"
    policies = f"/apis/networking.k8s.io/v1/namespaces/{name}/networkpolicies"
    return Space(
        name=name,
        found=read_one(lambda: reader.find(place), f"namespace {name}"),
        policies=read_list(lambda: reader.items(policies), f"network policies of {name}"),
    )
