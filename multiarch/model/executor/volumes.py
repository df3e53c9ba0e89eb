"""Volumes of the job's pod and where its containers mount them (kubernetes.go getVolumes, getVolumeMounts)."""

from typing import Any

from multiarch.model.executor.table import Table
from multiarch.model.executor.variables import Variables, expand

_KINDS = ("host_path", "secret", "pvc", "config_map", "empty_dir", "csi", "nfs")
"""In upstream's order."""


def mounts(settings: Table, root_dir: str, variables: Variables, own_dirs: dict[str, str]) -> list[dict[str, Any]]:
    """Return the volume mounts that every container gets.

    `own_dirs` are the executor's own emptyDirs, volume name to path; `root_dir` is mounted from `repo` unless the
    config mounts something there itself.
    """
    result: list[dict[str, Any]] = [{"name": name, "mountPath": path} for name, path in own_dirs.items()]
    result += _configured_mounts(settings, variables)
    if _needs_repo(settings, root_dir, variables):
        result.append({"name": "repo", "mountPath": root_dir})
    return result


def volumes(settings: Table, root_dir: str, variables: Variables, own_dirs: dict[str, str]) -> list[dict[str, Any]]:
    """Return the pod's volumes."""
    result: list[dict[str, Any]] = []
    seen: set[str] = set()
    for kind in _KINDS:
        for entry in settings.table("volumes").tables(kind):
            name = expand(entry.text("name"), variables) if kind == "pvc" else entry.text("name")
            if kind == "pvc" and name in seen:
                continue
            seen.add(name)
            result.append({"name": name, **_source(kind, entry, name)})
    if _needs_repo(settings, root_dir, variables):
        result.append({"name": "repo", "emptyDir": {}})
    return result + [{"name": name, "emptyDir": {}} for name in own_dirs]


def _configured_mounts(settings: Table, variables: Variables) -> list[dict[str, Any]]:
    result = []
    for kind in _KINDS:
        for entry in settings.table("volumes").tables(kind):
            name = entry.text("name")
            mount = {
                "name": expand(name, variables) if kind == "pvc" else name,
                "mountPath": expand(entry.text("mount_path"), variables),
                "subPath": expand(entry.text("sub_path"), variables),
                "readOnly": entry.flag("read_only"),
                "mountPropagation": entry.text("mount_propagation"),
            }
            result.append({key: value for key, value in mount.items() if value})
    return result


def _needs_repo(settings: Table, root_dir: str, variables: Variables) -> bool:
    return all(mount.get("mountPath") != root_dir for mount in _configured_mounts(settings, variables))


def _source(kind: str, entry: Table, name: str) -> dict[str, Any]:
    return {_SOURCE_NAMES[kind]: _source_fields(kind, entry, name)}


_SOURCE_NAMES = {
    "host_path": "hostPath",
    "secret": "secret",
    "pvc": "persistentVolumeClaim",
    "config_map": "configMap",
    "empty_dir": "emptyDir",
    "csi": "csi",
    "nfs": "nfs",
}


def _source_fields(kind: str, entry: Table, name: str) -> dict[str, Any]:
    fields: dict[str, Any]
    match kind:
        case "host_path":
            fields = {"path": entry.text("host_path") or entry.text("mount_path")}
        case "pvc":
            fields = {"claimName": name}
        case "secret":
            fields = {"secretName": name, "items": _items(entry)}
        case "config_map":
            fields = {"name": name, "items": _items(entry)}
        case "csi":
            fields = {
                "driver": entry.text("driver"),
                "fsType": entry.text("fs_type"),
                "readOnly": entry.flag("read_only"),
                "volumeAttributes": entry.text_map("volume_attributes"),
            }
        case "nfs":
            fields = {"server": entry.text("server"), "path": entry.text("path"), "readOnly": entry.flag("read_only")}
        case _:
            fields = {"medium": entry.text("medium"), "sizeLimit": entry.text("size_limit").strip()}
    return {key: value for key, value in fields.items() if value}


def _items(entry: Table) -> list[dict[str, str]]:
    return [{"key": key, "path": path} for key, path in entry.text_map("items").items()]
