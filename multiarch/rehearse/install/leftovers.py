"""What rehearsals left on a cluster: every object that bears their label, of whatever kind the cluster has."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from multiarch.cluster.api import Api, ApiRefused
from multiarch.model.nodes.marks import Mark
from multiarch.rehearse.install.installer import title
from multiarch.rehearse.install.removal import Object, Release, Remains

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
class Found:
    """An object that bears the mark."""

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


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What was found, and where nobody could look."""

    remains: Remains
    unseen: tuple[str, ...] = ()
    """`metrics.k8s.io/v1beta1: the server is currently unable to handle the request`."""


def find_leftovers(api: Api, mark: Mark) -> Leftovers:
    """Look through all kinds of the cluster for what bears a mark.

    A part of the API that does not answer (an aggregated one that is down, a kind that may not be listed) is told as
    unseen. Raises ApiRefused and UnreachableError when the cluster does not say which parts it has.
    """
    unseen: list[str] = []
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        kinds = _answered(pool.map(lambda root: _kinds(api, root), _roots(api)), unseen)
        found = _answered(pool.map(lambda kind: _marked(api, kind, mark), kinds), unseen)
    # An object may be served by two groups, as Events are.
    unique = {str(item.metadata["uid"]): item for item in found}
    return Leftovers(sorted_out(list(unique.values())), tuple(unseen))


def sorted_out(found: Iterable[Found]) -> Remains:
    """Sort what was found by how it is taken away; what goes with its namespace or release is not named."""
    found = sorted(found, key=lambda item: (item.namespace, item.kind.name, item.name))
    namespaces = tuple(item.name for item in found if item.kind.name == "Namespace")
    own_step = {"Node", "Namespace"}
    return Remains(
        nodes=tuple(item.name for item in found if item.kind.name == "Node"),
        releases=tuple(dict.fromkeys(Release(item.namespace, _release(item)) for item in found if _release(item))),
        namespaces=namespaces,
        objects=tuple(
            Object(_path(item), title(item.kind.name, item.metadata))
            for item in found
            if item.kind.name not in own_step and item.namespace not in namespaces and not _release(item)
        ),
    )


def _roots(api: Api) -> list[str]:
    groups = api.get("/apis")["groups"]
    return ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups)]


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


def _marked(api: Api, kind: Kind, mark: Mark) -> list[Found] | str:
    """Return a kind's objects that bear the mark, or why it can't be told."""
    selector = {"labelSelector": mark.selector}
    try:
        pages = list(api.pages(f"{kind.root}/{kind.plural}", selector, metadata_only=True))
    except ApiRefused as refusal:
        return [] if refusal.status == _GONE else f"{kind.plural}: {refusal.message}"
    return [Found(kind, item["metadata"]) for page in pages for item in page]


def _answered(answers: Iterable[list[_T] | str], unseen: list[str]) -> Iterator[_T]:
    """Yield what was answered; put the reasons of those who did not answer into `unseen`."""
    for answer in answers:
        if isinstance(answer, str):
            unseen.append(answer)
        else:
            yield from answer


def _release(item: Found) -> str:
    """Return the name of the Helm release that a Secret is the record of; empty for anything else."""
    labels = item.metadata.get("labels") or {}
    is_record = item.kind.name == "Secret" and labels.get("owner") == "helm"
    return str(labels.get("name") or "") if is_record else ""


def _path(item: Found) -> str:
    place = f"/namespaces/{item.namespace}" if item.kind.namespaced else ""
    return f"{item.kind.root}{place}/{item.kind.plural}/{item.name}"
