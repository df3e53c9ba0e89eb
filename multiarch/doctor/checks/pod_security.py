"""What Pod Security would say of a pod, for the controls that a runner's config can break.

Source: the Pod Security Standards, as k8s.io/pod-security-admission/policy checks them. A level's refusal is predicted
only; the API server's own word is seen where a pod was refused (the manager's ReplicaSet tells of it).
"""

from collections.abc import Iterator, Mapping
from typing import Any

_BASELINE_CAPABILITIES = frozenset({
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
})  # fmt: skip
_VOLUMES = frozenset({
    "name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
    "image",
})  # fmt: skip
_PROFILES = frozenset({"RuntimeDefault", "Localhost"})

Spec = Mapping[str, Any]


def violations(spec: Spec, level: str) -> Iterator[str]:
    """Yield the controls that a pod breaks at a level."""
    if level == "privileged":
        return
    yield from _baseline(spec)
    if level == "restricted":
        yield from _restricted(spec)


def _containers(spec: Spec) -> Iterator[tuple[str, Spec]]:
    for container in (*(spec.get("initContainers") or []), *(spec.get("containers") or [])):
        yield container["name"], container.get("securityContext") or {}


def _baseline(spec: Spec) -> Iterator[str]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key):
            yield f"{key} is set"
    if any("hostPath" in volume for volume in spec.get("volumes") or []):
        yield "it has hostPath volumes"
    if _profile(spec.get("securityContext") or {}) == "Unconfined":
        yield "seccompProfile is Unconfined"
    for name, context in _containers(spec):
        if context.get("privileged"):
            yield f"container {name} is privileged"
        added = set((context.get("capabilities") or {}).get("add") or []) - _BASELINE_CAPABILITIES
        if added:
            yield f"container {name} adds {', '.join(sorted(added))}"
        if _profile(context) == "Unconfined":
            yield f"container {name}: seccompProfile is Unconfined"


def _restricted(spec: Spec) -> Iterator[str]:
    pod = spec.get("securityContext") or {}
    for volume in spec.get("volumes") or []:
        kinds = set(volume) - _VOLUMES
        if kinds and "hostPath" not in kinds:
            yield f"volume {volume['name']} is a {', '.join(sorted(kinds))}"
    for name, context in _containers(spec):
        if context.get("allowPrivilegeEscalation") is not False:
            yield f"container {name} does not set allowPrivilegeEscalation: false"
        capabilities = context.get("capabilities") or {}
        if "ALL" not in (capabilities.get("drop") or []):
            yield f"container {name} does not drop ALL capabilities"
        added = set(capabilities.get("add") or []) - {"NET_BIND_SERVICE"}
        if added:
            yield f"container {name} adds {', '.join(sorted(added))}"
        if context.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
            yield f"container {name} does not set runAsNonRoot: true"
        if context.get("runAsUser", pod.get("runAsUser")) == 0:
            yield f"container {name} runs as user 0"
        if (_profile(context) or _profile(pod)) not in _PROFILES:
            yield f"container {name} has no seccompProfile RuntimeDefault or Localhost"


def _profile(context: Spec) -> str:
    return str((context.get("seccompProfile") or {}).get("type") or "")
