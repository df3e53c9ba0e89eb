"""Rules on labels and taints: Kubernetes syntax, and what each cloud keeps for itself."""

import re
from collections import Counter
from typing import Final

from components.kubernetes_names import LABEL_VALUE, QUALIFIED_NAME
from components.node_pools.checks.subject import Subject
from components.node_pools.pools import ExistingPool, GkePool, Taint
from components.node_pools.resolved import AKS_SPOT_TAINT, ARCH_LABEL, ARM64_TAINT, MANAGED_BY, POOL_LABEL, kind_of
from components.problems import Problem

_PREFIX: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_PREFIX_LENGTH: Final = 253
_EKS_MOST: Final = 50

# Kubernetes' own domains, which every cloud keeps from users, and each cloud's own. facts/nodepools.md, section 2.
_KUBERNETES: Final = ("kubernetes.io", "k8s.io")
_CLOUD_DOMAINS: Final = {"gke": "cloud.google.com", "eks": "eks.amazonaws.com", "aks": "kubernetes.azure.com"}
_WHY: Final = {
    "gke": "GKE refuses the pool, or kubelet may not set the label and the node never joins",
    "eks": "EKS refuses it, and where it lets one through the nodes never join (eksctl#4007, terraform-aws-eks#3346)",
    "aks": "AKS refuses the pool: the prefix is reserved",
}
OWN_LABELS: Final = (POOL_LABEL, ARCH_LABEL, MANAGED_BY[0])


def check(subject: Subject) -> list[Problem]:
    """Check the labels and taints of a pool."""
    problems = []
    for key, value in subject.pool.labels.items():
        problems += _check_label(subject, key, value)
    for position, taint in enumerate(subject.pool.taints):
        problems += _check_taint(subject, f"taints[{position}]", taint)
    problems += _check_repeated(subject)
    if kind_of(subject.pool) == "eks" and len(subject.pool.taints) >= _EKS_MOST:
        problems.append(
            subject.problem(
                "taints", f"{len(subject.pool.taints)} taints", "EKS takes 50 in all", "Remove those that nobody needs."
            )
        )
    return problems


def reserved_domain(kind: str, key: str) -> str | None:
    """Return the reserved domain that a label or taint key lies in, on a kind of cluster; None when it is free."""
    prefix, slash, _ = key.rpartition("/")
    domains = (*_KUBERNETES, _CLOUD_DOMAINS[kind]) if kind in _CLOUD_DOMAINS else _KUBERNETES
    if not slash:
        return None
    return next((domain for domain in domains if prefix == domain or prefix.endswith(f".{domain}")), None)


def _syntax(key: str, value: str) -> str | None:
    """Return what Kubernetes objects to in a label's or taint's key and value."""
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > _PREFIX_LENGTH or not _PREFIX.fullmatch(prefix)):
        return f"the prefix {prefix!r} is no lower-case DNS name"
    if not QUALIFIED_NAME.fullmatch(name):
        return f"the name {name!r} is not 1 to 63 of letters, digits, '-', '_' and '.' between letters or digits"
    if not LABEL_VALUE.fullmatch(value):
        return f"the value {value!r} is not at most 63 of letters, digits, '-', '_' and '.' between letters or digits"
    return None


def _free_key(key: str) -> str:
    return f"ci.example.org/{key.rpartition('/')[2]}"


def _check_label(subject: Subject, key: str, value: str) -> list[Problem]:
    path, kind = f"labels[{key}]", kind_of(subject.pool)
    if wrong := _syntax(key, value):
        return [
            subject.problem(path, wrong, "Kubernetes refuses such a label", "Write it as `example.org/name: value`.")
        ]
    # On existing nodes, labels are only named, not set: kubelet's own are as good as any.
    if isinstance(subject.pool, ExistingPool):
        return []
    if domain := reserved_domain(kind, key):
        return [
            subject.problem(path, f"{domain}/ is reserved", _WHY[kind], f"Use a prefix of your own: {_free_key(key)}.")
        ]
    if key in OWN_LABELS:
        return [
            subject.problem(
                path,
                "the program sets this label itself",
                "it could no longer tell its pools apart",
                f"Remove it, or use a key of your own: {_free_key(key)}.",
            )
        ]
    return []


def _check_taint(subject: Subject, path: str, taint: Taint) -> list[Problem]:
    kind = kind_of(subject.pool)
    if wrong := _syntax(taint.key, taint.value):
        return [subject.problem(path, wrong, "Kubernetes refuses such a taint", "Write key: example.org/name.")]
    if taint.key == ARM64_TAINT.key:
        return [_arch_taint(subject, path, taint)]
    if isinstance(subject.pool, GkePool) and not taint.value:
        return [
            subject.problem(
                f"{path}.value", f"{taint.key!r} has no value", "GKE requires one", "Add a value, for example 'true'."
            )
        ]
    if kind == "aks" and taint.key == AKS_SPOT_TAINT.key:
        return [
            subject.problem(
                path,
                f"{taint} is the taint of AKS spot nodes",
                "it is declared twice with spot: true, and refused without it",
                "Remove it, and set spot: true if the pool is to be one.",
            )
        ]
    domain = _CLOUD_DOMAINS.get(kind)
    if domain is not None and reserved_domain(kind, taint.key) == domain:
        return [
            subject.problem(
                path,
                f"{domain}/ is reserved",
                "the cloud keeps such taints for itself",
                f"Use a prefix of your own: {_free_key(taint.key)}.",
            )
        ]
    return []


def _arch_taint(subject: Subject, path: str, taint: Taint) -> Problem:
    """Say why the architecture taint is nobody's to declare but the program's (or GKE's)."""
    if isinstance(subject.pool, GkePool):
        consequence = (
            "GKE adds its own to arm64 nodes; declared a second time, the pool is replaced on every update "
            "(terraform-provider-google#13308)"
        )
        fix = "Remove it. To go without it, set architectureTaint: NONE."
    elif isinstance(subject.pool, ExistingPool):
        consequence = "the program expects kubernetes.io/arch=arm64:NoSchedule by architectureTaint, and no other"
        fix = "Remove it, and say by architectureTaint whether the nodes have it."
    else:
        consequence = "the program declares it on arm64 pools itself; on amd64 nodes it would keep all jobs away"
        fix = "Remove it."
    return subject.problem(path, f"{taint} is declared", consequence, fix)


def _check_repeated(subject: Subject) -> list[Problem]:
    counts = Counter((taint.key, taint.effect) for taint in subject.pool.taints)
    return [
        subject.problem(
            "taints",
            f"{key}:{effect} is there {count} times",
            "a node has one taint of a key and effect, and the cloud refuses the list",
            "Keep one of them.",
        )
        for (key, effect), count in counts.items()
        if count > 1
    ]
