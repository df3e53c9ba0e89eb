"""The labels, taints and names by which clouds and distributions mark their nodes.

Sources: facts/nodepools.md section 2; each cloud's own documentation of node labels; Kubernetes' "Well-Known Labels,
Annotations and Taints".
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from multiarch.core.verdict import Verdict

ARCH: Final = "kubernetes.io/arch"
INSTANCE_TYPE: Final = "node.kubernetes.io/instance-type"
ZONE: Final = "topology.kubernetes.io/zone"
REGION: Final = "topology.kubernetes.io/region"
OURS: Final = "multiarch-runner.io/pool"

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


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeMarks:
    """The labels that a cloud or a distribution writes on nodes."""

    pools: Sequence[str] = ()
    """Labels whose value is a pool's name, the more exact first."""
    machinery: Sequence[str] = ()
    """Domains (and bare labels) of its own: such labels tell no pool from another of its kind."""
    spot: Mapping[str, Mapping[str, Verdict]] = field(default_factory=dict)
    """Labels to their values to whether such a node may be taken away."""
    labels_spot_only: Sequence[str] = ()
    """Labels of nodes that are not spot unless `spot` says so: it labels spot nodes only."""
    makers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Labels to their values to who makes such nodes, where that is no node pool of the cloud's own."""
    cluster: Sequence[str] = ()
    """Labels that tell about the cluster and not only about a node."""

    def with_clouds(self, clouds: Iterable["NodeMarks"]) -> "NodeMarks":
        """Return these marks and all of the clouds', whose labels go before."""
        marks = [*clouds, self]
        return NodeMarks(
            pools=[label for one in marks for label in one.pools],
            machinery=[domain for one in marks for domain in one.machinery],
            spot={key: meaning for one in marks for key, meaning in one.spot.items()},
            labels_spot_only=[label for one in marks for label in one.labels_spot_only],
            makers={key: meaning for one in marks for key, meaning in one.makers.items()},
            cluster=[label for one in marks for label in one.cluster],
        )

    def of_a_pool(self, key: str) -> bool:
        """Tell whether a person gave a label to tell pools apart, not Kubernetes or a cloud to every node."""
        prefix, slash, _ = key.rpartition("/")
        if not slash:
            return key not in self.machinery
        return not any(prefix == domain or prefix.endswith(f".{domain}") for domain in self.machinery)

    def spot_of(self, labels: Mapping[str, str]) -> Verdict:
        """Tell whether the cloud may take a node away at any time."""
        for key, meanings in self.spot.items():
            if labels.get(key, "") in meanings:
                return meanings[labels[key]]
        return Verdict.NO if any(key in labels for key in self.labels_spot_only) else Verdict.UNKNOWN

    def maker_of(self, labels: Mapping[str, str]) -> str:
        """Name who makes a node, where that is not a node pool of the cloud's own."""
        told = (meanings[labels[key]] for key, meanings in self.makers.items() if labels.get(key, "") in meanings)
        return next(told, "karpenter" if "karpenter.sh/nodepool" in labels else "")


EVERYWHERE: Final = NodeMarks(
    pools=("karpenter.sh/nodepool", "doks.digitalocean.com/node-pool", "k8s.scaleway.com/pool-name"),
    machinery=(
        "kubernetes.io", "k8s.io", "k3s.io", "rke2.io", "cattle.io", "openshift.io", "coreos.com", "x-k8s.io",
        "karpenter.sh", "multiarch-runner.io", "digitalocean.com", "microk8s.io", "cilium.io", "projectcalico.org",
        "oraclecloud.com", "scaleway.com", "linode.com", "hetzner.cloud", "managed-by", "type",
    ),
    spot={"karpenter.sh/capacity-type": {"spot": Verdict.YES, "on-demand": Verdict.NO, "reserved": Verdict.NO}},
    makers={"type": {"virtual-kubelet": "virtual kubelet"}},
    cluster=(
        "minikube.k8s.io/name", "microk8s.io/cluster", "node.openshift.io/os_id", "node.kubernetes.io/instance-type",
    ),
)  # fmt: skip
"""The marks of Kubernetes itself, of distributions, and of clouds that are none of this package's."""

_MEMORY: Final = re.compile(r"([0-9.]+)(Ki|Mi|Gi|Ti|k|M|G|T|m)?")
_MIB: Final = {
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "m": 1e-3,
}  # fmt: skip


def lasting(taint: str) -> bool:
    """Tell whether a taint (`key=value:Effect`) is its pool's, and not of a node in trouble."""
    return not taint.startswith(_PASSING)


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
