"""What differs in a living cluster and is no drift, each with its reason. docs/drift-cluster.md lists them all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from multiarch.drift.live.ownership import Ownership
from multiarch.drift.live.paths import Path, keys

CONTROLLERS: Final = frozenset({"kube-controller-manager", "cloud-controller-manager", "openshift-controller-manager"})
"""Field managers of control planes. They are believed only for the fields that an exemption names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """A field that others than the program set."""

    at: tuple[str, ...]
    """Keys from the object's root; what is below is exempt too."""
    why: str
    kinds: frozenset[str] = frozenset()
    """Empty: objects of any kind."""
    by: frozenset[str] = frozenset()
    """Only where these field managers own it and nobody else does. Empty: whoever set it."""
    subresource: str = ""
    """Only where it was set through this subresource."""
    only_added: bool = True
    """Only where the program does not state the field."""

    def covers(self, kind: str, path: Path, ownership: Ownership, *, stated: bool) -> bool:
        """Tell whether a difference at `path` is exempt."""
        if (self.kinds and kind not in self.kinds) or keys(path)[: len(self.at)] != self.at:
            return False
        if self.only_added and stated:
            return False
        if not self.by:
            return True
        owners = ownership.owners(path)
        return bool(owners) and all(
            owner.manager in self.by and owner.subresource == self.subresource for owner in owners
        )


EXEMPTIONS: Final = (
    Exemption(
        at=("spec", "replicas"),
        kinds=frozenset({"Deployment", "StatefulSet", "ReplicaSet"}),
        by=frozenset({"kube-controller-manager"}),
        subresource="scale",
        only_added=False,
        why="replicas follow a HorizontalPodAutoscaler",
    ),
    Exemption(
        at=("spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt"),
        why="kubectl rollout restart: the same pods, restarted",
    ),
    Exemption(at=("spec", "clusterIP"), kinds=frozenset({"Service"}), why="an address that the API server allocates"),
    Exemption(at=("spec", "clusterIPs"), kinds=frozenset({"Service"}), why="an address that the API server allocates"),
    Exemption(
        at=("spec", "ports", "nodePort"), kinds=frozenset({"Service"}), why="a port that the API server allocates"
    ),
    Exemption(
        at=("spec", "healthCheckNodePort"), kinds=frozenset({"Service"}), why="a port that the API server allocates"
    ),
    Exemption(
        at=("secrets",), kinds=frozenset({"ServiceAccount"}), by=CONTROLLERS, why="tokens that a controller makes"
    ),
    Exemption(
        at=("imagePullSecrets",),
        kinds=frozenset({"ServiceAccount"}),
        by=CONTROLLERS,
        why="pull secrets that a controller makes",
    ),
    Exemption(
        at=("metadata", "finalizers"), by=CONTROLLERS, why="a controller's finalizer: it cleans up behind the object"
    ),
    Exemption(at=("spec", "finalizers"), kinds=frozenset({"Namespace"}), why="the namespace controller's own"),
)

GUARDED: Final[Mapping[str, tuple[str, ...]]] = {
    "Namespace": (
        "pod-security.kubernetes.io/",
        "multiarch-runner.io/class",
        "admission.gatekeeper.sh/",
        "control-plane",
        "elbv2.k8s.aws/",
        "iam.amazonaws.com/",
        "istio-injection",
        "istio.io/",
        "linkerd.io/",
        "openshift.io/node-selector",
        "openshift.io/run-level",
        "policies.kyverno.io/",
        "scheduler.alpha.kubernetes.io/",
        "security.openshift.io/",
    ),
    "ServiceAccount": (
        "azure.workload.identity/",
        "eks.amazonaws.com/",
        "iam.amazonaws.com/",
        "iam.gke.io/",
    ),
    "ClusterRole": ("rbac.authorization.k8s.io/aggregate-to-",),
}
"""Beginnings of labels and annotations whose appearance changes what may run, or as whom. Others may come and go."""


def exemption(kind: str, path: Path, ownership: Ownership, *, stated: bool) -> str:
    """Return why a difference at `path` is no drift; empty where nothing says so."""
    return next((one.why for one in EXEMPTIONS if one.covers(kind, path, ownership, stated=stated)), "")


def is_unguarded(kind: str, path: Path) -> bool:
    """Tell whether `path` is a label or an annotation of the object itself that nobody guards."""
    where = keys(path)
    if where[:2] not in (("metadata", "labels"), ("metadata", "annotations")):
        return False
    return not where[2:] or not where[2].startswith(GUARDED.get(kind, ()))
