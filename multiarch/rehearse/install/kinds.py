"""Which kinds of objects a cluster has, and the objects of a kind, without knowing any of them beforehand."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from multiarch.cluster.api import Api, ApiRefused

_T = TypeVar("_T")
_SIDE_BY_SIDE = 8
_NEEDED = {"list", "delete"}
_GONE = 404


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object that can be listed and deleted."""

    name: str
    root: str
    """`/apis/apps/v1`."""
    plural: str
    namespaced: bool


@dataclass(frozen=True, slots=True)
class ClusterObject:
    """An object of the cluster."""

    kind: Kind
    metadata: Mapping[str, Any]

    @property
    def namespace(self) -> str:
        """Its namespace; empty for one of the whole cluster."""
        return str(self.metadata.get("namespace") or "")

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.metadata["name"])

    @property
    def path(self) -> str:
        """Its path in the API."""
        place = f"/namespaces/{self.namespace}" if self.kind.namespaced else ""
        return f"{self.kind.root}{place}/{self.kind.plural}/{self.name}"


def find_kinds(api: Api, unseen: list[str]) -> list[Kind]:
    """Return every kind that can be listed and deleted; why a part of the API did not answer goes into `unseen`.

    Raises ApiRefused and UnreachableError when the cluster does not say which parts it has.
    """
    groups = api.get("/apis")["groups"]
    roots = ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups)]
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        return list(_answered(pool.map(lambda root: _kinds(api, root), roots), unseen))


def find_objects(api: Api, kinds: Iterable[Kind], selector: str, unseen: list[str]) -> list[ClusterObject]:
    """Return the objects of those kinds that a label selector matches, each once; `unseen` as with `find_kinds`."""
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        found = list(_answered(pool.map(lambda kind: _objects(api, kind, selector), kinds), unseen))
    # An object may be served by two groups, as Events are.
    return list({str(item.metadata["uid"]): item for item in found}.values())


def delete_all(api: Api, found: Iterable[ClusterObject]) -> None:
    """Delete objects side by side, without grace."""
    at_once = {"gracePeriodSeconds": "0", "propagationPolicy": "Background"}
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        list(pool.map(lambda item: api.delete(item.path, at_once), found))


def _kinds(api: Api, root: str) -> list[Kind] | str:
    """Return the kinds of a group, or why it does not tell."""
    try:
        resources = api.get(root)["resources"]
    except ApiRefused as refusal:
        return f"{root.removeprefix('/apis/')}: {refusal.message}"
    return [
        Kind(str(entry["kind"]), root, str(entry["name"]), bool(entry["namespaced"]))
        for entry in resources
        if "/" not in entry["name"] and set(entry.get("verbs") or ()) >= _NEEDED
    ]


def _objects(api: Api, kind: Kind, selector: str) -> list[ClusterObject] | str:
    """Return a kind's objects that a selector matches, or why it can't be told."""
    query = {"labelSelector": selector} if selector else None
    try:
        pages = list(api.pages(f"{kind.root}/{kind.plural}", query, metadata_only=True))
    except ApiRefused as refusal:
        return [] if refusal.status == _GONE else f"{kind.plural}: {refusal.message}"
    return [ClusterObject(kind, item["metadata"]) for page in pages for item in page]


def _answered(answers: Iterable[list[_T] | str], unseen: list[str]) -> Iterator[_T]:
    """Yield what was answered; put the reasons of those who did not answer into `unseen`."""
    for answer in answers:
        if isinstance(answer, str):
            unseen.append(answer)
        else:
            yield from answer
