"""Bringing blobs into the target repository: mounted where the registry does that, streamed where it doesn't."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from archmerge.errors import CopyForbiddenError, MismatchError, MissingError, WrongContentError
from archmerge.manifests import OCI_INDEX, Descriptor, Manifest, digest_of
from archmerge.registry import Mount, Registry
from archmerge.transport.client import Deadline, Stream
from archmerge.transport.connections import Fault
from archmerge.transport.parallel import Once, gather

if TYPE_CHECKING:
    from archmerge.layout import Layout, Part

TRANSFERS = 4
"""Blobs copied at once: each holds one chunk (256 KiB) in memory, whatever its size."""


class Wanted(NamedTuple):
    """A blob that the target repository must hold, and where it is now."""

    blob: Descriptor
    registry: Registry | Layout
    repository: str


class Target(NamedTuple):
    """The repository that gets the blobs; `once` is the session's."""

    registry: Registry
    repository: str
    once: Once


def bring(place: Target, wanted: Sequence[Wanted], mounts: dict[str, Mount], *, copy: bool) -> int:
    """Copy what was not mounted and isn't there; the bytes copied.

    `mounts` has the answers to the mounts tried before. Raises CopyForbiddenError when something must be copied
    although `copy` is False.
    """
    target, repository = place.registry, place.repository
    pending = [item for item in wanted if not (item.blob.digest in mounts and mounts[item.blob.digest].done)]
    # Base layers are often there already, and some registries (Artifactory) share them without ever mounting.
    looks = [partial(target.has_blob, repository, item.blob.digest) for item in pending]
    there = gather([partial(target.spared, look, otherwise=False) for look in looks])
    missing = [item for item, found in zip(pending, there, strict=True) if not found]
    for item, found in zip(pending, there, strict=True):
        session = mounts[item.blob.digest].session if item.blob.digest in mounts else ""
        if session and (found or not copy):
            target.cancel_upload(repository, session)
    if missing and not copy:
        size = sum(item.blob.size for item in missing)
        raise CopyForbiddenError(
            f"{len(missing)} blobs ({size} bytes) of {missing[0].registry.host}/{missing[0].repository} would have "
            f"to be copied into {target.host}/{repository}, since {_why(missing[0], target, mounts)}",
            fix="leave out --no-copy, or push all architectures into the target's own repository (IMAGE:TAG-amd64)",
        )
    sessions = [mounts[item.blob.digest].session if item.blob.digest in mounts else "" for item in missing]
    gather(
        [
            partial(
                place.once.do,
                ("copy", target.host, repository, item.blob.digest),
                partial(copy_blob, item, target, repository, session),
            )
            for item, session in zip(missing, sessions, strict=True)
        ],
        workers=TRANSFERS,
    )
    return sum(item.blob.size for item in missing)


def copy_blob(item: Wanted, target: Registry, repository: str, session: str = "") -> None:
    """Stream one blob, in bounded memory; begun anew as a whole when either side fails."""
    blob, sessions = item.blob, [session] if session else []

    def once() -> None:
        # A session that a mount was refused with is good for one attempt; after a fault it may be half full.
        if target.dry:
            target.client.trace(f"would copy {blob.digest} ({blob.size} bytes) to {target.base}/v2/{repository}/blobs/")
            return
        place = sessions.pop() if sessions else target.start_upload(repository)
        target.finish_upload(repository, place, blob, lambda: _opened(item, target.client.deadline))

    target.client.attempt(f"copying {blob.digest}", once)


class _SourceFault(Fault):
    """The source failed while the target was being sent to; not to be taken for a fault of the target."""


@contextlib.contextmanager
def _opened(item: Wanted, deadline: Deadline) -> Iterator[Iterator[bytes]]:
    with item.registry.open_blob(item.repository, item.blob.digest) as stream:
        yield _pieces(item, stream, deadline)


def _pieces(item: Wanted, stream: Stream | Part, deadline: Deadline) -> Iterator[bytes]:
    """Read the blob piece by piece; the last is given only when size and digest are right: a wrong blob never ends."""
    blob = item.blob
    algorithm = hashlib.new(blob.digest.partition(":")[0])
    last, size = b"", 0
    while size <= blob.size:
        deadline.cap(1, f"copying {blob.digest}")
        try:
            piece = stream.read()
        except OSError as error:
            raise _SourceFault(f"the source: {type(error).__name__}: {error}") from None
        if not piece:
            break
        algorithm.update(piece)
        size += len(piece)
        if last:
            yield last
        last = piece
    if size != blob.size or algorithm.hexdigest() != blob.digest.partition(":")[2]:
        raise WrongContentError(
            f"{blob.digest}: the source sent other content ({size} bytes of {blob.size})",
            fix="the source registry's storage may be damaged; build and push the image again",
        )
    if last:
        yield last


def _why(item: Wanted, target: Registry, mounts: dict[str, Mount]) -> str:
    if item.registry is not target:
        return "they are on another registry"
    mount = mounts.get(item.blob.digest)
    if mount is None:
        return "they were not mounted"
    said = f"it answered {mount.status}" if mount.status else "it gave no answer"
    return f"the registry declined to mount them ({said})"


_DEPTH = 3
"""Signatures of SBOMs of images, and of these: no further."""


def carry(  # noqa: PLR0913 - from where, what, to where, how
    source: Registry, repository: str, digest: str, target: Target, *, copy: bool, depth: int = _DEPTH
) -> int:
    """Copy what speaks of a manifest, by the list of referrers and by cosign's tags, and return how many that were."""
    count = 0
    for how, version in source.speaking(repository, digest):
        try:
            manifest = source.manifest(repository, version)
        except MissingError:
            if how == "referrer":
                raise
            continue
        _copy(source, repository, manifest, target, version, copy=copy)
        count += 1
        if how == "referrer" and depth > 1:
            count += carry(source, repository, manifest.digest, target, copy=copy, depth=depth - 1)
    return count


def _copy(  # noqa: PLR0913 - from where, what, to where
    source: Registry, repository: str, manifest: Manifest, target: Target, version: str, *, copy: bool
) -> None:
    if manifest.is_index:
        raise MismatchError(
            f"{source.host}/{repository}@{manifest.digest}: an index that speaks of an image can't be carried along",
            fix="leave out --referrers, and sign again after merging",
        )
    registry = target.registry
    mounts: dict[str, Mount] = {}
    if source is registry:
        tasks = [partial(registry.mount, target.repository, blob.digest, repository) for blob in manifest.blobs]
        mounts.update(zip((blob.digest for blob in manifest.blobs), gather(tasks), strict=True))
    bring(target, [Wanted(blob, source, repository) for blob in manifest.blobs], mounts, copy=copy)
    listed = registry.put_manifest(target.repository, version, manifest)
    if manifest.subject and not listed and not registry.dry:
        _list_by_tag(registry, target.repository, manifest)


def _list_by_tag(registry: Registry, repository: str, manifest: Manifest) -> None:
    """Keep the list of referrers under its tag, as the specification has it where the registry keeps none."""
    tag = str(manifest.subject).replace(":", "-")
    try:
        entries = list(registry.manifest(repository, tag).manifests)
    except MissingError:
        entries = []
    if any(entry.digest == manifest.digest for entry in entries):
        return
    more = {"artifactType": manifest.artifact_type}
    size = len(manifest.body)
    entries.append(Descriptor(manifest.media_type, manifest.digest, size, None, manifest.annotations, more=more))
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry.to_json() for entry in entries]}
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    registry.put_manifest(repository, tag, Manifest(body, digest_of(body), OCI_INDEX))
