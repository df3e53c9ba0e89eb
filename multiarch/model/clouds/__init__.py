"""The clouds as the tools know them: the registry, with the same keys as the program's own (components/clouds)."""

from collections.abc import Mapping
from typing import Any, Final

from multiarch.cluster.look.contract import CloudMarks
from multiarch.model.clouds.aks import AKS
from multiarch.model.clouds.contract import KnownCloud
from multiarch.model.clouds.eks import EKS
from multiarch.model.clouds.existing import EXISTING
from multiarch.model.clouds.gke import GKE

KNOWN: Final[dict[str, KnownCloud[Any]]] = {cloud.name: cloud for cloud in (GKE, EKS, AKS, EXISTING)}


def marks() -> Mapping[str, CloudMarks]:
    """Return how a look tells each cloud."""
    return {name: cloud.marks for name, cloud in KNOWN.items() if cloud.marks is not None}
