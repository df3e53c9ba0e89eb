"""What Pod Security cannot say: the rules of a namespace between its levels `baseline` and `privileged`.

Rootless BuildKit's container needs to go without seccomp and AppArmor profiles, which leaves only the level
`privileged`, and that level forbids nothing. So the namespace has a ValidatingAdmissionPolicy of its own
(admissionregistration.k8s.io/v1, Kubernetes 1.30 or later). It refuses what `baseline` v1.34 refuses, control by
control, but for those two profiles on the container `build`, which must not be root then. Capabilities and sysctls are
held closer than there: to those that jobs have.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from components.runner.classes import ROOTLESS_CAPABILITIES
from components.runner.executor import CAPABILITIES

BUILD_CONTAINER: Final = "build"
"""What GitLab Runner calls the container that runs a job's script."""

VARIABLES: Final = {
    "containers": "object.spec.containers + object.spec.?initContainers.orValue([])",
    # Of another type, so that CEL's checker would not add them to the others.
    "ephemeral": "object.spec.?ephemeralContainers.orValue([])",
}
"""CEL variables, in the order of their definition."""

_ALLOWED_CAPABILITIES = sorted({*CAPABILITIES, *ROOTLESS_CAPABILITIES})
HOST_NAMESPACES: Final = ("hostNetwork", "hostPID", "hostIPC")
SELINUX_TYPES: Final = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"]
_APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"
_CONTEXT = "c.?securityContext"
UNCONFINED: Final = ("seccompProfile", "appArmorProfile")
"""Profiles of a security context that must not be off."""
HANDLERS: Final = tuple(
    (*handler, kind)
    for handler in (
        *(("livenessProbe",), ("readinessProbe",), ("startupProbe",)),
        *(("lifecycle", "postStart"), ("lifecycle", "preStop")),
    )
    for kind in ("httpGet", "tcpSocket")
)
"""Handlers of a container that may name a host."""
_PROFILES = tuple(f"{_CONTEXT}.?{profile}.?type" for profile in UNCONFINED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """One control: a CEL expression that must be true, and what the refusal says otherwise."""

    expression: str
    message: str


def policy_name(namespace: str) -> str:
    """Return the name of the policy and its binding: they are cluster-wide, so that it holds the namespace's."""
    return f"{namespace}.multiarch-runner.io"


def validations() -> tuple[Validation, ...]:
    """Return every control."""
    unconfined = " || ".join(f'{profile}.orValue("") == "Unconfined"' for profile in _PROFILES)
    context = "object.spec.?securityContext"
    return (
        _each(f"!{_CONTEXT}.?privileged.orValue(false)", "privileged containers are not allowed"),
        _each(
            f"{_CONTEXT}.?capabilities.?add.orValue([]).all(x, x in {json.dumps(_ALLOWED_CAPABILITIES)})",
            f"added capabilities must be among {', '.join(_ALLOWED_CAPABILITIES)}",
        ),
        _each(
            f'c.name == "{BUILD_CONTAINER}" || !({unconfined})',
            f"only the container {BUILD_CONTAINER} may go without a seccomp or AppArmor profile",
        ),
        _each(
            f"!({unconfined}) || {_runs_as('c.?securityContext')} > 0",
            "a container without a seccomp or AppArmor profile must not run as root",
        ),
        Validation(
            expression=f'{context}.?seccompProfile.?type.orValue("") != "Unconfined"'
            f' && {context}.?appArmorProfile.?type.orValue("") != "Unconfined"',
            message="seccomp and AppArmor profiles must not be off for the whole pod",
        ),
        Validation(
            # The API server itself writes this one for a container whose field says so.
            expression=f'object.metadata.?annotations.orValue({{}}).all(k, !k.startsWith("{_APPARMOR_ANNOTATION}")'
            f' || k == "{_APPARMOR_ANNOTATION}{BUILD_CONTAINER}"'
            ' || object.metadata.annotations[k] != "unconfined")',
            message=f"AppArmor annotations must not unconfine another container than {BUILD_CONTAINER}",
        ),
        Validation(
            expression=" && ".join(f"!object.spec.?{key}.orValue(false)" for key in HOST_NAMESPACES),
            message="host namespaces are not allowed",
        ),
        Validation(
            expression="object.spec.?volumes.orValue([]).all(v, !has(v.hostPath))",
            message="hostPath volumes are not allowed",
        ),
        _each("c.?ports.orValue([]).all(p, p.?hostPort.orValue(0) == 0)", "host ports are not allowed"),
        _each(" && ".join(_no_handler_hosts()), "probes and lifecycle hooks must not name a host"),
        _each(f'{_CONTEXT}.?procMount.orValue("Default") == "Default"', "procMount must be Default"),
        Validation(
            expression=f"size({context}.?sysctls.orValue([])) == 0",
            message="sysctls are not allowed",
        ),
        Validation(
            expression=f"!{context}.?windowsOptions.?hostProcess.orValue(false) && {_selinux(context)}",
            message="hostProcess and custom SELinux options are not allowed for the pod",
        ),
        _each(
            f"!{_CONTEXT}.?windowsOptions.?hostProcess.orValue(false) && {_selinux(_CONTEXT)}",
            "hostProcess and custom SELinux options are not allowed",
        ),
    )


def _each(predicate: str, message: str) -> Validation:
    """Ask something of every container `c`."""
    return Validation(
        expression=f"variables.containers.all(c, {predicate}) && variables.ephemeral.all(c, {predicate})",
        message=message,
    )


def _runs_as(context: str) -> str:
    """Return the user of a container: its own, else the pod's, else root, which is what most images say."""
    return f"{context}.?runAsUser.orValue(object.spec.?securityContext.?runAsUser.orValue(0))"


def _selinux(context: str) -> str:
    options = f"{context}.?seLinuxOptions"
    return (
        f'{options}.?type.orValue("") in {json.dumps(SELINUX_TYPES)}'
        f' && {options}.?user.orValue("") == "" && {options}.?role.orValue("") == ""'
    )


def _no_handler_hosts() -> Iterator[str]:
    """Yield that no handler of a container names a host: a kubelet would reach it past every NetworkPolicy."""
    yield from (f'c.?{".?".join(handler)}.?host.orValue("") == ""' for handler in HANDLERS)
