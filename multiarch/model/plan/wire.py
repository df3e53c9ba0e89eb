"""Pulumi's property values on the wire, to and from Python, keeping secret marks and unknowns.

The SDK's own deserializer drops or rewraps them; the plan must show them. Signatures: pulumi/pulumi
sdk/python/lib/pulumi/runtime/rpc.py.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf import struct_pb2  # type: ignore[import-untyped]  # protobuf ships no types
from pulumi.runtime import rpc

from components.unknowns import UNKNOWN_STRINGS
from multiarch.model.providers.values import UNKNOWN, SecretValue


def _number(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _from_struct(fields: Mapping[str, Any]) -> Any:
    signature = fields[rpc._special_sig_key].string_value if rpc._special_sig_key in fields else None  # noqa: SLF001 - the wire format has no public constant
    if signature is None:
        return {key: from_wire(fields[key]) for key in sorted(fields)}
    if signature == rpc._special_secret_sig:  # noqa: SLF001 - as above
        return SecretValue(from_wire(fields["value"]))
    if signature == rpc._special_output_value_sig:  # noqa: SLF001 - as above
        inner = from_wire(fields["value"]) if "value" in fields else UNKNOWN
        return SecretValue(inner) if "secret" in fields and fields["secret"].bool_value else inner
    if signature == rpc._special_resource_sig:  # noqa: SLF001 - as above
        return {"urn": fields["urn"].string_value, "id": from_wire(fields["id"]) if "id" in fields else None}
    return {key: from_wire(item) for key, item in fields.items() if key != rpc._special_sig_key}  # noqa: SLF001 - as above


def from_wire(value: struct_pb2.Value) -> Any:
    """Read one value. Whole numbers come back as int, as every provider reads them."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value in UNKNOWN_STRINGS else value.string_value
    if kind == "number_value":
        return _number(value.number_value)
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [from_wire(item) for item in value.list_value.values]
    if kind == "struct_value":
        return _from_struct(value.struct_value.fields)
    return None


def struct_from_wire(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Read an object, keys sorted: protobuf maps have no order of their own."""
    return {key: from_wire(struct.fields[key]) for key in sorted(struct.fields)}


def to_wire(value: Any) -> struct_pb2.Value:  # noqa: PLR0911 - one return per kind of the wire format
    """Write one value. Raises TypeError for what JSON can't hold."""
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if value is UNKNOWN:
        return struct_pb2.Value(string_value=rpc.UNKNOWN)
    if isinstance(value, SecretValue):
        mark = struct_pb2.Value(string_value=rpc._special_secret_sig)  # noqa: SLF001 - as above
        fields = {rpc._special_sig_key: mark, "value": to_wire(value.value)}  # noqa: SLF001 - as above
        return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, Mapping):
        return struct_pb2.Value(struct_value=struct_to_wire(value))
    if isinstance(value, list | tuple):
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[to_wire(item) for item in value]))
    raise TypeError(f"A provider answered with {type(value).__name__}, which is not a property value")


def struct_to_wire(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Write an object."""
    return struct_pb2.Struct(fields={key: to_wire(item) for key, item in values.items()})
