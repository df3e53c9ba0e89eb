"""Copying an image of the two architectures from one registry into another, exactly as it is there.

Nothing is verified and nothing is made better: nodes shall get what they would get. Where the index has nothing else
its digest stays, too.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from archmerge import Digest, MismatchError, Reference, parse_platform
from archmerge.index import build_index
from archmerge.manifests import Descriptor, Manifest, parse_config
from archmerge.merging import chosen_entries
from archmerge.registry import Registry
from archmerge.transfer import Blob, Target
from archmerge.transport.client import Readable
from archmerge.transport.connections import CHUNK
from archmerge.transport.parallel import Once, gather
from multiarch.rehearse.nodes.architectures import Arch

Told = Callable[[int, int], None]
"""Gets how many bytes have come, and of how many."""


class Copied(NamedTuple):
    """What there is now."""

    digest: Digest
    architectures: tuple[Arch, ...]


def copy_image(source: Registry, reference: Reference, into: Registry, tag: str, told: Told) -> Copied:
    """Copy an image, each architecture's layers once, under a tag. Raises ArchmergeError."""
    manifest = source.manifest(reference.repository, reference.version)
    if not manifest.is_index:
        _bring([manifest], source, reference.repository, into, told)
        into.put_manifest(reference.repository, tag, manifest)
        return Copied(manifest.digest, _architectures(source, reference, manifest))
    entries = {arch: _entries(manifest, arch, reference) for arch in Arch}
    chosen = list({entry.digest: entry for found in entries.values() for entry in found}.values())
    if not chosen:
        raise MismatchError(f"{reference} is for neither {' nor '.join(Arch)}")
    children = gather([partial(source.manifest, reference.repository, entry.digest) for entry in chosen])
    _bring(children, source, reference.repository, into, told)
    for child in children:
        into.put_manifest(reference.repository, child.digest, child)
    whole = len(chosen) == len(manifest.manifests)
    index = manifest if whole else build_index(chosen)
    into.put_manifest(reference.repository, tag, index)
    return Copied(index.digest, tuple(arch for arch, found in entries.items() if found))


def _entries(index: Manifest, arch: Arch, reference: Reference) -> list[Descriptor]:
    """Return an architecture's images, with what is attested of them; none where there is none."""
    try:
        return chosen_entries(index, parse_platform(f"linux/{arch}"), str(reference))
    except MismatchError:
        return []


def _architectures(source: Registry, reference: Reference, manifest: Manifest) -> tuple[Arch, ...]:
    if manifest.config is None:
        raise MismatchError(f"{reference} is not an image: it has no config")
    config = source.small_blob(reference.repository, manifest.config)
    said = parse_config(config, f"{reference}: config").architecture
    return tuple(arch for arch in Arch if arch == said)


def _bring(manifests: Sequence[Manifest], source: Registry, repository: str, into: Registry, told: Told) -> None:
    wanted = {blob.digest: blob for manifest in manifests for blob in manifest.blobs}
    counter = _Counter(told, sum(blob.size for blob in wanted.values()))
    blobs = [_Counted(blob, source, repository, counter) for blob in wanted.values()]
    Target(into, repository, Once()).bring(blobs, copy=True)


class _Counter:
    """Adds up what several threads read."""

    def __init__(self, told: Told, total: int) -> None:
        self._told = told
        self._total = total
        self._come = 0
        self._lock = threading.Lock()

    def add(self, size: int) -> None:
        with self._lock:
            self._come = min(self._come + size, self._total)  # a part that had to be read again comes twice
            self._told(self._come, self._total)


class _Counted(Blob):
    """A blob that tells how much of it was read."""

    def __init__(self, descriptor: Descriptor, source: Registry, repository: str, counter: _Counter) -> None:
        super().__init__(descriptor, source, repository)
        self._counter = counter

    @contextmanager
    def open(self) -> Iterator[Readable]:
        with super().open() as stream:
            yield _Reading(stream, self._counter)


class _Reading:
    def __init__(self, stream: Readable, counter: _Counter) -> None:
        self._stream = stream
        self._counter = counter

    def read(self, size: int = CHUNK, /) -> bytes:
        piece = self._stream.read(size)
        self._counter.add(len(piece))
        return piece
