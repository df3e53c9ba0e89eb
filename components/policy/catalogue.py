"""Every rule with its level, and the one function that judges by all of them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from components.policy.reading import NAMESPACES, POD_SPECS, RELEASES
from components.policy.rules import access, executor, isolation, pools, sandbox, secrets, supply
from components.policy.subject import (
    Answer,
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
    ResourceRule(level=_MUST, types=pools.POOLS, check=pools.pool_bounds),
    ResourceRule(level=_MUST, types=pools.POOLS, check=pools.pool_labels, configured=True),
    ResourceRule(level=_SHOULD, types=pools.POOLS, check=pools.pool_protected, configured=True),
    ResourceRule(level=_MUST, types=_GKE, check=pools.gke_legacy_endpoints),
    ResourceRule(level=_MUST, types=_GKE, check=pools.gke_metadata_server),
    ResourceRule(level=_SHOULD, types=_GKE, check=pools.gke_node_identity),
    ResourceRule(level=_MUST, types=_EKS, check=pools.eks_launch_template),
    ResourceRule(level=_MUST, types=_EKS, check=pools.eks_ami_type),
    ResourceRule(level=_MUST, types=_TEMPLATES, check=pools.eks_disk_encrypted),
    ResourceRule(level=_MUST, types=_TEMPLATES, check=pools.eks_metadata_service),
    ResourceRule(level=_SHOULD, types=_AKS, check=pools.aks_host_encryption),
    ResourceRule(level=_MUST, types=RELEASES, check=supply.chart_pinned),
    ResourceRule(level=_SHOULD, types=RELEASES, check=supply.chart_digest),
    ResourceRule(level=_SHOULD, types=_RELEASE, check=supply.release_recovers),
    ResourceRule(level=_MUST, types=_HOLDERS, check=supply.image_pinned),
    ResourceRule(level=_SHOULD, types=_HOLDERS, check=supply.image_digest),
    ResourceRule(level=_MUST, types=frozenset(), check=secrets.no_static_cloud_keys),
    ResourceRule(level=_MUST, types=frozenset(), check=secrets.token_in_secret_only),
    ResourceRule(level=_MUST, types=RELEASES, check=secrets.no_secrets_in_values, needs_secret_marks=True),
    ResourceRule(level=_MUST, types=_HOLDERS, check=isolation.no_privileged),
    ResourceRule(level=_MUST, types=_HOLDERS, check=isolation.no_host_access),
    ResourceRule(level=_MUST, types=NAMESPACES, check=isolation.namespace_pod_security),
    ResourceRule(level=_SHOULD, types=NAMESPACES, check=isolation.namespace_pod_security_version),
    ResourceRule(level=_MUST, types=access.ROLES | RELEASES, check=access.rbac_explicit),
    ResourceRule(level=_MUST, types=access.BINDINGS, check=access.rbac_bindings),
    ResourceRule(level=_MUST, types=RELEASES, check=executor.selector_anchored),
    ResourceRule(level=_MUST, types=RELEASES, check=executor.overwrites_closed),
    ResourceRule(level=_MUST, types=RELEASES, check=executor.helper_any_arch),
    ResourceRule(level=_SHOULD, types=RELEASES, check=executor.waits_for_nodes),
)
"""Judged for each resource alone, before it is made."""

STACK_RULES: Final = (
    StackRule(level=_MUST, check=isolation.metadata_blocked),
    StackRule(level=_MUST, check=isolation.jobs_default_deny),
    StackRule(level=_MUST, check=sandbox.sandbox_guarded),
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
    subjects = (resource, settings) if rule.configured else (resource,)
    return _judge(rule, resource.urn, lambda: rule.check(*subjects), settings)


def judge_stack(rule: StackRule, resources: Sequence[Resource], settings: Settings) -> list[Violation]:
    """Judge a whole stack by one rule."""
    return _judge(rule, "", lambda: rule.check(resources), settings)


def _judge(rule: Rule, urn: str, check: Callable[[], Iterable[Answer]], settings: Settings) -> list[Violation]:
    findings: list[Finding] = []
    doubts: list[str] = []
    fix = "Check again when it is known."
    try:
        for answer in check():
            if isinstance(answer, Finding):
                findings.append(answer)
            else:
                doubts.append(str(answer))
    except CouldNotTell as doubt:
        doubts.append(str(doubt))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # A value of a shape that no provider documents. It proves nothing either way, and must not end the program.
        doubts.append(f"cannot be judged: {type(error).__name__}: {error}")
        fix = "Give the value its documented type."
    found = [_violation(rule, item.urn or urn, item.message, item.fix, rule.level) for item in findings]
    if doubts:
        found.append(_violation(rule, urn, "; ".join(doubts), fix, Level.COULD_NOT_TELL))
    exempt = settings.exemptions
    return [item for item in found if not any(exemption.covers(item.rule, item.urn) for exemption in exempt)]


def _violation(rule: Rule, urn: str, message: str, fix: str, level: Level) -> Violation:
    return Violation(rule=rule.id, urn=urn, message=message, fix=fix, level=level)
