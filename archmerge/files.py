"""From options and batch files to requests. Every error names the option, or file and key."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from archmerge.built import check_keys, digest_sources, read_source
from archmerge.errors import MissingError, UsageError
from archmerge.platforms import parse_platform
from archmerge.reference import expand_template, parse_reference, parse_target
from archmerge.request import MergeRequest, Source

_BATCH_KEYS = {
    **dict.fromkeys(("target", "template", "type"), str),
    **dict.fromkeys(("tags", "from", "platforms"), list),
    "annotations": dict,
    "sources": object,
}
_BATCH_MAX = 10_000


def split_commas(values: Iterable[str]) -> list[str]:
    """Split repeated, comma-separated options as manifest-tool does.

    >>> split_commas(["latest,1.2", "1"])
    ['latest', '1.2', '1']
    """
    return [item.strip() for value in values for item in value.split(",") if item.strip()]


def pairs(values: Iterable[str], option: str) -> dict[str, str]:
    """Read KEY=VALUE options; a value may hold '=' (manifest-tool refuses it)."""
    found = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not equals or not key:
            raise UsageError(f"{option} {value!r} is not of the form KEY=VALUE")
        found[key] = text
    return found


def template_sources(template: str, platforms: Sequence[str]) -> list[Source]:
    """One source per platform, as `manifest-tool push from-args` makes them."""
    if not platforms:
        raise UsageError("--template needs --platforms", fix="for example --platforms linux/amd64,linux/arm64")
    if len(platforms) > 1 and not any(word in template for word in ("ARCH", "OS", "VARIANT")):
        raise UsageError(
            f"template {template!r} holds none of ARCH, OS, VARIANT: every platform would be the same image",
            fix="write for example HOST/app-ARCH:TAG",
        )
    return [Source(expand_template(template, parse_platform(text)), text) for text in platforms]


def read_batch(name: str) -> list[MergeRequest]:
    """All requests of a batch file: a JSON array of objects, or one object per line."""
    try:
        with open(name, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise MissingError(f"batch file {name}: {error}") from None
    try:
        lines = [line for line in text.splitlines() if line.strip()]
        listed = json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in lines]
    except (ValueError, RecursionError) as error:
        raise UsageError(f"batch file {name}: neither a JSON array nor one JSON object per line: {error}") from None
    if not 0 < len(listed) <= _BATCH_MAX:
        raise UsageError(f"batch file {name}: holds {len(listed)} merges; 1 to {_BATCH_MAX} can be done at once")
    requests = [_batch_entry(entry, f"{name}[{number}]") for number, entry in enumerate(listed)]
    seen: dict[str, int] = {}
    for number, request in enumerate(requests):
        target = parse_reference(request.target)
        for tag in {target.tag or "latest", *request.tags}:
            place = f"{target.name}:{tag}"
            if place in seen:
                raise UsageError(f"{name}[{number}]: {place} is written by {name}[{seen[place]}] too; which one wins?")
            seen[place] = number
    return requests


def _batch_entry(entry: Any, where: str) -> MergeRequest:
    check_keys(entry, _BATCH_KEYS, ("target",), where)
    ways = [key for key in ("sources", "from", "template") if key in entry]
    if len(ways) != 1:
        raise UsageError(f"{where}: needs exactly one of 'sources', 'from' and 'template', has {ways or 'none'}")
    platforms = entry.get("platforms", [])
    if ways == ["template"]:
        sources = template_sources(entry["template"], platforms)
    elif ways == ["from"]:
        sources = digest_sources(entry["from"], platforms, parse_target(entry["target"]).name)
    else:
        listed = entry["sources"] if isinstance(entry["sources"], list) else [None]
        sources = [read_source(item, f"{where}.sources[{i}]", needed=("image",)) for i, item in enumerate(listed)]
    return MergeRequest(
        entry["target"],
        sources,
        tags=entry.get("tags", []),
        kind=entry.get("type", "oci"),
        annotations=entry.get("annotations", {}),
        platforms=platforms if ways == ["from"] else (),
    )
