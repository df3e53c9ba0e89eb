"""The rules as `pulumi_policy` policies. Nothing is started here: constructing a PolicyPack would start a server."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pulumi_policy as pulumi
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError

from components.policy.catalogue import RESOURCE_RULES, STACK_RULES, judge_resource, judge_stack
from components.policy.subject import (
    UNKNOWN,
    Exemption,
    Level,
    Resource,
    ResourceRule,
    Rule,
    Settings,
    StackRule,
    Violation,
)

PACK_NAME = "multiarch-runner"

_LEVELS: Mapping[Level, pulumi.EnforcementLevel] = {
    Level.MANDATORY: pulumi.EnforcementLevel.MANDATORY,
    Level.ADVISORY: pulumi.EnforcementLevel.ADVISORY,
}
_EXEMPT: dict[str, Any] = {
    "type": "object",
    "description": "Resource name (with * and ?) to the reason why this rule does not hold for it.",
    "additionalProperties": {"type": "string", "minLength": 1},
}
_OWN_SETTINGS: Mapping[str, dict[str, dict[str, Any]]] = {
    "pool-labels": {"requiredLabels": {"type": "array", "items": {"type": "string"}}},
    "pool-protected": {"productionStacks": {"type": "string"}},
}

Report = Callable[..., None]
"""`report(message, urn=None)`, as pulumi_policy passes it."""


class Undecided(UnknownValueError):  # noqa: N818 - it is an answer, not an error
    """Tells the engine that a rule could not be judged.

    A policy's violations all weigh as the policy does, so that a doubt of a mandatory policy cannot be reported as one.
    What the policy server does report as advisory is this exception.
    """

    def __init__(self, doubts: Iterable[Violation]) -> None:
        super().__init__(UNKNOWN_STRING_VALUE, [])
        self.message = "could not tell: " + "; ".join(f"{_name(doubt.urn)}{doubt.message}" for doubt in doubts)


def policies() -> list[pulumi.Policy]:
    """Return every rule that a policy server can judge, as a policy of pulumi_policy."""
    judged = [_resource_policy(rule) for rule in RESOURCE_RULES if not rule.needs_secret_marks]
    return [*judged, *(_stack_policy(rule) for rule in STACK_RULES)]


def settings_from(rule: str, config: Mapping[str, Any]) -> Settings:
    """Read one policy's configuration (`--policy-pack-config`); what is absent keeps its default."""
    defaults = Settings()
    return Settings(
        required_labels=tuple(config.get("requiredLabels", defaults.required_labels)),
        production_stacks=config.get("productionStacks", defaults.production_stacks),
        exemptions=tuple(
            Exemption(rule=rule, resource=resource, reason=reason)
            for resource, reason in config.get("exempt", {}).items()
        ),
    )


def _resource_policy(rule: ResourceRule) -> pulumi.ResourceValidationPolicy:
    def validate(args: pulumi.ResourceValidationArgs, report: Report) -> None:
        resource = _resource(args)
        if not rule.concerns(resource):
            return
        settings = settings_from(rule.id, args.get_config())
        for exemption in settings.exemptions:
            if exemption.covers(rule.id, resource.urn):
                args.not_applicable(f"exempt: {exemption.reason}")
        _answer(judge_resource(rule, resource, settings), report)

    return pulumi.ResourceValidationPolicy(validate=validate, **_described(rule))


def _stack_policy(rule: StackRule) -> pulumi.StackValidationPolicy:
    def validate(args: pulumi.StackValidationArgs, report: Report) -> None:
        resources = [_resource(resource) for resource in args.resources]
        _answer(judge_stack(rule, resources, settings_from(rule.id, args.get_config())), report)

    return pulumi.StackValidationPolicy(validate=validate, **_described(rule))


def _described(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.id,
        "description": rule.title,
        "enforcement_level": _LEVELS[rule.level],
        "config_schema": pulumi.PolicyConfigSchema(properties={"exempt": _EXEMPT, **_OWN_SETTINGS.get(rule.id, {})}),
    }


def _answer(found: Sequence[Violation], report: Report) -> None:
    """Report what is broken, and only then that something could not be checked: the server keeps both."""
    for violation in found:
        if violation.level is not Level.COULD_NOT_TELL:
            report(f"{violation.message.rstrip('.')}. {violation.fix}", violation.urn or None)
    doubts = [violation for violation in found if violation.level is Level.COULD_NOT_TELL]
    if doubts:
        raise Undecided(doubts)


def _resource(args: pulumi.ResourceValidationArgs | pulumi.PolicyResource) -> Resource:
    return Resource(
        type=args.resource_type,
        name=args.name,
        urn=args.urn,
        properties=_known(args.props),
        protect=bool(args.opts.protect),
    )


def _known(value: Any) -> Any:
    """Copy a proxied value into plain ones. The proxies raise on an unknown instead of returning it."""
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_item(value, index) for index in range(len(value))]
    return value


def _item(holder: Any, key: Any) -> Any:
    try:
        return _known(holder[key])
    except UnknownValueError:
        return UNKNOWN


def _name(urn: str) -> str:
    return f"{urn.rsplit('::', 1)[-1]}: " if urn else ""
