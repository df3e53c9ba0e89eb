"""What rehearsals left on a cluster: every object that bears their label, of whatever kind the cluster has."""

from collections.abc import Iterable
from dataclasses import dataclass

from multiarch.cluster.api import Api
from multiarch.model.nodes.marks import Mark
from multiarch.rehearse.install.installer import title
from multiarch.rehearse.install.kinds import ClusterObject, find_kinds, find_objects
from multiarch.rehearse.install.removal import Object, Release, Remains


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
    found = find_objects(api, find_kinds(api, unseen), mark.selector, unseen)
    return Leftovers(sorted_out(found), tuple(unseen))


def sorted_out(found: Iterable[ClusterObject]) -> Remains:
    """Sort what was found by how it is taken away; what goes with its namespace or release is not named."""
    found = sorted(found, key=lambda item: (item.namespace, item.kind.name, item.name))
    namespaces = tuple(item.name for item in found if item.kind.name == "Namespace")
    own_step = {"Node", "Namespace"}
    return Remains(
        nodes=tuple(item.name for item in found if item.kind.name == "Node"),
        releases=tuple(dict.fromkeys(Release(item.namespace, _release(item)) for item in found if _release(item))),
        namespaces=namespaces,
        objects=tuple(
            Object(item.path, title(item.kind.name, item.metadata))
            for item in found
            if item.kind.name not in own_step and item.namespace not in namespaces and not _release(item)
        ),
    )


def _release(item: ClusterObject) -> str:
    """Return the name of the Helm release that a Secret is the record of; empty for anything else."""
    labels = item.metadata.get("labels") or {}
    is_record = item.kind.name == "Secret" and labels.get("owner") == "helm"
    return str(labels.get("name") or "") if is_record else ""
