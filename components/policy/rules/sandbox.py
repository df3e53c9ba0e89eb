"""Rules about job namespaces between the Pod Security levels: what is loosened, and what still holds there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from components.policy.reading import (
    NAMESPACES,
    RELEASES,
    config_documents,
    executors,
    job_namespaces,
    kubernetes_table,
)
from components.policy.subject import UNKNOWN, Answer, CouldNotTell, Doubt, Finding, Resource, look

ADMISSION: Final = "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy"
BINDING: Final = f"{ADMISSION}Binding"
CLASS: Final = "multiarch-runner.io/class"
"""Label of a namespace whose own admission policy takes the place of a Pod Security level."""

_BUILD = "build_container_security_context"
_OTHERS = (
    "pod_security_context",
    "helper_container_security_context",
    "service_container_security_context",
    "init_permissions_container_security_context",
)
_PROFILES = ("seccomp_profile", "app_armor_profile")
_ENFORCE = "pod-security.kubernetes.io/enforce"
_FIX = "Use runner.buildkit, which creates a namespace with its own admission policy."


def rootless_escalation(resource: Resource) -> Iterator[str]:
    """Yield paths where privilege escalation is what a rootless builder needs: its user is another than root.

    newuidmap has the setuid bit, and writes the map of a user namespace; without escalation the bit means nothing
    (moby/buildkit#1671).
    """
    for path, document in config_documents(resource):
        for index, runner in enumerate(document.get("runners") or ()):
            user = look(runner, "kubernetes", _BUILD, "run_as_user")
            if isinstance(user, int) and user > 0:
                yield f"{path}.runners[{index}].kubernetes.{_BUILD}.allow_privilege_escalation"


def sandbox_guarded(resources: Sequence[Resource]) -> Iterable[Answer]:
    """Jobs without seccomp and AppArmor profiles run where an admission policy refuses everything else.

    Rootless BuildKit can't run with them, and there is no Pod Security level between `baseline`, which requires them,
    and `privileged`, which forbids nothing. So the namespace carries the label `multiarch-runner.io/class`, and a
    ValidatingAdmissionPolicy is bound to it with `Deny`, fails closed, and refuses privileged containers; only the
    build container goes without, and not as root.
    Source: moby/buildkit docs/rootless.md; Kubernetes, "Validating Admission Policy".
    """
    guarded: set[str] = set()
    for namespace in (one for one in resources if one.kind in NAMESPACES):
        name = ""
        try:
            name = str(namespace.get("metadata", "name"))
            if namespace.get("metadata", "labels", _ENFORCE) != "privileged":
                continue
            if _guarded(name, resources):
                guarded.add(name)
            else:
                yield Finding(
                    urn=namespace.urn,
                    message=f"namespace {name} enforces privileged, and no admission policy refuses privileged pods",
                    fix="Bind a ValidatingAdmissionPolicy to it with Deny and failurePolicy Fail, or use baseline.",
                )
        except CouldNotTell as doubt:
            yield Doubt(f"{namespace.name}: {doubt.path}", doubt.reason)
            guarded.add(name)  # said once, here; whoever runs jobs there is not found at fault for it
    for release in (one for one in resources if one.kind in RELEASES):
        try:
            yield from _loosened(release, guarded)
        except CouldNotTell as doubt:
            yield Doubt(f"{release.name}: {doubt.path}", doubt.reason)


def _loosened(release: Resource, guarded: set[str]) -> Iterator[Answer]:
    for path, runner in executors(release):
        table = kubernetes_table(runner)
        for key in _OTHERS:
            if _unconfined(table, key):
                message = f"{path}.kubernetes.{key} turns a profile off for more than the build container"
                yield Finding(urn=release.urn, message=message, fix=_FIX)
        if not _unconfined(table, _BUILD):
            continue
        if not (look(table, _BUILD, "run_as_user") or 0) > 0:
            message = f"{path}.kubernetes.{_BUILD} turns a profile off for root"
            yield Finding(urn=release.urn, message=message, fix="Set run_as_user, for BuildKit's images to 1000.")
        for namespace in sorted(job_namespaces(release) - guarded):
            message = f"{path}: jobs run without a profile in {namespace}, which has no admission policy of its own"
            yield Finding(urn=release.urn, message=message, fix=_FIX)


def _unconfined(table: Mapping[str, Any], key: str) -> bool:
    return any(look(table, key, profile, "type") == "Unconfined" for profile in _PROFILES)


def _guarded(namespace: str, resources: Sequence[Resource]) -> bool:
    bound = {
        binding.get("spec", "policyName")
        for binding in resources
        if binding.kind == BINDING
        and "Deny" in (binding.get("spec", "validationActions") or ())
        and _selects(binding.get("spec", "matchResources"), namespace)
    }
    return any(
        policy.get("metadata", "name") in bound
        and policy.get("spec", "failurePolicy") != "Ignore"
        and _selects(policy.get("spec", "matchConstraints"), namespace)
        and _refuses_privileged(policy)
        for policy in resources
        if policy.kind == ADMISSION
    )


def _selects(match: Any, namespace: str) -> bool:
    """Tell whether a policy or a binding reaches a namespace: all of them without a selector, or this one by name."""
    selector = look(match, "namespaceSelector") or {}
    labels = look(selector, "matchLabels") or {}
    if look(selector, "matchExpressions") or set(labels) - {"kubernetes.io/metadata.name"}:
        raise CouldNotTell("namespaceSelector", "is more than the name of one namespace")
    return not labels or labels["kubernetes.io/metadata.name"] == namespace


def _refuses_privileged(policy: Resource) -> bool:
    """Tell whether a policy looks at pods and has a control about `privileged`; its CEL is proved by the rehearsal."""
    rules = policy.get("spec", "matchConstraints", "resourceRules") or ()
    pods = any("pods" in (look(rule, "resources") or ()) for rule in rules)
    controls = policy.get("spec", "validations") or ()
    if any(control is UNKNOWN for control in controls):
        raise CouldNotTell("spec.validations")
    return pods and any("privileged" in str(look(control, "expression")) for control in controls)
