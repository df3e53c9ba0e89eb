"""What a pod cannot start without: the Secrets and ConfigMaps that it names."""

from collections.abc import Iterator, Mapping
from typing import Any


def sources(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str], bool]]:
    """Yield kind, name, keys and whether it is optional, of every Secret and ConfigMap that a pod cannot start without.

    A kubelet mounts the volumes and fills in the environment before it starts a container.
    """
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        for entry in [*(container.get("env") or []), *(container.get("envFrom") or [])]:
            given = {**entry, **(entry.get("valueFrom") or {})}
            for kind, fields in (
                ("secret", ("secretKeyRef", "secretRef")),
                ("configmap", ("configMapKeyRef", "configMapRef")),
            ):
                for field in fields:
                    if reference := given.get(field):
                        keys = [reference["key"]] if "key" in reference else []
                        yield kind, str(reference["name"]), keys, bool(reference.get("optional"))
    for volume in spec.get("volumes") or []:
        for source in [volume, *((volume.get("projected") or {}).get("sources") or [])]:
            for kind, field, name_key in (("secret", "secret", "secretName"), ("configmap", "configMap", "name")):
                entry = source.get(field)
                if entry:
                    keys = [item["key"] for item in entry.get("items") or []]
                    yield kind, str(entry.get(name_key) or entry.get("name")), keys, bool(entry.get("optional"))
