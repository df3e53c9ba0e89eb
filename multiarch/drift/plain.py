"""JSON texts to dataclasses, for what drift checks keep and read again."""

import json
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from components.reading import joined

T = TypeVar("T")
FORMER_VERDICTS = {"clean": "yes", "drifted": "no"}
"""What drift called its verdicts before all commands had the same ones."""


class NewerVersionError(ValueError):
    """The text was written by a newer version of this command, which knows what is in it."""


def to_plain(cls: type[T], value: T) -> dict[str, Any]:
    """Return an instance of `cls` as the JSON values that `read_json` makes it of; `schemaVersion` is the caller's."""
    document: dict[str, Any] = TypeAdapter(cls).dump_python(value, mode="json")
    return document


def read_json(cls: type[T], text: str, version: int) -> T:
    """Read a document that has `schemaVersion` as an instance of `cls`; keys that nobody knows are passed over.

    Raises ValueError with the place of the first mistake; NewerVersionError where the document's version is higher.
    """
    try:
        document: Any = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one kind of error for whatever a text may hold
    stated = document.get("schemaVersion")
    if not isinstance(stated, int) or isinstance(stated, bool) or stated < 1:
        raise ValueError("schemaVersion: not a version number")
    if stated > version:
        raise NewerVersionError(f"schemaVersion: {stated}, and this version of multiarch reads up to {version}")
    try:
        return TypeAdapter(cls).validate_json(json.dumps(_renamed(document)), strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False)[0]
        raise ValueError(f"{joined('', *details['loc']) or 'the document'}: {details['msg']}") from None


def _renamed(value: Any) -> Any:
    """Return a document with its verdicts as they are called now."""
    if isinstance(value, list):
        return [_renamed(one) for one in value]
    if not isinstance(value, dict):
        return value
    renamed = {key: _renamed(one) for key, one in value.items()}
    if isinstance(former := renamed.get("verdict"), str):
        renamed["verdict"] = FORMER_VERDICTS.get(former, former)
    return renamed
