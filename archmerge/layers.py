"""The files of a layer, streamed: a tar reader that holds one block at a time.

`tarfile` would read a long-name record of any size into memory; here nothing grows with the layer.
"""

from __future__ import annotations

import zlib

from archmerge.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BLOCK = 512
_HEAD = 128
"""Bytes of each file that are kept: enough for an ELF header or a `#!` line."""
_NAME_RECORD_MAX = 64 << 10
_SKIP = 64 << 10


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
    source = _Source(read)
    overrides: dict[str, str] = {}
    while header := source.take(_BLOCK):
        if header.count(0) == _BLOCK:
            return
        if len(header) < _BLOCK or header[257:262] != b"ustar":
            raise LayerError("not a tar archive, or cut short")
        size = _number(header[124:136])
        kind = header[156:157]
        if kind in b"xLK" and size <= _NAME_RECORD_MAX:
            record = source.take(size)
            source.skip(-size % _BLOCK)
            if kind == b"x":
                overrides.update(_pax(record))
            else:
                overrides["path" if kind == b"L" else "linkpath"] = _text(record)
            continue
        prefix = _text(header[345:500])
        name = overrides.get("path") or (f"{prefix}/" if prefix else "") + _text(header[:100])
        link = overrides.get("linkpath") or _text(header[157:257])
        size = int(overrides["size"]) if overrides.get("size", "").isdecimal() else size
        overrides = {} if kind != b"g" else overrides
        head = source.take(min(size, _HEAD))
        source.skip(size - len(head) + -size % _BLOCK)
        kinds = {b"0": "file", b"\0": "file", b"7": "file", b"1": "hardlink", b"2": "symlink"}
        yield Entry(normal(name), kinds.get(kind, "other"), link, head)


def normal(path: str, base: str = "/") -> str:
    """Return an absolute path without `.` and `..`; relative ones begin at `base`."""
    parts: list[str] = []
    for part in (path if path.startswith("/") else f"{base}/{path}").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


class _Source:
    """Bytes on demand from compressed pieces."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._read = read
        self._buffer = b""
        self._zip: zlib._Decompress | None = None
        self._begun = False

    def take(self, size: int) -> bytes:
        """At most `size` bytes; fewer only at the end."""
        parts, left = [], size
        while left and (self._buffer or self._fill()):
            piece, self._buffer = self._buffer[:left], self._buffer[left:]
            parts.append(piece)
            left -= len(piece)
        return b"".join(parts)

    def skip(self, size: int) -> None:
        """Pass over `size` bytes."""
        while size > 0:
            if not self._buffer and not self._fill():
                raise LayerError("cut short")
            step = min(size, len(self._buffer))
            self._buffer = self._buffer[step:]
            size -= step

    def _fill(self) -> bool:
        while not self._buffer:
            rest = self._zip.unconsumed_tail if self._zip else b""
            piece = rest or self._read()
            if not self._begun:
                self._begun = True
                while len(piece) < _BLOCK and (more := self._read()):
                    piece += more
                self._recognise(piece)
            if not piece:
                return False
            self._buffer = self._unpack(piece)
        return True

    def _recognise(self, piece: bytes) -> None:
        if piece[:2] == b"\x1f\x8b":
            self._zip = zlib.decompressobj(wbits=31)
        elif piece[:4] == b"\x28\xb5\x2f\xfd":
            raise LayerError("compressed with zstd, which can't be read here")
        elif piece[257:262] != b"ustar":
            raise LayerError("neither gzip nor tar")

    def _unpack(self, piece: bytes) -> bytes:
        if self._zip is None:
            return piece
        try:
            out = self._zip.decompress(piece, _SKIP)
            if self._zip.eof and self._zip.unused_data:  # gzip streams may be concatenated (pigz, eStargz)
                more, self._zip = self._zip.unused_data, zlib.decompressobj(wbits=31)
                out += self._zip.decompress(more, _SKIP)
        except zlib.error as error:
            raise LayerError(f"damaged gzip: {error}") from None
        return out


def _number(field: bytes) -> int:
    """Return a size: octal digits, or GNU's base-256 for large ones."""
    if field[0] & 0x80:
        return int.from_bytes(field[1:], "big")
    text = field.strip(b"\0 ") or b"0"
    try:
        return int(text, 8)
    except ValueError:
        raise LayerError("not a tar archive: a size is no number") from None


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")


def _pax(record: bytes) -> dict[str, str]:
    """Read lines of `LENGTH key=value`."""
    found = {}
    while record:
        length, _, rest = record.partition(b" ")
        if not length.isdigit() or not 0 < int(length) <= len(record):
            raise LayerError("damaged extended header")
        key, _, value = rest[: int(length) - len(length) - 2].partition(b"=")
        found[key.decode("utf-8", "replace")] = value.decode("utf-8", "replace")
        record = record[int(length) :]
    return found
