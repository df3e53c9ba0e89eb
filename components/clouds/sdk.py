"""Arguments as plain data, in the provider's own spelling, and an SDK's classes: what those refuse, what they become.

The classes of arguments that the SDKs carry are the only schema of a provider at hand. Imports pulumi: only a cloud's
component.py needs it, and the check of what a stack file passes through.
"""

import collections.abc
import inspect
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pulumi
from pulumi import _types  # no public function tells what an SDK's class takes

from components.problems import Problem
from components.reading import joined, kind, shown, unknown

_ONLY_PROGRAMS: Final = (collections.abc.Awaitable, pulumi.Output)
"""What no plain value is."""


def keywords(cls: type, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a class (or a resource with these arguments) is called with. A key that it has not is a KeyError."""
    names = {spelled: name for name, spelled in _types.input_type_py_to_pulumi_names(cls).items()}
    takes = _types.input_type_types(cls)
    return {names[key]: _made(takes[key], value) for key, value in arguments.items()}


def _made(takes: Any, value: Any) -> Any:
    if isinstance(value, Mapping) and (cls := _object(takes)) is not None:
        return cls(**keywords(cls, value))
    if isinstance(value, list) and (inner := _inside(takes)) is not None:
        return [_made(inner, item) for item in value]
    return value


def refused(cls: type, value: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """Yield what an SDK's class would not take, or the provider silently ignore: unknown keys, wrong nesting."""
    takes = _types.input_type_types(cls)
    for key, item in value.items():
        if key in takes:
            yield from _refused(takes[key], item, joined(path, key))
        else:
            yield unknown(path, key, sorted(takes), f"the SDK's {cls.__name__}")


def _refused(takes: Any, value: object, path: str) -> Iterator[Problem]:
    options = _options(takes)
    if (cls := _object(takes)) is not None:
        yield from _refused_object(cls, value, path)
    elif (inner := _inside(takes)) is not None:
        holds: type = dict if _origin(options[0]) is collections.abc.Mapping else list
        if not isinstance(value, holds):
            yield _wrong(path, value, "a mapping" if holds is dict else "a list")
            return
        within = value.items() if isinstance(value, dict) else enumerate(typing.cast("list[object]", value))
        for step, item in within:
            yield from _refused(inner, item, joined(path, step))
    elif not any(_fits(option, value) for option in options):
        yield _wrong(path, value, kind(options[0]()))  # an empty text, a zero, false: of the kind that is wanted


def _refused_object(cls: type, value: object, path: str) -> Iterator[Problem]:
    if not isinstance(value, Mapping):
        yield _wrong(path, value, "a mapping")
        return
    yield from refused(cls, value, path)
    spelled = _types.input_type_py_to_pulumi_names(cls)
    parameters = inspect.signature(cls).parameters.values()
    for key in (spelled[one.name] for one in parameters if one.default is one.empty):
        if key not in value:
            yield Problem(
                path=joined(path, key), found="not set", consequence="the SDK requires it", fix=f"Add `{key}: ...`."
            )


def _wrong(path: str, value: object, wanted: str) -> Problem:
    return Problem(
        path=path,
        found=f"{shown(value)} is {kind(value)}" if value is not None else "empty",
        consequence=f"the SDK takes {wanted}",
        fix=f"Write {wanted}.",
    )


def _options(takes: Any) -> list[Any]:
    """Return what a plain value may be."""
    if typing.get_origin(takes) is not typing.Union:
        return [takes]
    inner = [option for part in typing.get_args(takes) for option in _options(part)]
    return [
        one for one in inner if one is not type(None) and _origin(one) not in {collections.abc.Awaitable, pulumi.Output}
    ]


def _origin(takes: Any) -> Any:
    return typing.get_origin(takes) or takes


def _object(takes: Any) -> type | None:
    return next((one for one in _options(takes) if isinstance(one, type) and _types.is_input_type(one)), None)


def _inside(takes: Any) -> Any:
    """Return what a list's or a mapping's values may be; None where it is neither."""
    held = (collections.abc.Sequence, collections.abc.Mapping)
    return next((typing.get_args(one)[-1] for one in _options(takes) if typing.get_origin(one) in held), None)


def _fits(option: Any, value: object) -> bool:
    if option in {int, float}:
        return isinstance(value, int | option) and not isinstance(value, bool)
    return isinstance(value, option) or (isinstance(value, str) and issubclass(option, str))
