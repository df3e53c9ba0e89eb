"""The labels, taints and names by which clouds and distributions mark their nodes.

Sources: facts/nodepools.md section 2; each cloud's own documentation of node labels; Kubernetes' "Well-Known Labels,
Annotations and Taints".
"""

import re
from collections.abc import Mapping
from typing import Final

from multiarch.core.verdict import Verdict

ARCH: Final = "kubernetes.io/arch"
INSTANCE_TYPE: Final = "node.kubernetes.io/instance-type"
ZONE: Final = "topology.kubernetes.io/zone"
REGION: Final = "topology.kubernetes.io/region"
OURS: Final = "multiarch-runner.io/pool"

POOL_LABELS: Final = (
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "kubernetes.azure.com/agentpool",
    "agentpool",
    "karpenter.sh/nodepool",
    "alpha.eksctl.io/nodegroup-name",
    "doks.digitalocean.com/node-pool",
    "k8s.scaleway.com/pool-name",
)
"""Labels whose value is a pool's name, the more exact first."""

_MACHINERY: Final = (
    "kubernetes.io", "k8s.io", "k3s.io", "rke2.io", "cattle.io", "openshift.io", "coreos.com", "x-k8s.io",
    "cloud.google.com", "gke.io", "eks.amazonaws.com", "eksctl.io", "kubernetes.azure.com", "azure.com", "karpenter.sh",
    "karpenter.k8s.aws", "karpenter.azure.com", "multiarch-runner.io", "digitalocean.com", "microk8s.io", "cilium.io",
    "projectcalico.org", "oraclecloud.com", "scaleway.com", "linode.com", "hetzner.cloud",
)  # fmt: skip
"""Domains whose labels Kubernetes, a cloud or a distribution sets: they tell no pool from another of its kind."""
_MACHINERY_BARE: Final = frozenset({"agentpool", "storageprofile", "storagetier", "managed-by", "type"})

_PASSING: Final = (
    "node.kubernetes.io/",
    "node.cloudprovider.kubernetes.io/",
    "node.cilium.io/",
    "ToBeDeletedByClusterAutoscaler",
    "DeletionCandidateOfClusterAutoscaler",
    "karpenter.sh/",
    "ebs.csi.aws.com/agent-not-ready",
    "efs.csi.aws.com/agent-not-ready",
)
"""Taints of a node in trouble, on its way up or on its way out; they come and go."""

_SPOT_LABELS: Final[Mapping[str, Mapping[str, Verdict]]] = {
    "cloud.google.com/gke-spot": {"true": Verdict.YES},
    "cloud.google.com/gke-preemptible": {"true": Verdict.YES},
    "cloud.google.com/gke-provisioning": {"spot": Verdict.YES, "preemptible": Verdict.YES, "standard": Verdict.NO},
    "eks.amazonaws.com/capacityType": {"SPOT": Verdict.YES, "ON_DEMAND": Verdict.NO},
    "karpenter.sh/capacity-type": {"spot": Verdict.YES, "on-demand": Verdict.NO, "reserved": Verdict.NO},
    "kubernetes.azure.com/scalesetpriority": {"spot": Verdict.YES, "regular": Verdict.NO},
    "kubernetes.azure.com/priority": {"spot": Verdict.YES, "regular": Verdict.NO},
}
_ABSENT_IS_NO: Final = ("cloud.google.com/gke-nodepool", "kubernetes.azure.com/agentpool", "kubernetes.azure.com/mode")
"""GKE and AKS label spot nodes only: without the label, a node of theirs is not spot."""

_MEMORY: Final = re.compile(r"([0-9.]+)(Ki|Mi|Gi|Ti|k|M|G|T|m)?")
_MIB: Final = {
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "m": 1e-3,
}  # fmt: skip


def of_a_pool(key: str) -> bool:
    """Tell whether a label was given by a person to tell pools apart, not by Kubernetes or a cloud to every node."""
    prefix, slash, _ = key.rpartition("/")
    if not slash:
        return key not in _MACHINERY_BARE
    return not any(prefix == domain or prefix.endswith(f".{domain}") for domain in _MACHINERY)


def lasting(taint: str) -> bool:
    """Tell whether a taint (`key=value:Effect`) is its pool's, and not of a node in trouble."""
    return not taint.startswith(_PASSING)


def spot(labels: Mapping[str, str]) -> Verdict:
    """Tell whether the cloud may take a node away at any time."""
    for key, meanings in _SPOT_LABELS.items():
        if labels.get(key, "") in meanings:
            return meanings[labels[key]]
    return Verdict.NO if any(key in labels for key in _ABSENT_IS_NO) else Verdict.UNKNOWN


def maker(labels: Mapping[str, str]) -> str:
    """Name who makes a node, where that is not a node pool of the cloud's own."""
    if labels.get("eks.amazonaws.com/compute-type") == "fargate":
        return "fargate"
    if labels.get("eks.amazonaws.com/compute-type") == "auto":
        return "eks auto mode"
    if labels.get("type") == "virtual-kubelet":
        return "virtual kubelet"
    return "karpenter" if "karpenter.sh/nodepool" in labels else ""


def mib(quantity: str) -> int:
    """Read a quantity of memory as MiB, rounded down; 0 for what is none."""
    match = _MEMORY.fullmatch(quantity)
    return int(float(match[1]) * _MIB.get(match[2] or "", 1) / 2**20) if match else 0


def millis(quantity: str) -> int:
    """Read a quantity of CPU as thousandths; 0 for what is none."""
    try:
        return int(quantity[:-1]) if quantity.endswith("m") else int(float(quantity) * 1000)
    except ValueError:
        return 0
