"""Property values of the provider protocol, to plain Python and back. Unknowns stay told apart.

The SDK (3.272.0) hands unknowns on as the sentinel strings of the wire, and can't write `PropertyValue.computed()`.
"""

from collections.abc import Mapping
from typing import Any, Final, final

from pulumi.provider.experimental.property_value import Computed, PropertyValue
from pulumi.runtime import rpc

from components.unknowns import UNKNOWN_STRINGS


@final
class Unknown:
    """The type of `UNKNOWN`, a value that is only known once something else exists."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Read as what it is."""
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


def read(values: Mapping[str, PropertyValue]) -> dict[str, Any]:
    """Return an object as plain Python. Secret marks are dropped: who asks must know what is secret."""
    return {key: _plain(item) for key, item in values.items()}


def _plain(item: PropertyValue) -> Any:
    value = item.value
    if isinstance(value, Computed) or (isinstance(value, str) and value in UNKNOWN_STRINGS):
        return UNKNOWN
    if isinstance(value, Mapping):
        return read(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value


def write(values: Mapping[str, Any]) -> dict[str, PropertyValue]:
    """Return a plain object as property values."""
    return {key: _property(value) for key, value in values.items()}


def _property(value: Any) -> PropertyValue:
    if value is UNKNOWN:
        return PropertyValue(rpc.UNKNOWN)
    if isinstance(value, Mapping):
        return PropertyValue(write(value))
    if isinstance(value, list | tuple):
        return PropertyValue([_property(one) for one in value])
    return PropertyValue(value)


def contains_unknown(value: Any) -> bool:
    """Tell whether an unknown is anywhere in `value`."""
    if isinstance(value, Mapping):
        return any(contains_unknown(item) for item in value.values())
    return value is UNKNOWN or (isinstance(value, list) and any(contains_unknown(item) for item in value))


def path(root: str, *steps: str | int) -> str:
    """Return a property path as Pulumi writes it: `tags[0]`, `sources["linux/arm64"]`."""
    for step in steps:
        if isinstance(step, int):
            root += f"[{step}]"
        elif step.isidentifier():
            root += f".{step}" if root else step
        else:
            root += f'["{step}"]'
    return root
