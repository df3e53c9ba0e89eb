"""From digest files and batch files to requests. Every error names file and key."""

from __future__ import annotations

import json
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

from archmerge.errors import MismatchError, MissingError, UsageError
from archmerge.inputs import template_sources
from archmerge.platforms import Platform, parse_platform
from archmerge.reference import parse_digest, parse_reference
from archmerge.request import MergeRequest, Source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_DIGEST_KEYS = {"platform", "image", "digest", "annotations"}
_SOURCE_KEYS = {"image", "platform", "digest", "annotations"}
_BATCH_KEYS = {"target", "tags", "sources", "from", "template", "platforms", "annotations", "type"}
_BATCH_MAX = 10_000


def digest_sources(names: Sequence[str], platforms: Sequence[str]) -> list[Source]:
    """Return sources from digest files, the build jobs' artifacts; with `platforms`, exactly these are expected."""
    sources = []
    for name in expand_files(names):
        document = _load(name)
        listed = document if isinstance(document, list) else [document]
        sources += [_source(item, str(name), _DIGEST_KEYS, needed=("platform", "image", "digest")) for item in listed]
    if platforms:
        _expect([parse_platform(p) for p in platforms], [parse_platform(s.platform or "") for s in sources], names)
    return sources


def expand_files(names: Sequence[str]) -> list[Path]:
    """Return the files, expanding a pattern that the shell left as it was. MissingError when nothing is there."""
    files: list[Path] = []
    for name in names:
        path = Path(name)
        if not path.exists() and any(char in name for char in "*?["):
            files += map(Path, sorted(glob(name)))
        else:
            files.append(path)
    absent = [str(path) for path in files if not path.is_file()]
    if absent or not files:
        raise MissingError(
            f"no such digest file: {', '.join(absent or names)}",
            fix="in GitLab CI, a job gets the build jobs' artifacts only with `needs:` or `dependencies:` on them",
        )
    return files


def read_batch(name: str) -> list[MergeRequest]:
    """All requests of a batch file: a JSON array of objects, or one object per line."""
    path = Path(name)
    try:
        text = path.read_text("utf-8")
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
    _check_keys(entry, _BATCH_KEYS, ("target",), where)
    ways = [key for key in ("sources", "from", "template") if key in entry]
    if len(ways) != 1:
        raise UsageError(f"{where}: needs exactly one of 'sources', 'from' and 'template', has {ways or 'none'}")
    platforms = _strings(entry, "platforms", where)
    if ways == ["template"]:
        sources = template_sources(_string(entry, "template", where), platforms)
    elif ways == ["from"]:
        sources = digest_sources(_strings(entry, "from", where), platforms)
    else:
        listed = entry["sources"] if isinstance(entry["sources"], list) else [None]
        sources = [
            _source(item, f"{where}.sources[{i}]", _SOURCE_KEYS, needed=("image",)) for i, item in enumerate(listed)
        ]
    return MergeRequest(
        target=_string(entry, "target", where),
        sources=sources,
        tags=_strings(entry, "tags", where),
        kind=_string(entry, "type", where) if "type" in entry else "oci",
        annotations=_string_map(entry, where),
    )


def _source(entry: Any, where: str, keys: set[str], needed: tuple[str, ...]) -> Source:
    _check_keys(entry, keys, needed, where)
    reference = _string(entry, "image", where)
    if "digest" in entry:
        digest = parse_digest(_string(entry, "digest", where), f"{where}: digest")
        reference = str(parse_reference(reference)._replace(tag=None, digest=digest))
    platform = _string(entry, "platform", where) if "platform" in entry else None
    if platform:
        parse_platform(platform)
    return Source(reference, platform, _string_map(entry, where))


def _expect(wanted: list[Platform], held: list[Platform], names: Sequence[str]) -> None:
    want, have = {p.normalised for p in wanted}, {p.normalised for p in held}
    if want - have:
        raise MissingError(
            f"no digest for {', '.join(sorted(map(str, want - have)))} in {', '.join(names)}",
            fix="that build did not run, or its artifact did not arrive (`needs:`)",
        )
    if have - want:
        raise MismatchError(f"digests for {', '.join(sorted(map(str, have - want)))} are there, but not in --platforms")


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"{path}: can't be read as JSON: {error}",
            fix='it must read like {"platform": "linux/arm64", "image": "host/repo", "digest": "sha256:…"}',
        ) from None


def _check_keys(entry: Any, keys: set[str], needed: tuple[str, ...], where: str) -> None:
    if not isinstance(entry, dict):
        raise UsageError(f"{where}: expected a JSON object, got {type(entry).__name__}")
    if unknown := sorted(set(entry) - keys):
        raise UsageError(f"{where}: unknown key {unknown[0]!r}", fix=f"the keys are {', '.join(sorted(keys))}")
    if absent := [key for key in needed if key not in entry]:
        raise UsageError(f"{where}: {absent[0]!r} is missing")


def _string(entry: dict[str, Any], key: str, where: str) -> str:
    if not isinstance(entry[key], str) or not entry[key]:
        raise UsageError(f"{where}: {key!r} must be a string, and not empty")
    return str(entry[key])


def _strings(entry: dict[str, Any], key: str, where: str) -> list[str]:
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"{where}: {key!r} must be a list of strings")
    return value


def _string_map(entry: dict[str, Any], where: str) -> dict[str, str]:
    value = entry.get("annotations", {})
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise UsageError(f"{where}: 'annotations' must map strings to strings")
    return value
