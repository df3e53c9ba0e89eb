"""Plan a stack: run the unmodified program against rehearsal providers, and keep all it declared."""

from ops.rehearse.plan.launch import plan_stack
from ops.rehearse.plan.model import (
    Plan,
    PlanError,
    PlannedInvoke,
    PlannedResource,
    plan_from_json,
    plan_to_json,
)
from ops.rehearse.providers.base import Refusal
from ops.rehearse.providers.values import UNKNOWN, SecretValue, plain

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
