"""Making a layer: files with their owners and modes, in one order, without times, so that the same gives the same."""

import io
import posixpath
import struct
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, Final

from multiarch.rehearse.images.model import ImagesError

XATTR: Final = "SCHILY.xattr.security.capability"
"""How archives of container images carry a file's capabilities."""
_VERSION_2: Final = 0x02000000
_EFFECTIVE: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One member of a layer. Its path is relative, with `/` and without `./`."""

    path: str
    content: bytes | Path = b""
    link: str = ""
    """Not empty: a symbolic link to this."""
    folder: bool = False
    mode: int = 0o644
    owner: int = 0
    """User and group: the images here know no group of another number."""
    capability: int | None = None
    """The one capability that a program has by its file, by its number (capabilities(7)), in place of a setuid bit."""


def folder(path: str, mode: int = 0o755, owner: int = 0) -> Entry:
    """Return a folder."""
    return Entry(path=path, folder=True, mode=mode, owner=owner)


def text(path: str, content: str, mode: int = 0o644, owner: int = 0) -> Entry:
    """Return a small file."""
    return Entry(path=path, content=content.encode(), mode=mode, owner=owner)


def link(path: str, to: str) -> Entry:
    """Return a symbolic link."""
    return Entry(path=path, link=to)


def program(path: str, file: Path) -> Entry:
    """Return a program of this machine's."""
    return Entry(path=path, content=file, mode=0o755)


def tree(at: str, root: Path, owner: int = 0) -> Iterator[Entry]:
    """Return what is below a folder of this machine: files, folders and links, without what is neither."""
    for path in sorted(root.rglob("*")):
        name = posixpath.join(at, path.relative_to(root).as_posix())
        mode = path.lstat().st_mode & 0o777
        if path.is_symlink():
            yield Entry(path=name, link=path.readlink().as_posix())
        elif path.is_dir():
            yield folder(name, mode, owner)
        elif path.is_file():
            yield Entry(path=name, content=path, mode=mode, owner=owner)


def write(entries: Iterable[Entry], into: BinaryIO) -> None:
    """Write the archive. Each path's folder comes before it; of two entries of one path the later one stays."""
    kept = {entry.path: entry for entry in entries}
    for path in list(kept):
        while path := posixpath.dirname(path):
            kept.setdefault(path, folder(path))
    with tarfile.open(fileobj=into, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(kept):
            _add(archive, kept[path])


def packed(entries: Iterable[Entry]) -> bytes:
    """Return the archive of a few small files."""
    file = io.BytesIO()
    write(entries, file)
    return file.getvalue()


def _add(archive: tarfile.TarFile, entry: Entry) -> None:
    info = tarfile.TarInfo(entry.path)
    info.mode, info.uid, info.gid = entry.mode, entry.owner, entry.owner
    if entry.capability is not None:
        info.pax_headers = {XATTR: file_capability(entry.capability).decode("utf-8", "surrogateescape")}
    if entry.folder:
        info.type = tarfile.DIRTYPE
    elif entry.link:
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.link, 0o777
    elif isinstance(entry.content, Path):
        info.size = entry.content.stat().st_size
        with entry.content.open("rb") as file:
            archive.addfile(info, file)
        return
    else:
        info.size = len(entry.content)
        archive.addfile(info, io.BytesIO(entry.content))
        return
    archive.addfile(info)


def file_capability(number: int) -> bytes:
    """Return the extended attribute that grants a program one capability, at once (linux/capability.h, version 2)."""
    low, high = (1 << number) & 0xFFFFFFFF, (1 << number) >> 32
    return struct.pack("<5I", _VERSION_2 | _EFFECTIVE, low, 0, high, 0)


def members(archive: IO[bytes], kept: tuple[str, ...], dropped: tuple[str, ...]) -> Iterator[Entry]:
    """Read the files and links of a package whose path begins with one of `kept` and with none of `dropped`."""
    with tarfile.open(fileobj=archive, mode="r|") as packed_files:
        for info in packed_files:
            path = posixpath.normpath(info.name).lstrip("/")
            if not path.startswith(kept) or path.startswith(dropped):
                continue
            if info.issym():
                yield link(path, info.linkname)
            elif info.isreg() and (file := packed_files.extractfile(info)) is not None:
                yield Entry(path=path, content=file.read(), mode=info.mode & 0o7777, owner=info.uid)
            elif info.islnk():
                raise ImagesError(f"{path} is a hard link, which no package that is used here has")
