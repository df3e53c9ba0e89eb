"""Bringing blobs into the target repository: mounted where the registry does that, streamed where it doesn't."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from archmerge.errors import CopyForbiddenError, MismatchError, MissingError, WrongContentError
from archmerge.manifests import OCI_INDEX, Descriptor, Manifest, digest_of
from archmerge.registry import Mount, Registry
from archmerge.transport.client import Readable
from archmerge.transport.connections import CHUNK, Fault
from archmerge.transport.parallel import Once, gather

if TYPE_CHECKING:
    from archmerge.layout import Layout

TRANSFERS = 4
"""Blobs copied at once: each holds two chunks (of 256 KiB) in memory, whatever its size."""
_DEPTH = 3
"""Signatures of SBOMs of images, and of these: no further."""


class Blob:
    """A blob that the target repository must hold: where it is now, and what became of its mount, if one was tried."""

    def __init__(self, descriptor: Descriptor, source: Registry | Layout, repository: str) -> None:
        self.descriptor = descriptor
        self.digest, self.size = descriptor.digest, descriptor.size
        self.source = source
        self.repository = repository
        self.mount: Mount | None = None

    @contextlib.contextmanager
    def open(self) -> Iterator[Readable]:
        """Open the content, checked while it is read."""
        with self.source.open_blob(self.repository, self.digest) as stream:
            yield _Checked(self.descriptor, stream)


class Target:
    """The repository that gets the images. `once` is the session's: what merges of a batch share is brought once."""

    def __init__(self, registry: Registry, repository: str, once: Once) -> None:
        self.registry = registry
        self.repository = repository
        self._once = once

    def mount(self, blob: Blob) -> None:
        """Ask for a blob of another repository of this registry."""
        act = partial(self.registry.mount, self.repository, blob.digest, blob.repository)
        blob.mount = self._once.do(("mount", self.registry.host, self.repository, blob.digest), act)

    def put(self, manifest: Manifest) -> None:
        """Store a child's manifest under its digest."""
        act = partial(self.registry.put_manifest, self.repository, manifest.digest, manifest)
        self._once.do(("manifest", self.registry.host, self.repository, manifest.digest), act)

    def bring(self, blobs: Sequence[Blob], *, copy: bool) -> int:
        """Copy what was not mounted and isn't there; the bytes copied.

        Raises CopyForbiddenError when something must be copied although `copy` is False.
        """
        pending = [blob for blob in blobs if not (blob.mount and blob.mount.done)]
        # Base layers are often there already, and some registries (Artifactory) share them without ever mounting.
        looks = [partial(self.registry.has_blob, self.repository, blob.digest) for blob in pending]
        there = gather([partial(self.registry.spared, look, otherwise=False) for look in looks])
        missing = [blob for blob, found in zip(pending, there, strict=True) if not found]
        for blob in pending:
            if blob.mount and blob.mount.session and not (copy and blob in missing):
                self.registry.cancel_upload(self.repository, blob.mount.session)
        size = sum(blob.size for blob in missing)
        if missing and not copy:
            first = missing[0]
            raise CopyForbiddenError(
                f"{len(missing)} blobs ({size} bytes) of {first.source.host}/{first.repository} would have "
                f"to be copied into {self.registry.host}/{self.repository}, since {self._why(first)}",
                fix="leave out --no-copy, or push all architectures into the target's own repository (IMAGE:TAG-amd64)",
            )
        place = ("copy", self.registry.host, self.repository)
        copies = [partial(self._once.do, (*place, blob.digest), partial(self._copy, blob)) for blob in missing]
        gather(copies, workers=TRANSFERS)
        return size

    def _why(self, blob: Blob) -> str:
        if blob.source is not self.registry:
            return "they are on another registry"
        if blob.mount is None:
            return "they were not mounted"
        said = f"it answered {blob.mount.status}" if blob.mount.status else "it gave no answer"
        return f"the registry declined to mount them ({said})"

    def _copy(self, blob: Blob) -> None:
        """Stream one blob, in bounded memory; begun anew as a whole when either side fails."""
        # A session that a mount was refused with is good for one attempt; after a fault it may be half full.
        registry, sessions = self.registry, [blob.mount.session] if blob.mount and blob.mount.session else []

        def once() -> None:
            place = sessions.pop() if sessions else registry.start_upload(self.repository)
            registry.finish_upload(self.repository, place, blob.descriptor, blob.open)

        if registry.dry:
            place = f"{registry.base}/v2/{self.repository}/blobs/"
            registry.client.trace(f"would copy {blob.digest} ({blob.size} bytes) to {place}")
        else:
            registry.client.attempt(f"copying {blob.digest}", once)

    def carry(self, source: Registry, repository: str, digest: str, *, copy: bool, depth: int = _DEPTH) -> int:
        """Copy what speaks of a manifest, by the list of referrers and by cosign's tags; return how many that were."""
        count = 0
        for how, version in source.speaking(repository, digest):
            try:
                manifest = source.manifest(repository, version)
            except MissingError:
                if how == "referrer":
                    raise
                continue
            self._carry_one(source, repository, manifest, version, copy=copy)
            count += 1
            if how == "referrer" and depth > 1:
                count += self.carry(source, repository, manifest.digest, copy=copy, depth=depth - 1)
        return count

    def _carry_one(self, source: Registry, repository: str, manifest: Manifest, version: str, *, copy: bool) -> None:
        if manifest.is_index:
            raise MismatchError(
                f"{source.host}/{repository}@{manifest.digest}: an index that speaks of an image can't be carried",
                fix="leave out --referrers, and sign again after merging",
            )
        blobs = [Blob(descriptor, source, repository) for descriptor in manifest.blobs]
        if source is self.registry:
            gather([partial(self.mount, blob) for blob in blobs])
        self.bring(blobs, copy=copy)
        listed = self.registry.put_manifest(self.repository, version, manifest)
        if manifest.subject and not listed and not self.registry.dry:
            self._list_by_tag(manifest)

    def _list_by_tag(self, manifest: Manifest) -> None:
        """Keep the list of referrers under its tag, as the specification has it where the registry keeps none."""
        tag = str(manifest.subject).replace(":", "-")
        try:
            entries = list(self.registry.manifest(self.repository, tag).manifests)
        except MissingError:
            entries = []
        if any(entry.digest == manifest.digest for entry in entries):
            return
        entries.append(manifest.descriptor._replace(more={"artifactType": manifest.artifact_type}))
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry.to_json() for entry in entries]}
        body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
        self.registry.put_manifest(self.repository, tag, Manifest(body, digest_of(body), OCI_INDEX))


class _SourceFault(Fault):
    """The source failed while the target was being sent to; not to be taken for a fault of the target."""


class _Checked:
    """A blob's content; its last piece is given only when size and digest are right: a wrong blob never ends."""

    def __init__(self, blob: Descriptor, source: Readable) -> None:
        self._blob = blob
        self._source = source
        self._hash = hashlib.new(blob.digest.partition(":")[0])
        self._size = 0
        self._held = self._next()

    def read(self, size: int = CHUNK, /) -> bytes:
        """Return the next bytes."""
        piece, rest = self._held[:size], self._held[size:]
        self._held = rest or self._next()
        return piece

    def _next(self) -> bytes:
        try:
            piece = self._source.read()
        except OSError as error:
            raise _SourceFault(f"the source: {type(error).__name__}: {error}") from None
        self._hash.update(piece)
        self._size += len(piece)
        over = self._size > self._blob.size
        digest = "" if piece else f"{self._hash.name}:{self._hash.hexdigest()}"
        if over or (not piece and (digest, self._size) != (self._blob.digest, self._blob.size)):
            raise WrongContentError(
                f"{self._blob.digest}: the source sent other content ({self._size} bytes of {self._blob.size})",
                fix="the source registry's storage may be damaged; build and push the image again",
            )
        return piece
