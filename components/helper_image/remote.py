"""What is done in registries for a MultiArchImage: publish it, look at it, remove it. All waiting happens here.

Each function raises an ArchmergeError that says what to do; an answer that was not understood is never an answer.
"""

from archmerge import (
    MergeRequest,
    MismatchError,
    RefusedError,
    Source,
    UnknownError,
    merge,
    parse_platform,
)
from archmerge.inspection import verify
from archmerge.manifests import Manifest
from archmerge.registry import Registry
from archmerge.verdicts import NO, YES
from components.helper_image.credentials import ImageSession
from components.helper_image.inputs import ImageInputs
from components.helper_image.state import Found

TIME_LIMIT = 1800.0
"""Seconds for one operation, unless the resource's `customTimeouts` say otherwise: layers may have to be copied."""

_OK, _UNAUTHORIZED = 200, 401


def publish(inputs: ImageInputs, seconds: float = TIME_LIMIT) -> Found:
    """Merge the sources, verify what was published by reading it back, and return what is there now."""
    with ImageSession(inputs, seconds) as session:
        sources = [Source(reference, platform) for platform, reference in inputs.sources.items()]
        result = merge(MergeRequest(str(inputs.target), sources, inputs.tags), session)
        wanted = [parse_platform(name) for name in inputs.sources]
        _, checks = verify(result.reference, wanted, session)
        if failed := [check for check in checks if check.answer != YES]:
            kind = MismatchError if any(check.answer == NO for check in failed) else UnknownError
            lines = "\n  ".join(f"{check.claim}: {check.answer}: {check.reason}" for check in failed)
            raise kind(f"{inputs.target} was published as {result.digest}, but reading it back:\n  {lines}")
        found = _look(inputs, session)
    if found is None or found.digest != result.digest:
        now = found.digest if found else "nothing"
        raise MismatchError(
            f"{inputs.target} was published as {result.digest}, and right after it is {now}",
            fix="something else writes this tag too; give each its own tag",
        )
    return found


def look(inputs: ImageInputs, seconds: float = TIME_LIMIT) -> Found | None:
    """Return what the registry holds under the target, or None when the tag is gone for certain."""
    with ImageSession(inputs, seconds) as session:
        return _look(inputs, session)


def _look(inputs: ImageInputs, session: ImageSession) -> Found | None:
    target = inputs.target
    registry = session.registry(target.host)
    registry.auth.want(target.repository, "pull")
    digest = registry.tag_digest(target.repository, target.tag or "latest")
    if digest is None:
        _require_registry(registry, session)
        return None
    tags = {tag: registry.tag_digest(target.repository, tag) for tag in inputs.tags}
    try:
        manifest = registry.manifest(target.repository, digest)
    except MismatchError:
        manifest = None  # an artifact, or something older than manifests: there, and no image of any platform
    return Found(
        digest=digest,
        platforms=_platforms(registry, inputs, manifest) if manifest else {},
        tags={tag: found for tag, found in tags.items() if found},
    )


def _platforms(registry: Registry, inputs: ImageInputs, index: Manifest) -> dict[str, str]:
    """Return the index's images that the repository still has: clean-up jobs delete untagged children (db-backup#575).

    Platforms are spelled as the sources spell them.
    """
    spelled = {parse_platform(name): name for name in inputs.sources}
    platforms = {}
    for entry in index.manifests:
        if entry.is_attestation or entry.platform is None:
            continue
        name = next((spelled[claim] for claim in spelled if claim.claims(entry.platform)), str(entry.platform))
        if registry.has_manifest(inputs.target.repository, entry.digest):
            platforms[name] = str(entry.digest)
    return platforms


def _require_registry(registry: Registry, session: ImageSession) -> None:
    """Tell a tag that is gone from a server that knows no images: a broken proxy, too, answers 404 to everything."""
    status = session.client.request("GET", f"{registry.base}/v2/", {}).status
    if status not in (_OK, _UNAUTHORIZED):
        raise UnknownError(
            f"{registry.host} answers 404 for the tag, and {status} for /v2/: it is not a registry, or does not work",
            fix="could not tell whether the image is gone; repair the registry (or its proxy), then refresh again",
        )


def remove(inputs: ImageInputs, digest: str, seconds: float = TIME_LIMIT) -> None:
    """Remove the tags that still have `digest`; others' tags stay, and so do the images of single platforms.

    Where a registry can't delete a tag by itself (distribution 2.8), the index goes with it, if no other tag has it.
    """
    target = inputs.target
    with ImageSession(inputs, seconds) as session:
        registry = session.registry(target.host)
        registry.auth.want(target.repository, "pull", "push", "delete")
        own = (target.tag or "latest", *inputs.tags)
        mine = [tag for tag in own if registry.tag_digest(target.repository, tag) == digest]
        if all(registry.delete(target.repository, tag) for tag in mine):
            return
        tags = registry.tags(target.repository)
        others = [t for t in tags if t not in own and registry.tag_digest(target.repository, t) == digest]
        if others:
            raise RefusedError(
                f"{target}: this registry cannot delete single tags, and the image is also {', '.join(others[:5])}",
                fix="delete those tags first, or keep the image: set deleteRemote to false and update, then destroy",
            )
        if not registry.delete(target.repository, digest):
            raise RefusedError(
                f"{target.name}@{digest}: the registry deletes neither tags nor manifests",
                fix="allow deleting there, or keep the image: set deleteRemote to false and update, then destroy",
            )
