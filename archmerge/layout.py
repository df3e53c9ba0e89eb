"""Images on this disk, read like a registry's: an OCI layout, as a folder or as a tar file of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from archmerge.errors import MissingError, UsageError, WrongContentError
from archmerge.manifests import SIZE_LIMIT, Descriptor, Manifest, digest_of, parse_manifest
from archmerge.reference import ON_DISK
from archmerge.request import Source
from archmerge.transport.client import Part


class Layout:
    """One layout. What is read has the digest asked for, or is an error; safe to share between threads."""

    def __init__(self, host: str) -> None:
        self.host = host
        self._folder = path = host.removeprefix(ON_DISK)
        self._members: dict[str, tuple[int, int]] | None = None
        """Where each member of a tar file begins, and its size."""
        if not os.path.isdir(path):
            import tarfile  # 4 ms, only where there is one

            try:
                with tarfile.open(path, "r:") as archive:
                    self._members = {
                        os.path.normpath(member.name): (member.offset_data, member.size)
                        for member in archive
                        if member.isreg()
                    }
            except (OSError, tarfile.TarError) as error:
                raise UsageError(
                    f"{path} is neither a folder nor a tar file: {error}", fix="unpack it first where it is compressed"
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
        return [Source(f"{self.host}@{e.digest}", str(e.platform) if e.platform else None) for e in index.images]

    def _content(self, digest: str) -> bytes:
        with self.open_blob("", digest) as part:
            content = part.read(SIZE_LIMIT + 1)
        if len(content) > SIZE_LIMIT:
            raise WrongContentError(f"{self.host}@{digest}: over {SIZE_LIMIT} bytes, which no manifest or config is")
        return content

    @contextmanager
    def _open(self, name: str) -> Iterator[Part]:
        file, start, size = f"{self._folder}/{name}", 0, 0
        if self._members is not None:
            file, (start, size) = self._folder, self._members.get(name, (-1, 0))
        if start < 0 or not os.path.isfile(file):
            fix = "an OCI layout has it: buildx --output type=oci, skopeo copy … oci:" if name == "index.json" else ""
            raise MissingError(f"{self._folder} holds no {name}", fix=fix)
        with open(file, "rb") as opened:
            opened.seek(start)
            yield Part(opened, size if self._members is not None else os.path.getsize(file))
