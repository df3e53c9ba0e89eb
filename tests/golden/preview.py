"""A stack's plan as text for a reviewer: every resource, input, option and secret mark, and nothing that varies."""

import difflib
import json
from pathlib import Path
from typing import Any

from multiarch.model.plan import UNKNOWN, Plan, PlannedResource, SecretValue, plan_stack

PROJECT = Path(__file__).resolve().parents[2]
STACKS = ("local", "mirror", "gke", "eks", "aks")
REGENERATE = "python -m tests.golden.regenerate"

OPTIONS = (
    "parent",
    "provider",
    "dependencies",
    "protect",
    "ignore_changes",
    "delete_before_replace",
    "retain_on_delete",
    "aliases",
    "additional_secret_outputs",
    "replace_on_changes",
    "custom_timeouts",
    "deleted_with",
    "import_id",
)


def golden_file(stack: str) -> Path:
    """Give the place of a stack's golden preview."""
    return Path(__file__).parent / f"{stack}.json"


def preview_text(stack: str) -> str:
    """Plan a stack of this repository, and give its golden preview."""
    return as_text(plan_stack(PROJECT, stack))


def as_text(plan: Plan) -> str:
    """Give the plan as JSON: sorted, without seconds, texts of several lines as lists of lines."""
    document = {
        "resources": [_resource(resource, plan) for resource in plan.resources],
        "outputs": _value(plan.outputs),
        "lookups": [{"token": invoke.token, "args": _value(invoke.args)} for invoke in plan.invokes],
        "refusals": [str(refusal) for refusal in plan.refusals],
        "modules": list(plan.modules),
        "notes": list(plan.notes),
    }
    text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)
    return text.replace(str(PROJECT), "<project>") + "\n"


def _resource(resource: PlannedResource, plan: Plan) -> dict[str, Any]:
    shown: dict[str, Any] = {"urn": _short(resource.urn, plan)}
    if resource.version:
        shown["sdk"] = resource.version
    for option in OPTIONS:
        value = getattr(resource, option)
        if value or (option == "delete_before_replace" and value is not None):
            shown[option] = _urns(value, plan)
    if not resource.custom and resource.outputs:
        shown["outputs"] = _value(resource.outputs)
    return shown | {"inputs": _value(resource.inputs)} if resource.inputs else shown


def _short(urn: str, plan: Plan) -> str:
    return urn.removeprefix(f"urn:pulumi:{plan.stack}::{plan.project}::")


def _urns(value: Any, plan: Plan) -> Any:
    if isinstance(value, str):
        return _short(value, plan)
    if isinstance(value, tuple):
        return [_short(item, plan) for item in value]
    return value if isinstance(value, bool) else dict(value)


def _value(value: Any) -> Any:
    if isinstance(value, SecretValue):
        return {"SECRET": _value(value.value)}
    if value is UNKNOWN:
        return "UNKNOWN"
    if isinstance(value, dict):
        return {key: _value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_value(item) for item in value]
    if isinstance(value, str) and "\n" in value:
        return {"LINES": value.split("\n")}
    return value


def difference(stack: str, found: str) -> str:
    """Give a readable diff of the golden preview and what was found; empty when they are the same."""
    path = golden_file(stack)
    wanted = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = difflib.unified_diff(
        wanted.splitlines(), found.splitlines(), f"golden {stack}", f"planned {stack}", lineterm=""
    )
    return "\n".join(lines)
