"""What can be told of a difference without the API server's help, for a credential that may only read.

A manifest and the object that was made of it are never the same text: the server fills in defaults, drops fields that
it does not know, and spells quantities its own way. What is listed here has been in the API since long before the
oldest Kubernetes that is supported, and has one spelling, or one that is known here.
"""

from typing import Final

from multiarch.drift.live.paths import Item, Path, keys

_WHOLE: Final = frozenset({
    "ClusterRole", "ClusterRoleBinding", "ConfigMap", "Namespace", "NetworkPolicy", "Role", "RoleBinding", "Secret",
    "ServiceAccount",
})  # fmt: skip
_WORKLOADS: Final = frozenset({"DaemonSet", "Deployment", "StatefulSet"})
_WORKLOAD: Final = frozenset({"minReadySeconds", "paused", "replicas", "revisionHistoryLimit", "selector", "strategy"})
_POD: Final = frozenset({
    "affinity", "automountServiceAccountToken", "dnsPolicy", "hostAliases", "hostIPC", "hostNetwork", "hostPID",
    "imagePullSecrets", "nodeName", "nodeSelector", "priorityClassName", "restartPolicy", "runtimeClassName",
    "schedulerName", "securityContext", "serviceAccountName", "terminationGracePeriodSeconds", "tolerations", "volumes",
})  # fmt: skip
_CONTAINER: Final = frozenset({
    "args", "command", "env", "envFrom", "image", "imagePullPolicy", "lifecycle", "livenessProbe", "ports",
    "readinessProbe", "resources", "securityContext", "startupProbe", "volumeMounts", "workingDir",
})  # fmt: skip
_CONTAINERS: Final = ("containers", "initContainers")
_YOUNG: Final = frozenset({
    "appArmorProfile", "claims", "matchLabelKeys", "matchLabelExpressions", "mismatchLabelKeys", "procMount",
    "recursiveReadOnly", "seLinuxChangePolicy", "stopSignal", "supplementalGroupsPolicy",
})  # fmt: skip
"""Fields that a server of an older minor version, or with a feature gate off, drops."""
_OPEN: Final = frozenset({"annotations", "binaryData", "data", "labels", "matchLabels", "nodeSelector"})
"""Mappings whose keys have no defaults."""
_ADMITTED: Final = frozenset({"policyTypes", "finalizers", "secrets"})
"""Lists that are filled in by the server or by controllers."""


def is_stored_as_written(kind: str, path: Path) -> bool:
    """Tell whether a stated field at `path` is in the object as it was stated, unless somebody changed it."""
    where = keys(path)
    if _YOUNG & set(where):
        return False
    if kind in _WHOLE or where[:1] == ("metadata",):
        return True
    return kind in _WORKLOADS and where[:1] == ("spec",) and _is_of_a_workload(where[1:])


def _is_of_a_workload(where: tuple[str, ...]) -> bool:
    """Tell it of a path below a Deployment's `spec`."""
    if where[:2] == ("template", "metadata"):
        return True
    if where[:2] != ("template", "spec"):
        return where[:1] != () and where[0] in _WORKLOAD
    inner = where[2:]
    if inner[:1] and inner[0] in _CONTAINERS:
        return len(inner) == 1 or inner[1] in _CONTAINER
    return bool(inner) and inner[0] in _POD


def is_nobodys_default(kind: str, path: Path) -> bool:
    """Tell whether what is at `path`, and was not stated, can't be a default of the server."""
    where = keys(path)
    if len(path) > 1 and path[-2] in _OPEN:
        return True
    if kind == "Secret" or where[:1] == ("metadata",):
        return where[:2] != ("metadata", "finalizers")
    return isinstance(path[-1], Item) and not _ADMITTED & set(where) and is_stored_as_written(kind, path)
