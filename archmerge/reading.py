"""Keys and values of files that people and jobs write. Every error names file and key."""

from __future__ import annotations

from typing import Any

from archmerge.errors import UsageError
from archmerge.platforms import parse_platform
from archmerge.reference import parse_digest, parse_reference
from archmerge.request import Source

_SOURCE_KEYS = {"image", "platform", "digest", "annotations"}


def read_source(entry: Any, where: str, needed: tuple[str, ...]) -> Source:
    """Read one image of a digest or batch file."""
    check_keys(entry, _SOURCE_KEYS, needed, where)
    reference = string(entry, "image", where)
    if "digest" in entry:
        digest = parse_digest(string(entry, "digest", where), f"{where}: digest")
        reference = str(parse_reference(reference)._replace(tag=None, digest=digest))
    platform = string(entry, "platform", where) if "platform" in entry else None
    if platform:
        parse_platform(platform)
    return Source(reference, platform, string_map(entry, where))


def check_keys(entry: Any, keys: set[str], needed: tuple[str, ...], where: str) -> None:
    """Refuse what is no object of these keys."""
    if not isinstance(entry, dict):
        raise UsageError(f"{where}: expected a JSON object, got {type(entry).__name__}")
    if unknown := sorted(set(entry) - keys):
        raise UsageError(f"{where}: unknown key {unknown[0]!r}", fix=f"the keys are {', '.join(sorted(keys))}")
    if absent := [key for key in needed if key not in entry]:
        raise UsageError(f"{where}: {absent[0]!r} is missing")


def string(entry: dict[str, Any], key: str, where: str) -> str:
    """Return a string that must be there."""
    if not isinstance(entry[key], str) or not entry[key]:
        raise UsageError(f"{where}: {key!r} must be a string, and not empty")
    return str(entry[key])


def strings(entry: dict[str, Any], key: str, where: str) -> list[str]:
    """Return a list of strings."""
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"{where}: {key!r} must be a list of strings")
    return value


def string_map(entry: dict[str, Any], where: str) -> dict[str, str]:
    """Return the annotations."""
    value = entry.get("annotations", {})
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise UsageError(f"{where}: 'annotations' must map strings to strings")
    return value
