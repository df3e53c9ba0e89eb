"""Are the inputs of a resource those its SDK declares? Keys, required keys and value types, at every depth.

Under mocks the SDK checks nothing in a dict literal: a misspelt key goes out as it is, and the real provider
ignores or refuses it. The SDK's own `...Args` classes are the schema that the wheels carry.
"""

import collections.abc
import enum
import functools
import inspect
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
from pulumi import _types

from multiarch.model.providers.base import Refusal
from multiarch.model.providers.values import UNKNOWN, SecretValue, join

SOURCE = "the provider's SDK"
IMPLICIT_KEYS = frozenset({"__internal", "__pulumi_private"})


def args_class(resource: type[Any]) -> type[Any] | None:
    """Find the arguments' class beside the resource: `NodePool` has `NodePoolArgs`, `ConfigMap` `ConfigMapInitArgs`."""
    module = sys.modules[resource.__module__]
    for suffix in ("Args", "InitArgs"):
        found = getattr(module, f"{resource.__name__}{suffix}", None)
        if isinstance(found, type) and _types.is_input_type(found):
            return found
    return None


@functools.cache
def _fields(args: Any) -> Mapping[str, Any]:
    return _types.input_type_types(args)


@functools.cache
def _required(args: Any) -> tuple[str, ...]:
    names = _types.input_type_py_to_pulumi_names(args)
    parameters = inspect.signature(args.__init__).parameters.values()
    needed = (item.name for item in parameters if item.kind is item.KEYWORD_ONLY and item.default is item.empty)
    return tuple(names.get(name, name) for name in needed)


def _refusal(path: str, message: str) -> Refusal:
    return Refusal(resource="", path=path, message=message, source=SOURCE)


def _check_object(args: Any, value: Mapping[str, Any], path: str) -> Iterator[Refusal]:
    fields = _fields(args)
    for key in _required(args):
        if value.get(key) is None:
            yield _refusal(join(path, key), f"Missing required property '{key}' of {args.__name__}")
    for key, item in value.items():
        if key in IMPLICIT_KEYS:
            continue
        if key not in fields:
            close = sorted(fields, key=lambda name: (name.lower() != key.lower(), name))
            hint = f" Did you mean '{close[0]}'?" if close and close[0].lower() == key.lower() else ""
            yield _refusal(join(path, key), f"Unknown property '{key}' of {args.__name__}.{hint}")
        else:
            yield from _check(fields[key], item, join(path, key))


def branches(kind: Any) -> list[Any]:
    """Give what a value may be, without the wrappers that only Python code sees (Awaitable, Output)."""
    if typing.get_origin(kind) not in (typing.Union, types.UnionType):
        return [kind]
    return [
        inner
        for branch in typing.get_args(kind)
        for inner in branches(branch)
        if inner is not type(None) and typing.get_origin(inner) not in (collections.abc.Awaitable, pulumi.Output)
    ]


def _matches_shape(kind: Any, value: Any) -> bool:  # noqa: PLR0911 - one return per kind of type
    origin = typing.get_origin(kind) or kind
    if origin is typing.Literal:
        return value in typing.get_args(kind)
    if not isinstance(origin, type):
        return True
    if issubclass(origin, enum.Enum):
        return isinstance(value, str | int | float)
    if origin is bool:
        return isinstance(value, bool)
    if origin in (int, float):
        whole = origin is float or isinstance(value, int)
        return isinstance(value, int | float) and not isinstance(value, bool) and whole
    if origin is str:
        return isinstance(value, str)
    if origin in (list, collections.abc.Sequence):
        return isinstance(value, list)
    if origin in (dict, collections.abc.Mapping) or _types.is_input_type(origin) or typing.is_typeddict(origin):
        return isinstance(value, Mapping)
    return True


def _check(kind: Any, value: Any, path: str) -> Iterator[Refusal]:
    if isinstance(value, SecretValue):
        value = value.value
    if value is UNKNOWN or value is None or kind is Any:
        return
    fitting = [branch for branch in branches(kind) if _matches_shape(branch, value)]
    if not fitting:
        yield _refusal(path, f"expected {_name(kind)}, got {type(value).__name__}")
        return
    findings = [list(_check_inside(branch, value, path)) for branch in fitting]
    yield from min(findings, key=len)


def _check_inside(kind: Any, value: Any, path: str) -> Iterator[Refusal]:
    if isinstance(kind, type) and _types.is_input_type(kind):
        yield from _check_object(kind, value, path)
        return
    arguments = typing.get_args(kind)
    if isinstance(value, list) and arguments:
        for index, item in enumerate(value):
            yield from _check(arguments[0], item, join(path, index))
    elif isinstance(value, Mapping) and len(arguments) == 2:  # noqa: PLR2004 - Mapping[key, value]
        for key, item in value.items():
            yield from _check(arguments[1], item, join(path, key))


def _name(kind: Any) -> str:
    names: list[str] = []
    for branch in branches(kind):
        literal = typing.get_args(branch) if typing.get_origin(branch) is typing.Literal else ()
        names.extend(repr(item) for item in literal)
        if not literal:
            names.append(getattr(branch, "__name__", str(branch)))
    return " or ".join(names)


def check(resource: type[Any] | None, inputs: Mapping[str, Any]) -> list[Refusal]:
    """Check the inputs of one resource against its SDK class. None, or a class without Args, is refused."""
    args = args_class(resource) if resource is not None else None
    if args is None:
        return [_refusal("", "no imported SDK class declares this type, so its inputs cannot be checked")]
    return list(_check_object(args, inputs, ""))
