"""What keys a configuration class has, read off the class: for error messages, the reference and the JSON Schema."""

import types
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, is_dataclass
from enum import Enum
from functools import cache
from typing import Annotated, Any, Final, Literal, NotRequired, Required, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import ConfigDict, TypeAdapter
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from typing_extensions import get_type_hints, is_typeddict

from components.forms import INT32, INT64, Form


def _describe(schema: dict[str, Any], cls: type) -> None:
    """Complete a class's JSON Schema by the descriptions of the keys that it has from its bases."""
    for key in keys(cls):
        entry = schema.get("properties", {}).get(key.name)
        if entry is not None and key.description:
            entry.setdefault("description", key.description)


CONFIG: Final = ConfigDict(
    extra="forbid",
    alias_generator=to_camel,
    populate_by_name=True,
    use_attribute_docstrings=True,
    json_schema_extra=_describe,
)
"""How every configuration class is read: an unknown key is an error, and its docstrings are the reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a configuration class: `name` as the stack file spells it, `field` as Python does."""

    name: str
    field: str
    annotation: Any
    required: bool
    default: Any
    description: str


def keys(cls: type) -> tuple[Key, ...]:
    """Return the keys of a pydantic dataclass or TypedDict, in the order of their definition."""
    if is_typeddict(cls):
        return _typed_keys(cls)
    fields: dict[str, FieldInfo] = getattr(cls, "__pydantic_fields__", {})
    return tuple(
        Key(
            name=info.alias or name,
            field=name,
            annotation=_with_limits(info),
            required=info.is_required(),
            default=None if info.is_required() else _default(info),
            description=_description(cls, name),
        )
        for name, info in fields.items()
    )


def _with_limits(info: FieldInfo) -> Any:
    """Return the annotation with the bounds and forms that pydantic has taken out of it."""
    return Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation


def _description(cls: type, field: str) -> str:
    """Return the docstring under a field, or else that of a base's: pydantic itself reads only the class's own."""
    said = (base.__dict__.get("__pydantic_fields__", {}).get(field) for base in cls.__mro__)
    return " ".join(next((info.description for info in said if info and info.description), "").split())


@cache
def _typed_keys(cls: Any) -> tuple[Key, ...]:
    """Read a TypedDict: its keys are spelled as in the file, and one that is not required has no default."""
    described = TypeAdapter(cls).json_schema().get("properties", {})
    return tuple(
        Key(
            name=name,
            field=name,
            annotation=annotation,
            required=name in cls.__required_keys__,
            default=None,
            description=" ".join(described.get(name, {}).get("description", "").split()),
        )
        for name, annotation in get_type_hints(cls, include_extras=True).items()
    )


def has_keys(part: Any) -> bool:
    """Tell whether a type is a configuration class: one with keys of its own."""
    return is_typeddict(part) or (isinstance(part, type) and is_dataclass(part))


def _default(info: FieldInfo) -> Any:
    default = info.get_default(call_default_factory=True, validated_data={})
    return None if default is MISSING else default


def key_of(cls: type, name: str) -> Key | None:
    """Return the key that a stack file calls `name`, or None."""
    return next((key for key in keys(cls) if key.name == name), None)


_WRAPPERS: Final = (Annotated, Required, NotRequired)


def parts(annotation: Any) -> Iterator[Any]:
    """Yield the members of a union (without None); for anything else, the annotation itself."""
    if get_origin(annotation) in _WRAPPERS:
        yield from parts(get_args(annotation)[0])
    elif get_origin(annotation) in {Union, types.UnionType}:
        for part in get_args(annotation):
            yield from parts(part)
    elif annotation is not type(None):
        yield annotation


def classes(annotation: Any) -> tuple[type, ...]:
    """Return the configuration classes that a key's value, list element or mapping value may be read as."""
    found: list[type] = []
    for part in parts(annotation):
        if has_keys(part):
            found.append(part)
        elif get_origin(part) in {list, dict}:
            found += [cls for inner in get_args(part) for cls in classes(inner)]
    return tuple(found)


def tag(cls: type) -> str | None:
    """Return the value of `type` that picks this class out of several, or None if it has no such key."""
    key = key_of(cls, "type")
    return next(iter(choices(key.annotation)), None) if key else None


def choices(annotation: Any) -> tuple[str, ...]:
    """Return the values of an enum or Literal, or of a list's elements or a mapping's keys; empty if any will do."""
    found: list[str] = []
    for part in parts(annotation):
        if get_origin(part) is Literal:
            found += [str(value) for value in get_args(part)]
        elif isinstance(part, type) and issubclass(part, Enum):
            found += [str(member.value) for member in part]
        elif get_origin(part) in {list, dict}:
            found += choices(get_args(part)[0])
    return tuple(found)


_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def spoken(annotation: Any) -> str:
    """Say in plain English what a value must be: `list of text`, `mapping of text to text`, `whole number`."""
    return " or ".join(dict.fromkeys(_spoken(part) for part in parts(annotation))) or "nothing"


def _spoken(part: Any) -> str:
    origin, inner = get_origin(part), get_args(part)
    if origin is list:
        return f"list of {spoken(inner[0])}"
    if origin is dict:
        return f"mapping of {spoken(inner[0])} to {spoken(inner[1])}"
    if options := choices(part):
        return " or ".join(options) if len(options) < len("ab") + 1 else "one of " + ", ".join(options)
    if has_keys(part):
        return "mapping"
    return _WORDS.get(part, "any value")


_LIMITS: Final[dict[type, str]] = {
    Ge: "at least {0.ge}",
    Gt: "more than {0.gt}",
    Le: "at most {0.le}",
    Lt: "less than {0.lt}",
    MinLen: "at least {0.min_length}",
    MaxLen: "at most {0.max_length}",
    Form: "{0.what}",
}


_WIDTHS: Final = (Le(INT32), Le(INT64))
"""Bounds that nobody meets but by mistake."""


def limits(annotation: Any) -> tuple[str, ...]:
    """Say what else a value must be, or what a list or mapping holds: `at least 1`, `name of a Helm release`."""
    return tuple(dict.fromkeys(_limits(annotation)))


def _limits(annotation: Any) -> Iterator[str]:
    inner = get_args(annotation)
    if get_origin(annotation) is Annotated:
        inner, stated = inner[:1], inner[1:]
        flat = [one for each in stated for one in (each.metadata if isinstance(each, FieldInfo) else [each])]
        yield from (_LIMITS[type(one)].format(one) for one in flat if type(one) in _LIMITS and one not in _WIDTHS)
    elif get_origin(annotation) is Literal:
        return
    for part in inner:
        yield from _limits(part)
