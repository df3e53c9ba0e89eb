"""What is kept of a MultiArchImage between two updates, and how it differs from what is wanted. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from archmerge import parse_reference
from archmerge.reference import parse_target
from components.helper_image.properties import UNKNOWN, contains_unknown, path

ECHOED: Final = ("target", "sources", "tags", "plainHttp", "deleteRemote")
"""Inputs that the state repeats. Not the credentials: they are no property of the image."""
COMPUTED: Final = ("digest", "publishedDigest", "reference", "platforms", "tagDigests")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a registry holds under a target: nothing here is assumed."""

    digest: str
    platforms: Mapping[str, str]
    """Digest by platform, of the images that are really there."""
    tags: Mapping[str, str]
    """Digest by extra tag; a tag that is not there is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One property that differs. `kind` is add, delete or update."""

    path: str
    kind: str
    replace: bool = False
    drift: bool = False
    """The registry differs from what was published, and not the program from what it was."""


def identity(target: str) -> str:
    """Return a resource's id: its target, host and tag written out."""
    return str(parse_target(target))


def published(values: Mapping[str, Any], found: Found) -> dict[str, Any]:
    """Return the state after a merge that left `found`."""
    name = parse_target(values["target"]).name
    computed = {"publishedDigest": found.digest, "reference": f"{name}@{found.digest}"}
    return {**_echo(values), **computed, **_seen(found)}


def refreshed(state: Mapping[str, Any], found: Found) -> dict[str, Any]:
    """Return the state with what the registry holds now; what was published stays, to tell the two apart."""
    return {**state, **_seen(found)}


def planned(values: Mapping[str, Any], state: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the state that a merge will leave, as far as that is certain without asking anyone.

    The same digests in give the same index out; a tag may lead anywhere by then.
    """
    outputs = {**_echo(values), **dict.fromkeys(COMPUTED, UNKNOWN)}
    pinned = state is not None and not contains_unknown(values) and not _inputs_changed(state, values)
    if pinned and state and all("@" in source for source in values["sources"].values()):
        digest = state["publishedDigest"]
        tags = dict.fromkeys(values.get("tags") or (), digest)
        outputs |= {"digest": digest, "publishedDigest": digest, "tagDigests": tags, "reference": state["reference"]}
    return outputs


def _inputs_changed(state: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    paths = {one.path.split("[")[0] for one in differences(state, values) if not one.drift}
    return bool(paths & {"target", "sources"})


def _echo(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: values[key] for key in ECHOED if values.get(key) is not None}


def _seen(found: Found) -> dict[str, Any]:
    return {"digest": found.digest, "platforms": dict(found.platforms), "tagDigests": dict(found.tags)}


def differences(state: Mapping[str, Any], values: Mapping[str, Any]) -> list[Difference]:
    """Return what differs: first the program from what was published, then the registry from it."""
    found = [*_target(state, values), *_sources(state, values)]
    for key in ("tags", "plainHttp", "deleteRemote"):
        old, new = state.get(key) or None, values.get(key) or None  # empty, false and not given are the same
        if _unordered(old) != _unordered(new):
            found.append(Difference(path=key, kind=_kind(old, new)))
    return [*found, *_drift(state, values)]


def _unordered(value: Any) -> Any:
    return set(value) if isinstance(value, list) else value


def _kind(old: Any, new: Any) -> str:
    return "add" if not old else "delete" if not new else "update"


def _target(state: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Difference]:
    old, new = state.get("target"), values["target"]
    # An unknown target may be the old one; taking that for granted would promise what can't be known.
    if new is UNKNOWN or old is None or identity(old) != identity(new):
        yield Difference(path="target", kind="update", replace=True)


def _sources(state: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Difference]:
    old, new = state.get("sources") or {}, values["sources"]
    if new is UNKNOWN:
        yield Difference(path="sources", kind="update")
        return
    for platform in sorted({*old, *new}):
        before, after = old.get(platform), new.get(platform)
        if not _same_image(before, after):
            yield Difference(path=path("sources", platform), kind=_kind(before, after))


def _same_image(one: Any, other: Any) -> bool:
    """Whether two references lead to the same image: the digest alone decides, where both have one."""
    if not (isinstance(one, str) and isinstance(other, str)):
        return False
    first, second = parse_reference(one), parse_reference(other)
    return first == second or (first.digest is not None and first.digest == second.digest)


def _drift(state: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Difference]:
    wanted = state.get("publishedDigest")
    if state.get("digest") != wanted:
        yield Difference(path="digest", kind="update", drift=True)
    elif isinstance(state.get("sources"), Mapping):
        here = state.get("platforms") or {}
        for platform in sorted(set(state["sources"]) - set(here)):
            yield Difference(path=path("platforms", platform), kind="add", drift=True)
    tags, digests = values.get("tags"), state.get("tagDigests") or {}
    for tag in tags if isinstance(tags, list) else []:
        if tag is not UNKNOWN and tag in (state.get("tags") or ()) and digests.get(tag) != wanted:
            kind = "update" if tag in digests else "add"
            yield Difference(path=path("tagDigests", tag), kind=kind, drift=True)
