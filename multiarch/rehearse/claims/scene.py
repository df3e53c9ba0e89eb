"""What claims are put to the proof with: the cluster, seen by the administrator and by the runner, and the pools."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from multiarch.cluster.api import Api
from multiarch.core.verdict import Verdict
from multiarch.model.nodes import NodeGroup
from multiarch.model.readback import Installed
from multiarch.rehearse.mirror.proof import Mirrored
from multiarch.rehearse.report.model import JobView

ARCH_LABEL = "kubernetes.io/arch"
_SPOT_LABELS: Mapping[str, str] = {
    "cloud.google.com/gke-spot": "true",
    "cloud.google.com/gke-preemptible": "true",
    "eks.amazonaws.com/capacityType": "SPOT",
    "kubernetes.azure.com/scalesetpriority": "spot",
    "karpenter.sh/capacity-type": "spot",
}
"""Labels that clouds set by themselves, and Karpenter does: an existing pool may be its."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """An installed stack, and the eyes to see it with."""

    stack: str
    admin: Api
    runner: Api
    """The runner's own service account, by a token of its own."""
    installed: Installed
    groups: tuple[NodeGroup, ...]
    nodes: Mapping[str, Mapping[str, Any]]
    """Every node of the cluster, by name."""
    kubelet: bool = True
    """Whether something starts the pods' containers on the rehearsal's nodes (kwok does)."""
    stand_ins: frozenset[str] = frozenset()
    """Secrets of the manager's namespace that somebody else would make, and the rehearsal stood in for."""
    mirrors: tuple[Mirrored, ...] = ()
    """Images that the stack makes itself, made for real."""
    tags: tuple[str, ...] | None = None
    """The runner's tags, where the stack creates it in GitLab; None where GitLab has it already."""
    buildkit: "Scene | None" = None
    """The second runner, for rootless BuildKit, where the stack has one."""

    def labels(self, node: str) -> Mapping[str, str]:
        """Return a node's labels; none for a node that came later."""
        labels: Mapping[str, str] = self.nodes.get(node, {}).get("metadata", {}).get("labels") or {}
        return labels

    def arch(self, node: str) -> str:
        """Return a node's architecture."""
        return self.labels(node).get(ARCH_LABEL, "unknown architecture")

    def pool(self, node: str) -> str:
        """Return the pool that a node belongs to; empty for a node that no planned pool made."""
        made = (group.pool.name for group in self.groups if any(_name(one) == node for one in group.nodes))
        return next(made, "")

    def spot(self, node: str) -> bool:
        """Tell whether the cloud may take the node away, by the labels that clouds set."""
        labels = self.labels(node)
        return any(labels.get(key) == value for key, value in _SPOT_LABELS.items())

    def describe(self, node: str) -> str:
        """Say what a node is: `gke-ci-arm64-0 (arm64, pool arm64)`."""
        pool = self.pool(node)
        return f"{node} ({self.arch(node)}{f', pool {pool}' if pool else ''})"

    @property
    def architectures(self) -> tuple[str, ...]:
        """Architectures of the planned pools, amd64 first."""
        return tuple(sorted({group.pool.arch for group in self.groups}))


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of putting one promise to the proof."""

    verdict: Verdict
    evidence: str
    jobs: tuple[JobView, ...] = ()


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing the package promises of every stack, and how it is put to the proof."""

    id: str
    title: str
    prove: Callable[[Scene], Proof]
    modelled: bool = False
    """Whether the executor model alone answers: nothing of it is asked of the cluster."""


BY_MODEL = " (from the executor model only)"
"""What the report says of such an answer."""


def proved(evidence: str, *jobs: JobView) -> Proof:
    """Return that it was seen to be true; its jobs went as expected."""
    return Proof(Verdict.YES, evidence, tuple(replace(job, as_expected=True) for job in jobs))


def failed(evidence: str, *jobs: JobView) -> Proof:
    """Return that it was seen to be false; its jobs went otherwise than expected."""
    return Proof(Verdict.NO, evidence, tuple(replace(job, as_expected=False) for job in jobs))


def unknown(evidence: str, *jobs: JobView) -> Proof:
    """Return that nobody could tell, neither of the promise nor of its jobs."""
    return Proof(Verdict.UNKNOWN, evidence, jobs)


def _name(node: Mapping[str, Any]) -> str:
    return str(node["metadata"]["name"])
