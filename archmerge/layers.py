"""The files of a layer, streamed by `tarfile`, so that nothing grows with the layer."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple, Self

_MAGIC = 4
_HEAD = 128
"""Bytes of each file that are kept: enough for an ELF header or a `#!` line."""
_NAME_RECORD_MAX = 64 << 10
_NAME_RECORDS = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME,
                 tarfile.GNUTYPE_LONGLINK)  # fmt: skip


class LayerError(Exception):
    """The layer can't be read: its compression isn't known here, or it is damaged."""


class Entry(NamedTuple):
    """One member of the archive. `path` is absolute and normalised."""

    path: str
    kind: str
    """`file`, `symlink`, `hardlink` or `other`."""
    link: str
    head: bytes


def entries(read: Callable[[], bytes]) -> Iterator[Entry]:
    """All members of a (possibly gzipped) tar archive whose pieces come from `read` (empty at the end).

    Raises LayerError.
    """
    source = _Pieces(read)
    try:
        # gzip streams may be several, one after the other (pigz, eStargz), which tarfile's own reader stops at.
        file = gzip.GzipFile(fileobj=source) if source.kind == "gzip" else source
        with tarfile.open(fileobj=file, mode="r|", tarinfo=_Member) as archive:
            while member := archive.next():
                archive.members.clear()  # type: ignore[attr-defined]  # it remembers all
                content = archive.extractfile(member) if member.isfile() else None
                head = content.read(_HEAD) if content else b""
                yield Entry(normal(member.name), _kind(member), member.linkname, head)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError, OverflowError) as error:
        raise LayerError(f"not a tar archive, or damaged: {error}") from None


def normal(path: str, base: str = "/") -> str:
    """Return an absolute path without `.` and `..`; relative ones begin at `base`."""
    parts: list[str] = []
    for part in (path if path.startswith("/") else f"{base}/{path}").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


class _Member(tarfile.TarInfo):
    """Refuses what tarfile would take for the end, and records of names that it would read whole into memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read a header."""
        try:
            member = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if type(error).__name__ in ("EOFHeaderError", "EmptyHeaderError"):  # the end, as it should be
                raise
            raise LayerError(f"not a tar archive, or damaged: {error}") from None
        if member.type in _NAME_RECORDS and member.size > _NAME_RECORD_MAX:
            raise LayerError("a name too long to be one")
        return member


class _Pieces(io.RawIOBase):
    """A file over pieces that come one by one."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._next = read
        self._rest = b""
        while len(self._rest) < _MAGIC and (piece := read()):
            self._rest += piece
        if self._rest[:_MAGIC] == b"\x28\xb5\x2f\xfd":
            raise LayerError("compressed with zstd, which can't be read here")
        self.kind = "gzip" if self._rest[:2] == b"\x1f\x8b" else "tar"

    def read(self, size: int = -1) -> bytes:
        """Give what is there, at most `size` bytes; empty at the end."""
        self._rest = self._rest or self._next()
        piece, self._rest = (self._rest[:size], self._rest[size:]) if size >= 0 else (self._rest, b"")
        return piece


def _kind(member: tarfile.TarInfo) -> str:
    kinds = {tarfile.SYMTYPE: "symlink", tarfile.LNKTYPE: "hardlink"}
    return "file" if member.isfile() else kinds.get(member.type, "other")
