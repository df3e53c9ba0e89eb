"""What people do to the program's own objects and to nodes."""

from multiarch.drift.model import Check
from tests.cluster.drift_lab.changes import (
    ADMISSION,
    ADMISSION_BINDINGS,
    ADMISSION_NAME,
    JOB_ACCOUNT,
    JOB_NAMESPACE,
    POLICIES,
    SECRET,
    delete,
    json_patch,
    merge,
    node_of,
)
from tests.cluster.drift_lab.expectations import Mutation, Place

IN_SECRET = Place(Check.OBJECTS, "v1 Secret gitlab-runner/gitlab-runner-token")
IN_JOB_ACCOUNT = Place(Check.OBJECTS, "v1 ServiceAccount gitlab-runner-jobs/gitlab-runner-job")
IN_JOB_NAMESPACE = Place(Check.OBJECTS, "v1 Namespace gitlab-runner-jobs")
_RULES = "admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy"
IN_ADMISSION = Place(Check.OBJECTS, f"{_RULES} {ADMISSION_NAME}")
IN_ADMISSION_BINDING = Place(Check.OBJECTS, f"{_RULES}Binding {ADMISSION_NAME}")

_ANYWHERE = {"ipBlock": {"cidr": "169.254.169.254/32"}}
_TAINT = {"key": "example.org/theirs", "value": "yes", "effect": "NoSchedule"}
_ARM = "kubernetes.io/arch"
_NAME = "kubernetes.io/metadata.name"
AMD_NODE, ARM_NODE = (f"nodes[{node_of(pool).rpartition('/')[2]}]" for pool in ("amd64", "arm64"))


def _policy(name: str) -> Place:
    return Place(Check.OBJECTS, f"networking.k8s.io/v1 NetworkPolicy gitlab-runner-jobs/{name}")


def _pool(name: str) -> Place:
    return Place(Check.NODES, f"node pool {name}")


ACCOUNT_MUTATIONS = (
    Mutation(
        "the jobs' identity",
        merge(JOB_ACCOUNT, {"metadata": {"annotations": {"iam.gke.io/gcp-service-account": "x@y.iam"}}}),
        IN_JOB_ACCOUNT.added('metadata.annotations["iam.gke.io/gcp-service-account"]'),
    ),
    Mutation(
        "token mounted into jobs",
        merge(JOB_ACCOUNT, {"automountServiceAccountToken": True}),
        IN_JOB_ACCOUNT.changed("automountServiceAccountToken"),
    ),
    Mutation(
        "pull secret added",
        merge(JOB_ACCOUNT, {"imagePullSecrets": [{"name": "theirs"}]}),
        IN_JOB_ACCOUNT.added("imagePullSecrets[theirs]"),
    ),
    Mutation(
        "finalizer added",
        merge(JOB_ACCOUNT, {"metadata": {"finalizers": ["example.org/keep"]}}),
        IN_JOB_ACCOUNT.added("metadata.finalizers[example.org/keep]"),
    ),
)

OBJECT_MUTATIONS = (
    Mutation("token deleted", delete(SECRET), IN_SECRET.gone()),
    Mutation(
        "token's key removed",
        json_patch(SECRET, "remove", "/data/runner-registration-token"),
        IN_SECRET.gone("data.runner-registration-token"),
    ),
    Mutation("token's key added", merge(SECRET, {"data": {"extra": "eA=="}}), IN_SECRET.added("data.extra")),
    Mutation(
        "baseline lowered",
        merge(
            JOB_NAMESPACE,
            {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}},
            "kubectl-label",
        ),
        IN_JOB_NAMESPACE.changed('metadata.labels["pod-security.kubernetes.io/enforce"]'),
    ),
    Mutation(
        "baseline of another version",
        merge(JOB_NAMESPACE, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce-version": "v1.0"}}}),
        IN_JOB_NAMESPACE.changed('metadata.labels["pod-security.kubernetes.io/enforce-version"]'),
    ),
    Mutation(
        "baseline removed",
        merge(JOB_NAMESPACE, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": None}}}, "kubectl-label"),
        IN_JOB_NAMESPACE.gone('metadata.labels["pod-security.kubernetes.io/enforce"]'),
    ),
    Mutation(
        "audit label removed",
        merge(JOB_NAMESPACE, {"metadata": {"labels": {"pod-security.kubernetes.io/audit": None}}}, "kubectl-label"),
        IN_JOB_NAMESPACE.gone('metadata.labels["pod-security.kubernetes.io/audit"]'),
    ),
    Mutation(
        "guarded label added",
        merge(JOB_NAMESPACE, {"metadata": {"labels": {"istio-injection": "enabled"}}}, "kubectl-label"),
        IN_JOB_NAMESPACE.added("metadata.labels.istio-injection"),
    ),
    Mutation("policy deleted", delete(f"{POLICIES}/default-deny"), _policy("default-deny").gone()),
    Mutation(
        "peer added",
        json_patch(f"{POLICIES}/allow-gitlab", "add", "/spec/egress/0/to/-", _ANYWHERE),
        _policy("allow-gitlab").added("spec.egress[0].to[2]"),
    ),
    Mutation(
        "everything let in",
        json_patch(f"{POLICIES}/default-deny", "add", "/spec/ingress", [{}]),
        _policy("default-deny").added("spec.ingress[0]"),
    ),
    Mutation(
        "policy narrowed",
        merge(f"{POLICIES}/default-deny", {"spec": {"podSelector": {"matchLabels": {"x": "y"}}}}),
        _policy("default-deny").added("spec.podSelector.matchLabels.x"),
    ),
    Mutation(
        "exception removed",
        json_patch(f"{POLICIES}/allow-gitlab", "remove", "/spec/egress/0/to/0/ipBlock/except"),
        _policy("allow-gitlab").gone("spec.egress[0].to[0].ipBlock.except[169.254.0.0/16]"),
    ),
    Mutation(
        "admission rule removed",
        json_patch(f"{ADMISSION}/{ADMISSION_NAME}", "remove", "/spec/validations/0"),
        IN_ADMISSION.gone("spec.validations[0]"),
    ),
    Mutation(
        "admission's binding deleted",
        delete(f"{ADMISSION_BINDINGS}/{ADMISSION_NAME}"),
        IN_ADMISSION_BINDING.gone(),
    ),
    Mutation(
        "admission's binding led elsewhere",
        merge(
            f"{ADMISSION_BINDINGS}/{ADMISSION_NAME}",
            {"spec": {"matchResources": {"namespaceSelector": {"matchLabels": {_NAME: "elsewhere"}}}}},
        ),
        IN_ADMISSION_BINDING.changed(f'spec.matchResources.namespaceSelector.matchLabels["{_NAME}"]'),
    ),
    Mutation(
        "admission only audited",
        json_patch(f"{ADMISSION_BINDINGS}/{ADMISSION_NAME}", "replace", "/spec/validationActions", ["Audit"]),
        IN_ADMISSION_BINDING.gone("spec.validationActions[Deny]"),
    ),
)

NODE_MUTATIONS = (
    Mutation(
        "taint removed",
        merge(node_of("arm64"), {"spec": {"taints": None}}, "kubectl-taint"),
        _pool("arm64").gone(f"{ARM_NODE}.spec.taints[{_ARM}:NoSchedule]"),
    ),
    Mutation(
        "taint added",
        merge(node_of("amd64"), {"spec": {"taints": [_TAINT]}}, "kubectl-taint"),
        _pool("amd64").added(f"{AMD_NODE}.spec.taints[example.org/theirs:NoSchedule]"),
    ),
    Mutation(
        "node of another architecture",
        merge(node_of("arm64"), {"metadata": {"labels": {_ARM: "amd64"}}}, "kubectl-label"),
        _pool("arm64").changed(f'{ARM_NODE}.metadata.labels["{_ARM}"]'),
    ),
    Mutation(
        "node's label",
        merge(node_of("amd64"), {"metadata": {"labels": {"node-pool": "other"}}}, "kubectl-label"),
        _pool("amd64").gone(),
    ),
    Mutation("pool emptied", delete(node_of("arm64")), _pool("arm64").gone()),
)

OF_OBJECTS_AND_NODES = (*ACCOUNT_MUTATIONS, *OBJECT_MUTATIONS, *NODE_MUTATIONS)
