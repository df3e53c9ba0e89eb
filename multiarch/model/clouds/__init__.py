"""The clouds as the tools know them: the registry, with the same keys as the program's own (components/clouds)."""

from typing import Any, Final

from multiarch.model.clouds.aks import AKS
from multiarch.model.clouds.contract import KnownCloud
from multiarch.model.clouds.eks import EKS
from multiarch.model.clouds.existing import EXISTING
from multiarch.model.clouds.gke import GKE

KNOWN: Final[dict[str, KnownCloud[Any]]] = {cloud.name: cloud for cloud in (GKE, EKS, AKS, EXISTING)}
