"""What build tools leave behind, read as sources (`push --from`), and batches of merges. Errors name file and key.

Digest files of this project's build jobs, buildx's --metadata-file, kaniko's --digest-file and
--image-name-with-digest-file, specs of manifest-tool, and OCI layouts: each is told by its content.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from glob import glob
from typing import Any

from archmerge.errors import ArchmergeError, MissingError, UsageError
from archmerge.layout import Layout
from archmerge.manifests import SIZE_LIMIT
from archmerge.platforms import expect, parse_platform
from archmerge.reference import ON_DISK, is_digest, parse_digest, parse_reference, parse_target
from archmerge.request import MergeRequest, Source, template_sources

_BLOCK = 512
_BUILDX_DIGEST, _BUILDX_NAME = "containerimage.digest", "image.name"
_KINDS = (
    'known are JSON like {"platform": "linux/arm64", "image": "host/repo", "digest": "sha256:…"}, buildx\'s '
    "--metadata-file, kaniko's --digest-file and --image-name-with-digest-file, manifest-tool's YAML, and OCI layouts"
)
_BATCH_KEYS = {
    **dict.fromkeys(("target", "template", "type"), str),
    **dict.fromkeys(("tags", "from", "platforms"), list),
    "annotations": dict,
    "sources": object,
}
_BATCH_MAX = 10_000
_SOURCE_KEYS = {"image": str, "platform": str, "digest": str, "annotations": dict}
_MUST: dict[type, str] = {
    str: "be a string, and not empty",
    list: "be a list of strings",
    dict: "map strings to strings",
}


def digest_sources(names: Sequence[str], platforms: Sequence[str], repository: str) -> list[Source]:
    """Return the sources that files name, each told by its content; as in `linux/arm64=FILE`, if need be.

    With `platforms`, exactly these are expected. `repository` is where images are whose file names a digest alone.
    """
    sources: list[Source] = []
    for name in names:
        claim, path = _claimed(name)
        for file in _expanded(path):
            found = _sources_of(file, repository)
            sources += [source._replace(platform=claim or source.platform) for source in found]
    if platforms and all(source.platform for source in sources):
        held = [parse_platform(source.platform or "") for source in sources]
        expect([parse_platform(text) for text in platforms], held, ", ".join(names))
    return sources


def _claimed(name: str) -> tuple[str | None, str]:
    """Take a platform off that stands before a file's name; a file that is there with a `=` in its name is a file."""
    claim, equals, path = name.partition("=")
    if not equals or os.path.exists(name):
        return None, name
    try:
        return str(parse_platform(claim)), path
    except UsageError:
        return None, name


def _expanded(name: str) -> list[str]:
    """Return the files, expanding a pattern that the shell left as it was. MissingError when nothing is there."""
    if files := [name] if os.path.exists(name) else sorted(glob(name)):
        return files
    raise MissingError(
        f"no such digest file: {name}",
        fix="in GitLab CI, a job gets the build jobs' artifacts only with `needs:` or `dependencies:` on them",
    )


def _sources_of(name: str, repository: str) -> list[Source]:
    if os.path.isdir(name) or _is_tar(name):
        return Layout(ON_DISK + os.path.abspath(name)).sources()
    text = _text(name)
    lines = text.split()
    if text.lstrip()[:1] in ("{", "["):
        return _from_json(text, name, repository)
    if lines and all(is_digest(line) for line in lines):
        return [Source(f"{repository}@{line}") for line in dict.fromkeys(lines)]
    if lines and all("@sha" in line for line in lines):
        return _from_references(lines, name)
    return list(read_spec(name).sources)


def _is_tar(name: str) -> bool:
    with open(name, "rb") as file:
        return file.read(_BLOCK)[257:262] == b"ustar"


def _text(name: str) -> str:
    try:
        with open(name, encoding="utf-8") as file:
            return file.read(SIZE_LIMIT)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{name}: can't be read: {error}", fix=_KINDS) from None


def _from_json(text: str, name: str, repository: str) -> list[Source]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name}: can't be read as JSON: {error}", fix=_KINDS) from None
    if isinstance(document, dict):
        # buildx writes one object for a build, and one of these by name for a bake.
        builds = [document, *(value for value in document.values() if isinstance(value, dict))]
        if built := [build for build in builds if _BUILDX_DIGEST in build]:
            return [_from_buildx(build, name, repository) for build in built]
    listed = document if isinstance(document, list) else [document]
    return [read_source(item, name, needed=("platform", "image", "digest")) for item in listed]


def _from_buildx(build: Mapping[str, Any], name: str, repository: str) -> Source:
    digest = parse_digest(str(build[_BUILDX_DIGEST]), f"{name}: {_BUILDX_DIGEST}")
    named = str(build.get(_BUILDX_NAME) or repository).partition(",")[0].strip()
    descriptor = build.get("containerimage.descriptor")
    platform = descriptor.get("platform") if isinstance(descriptor, dict) else None
    return Source(f"{parse_reference(named).name}@{digest}", _platform(platform, name) if platform else None)


def _from_references(lines: list[str], name: str) -> list[Source]:
    """Read kaniko's lines: one image under each of its destinations."""
    found: dict[str, Source] = {}
    for line in lines:
        try:
            ref = parse_reference(line)
        except ArchmergeError as error:
            raise UsageError(f"{name}: {error.message}", fix=_KINDS) from None
        found.setdefault(ref.version, Source(f"{ref.name}@{ref.digest}"))
    return list(found.values())


def read_spec(name: str) -> MergeRequest:
    """Read a spec of manifest-tool: YAML with `image`, `tags`, and `manifests` of `image` and `platform`."""
    try:
        import yaml  # 20 ms, where somebody has such a file
    except ImportError:
        raise UsageError(f"{name}: YAML can't be read here", fix="pip install PyYAML, or write it as JSON") from None
    try:
        document = yaml.safe_load(_text(name))
    except yaml.YAMLError as error:
        raise UsageError(f"{name}: can't be read: {str(error)[:200]}", fix=_KINDS) from None
    if not isinstance(document, dict) or not isinstance(document.get("manifests"), list):
        raise UsageError(f"{name}: is nothing that archmerge knows", fix=_KINDS)
    check_keys(document, {"image": str, "tags": list, "manifests": object}, ("image",), name)
    sources = []
    for number, entry in enumerate(document["manifests"]):
        where = f"{name}: manifests[{number}]"
        check_keys(entry, {"image": str, "platform": object}, ("image",), where)
        sources.append(Source(entry["image"], _platform(entry["platform"], where) if entry.get("platform") else None))
    return MergeRequest(document["image"], sources, document.get("tags", []))


def _platform(value: Any, where: str) -> str | None:
    """Read the object of a platform; None where it names no machine, so that the config is believed."""
    if not isinstance(value, dict):
        raise UsageError(f"{where}: 'platform' must be an object")
    words = [str(value.get(key) or "") for key in ("os", "architecture", "variant")]
    if not words[0] or not words[1] or "unknown" in words:
        return None
    return str(parse_platform("/".join(filter(None, words))))


def read_source(entry: Any, where: str, needed: Sequence[str]) -> Source:
    """Read one image of a digest or batch file."""
    check_keys(entry, _SOURCE_KEYS, needed, where)
    reference, platform = entry["image"], entry.get("platform")
    if "digest" in entry:
        digest = parse_digest(entry["digest"], f"{where}: digest")
        reference = str(parse_reference(reference)._replace(tag=None, digest=digest))
    if platform:
        parse_platform(platform)
    return Source(reference, platform, entry.get("annotations", {}))


def check_keys(entry: Any, kinds: Mapping[str, type], needed: Sequence[str], where: str) -> None:
    """Refuse what is no object of these keys: strings, lists of strings and maps of strings (`object`: anything)."""
    if not isinstance(entry, dict):
        raise UsageError(f"{where}: expected a JSON object, got {type(entry).__name__}")
    if unknown := sorted(set(entry) - set(kinds)):
        raise UsageError(f"{where}: unknown key {unknown[0]!r}", fix=f"the keys are {', '.join(sorted(kinds))}")
    if absent := [key for key in needed if key not in entry]:
        raise UsageError(f"{where}: {absent[0]!r} is missing")
    for key, value in entry.items():
        kind = kinds[key]
        held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
        if kind is not object and not (
            isinstance(value, kind) and value != "" and all(isinstance(x, str) for x in held)
        ):
            raise UsageError(f"{where}: {key!r} must {_MUST[kind]}")


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
