"""One thing that widens, and one that may: what the looks of this package yield."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from multiarch.drift.live.paths import Path

Raw = Mapping[str, Any]
"""A Kubernetes object as the API gave it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of objects, and where lists of it are."""

    version: str
    """`v1`, `apps/v1`."""
    kind: str
    plural: str

    def path(self, namespace: str = "") -> str:
        """Return the path of the list: of one namespace, or of the cluster."""
        root = f"/apis/{self.version}" if "/" in self.version else f"/api/{self.version}"
        return f"{root}/namespaces/{namespace}/{self.plural}" if namespace else f"{root}/{self.plural}"

    def named(self, item: Raw) -> Raw:
        """Return what identifies an object of a list, whose items don't say their kind."""
        metadata = {key: item["metadata"][key] for key in ("name", "namespace") if item["metadata"].get(key)}
        return {"apiVersion": self.version, "kind": self.kind, "metadata": metadata}


@dataclass(frozen=True, slots=True, kw_only=True)
class Widening:
    """A property of an object by which jobs or runner may do more than the stack says."""

    where: Raw
    """`apiVersion`, `kind`, and `metadata` with name and namespace."""
    path: Path
    found: str
    lets: str
    """Who may do what by it."""
    undo: str
    """The command that takes it away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear:
    """An object, or a list, of which it could not be told."""

    resource: str
    why: str
    title: str = ""


def kubectl(verb: str, where: Raw) -> str:
    """Return the kubectl command for an object: the kind in full, so that no other group's is meant.

    >>> kubectl("delete", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x", "namespace": "y"}})
    'kubectl -n y delete deployment.v1.apps/x'
    """
    group, _, version = where["apiVersion"].rpartition("/")
    kind = where["kind"].lower() + (f".{version}.{group}" if group else "")
    metadata = where["metadata"]
    place = f"-n {metadata['namespace']} " if metadata.get("namespace") else ""
    return f"kubectl {place}{verb} {kind}/{metadata['name']}"
