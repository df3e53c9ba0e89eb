"""Every rule with its level, and the one function that judges by all of them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from components.policy.reading import NAMESPACES, POD_SPECS, RELEASES
from components.policy.rules import access, executor, isolation, pools, sandbox, secrets, supply
from components.policy.subject import (
    CouldNotTell,
    Finding,
    Level,
    Resource,
    ResourceRule,
    Rule,
    Settings,
    StackRule,
    Violation,
)

_MUST, _SHOULD = Level.MANDATORY, Level.ADVISORY
_HOLDERS = frozenset(POD_SPECS) | RELEASES
_GKE, _EKS, _AKS = frozenset({pools.GKE}), frozenset({pools.EKS}), frozenset({pools.AKS})
_TEMPLATES = frozenset({pools.LAUNCH_TEMPLATE})
_RELEASE = frozenset({"kubernetes:helm.sh/v3:Release"})

RESOURCE_RULES: Final = (
    ResourceRule(id="pool-bounds", level=_MUST, types=pools.POOLS, check=pools.pool_bounds),
    ResourceRule(id="pool-labels", level=_MUST, types=pools.POOLS, check=pools.required_labels),
    ResourceRule(id="pool-protected", level=_SHOULD, types=pools.POOLS, check=pools.pool_protected),
    ResourceRule(id="gke-legacy-endpoints", level=_MUST, types=_GKE, check=pools.gke_legacy_endpoints),
    ResourceRule(id="gke-metadata-server", level=_MUST, types=_GKE, check=pools.gke_metadata_server),
    ResourceRule(id="gke-node-identity", level=_SHOULD, types=_GKE, check=pools.gke_node_identity),
    ResourceRule(id="eks-launch-template", level=_MUST, types=_EKS, check=pools.eks_launch_template),
    ResourceRule(id="eks-ami-type", level=_MUST, types=_EKS, check=pools.eks_ami_type),
    ResourceRule(id="eks-disk-encrypted", level=_MUST, types=_TEMPLATES, check=pools.eks_disk_encrypted),
    ResourceRule(id="eks-metadata-service", level=_MUST, types=_TEMPLATES, check=pools.eks_metadata_service),
    ResourceRule(id="aks-host-encryption", level=_SHOULD, types=_AKS, check=pools.aks_host_encryption),
    ResourceRule(id="chart-pinned", level=_MUST, types=RELEASES, check=supply.chart_pinned),
    ResourceRule(id="chart-digest", level=_SHOULD, types=RELEASES, check=supply.chart_digest),
    ResourceRule(id="release-recovers", level=_SHOULD, types=_RELEASE, check=supply.release_recovers),
    ResourceRule(id="image-pinned", level=_MUST, types=_HOLDERS, check=supply.image_pinned),
    ResourceRule(id="image-digest", level=_SHOULD, types=_HOLDERS, check=supply.image_digest),
    ResourceRule(id="no-static-cloud-keys", level=_MUST, types=frozenset(), check=secrets.no_static_cloud_keys),
    ResourceRule(id="token-in-secret-only", level=_MUST, types=frozenset(), check=secrets.token_in_secret_only),
    ResourceRule(
        id="no-secrets-in-values",
        level=_MUST,
        types=RELEASES,
        check=secrets.no_secrets_in_values,
        needs_secret_marks=True,
    ),
    ResourceRule(id="no-privileged", level=_MUST, types=_HOLDERS, check=isolation.no_privileged),
    ResourceRule(id="no-host-access", level=_MUST, types=_HOLDERS, check=isolation.no_host_access),
    ResourceRule(id="namespace-pod-security", level=_MUST, types=NAMESPACES, check=isolation.namespace_pod_security),
    ResourceRule(
        id="namespace-pod-security-version",
        level=_SHOULD,
        types=NAMESPACES,
        check=isolation.namespace_pod_security_version,
    ),
    ResourceRule(id="rbac-explicit", level=_MUST, types=access.ROLES | RELEASES, check=access.rbac_explicit),
    ResourceRule(id="rbac-bindings", level=_MUST, types=access.BINDINGS, check=access.rbac_bindings),
    ResourceRule(id="selector-anchored", level=_MUST, types=RELEASES, check=executor.selector_anchored),
    ResourceRule(id="overwrites-closed", level=_MUST, types=RELEASES, check=executor.overwrites_closed),
    ResourceRule(id="helper-any-arch", level=_MUST, types=RELEASES, check=executor.helper_any_arch),
    ResourceRule(id="waits-for-nodes", level=_SHOULD, types=RELEASES, check=executor.waits_for_nodes),
)
"""Judged for each resource alone, before it is made."""

STACK_RULES: Final = (
    StackRule(id="metadata-blocked", level=_MUST, check=isolation.metadata_blocked),
    StackRule(id="jobs-default-deny", level=_MUST, check=isolation.jobs_default_deny),
    StackRule(id="sandbox-guarded", level=_MUST, check=sandbox.sandbox_guarded),
)
"""Judged over the whole stack."""

RULES: Final[tuple[Rule, ...]] = (*RESOURCE_RULES, *STACK_RULES)


def violations(resources: Iterable[Resource], settings: Settings | None = None) -> list[Violation]:
    """Judge resources by every rule. What could not be told is among the answers, with its own level.

    Order: rule by rule as in `RULES`, resources as given. Exempted violations are left out.
    """
    settings = settings or Settings()
    resources = list(resources)
    found = [
        violation
        for rule in RESOURCE_RULES
        for resource in resources
        if rule.concerns(resource)
        for violation in judge_resource(rule, resource, settings)
    ]
    for stack_rule in STACK_RULES:
        found.extend(judge_stack(stack_rule, resources, settings))
    return found


def judge_resource(rule: ResourceRule, resource: Resource, settings: Settings) -> list[Violation]:
    """Judge one resource by one rule."""
    return _judge(rule, resource.urn, lambda: rule.check(resource, settings), settings)


def judge_stack(rule: StackRule, resources: Sequence[Resource], settings: Settings) -> list[Violation]:
    """Judge a whole stack by one rule."""
    return _judge(rule, "", lambda: rule.check(resources, settings), settings)


def _judge(rule: Rule, urn: str, check: Callable[[], Iterable[Finding]], settings: Settings) -> list[Violation]:
    findings: list[Finding] = []
    doubts: list[Violation] = []
    try:
        for finding in check():
            findings.append(finding)  # noqa: PERF402 - what came before a doubt must be kept, which list() would lose
    except CouldNotTell as doubt:
        doubts = [_violation(rule, urn, str(doubt), "Judge again when it is known.", Level.COULD_NOT_TELL)]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # A value of a shape that no provider documents. It proves nothing either way, and must not end the program.
        message = f"cannot be judged: {type(error).__name__}: {error}"
        doubts = [
            _violation(rule, urn, message, "Give the value the type that the provider documents.", Level.COULD_NOT_TELL)
        ]
    found = [_violation(rule, item.urn or urn, item.message, item.fix, rule.level) for item in findings] + doubts
    exempt = settings.exemptions
    return [item for item in found if not any(exemption.covers(item.rule, item.urn) for exemption in exempt)]


def _violation(rule: Rule, urn: str, message: str, fix: str, level: Level) -> Violation:
    return Violation(rule=rule.id, urn=urn, message=message, fix=fix, level=level)
