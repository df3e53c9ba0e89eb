"""Validating admission policies: what an API server checks of them without compiling their CEL."""

import re
from collections.abc import Iterator
from typing import Any

from multiarch.model.providers.base import Refusal
from multiarch.model.providers.kinds import Inputs, get, items, refusal
from multiarch.model.providers.values import UNKNOWN

SOURCE = "kubernetes/kubernetes pkg/apis/admissionregistration/validation"
REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized")
ACTIONS = ("Audit", "Deny", "Warn")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def policy(inputs: Inputs) -> Iterator[Refusal]:
    """Want something to match, something to validate, and expressions that are there."""
    spec = inputs.get("spec")
    if get(spec, "failurePolicy") not in (None, "Fail", "Ignore", UNKNOWN):
        yield refusal("spec.failurePolicy", f"Unsupported value: {get(spec, 'failurePolicy')!r}", SOURCE)
    if not get(spec, "matchConstraints"):
        yield refusal("spec.matchConstraints", "Required value", SOURCE)
    elif not get(spec, "matchConstraints", "resourceRules"):
        yield refusal("spec.matchConstraints.resourceRules", "Required value", SOURCE)
    if not get(spec, "validations") and not get(spec, "auditAnnotations"):
        message = "Required value: validations or auditAnnotations must contain at least one item"
        yield refusal("spec.validations", message, SOURCE)
    for index, validation in enumerate(items(get(spec, "validations"))):
        yield from _check_validation(validation, f"spec.validations[{index}]")
    for index, variable in enumerate(items(get(spec, "variables"))):
        path, name = f"spec.variables[{index}]", get(variable, "name")
        if isinstance(name, str) and not _IDENTIFIER.fullmatch(name):
            yield refusal(f"{path}.name", f"Invalid value: {name!r}: name is not a valid CEL identifier", SOURCE)
        yield from _check_expression(get(variable, "expression"), f"{path}.expression")


def _check_validation(validation: Any, path: str) -> Iterator[Refusal]:
    yield from _check_expression(get(validation, "expression"), f"{path}.expression")
    reason, message = get(validation, "reason"), get(validation, "message")
    if reason not in (None, *REASONS, UNKNOWN):
        yield refusal(f"{path}.reason", f"Unsupported value: {reason!r}", SOURCE)
    if isinstance(message, str) and ("\n" in message or not message.strip()):
        yield refusal(f"{path}.message", "Invalid value: message must be one line, and not empty", SOURCE)


def _check_expression(expression: Any, path: str) -> Iterator[Refusal]:
    if expression is None or (isinstance(expression, str) and not expression.strip()):
        yield refusal(path, "Required value: expression is not specified", SOURCE)


def binding(inputs: Inputs) -> Iterator[Refusal]:
    """Want a policy's name, and what happens when it says no."""
    spec = inputs.get("spec")
    if not get(spec, "policyName"):
        yield refusal("spec.policyName", "Required value", SOURCE)
    actions = items(get(spec, "validationActions"))
    if not actions and get(spec, "validationActions") is not UNKNOWN:
        yield refusal("spec.validationActions", "Required value", SOURCE)
    for index, action in enumerate(actions):
        if action not in (*ACTIONS, UNKNOWN):
            yield refusal(f"spec.validationActions[{index}]", f"Unsupported value: {action!r}", SOURCE)
    if {"Deny", "Warn"} <= {action for action in actions if isinstance(action, str)}:
        yield refusal("spec.validationActions", "Invalid value: must not contain both Deny and Warn", SOURCE)
