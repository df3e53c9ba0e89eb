"""Plan a stack: run the unmodified program against rehearsal providers, and keep all it declared."""

from multiarch.model.plan.launch import plan_stack
from multiarch.model.plan.model import (
    Plan,
    PlanError,
    PlannedInvoke,
    PlannedResource,
    plan_from_json,
    plan_to_json,
)
from multiarch.model.providers.base import Refusal
from multiarch.model.providers.values import UNKNOWN, SecretValue, plain

__all__ = [
    "UNKNOWN",
    "Plan",
    "PlanError",
    "PlannedInvoke",
    "PlannedResource",
    "Refusal",
    "SecretValue",
    "plain",
    "plan_from_json",
    "plan_stack",
    "plan_to_json",
]
