"""The components' schema: what a program passes to a component, held to it; and a value of each type in it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
SCHEMA: Any = json.loads((ROOT / "tests/golden/components.schema.json").read_text(encoding="utf-8"))
PREFIX = f"{SCHEMA['name']}:index:"
_SHAPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}


def component(name: str) -> Any:
    """Give a component's entry."""
    return SCHEMA["resources"][f"{PREFIX}{name}"]


def named(one: Mapping[str, Any]) -> Any:
    """Give the schema's own type that a property refers to; None for every other property."""
    place, _, token = one.get("$ref", "").partition("#/types/")
    return SCHEMA["types"][token] if token and not place else None


def problems(name: str, inputs: Mapping[str, Any]) -> list[str]:
    """Say what is wrong with a component's arguments: unknown and missing keys, and values of another type."""
    found = component(name)
    return list(_object(found["inputProperties"], found.get("requiredInputs", []), inputs, name))


def _object(known: Mapping[str, Any], required: list[str], value: Mapping[str, Any], path: str) -> Iterator[str]:
    yield from (f"{path}.{key}: missing" for key in required if key not in value)
    for key, item in value.items():
        if key in known:
            yield from _property(known[key], item, f"{path}.{key}")
        else:
            yield f"{path}.{key}: unknown"


def _property(one: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    inner = named(one)
    if inner is not None and "enum" in inner:
        choices = [choice["value"] for choice in inner["enum"]]
        yield from [] if value in choices else [f"{path}: {value!r} is none of {choices}"]
    elif (shape := (inner or one).get("type")) is None:
        return  # any value, or a resource of another package
    elif not _is_a(shape, value):
        yield f"{path}: {value!r} is no {shape}"
    elif inner is not None:
        yield from _object(inner["properties"], inner.get("required", []), value, path)
    else:
        yield from _inside(one, value, path)


def _is_a(shape: str, value: Any) -> bool:
    return isinstance(value, _SHAPES[shape]) and (shape == "boolean" or not isinstance(value, bool))


def _inside(one: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _property(one["items"], item, f"{path}[{number}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _property(one["additionalProperties"], item, f"{path}.{key}")


def sample(one: Mapping[str, Any]) -> Any:
    """Give a value of a property's type: what stands in for an output, or for what a user configures."""
    shape = one["type"]
    if shape == "array":
        return [sample(one["items"])]
    values = {"string": "text", "boolean": True, "integer": 1, "number": 1.5, "object": {}}
    return values[shape]
