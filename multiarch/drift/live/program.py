"""What the program says should be there: Kubernetes objects and Helm releases of a plan, with their URNs. Pure.

A plan is made without a deployment. A secret in it is a placeholder, and what a cloud would have answered is made up:
neither is ever compared. Where Pulumi's state knows the real answer, that takes its place.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from components.runner.values import token_checksum
from multiarch.drift.live.difference import SECRET
from multiarch.drift.live.request import StateResource
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.model.providers.values import UNKNOWN, SecretValue, join, plain, secret_strings

RELEASE_TYPE: Final = "kubernetes:helm.sh/v3:Release"
_KUBERNETES: Final = "kubernetes:"
_SHORTEST: Final = 12
"""Letters that a made-up answer must have to be recognised inside other text: a digest, an ARN, a token."""
_PUBLISHED: Final = ("publishedDigest",)

StandIns = Mapping[str, str | None]
"""Text that a rehearsal made up, to the real one; None where only a deployment knows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedObject:
    """A Kubernetes object that the program owns."""

    urn: str
    manifest: Mapping[str, Any]
    """With `SECRET` and `UNKNOWN` where nothing is compared."""
    unclear: str = ""
    """Why it can't be looked up."""
    ignored: tuple[str, ...] = ()
    """Property paths that the program itself tells Pulumi to ignore (`ignoreChanges`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedRelease:
    """A Helm release that the program owns."""

    urn: str
    name: str
    namespace: str
    chart: str
    version: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    """With `SECRET` and `UNKNOWN` where nothing is compared."""
    raw_values: Mapping[str, Any] = field(default_factory=dict)
    """Made-up text included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """All that the program wants of a cluster."""

    plan: Plan
    objects: tuple[WantedObject, ...] = ()
    releases: tuple[WantedRelease, ...] = ()
    stand_ins: StandIns = field(default_factory=dict)


def program_of(plan: Plan, state: Sequence[StateResource] | None = None) -> Program:
    """Read a plan. `state` is what Pulumi remembers, where that could be had."""
    known = {resource.urn: resource for resource in state or ()}
    stand_ins = _stand_ins(plan, known)
    objects, releases = [], []
    for resource in plan.resources:
        if not resource.custom or not resource.type.startswith(_KUBERNETES):
            continue
        inputs = settled(resource.inputs, stand_ins)
        if resource.type == RELEASE_TYPE:
            releases.append(_release(resource, inputs))
        else:
            objects.append(_object(resource, inputs, known.get(resource.urn)))
    return Program(plan=plan, objects=tuple(objects), releases=tuple(releases), stand_ins=stand_ins)


def settled(value: Any, stand_ins: StandIns) -> Any:
    """Return a value of a plan for comparison: secrets masked, the made-up real where known and else unknown."""
    if isinstance(value, SecretValue):
        inner = value.value
        return dict.fromkeys(inner, SECRET) if isinstance(inner, Mapping) else SECRET
    if isinstance(value, Mapping):
        return {key: settled(item, stand_ins) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [settled(item, stand_ins) for item in value]
    return _settled_text(value, stand_ins) if isinstance(value, str) else value


def _settled_text(text: str, stand_ins: StandIns) -> Any:
    for made_up, real in stand_ins.items():
        if made_up in text:
            if real is None:
                return UNKNOWN
            text = text.replace(made_up, real)
    return text


def unknown_paths(value: Any, path: str = "") -> Iterator[str]:
    """Yield where a value is not compared because only a deployment knows it."""
    if value is UNKNOWN:
        yield path
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from unknown_paths(item, join(path, str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from unknown_paths(item, join(path, index))


def _stand_ins(plan: Plan, state: Mapping[str, StateResource]) -> dict[str, str | None]:
    """Collect what the rehearsal made up and Kubernetes objects were computed from."""
    found: dict[str, str | None] = {}
    used = {
        urn
        for resource in plan.resources
        if resource.type.startswith(_KUBERNETES)
        for urns in resource.property_dependencies.values()
        for urn in urns
    }
    for resource in plan.resources:
        # A token's checksum tells nothing of the token, and everything of whether it is the placeholder's.
        for token in (*secret_strings(resource.inputs), *secret_strings(resource.outputs)):
            found[token_checksum(token)] = None
        if resource.urn in used and resource.custom and not resource.type.startswith(_KUBERNETES):
            real = state[resource.urn].outputs if resource.urn in state else {}
            found |= _made_up(resource, real)
    return found


def _made_up(resource: PlannedResource, real: Mapping[str, Any]) -> dict[str, str | None]:
    stated = {text for _, text in _texts(plain(resource.inputs))}
    answers = dict(_texts(real))
    found: dict[str, str | None] = {}
    # What was published comes last: that is what a program passes on, whatever a registry holds by now.
    for path, text in sorted(_texts(plain(resource.outputs)), key=lambda one: one[0] == _PUBLISHED):
        if text not in stated and len(text) >= _SHORTEST and answers.get(path) != text:
            found[text] = answers.get(path)
    return found


def _texts(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))


def _release(resource: PlannedResource, inputs: Mapping[str, Any]) -> WantedRelease:
    return WantedRelease(
        urn=resource.urn,
        name=str(inputs.get("name") or resource.name),
        namespace=str(inputs.get("namespace") or "default"),
        chart=str(inputs.get("chart") or ""),
        version=str(inputs.get("version") or ""),
        values=inputs.get("values") or {},
        raw_values=plain(resource.inputs).get("values") or {},
    )


def _object(resource: PlannedResource, inputs: Mapping[str, Any], state: StateResource | None) -> WantedObject:
    wanted = WantedObject(urn=resource.urn, manifest=inputs, ignored=resource.ignore_changes)
    if "kind" not in inputs or "apiVersion" not in inputs:
        return replace(wanted, unclear=f"a {resource.type} is not a single object")
    metadata = dict(inputs.get("metadata") or {})
    if not isinstance(metadata.get("name"), str) and state is not None and state.id:
        metadata["name"] = state.id.rpartition("/")[2]  # `namespace/name`; Pulumi added random letters to it
    named = replace(wanted, manifest={**inputs, "metadata": metadata})
    if not isinstance(metadata.get("name"), str) or metadata.get("namespace") is UNKNOWN:
        return replace(named, unclear="its name is known only to a deployment, and no state was available")
    return named
