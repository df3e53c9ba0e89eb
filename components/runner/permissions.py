"""What the manager may do in the jobs' namespace, and which Pod Security profile each namespace enforces."""

from collections.abc import Mapping

from components.versions import POD_SECURITY_VERSION

CLASS_LABEL = "multiarch-runner.io/class"
"""Label of a jobs' namespace that is not for the first runner: which class of runner it is for."""

# Upstream's list (gitlab-runner docs/executors/kubernetes, "Configure runner API permissions") without what belongs to
# features that are not used here: deployments, configmaps, namespaces, claims, disruption budgets, priority classes.
_VERBS: Mapping[str, tuple[str, ...]] = {
    "events": ("list", "watch"),
    "pods": ("create", "delete", "get", "list", "watch"),
    "pods/attach": ("create", "delete", "get", "patch"),
    "pods/exec": ("create", "delete", "get", "patch"),
    "pods/log": ("get", "list"),
    "secrets": ("create", "delete", "get", "update"),
    "serviceaccounts": ("get",),
    "services": ("create", "get"),
}


def job_rules() -> list[dict[str, list[str]]]:
    """Return the RBAC rules of the manager in the jobs' namespace, in the chart's spelling.

    Each names its verbs: the chart turns a rule without verbs, and an empty list, into a wildcard (its role.yaml).
    """
    return [{"apiGroups": [""], "resources": [name], "verbs": list(verbs)} for name, verbs in _VERBS.items()]


def pod_security(profile: str) -> dict[str, str]:
    """Return the labels that enforce, audit and warn at a Pod Security profile of a pinned version."""
    prefix = "pod-security.kubernetes.io"
    labels = {}
    for mode in ("enforce", "audit", "warn"):
        labels[f"{prefix}/{mode}"] = profile
        labels[f"{prefix}/{mode}-version"] = POD_SECURITY_VERSION
    return labels
