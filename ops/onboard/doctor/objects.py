"""Objects that pods name, by name and by the names of their keys. A Secret's values are never asked for."""

from collections.abc import Iterator
from typing import Any

from ops.onboard.doctor.facts import Mount, Raw
from ops.onboard.doctor.reader import Found, Reader, found
from ops.rehearse.claims.manager import sources

_KINDS = {"secret": "Secret", "configmap": "ConfigMap"}


def mounts_of(reader: Reader, namespace: str, spec: Raw) -> tuple[Mount, ...]:
    """Return every Secret and ConfigMap that a pod can't start without, as the cluster has them."""
    wanted: dict[tuple[str, str], list[str]] = {}
    for kind, name, keys, optional in sources(spec):
        if not optional:
            wanted.setdefault((_KINDS[kind], name), []).extend(keys)
    return tuple(
        _mount(reader, kind, namespace, name, tuple(dict.fromkeys(keys))) for (kind, name), keys in wanted.items()
    )


def job_objects_of(reader: Reader, namespace: str, spec: Raw) -> tuple[Mount, ...]:
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


def _named(reader: Reader, kind: str, namespace: str, name: str, path: str) -> Mount:
    there = found(lambda: () if reader.metadata(path) is not None else None, f"{kind} {name}")
    return Mount(kind=kind, namespace=namespace, name=name, there=Found(there.value, there.failure))


def _mount(reader: Reader, kind: str, namespace: str, name: str, wanted: tuple[str, ...]) -> Mount:
    path = f"/api/v1/namespaces/{namespace}/{kind.lower()}s/{name}"
    metadata = found(lambda: reader.metadata(path), f"{kind} {namespace}/{name}")
    if metadata.value is None:
        there: Found[tuple[str, ...]] = Found(None, metadata.failure)
        return Mount(kind=kind, namespace=namespace, name=name, wanted=wanted, there=there)
    keys = keys_of(metadata.value)
    known = bool(wanted) and (set(wanted) <= keys or _complete(reader, path, len(keys)))
    return Mount(
        kind=kind,
        namespace=namespace,
        name=name,
        wanted=wanted,
        there=Found(tuple(sorted(keys))),
        keys_known=known or not wanted,
    )


def keys_of(metadata: Raw) -> set[str]:
    """Return the keys of an object's `data` by its managed fields, which name them without their values."""
    keys: set[str] = set()
    for entry in (metadata.get("metadata") or {}).get("managedFields") or []:
        fields: dict[str, Any] = entry.get("fieldsV1") or {}
        for part in ("f:data", "f:stringData", "f:binaryData"):
            keys |= {key.removeprefix("f:") for key in fields.get(part) or {} if key.startswith("f:")}
    return keys


def _complete(reader: Reader, path: str, count: int) -> bool:
    """Tell whether the managed fields name all keys: the server's table says how many there are."""
    answer = found(lambda: _data_count(reader.table(path)), path)
    return answer.value == count


def _data_count(table: Raw) -> int | None:
    names = [column["name"] for column in table.get("columnDefinitions") or []]
    rows = table.get("rows") or []
    if "Data" not in names or not rows:
        return None
    return int(rows[0]["cells"][names.index("Data")])
