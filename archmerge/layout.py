"""Images on this disk, read like a registry's: an OCI layout, as a folder or as a tar file of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

from archmerge.errors import MissingError, UsageError, WrongContentError
from archmerge.manifests import SIZE_LIMIT, Descriptor, Manifest, digest_of, parse_manifest
from archmerge.reference import ON_DISK
from archmerge.request import Source
from archmerge.transport.client import CHUNK


class _Place(NamedTuple):
    """Where content is: a file, or a part of one."""

    file: str
    start: int = 0
    size: int | None = None


class Part:
    """A file's part, as a stream."""

    def __init__(self, file: BinaryIO, size: int | None) -> None:
        self._file = file
        self._left = size

    def read(self, size: int = CHUNK) -> bytes:
        """At most `size` bytes, empty at the end."""
        piece = self._file.read(size if self._left is None else min(size, self._left))
        if self._left is not None:
            self._left -= len(piece)
        return piece


class Layout:
    """One layout. What is read has the digest asked for, or is an error; safe to share between threads."""

    def __init__(self, host: str) -> None:
        self.host = host
        self._folder = path = host.removeprefix(ON_DISK)
        self._members: dict[str, _Place] | None = None
        if not os.path.isdir(path):
            import tarfile  # 4 ms, only where there is one

            try:
                with tarfile.open(path, "r:") as archive:
                    self._members = {
                        os.path.normpath(member.name): _Place(path, member.offset_data, member.size)
                        for member in archive
                        if member.isreg()
                    }
            except (OSError, tarfile.TarError) as error:
                raise UsageError(
                    f"{path} is no folder, and no tar file: {error}", fix="unpack it first where it is compressed"
                ) from None

    def manifest(self, _repository: str, version: str) -> Manifest:
        """Return the manifest or index with this digest."""
        return parse_manifest(self._content(version), "", version, f"{self.host}@{version}")

    def small_blob(self, _repository: str, blob: Descriptor) -> bytes:
        """Return a config: at most 4 MiB, its digest checked."""
        content = self._content(blob.digest)
        if digest_of(content, blob.digest) != blob.digest:
            raise WrongContentError(f"{self.host}@{blob.digest}: holds content with another digest")
        return content

    @contextmanager
    def open_blob(self, _repository: str, digest: str) -> Iterator[Part]:
        """Open a blob as a stream. The reader checks the digest."""
        with self._open(f"blobs/{digest.replace(':', '/')}") as part:
            yield part

    def sources(self) -> list[Source]:
        """List what the layout is an index of."""
        with self._open("index.json") as part:
            index = parse_manifest(part.read(SIZE_LIMIT + 1), "", "index.json", f"{self.host}: index.json")
        entries = [entry for entry in index.manifests if not entry.is_attestation]
        return [Source(f"{self.host}@{e.digest}", str(e.platform) if e.platform else None) for e in entries]

    def _content(self, digest: str) -> bytes:
        with self.open_blob("", digest) as part:
            content = part.read(SIZE_LIMIT + 1)
        if len(content) > SIZE_LIMIT:
            raise WrongContentError(f"{self.host}@{digest}: over {SIZE_LIMIT} bytes, which no manifest or config is")
        return content

    @contextmanager
    def _open(self, name: str) -> Iterator[Part]:
        place = _Place(f"{self._folder}/{name}") if self._members is None else self._members.get(name)
        if place is None or not os.path.isfile(place.file):
            fix = "an OCI layout has it: buildx --output type=oci, skopeo copy … oci:" if name == "index.json" else ""
            raise MissingError(f"{self._folder} holds no {name}", fix=fix)
        with open(place.file, "rb") as file:
            file.seek(place.start)
            yield Part(file, place.size)
