"""Objects that pods name, by name and by the names of their keys. A Secret's values are never asked for."""

from collections.abc import Iterator
from typing import Any

from multiarch.cluster.readonly import ReadOnlyApi
from multiarch.cluster.seen import Seen, read_one
from multiarch.doctor.facts import Mount, Raw
from multiarch.model.pod_sources import sources

_KINDS = {"secret": "Secret", "configmap": "ConfigMap"}


def mounts_of(reader: ReadOnlyApi, namespace: str, spec: Raw) -> tuple[Mount, ...]:
    """Return every Secret and ConfigMap that a pod can't start without, as the cluster has them."""
    wanted: dict[tuple[str, str], list[str]] = {}
    for kind, name, keys, optional in sources(spec):
        if not optional:
            wanted.setdefault((_KINDS[kind], name), []).extend(keys)
    return tuple(
        _mount(reader, kind, namespace, name, tuple(dict.fromkeys(keys))) for (kind, name), keys in wanted.items()
    )


def job_objects_of(reader: ReadOnlyApi, namespace: str, spec: Raw) -> tuple[Mount, ...]:
    """Return what a job's pod names: its service account, its priority class, its claims, what it mounts."""
    return (*mounts_of(reader, namespace, spec), *(_named(reader, *which) for which in _references(namespace, spec)))


def _references(namespace: str, spec: Raw) -> Iterator[tuple[str, str, str, str]]:
    place = f"/api/v1/namespaces/{namespace}"
    if account := spec.get("serviceAccountName"):
        yield "ServiceAccount", namespace, str(account), f"{place}/serviceaccounts/{account}"
    if priority := spec.get("priorityClassName"):
        yield "PriorityClass", "", str(priority), f"/apis/scheduling.k8s.io/v1/priorityclasses/{priority}"
    for volume in spec.get("volumes") or []:
        if claim := (volume.get("persistentVolumeClaim") or {}).get("claimName"):
            yield "PersistentVolumeClaim", namespace, str(claim), f"{place}/persistentvolumeclaims/{claim}"


def _named(reader: ReadOnlyApi, kind: str, namespace: str, name: str, path: str) -> Mount:
    there = read_one(lambda: () if reader.metadata_of(path) is not None else None, f"{kind} {name}")
    return Mount(kind=kind, namespace=namespace, name=name, there=Seen(there.value, there.failure))


def _mount(reader: ReadOnlyApi, kind: str, namespace: str, name: str, wanted: tuple[str, ...]) -> Mount:
    path = f"/api/v1/namespaces/{namespace}/{kind.lower()}s/{name}"
    metadata = read_one(lambda: reader.metadata_of(path), f"{kind} {namespace}/{name}")
    if metadata.value is None:
        there: Seen[tuple[str, ...] | None] = Seen(None, metadata.failure)
        return Mount(kind=kind, namespace=namespace, name=name, wanted=wanted, there=there)
    now, once = keys_of(metadata.value)
    if set(wanted) <= now:
        return Mount(kind=kind, namespace=namespace, name=name, wanted=wanted, there=Seen(tuple(sorted(now))))
    count = read_one(lambda: _data_count(reader.table(path)), path).value
    lacking, doubt = compare_keys(wanted, now, once, count)
    there = Seen(tuple(sorted(now | once if count == len(now | once) else now)))
    return Mount(
        kind=kind,
        namespace=namespace,
        name=name,
        wanted=wanted,
        there=there,
        lacking=lacking,
        doubt=doubt and f"{kind} {name}: {doubt}",
    )


def compare_keys(
    wanted: tuple[str, ...], now: set[str], once: set[str], count: int | None
) -> tuple[tuple[str, ...], str]:
    """Return which of the wanted keys are surely lacking, or why that can't be told.

    `now` are keys that are surely there, `once` those that somebody wrote as `stringData` at some time (which stay in
    the managed fields after the key was removed), `count` how many keys there are.
    """
    if count is not None:
        if count == len(now):
            return tuple(key for key in wanted if key not in now), ""
        if count == len(now | once):
            return tuple(key for key in wanted if key not in now | once), ""
        if count < len(wanted):
            return (f"one of {', '.join(key for key in wanted if key not in now)}",), ""
    return (), "its keys are visible only together with its values"


def keys_of(metadata: Raw) -> tuple[set[str], set[str]]:
    """Return an object's keys of `data` by its managed fields, and those of `stringData`, past ones included."""
    data: set[str] = set()
    text: set[str] = set()
    for entry in (metadata.get("metadata") or {}).get("managedFields") or []:
        fields: dict[str, Any] = entry.get("fieldsV1") or {}
        for part, into in (("f:data", data), ("f:binaryData", data), ("f:stringData", text)):
            into |= {key.removeprefix("f:") for key in fields.get(part) or {} if key.startswith("f:")}
    return data, text


def _data_count(table: Raw) -> int | None:
    names = [column["name"] for column in table.get("columnDefinitions") or []]
    rows = table.get("rows") or []
    if "Data" not in names or not rows:
        return None
    return int(rows[0]["cells"][names.index("Data")])
