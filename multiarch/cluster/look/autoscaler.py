"""What makes the cluster's nodes come and go."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from multiarch.core.verdict import Answer, no, unknown, yes

CLUSTER_AUTOSCALER: Final = "cluster-autoscaler"
KARPENTER: Final = "karpenter"
AUTO_MODE: Final = "eks auto mode"
PROVISIONING: Final = "aks node auto-provisioning"

_TAG: Final = re.compile(r":v?([0-9]+\.[0-9]+\.[0-9]+)")
_STATUS: Final = "ConfigMap kube-system/cluster-autoscaler-status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """Whether nodes are scaled, by what, and its version (empty where unknown)."""

    answer: Answer
    name: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingEvidence:
    """What the judgement rests on."""

    cloud: str
    """Whose autoscaler, outside of the cluster, scales its pools; empty where the cloud has none."""
    groups: frozenset[str]
    """API groups that the server serves."""
    status: bool | None
    """Whether Cluster Autoscaler's status ConfigMap is there; None where that was not seen."""
    deployments: Sequence[Mapping[str, Any]]
    """Those whose name or labels speak of an autoscaler, whole."""
    unseen: str = ""
    """Why Deployments could not be listed."""


def scaling(seen: ScalingEvidence) -> Scaling:
    """Name the autoscaler.

    Auto Mode and Node Auto-Provisioning bring API groups of their own (`eks.amazonaws.com`, `karpenter.azure.com`); the
    autoscalers of clouds run outside of the cluster and leave a ConfigMap where any pool of theirs is scaled.
    """
    if "karpenter.azure.com" in seen.groups:
        return Scaling(answer=yes("the API group karpenter.azure.com"), name=PROVISIONING)
    if {"eks.amazonaws.com", "karpenter.sh"} <= seen.groups:
        return Scaling(answer=yes("the API groups karpenter.sh and eks.amazonaws.com"), name=AUTO_MODE)
    karpenter = _deployment(seen.deployments, KARPENTER)
    own = _deployment(seen.deployments, CLUSTER_AUTOSCALER)
    if own is not None:
        because = f"Deployment {_where(own)}"
        if karpenter is not None:
            because += f", beside Karpenter ({_where(karpenter)})"
        return Scaling(answer=yes(because), name=CLUSTER_AUTOSCALER, version=_version(own))
    if seen.status:
        return Scaling(answer=yes(_STATUS), name=seen.cloud or CLUSTER_AUTOSCALER)
    if karpenter is not None or "karpenter.sh" in seen.groups:
        because = f"Deployment {_where(karpenter)}" if karpenter is not None else "the API group karpenter.sh"
        return Scaling(answer=yes(because), name=KARPENTER, version=_version(karpenter) if karpenter else "")
    return Scaling(answer=_none_found(seen))


def _none_found(seen: ScalingEvidence) -> Answer:
    if seen.unseen or seen.status is None:
        return unknown(seen.unseen or f"{_STATUS} could not be read")
    if seen.cloud:
        return no(f"no {_STATUS}: no pool of today is scaled; {seen.cloud} scales a pool that asks for it")
    return no(f"no {_STATUS}, no autoscaler Deployment, no Karpenter")


def speaks_of_autoscaling(metadata: Mapping[str, Any]) -> bool:
    """Tell whether a Deployment may be an autoscaler of nodes, by its name or its labels."""
    return bool(_kind(metadata))


def _kind(metadata: Mapping[str, Any]) -> str:
    labels = metadata.get("labels") or {}
    names = (str(metadata.get("name") or ""), str(labels.get("app.kubernetes.io/name") or ""), str(labels.get("app")))
    if any("cluster-autoscaler" in name for name in names):
        return CLUSTER_AUTOSCALER
    return KARPENTER if KARPENTER in names else ""


def _deployment(found: Sequence[Mapping[str, Any]], kind: str) -> Mapping[str, Any] | None:
    return next((one for one in found if _kind(one["metadata"]) == kind), None)


def _version(deployment: Mapping[str, Any]) -> str:
    spec = ((deployment.get("spec") or {}).get("template") or {}).get("spec") or {}
    for container in spec.get("containers") or []:
        if match := _TAG.search(str(container.get("image") or "")):
            return match[1]
    return ""


def _where(deployment: Mapping[str, Any]) -> str:
    return f"{deployment['metadata'].get('namespace', '')}/{deployment['metadata']['name']}"
