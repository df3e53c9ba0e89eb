"""A plan: what the unmodified program declared, and what the rehearsal providers answered."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from multiarch.model.providers.base import Refusal
from multiarch.model.providers.values import UNKNOWN, SecretValue

SECRET_KEY = "__secret__"  # noqa: S105 - a JSON key, no secret
UNKNOWN_KEY = "__unknown__"


class PlanError(Exception):
    """The program could not be planned: it crashed, hung, or is not there. The message is the program's last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedResource:
    """One registered resource. Inputs are spelled as they were sent (camelCase), secrets as `SecretValue`."""

    urn: str
    type: str
    """The token, for example `gcp:container/nodePool:NodePool`."""
    name: str
    """The logical name in the program; the physical one is among the inputs."""
    parent: str | None = None
    """URN."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """What the provider answered; for a component, what it passed to `register_outputs`."""
    id: str | None = None
    provider: str | None = None
    """URN of an explicit provider; None means the package's default provider."""
    custom: bool = True
    """False for a component."""
    dependencies: tuple[str, ...] = ()
    """URNs, sorted: explicit `depends_on` and whatever the inputs were computed from."""
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Input key to the URNs it was computed from."""
    protect: bool = False
    ignore_changes: tuple[str, ...] = ()
    delete_before_replace: bool | None = None
    """None leaves it to the provider."""
    retain_on_delete: bool = False
    aliases: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    custom_timeouts: Mapping[str, str] = field(default_factory=dict)
    deleted_with: str | None = None
    import_id: str | None = None
    version: str = ""
    """The provider plugin's version that the SDK asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedInvoke:
    """One lookup the program made while it ran."""

    token: str
    args: Mapping[str, Any]
    result: Mapping[str, Any]
    provider: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything one run of the program declared, parents and dependencies before those that need them."""

    stack: str
    project: str = ""
    resources: tuple[PlannedResource, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """The stack's exports."""
    invokes: tuple[PlannedInvoke, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    """What a provider's API would have refused. Empty for a plan that would go through."""
    complete: bool = True
    """False when a refused lookup stopped the program: resources after it are missing."""
    modules: tuple[str, ...] = ()
    """Provider SDKs that the program imported, for example `pulumi_gcp`."""
    notes: tuple[str, ...] = ()
    """What the reader should know: placeholders used for secrets, the program's own warnings."""
    seconds: float = 0.0
    """From the start of the planning process to its answer, imports included."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds per phase, as the planning process measured them."""


def _encode(value: Any) -> Any:
    if isinstance(value, SecretValue):
        return {SECRET_KEY: _encode(value.value)}
    if value is UNKNOWN:
        return {UNKNOWN_KEY: True}
    if isinstance(value, Mapping):
        return {key: _encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encode(item) for item in value]
    return value


def _decode(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {SECRET_KEY}:
            return SecretValue(_decode(value[SECRET_KEY]))
        if value.keys() == {UNKNOWN_KEY}:
            return UNKNOWN
        return {key: _decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_decode(item) for item in value]
    return value


def _tuples(raw: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {**raw, **{key: tuple(raw[key]) for key in keys if key in raw}}


def _resource_from(raw: Mapping[str, Any]) -> PlannedResource:
    lists = (
        "dependencies",
        "ignore_changes",
        "aliases",
        "additional_secret_outputs",
        "replace_on_changes",
    )
    dependencies = {key: tuple(urns) for key, urns in raw.get("property_dependencies", {}).items()}
    return PlannedResource(**{**_tuples(raw, *lists), "property_dependencies": dependencies})


def _fields(item: Any) -> dict[str, Any]:
    return {entry.name: getattr(item, entry.name) for entry in dataclasses.fields(item)}


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """Give the plan as JSON values. Secrets and unknowns become one-key objects."""
    raw = _fields(plan)
    for key in ("resources", "invokes", "refusals"):
        raw[key] = [_fields(item) for item in raw[key]]
    encoded = _encode(raw)
    assert isinstance(encoded, dict)  # noqa: S101 - narrows Any for mypy; _encode keeps mappings
    return encoded


def plan_from_json(raw: Mapping[str, Any]) -> Plan:
    """Read what `plan_to_json` wrote. Raises KeyError or TypeError when it is something else."""
    decoded = _decode(dict(raw))
    decoded["resources"] = tuple(_resource_from(item) for item in decoded["resources"])
    decoded["invokes"] = tuple(PlannedInvoke(**item) for item in decoded["invokes"])
    decoded["refusals"] = tuple(Refusal(**item) for item in decoded["refusals"])
    return Plan(**_tuples(decoded, "modules", "notes"))
