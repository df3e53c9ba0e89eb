"""Does the image really run on what its config says? A look at the entrypoint's ELF header in the layers.

An image that says arm64 and runs x86-64 comes from a cross build that copied from the wrong stage, or from a
Dockerfile with a downloaded binary; its config is right, so no other check can see it.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple, Self

from archmerge.errors import WrongContentError
from archmerge.layout import Layout
from archmerge.manifests import Descriptor, Manifest, load_object, parse_config
from archmerge.reference import Reference
from archmerge.registry import Registry
from archmerge.transport.client import Part, Readable
from archmerge.verdicts import NO, UNCLEAR, YES, Check

_MAGIC, _GZIP, _ZSTD = 4, b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_HEAD = 128
"""Bytes of each file that are kept: enough for an ELF header or a `#!` line."""
_NAME_RECORD_MAX = 64 << 10
_NAME_RECORDS = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME,
                 tarfile.GNUTYPE_LONGLINK)  # fmt: skip


CLAIM = "programs are of its architecture"


class LayerError(Exception):
    """The layer can't be read: its compression isn't known here, or it is damaged."""


class Entry(NamedTuple):
    """One member of the archive. `path` is absolute and normalised."""

    path: str
    kind: str
    """`file`, `symlink`, `hardlink` or `other`."""
    link: str
    head: bytes


def entries(layer: Readable) -> Iterator[Entry]:
    """All members of a (possibly gzipped) tar archive. Raises LayerError."""
    head = b""
    while len(head) < _MAGIC and (piece := layer.read(_MAGIC - len(head))):
        head += piece
    if head == _ZSTD:
        raise LayerError("compressed with zstd, which can't be read here")
    source: Any = _Rewound(head, layer)
    try:
        # gzip streams may be several, one after the other (pigz, eStargz), which tarfile's own reader stops at.
        file = gzip.GzipFile(fileobj=source) if head.startswith(_GZIP) else source
        with tarfile.open(fileobj=file, mode="r|", tarinfo=_Member) as archive:
            while member := archive.next():
                archive.members.clear()  # type: ignore[attr-defined]  # it remembers all
                content = archive.extractfile(member) if member.isfile() else None
                first = content.read(_HEAD) if content else b""
                yield Entry(normal(member.name), _kind(member), member.linkname, first)
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


class _Rewound:
    """A file of which the beginning was read already."""

    def __init__(self, head: bytes, file: Readable) -> None:
        self._head = head
        self._file = file

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        piece, self._head = self._head[:size], self._head[size:]
        return piece or self._file.read(size)


def _kind(member: tarfile.TarInfo) -> str:
    kinds = {tarfile.SYMTYPE: "symlink", tarfile.LNKTYPE: "hardlink"}
    return "file" if member.isfile() else kinds.get(member.type, "other")


READ_LIMIT = 256 << 20
"""Bytes of compressed layers read per image, at most."""
_ELF = b"\x7fELF"
_ELF_HEADER = 20
_MACHINES = {
    (3, 1): "386", (62, 1): "amd64", (40, 1): "arm", (183, 1): "arm64", (243, 1): "riscv64", (21, 1): "ppc64le",
    (21, 2): "ppc64", (22, 2): "s390x", (258, 1): "loong64", (8, 1): "mips64le", (8, 2): "mips64",
}  # fmt: skip
_COMPATIBLE = {("amd64", "386"), ("arm64", "arm")}
"""(platform, binary): such machines run these, too; not the same, so the answer is unclear rather than no."""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LINKS_MAX = 16
_SEEN_MAX = 50_000


def elf_architecture(head: bytes) -> str:
    """Return the architecture of an ELF header in OCI's words; empty when it is no ELF file, `elf-N` when not known."""
    if head[:4] != _ELF or len(head) < _ELF_HEADER:
        return ""
    little = head[5] == 1
    machine = int.from_bytes(head[18:20], "little" if little else "big")
    return _MACHINES.get((machine, 1 if little else 2), f"elf-{machine}")


def check_binaries(registry: Registry | Layout, ref: Reference, manifest: Manifest, config: bytes) -> Check:
    """Compare the entrypoint's machine, or that of all programs seen, with the config's architecture."""
    platform = parse_config(config, f"{ref}: config")
    expected = platform.normalised.architecture
    if platform.os.lower() != "linux":
        return Check(CLAIM, UNCLEAR, f"only Linux images can be checked, this is {platform}")
    search = _Search(_candidates(config, f"{ref}: config"))
    trouble = ""
    try:
        for entry in _members(registry, ref.repository, manifest.layers):
            if search.see(entry):
                break
    except (LayerError, OSError) as error:
        trouble = f"; {error}"
    if search.found:
        return _judge(expected, {search.found}, f"the entrypoint {search.path}")
    if search.machines:
        return _judge(expected, search.machines, f"{len(search.seen)} programs (the entrypoint was not found{trouble})")
    return Check(CLAIM, UNCLEAR, f"no program was found in its layers{trouble}")


def _judge(expected: str, machines: set[str], what: str) -> Check:
    shown = f"{what}: {', '.join(sorted(machines))}"
    if machines == {expected}:
        return Check(CLAIM, YES, shown)
    if expected in machines or any((expected, machine) in _COMPATIBLE for machine in machines):
        return Check(CLAIM, UNCLEAR, f"{shown}, in an image for {expected}")
    return Check(CLAIM, NO, f"{shown}, but the image says {expected}")


def _members(registry: Registry | Layout, repository: str, layers: tuple[Descriptor, ...]) -> Iterator[Entry]:
    """Return the files of all layers, the topmost layer first: what is on top hides what is below."""
    left = READ_LIMIT
    for layer in reversed([layer for layer in layers if not layer.foreign]):
        with registry.open_blob(repository, layer.digest) as stream:
            part = Part(stream, left)
            yield from entries(part)
        left = part.left
        if left <= 0:
            raise LayerError(f"the first {READ_LIMIT >> 20} MiB did not tell")


def _candidates(body: bytes, where: str) -> list[str]:
    """Return the files that an image with this config may start: Entrypoint, or else Cmd, looked for as a shell does.

    Raises WrongContentError for a config of other types.
    """
    runtime = load_object(body, where).get("config") or {}
    words = [runtime.get(key) or [] for key in ("Entrypoint", "Cmd", "Env")] if isinstance(runtime, dict) else [""]
    if not all(isinstance(part, list) for part in words):
        raise WrongContentError(f"{where}: unexpected types in 'config'")
    command = [str(word) for part in words[:2] for word in part]
    environment = dict(str(item).partition("=")[::2] for item in words[2])
    if not command:
        return []
    if "/" in command[0]:
        return [normal(command[0], str(runtime.get("WorkingDir") or "/"))]
    return [normal(command[0], folder) for folder in (environment.get("PATH") or _PATH).split(":") if folder]


class _Search:
    """Follows the entrypoint through links and `#!` lines, and remembers every program on the way."""

    def __init__(self, wanted: list[str]) -> None:
        self.found = ""
        self.path = ""
        self.seen: dict[str, str] = {}
        self._entries: dict[str, Entry] = {}
        self._wanted = wanted

    @property
    def machines(self) -> set[str]:
        """The architectures of all programs seen."""
        return set(self.seen.values())

    def see(self, entry: Entry) -> bool:
        """Take in one file; True once the entrypoint's architecture is known."""
        if entry.path in self._entries or len(self._entries) >= _SEEN_MAX:
            return False
        interesting = entry.kind in ("symlink", "hardlink") or entry.head[:2] == b"#!" or entry.head[:4] == _ELF
        if not interesting:
            return False
        self._entries[entry.path] = entry
        if architecture := elf_architecture(entry.head):
            self.seen[entry.path] = architecture
        return self._resolve()

    def _resolve(self) -> bool:
        for start in self._wanted:
            path = start
            for _ in range(_LINKS_MAX):
                entry = self._entries.get(path) or self._entries.get(self._through_directory_links(path))
                if entry is None:
                    break
                if architecture := elf_architecture(entry.head):
                    self.found, self.path = architecture, path
                    return True
                if entry.kind == "file":
                    words = entry.head[2:].split(b"\n")[0].split()
                    path = words[0].decode("utf-8", "replace") if words else ""
                else:
                    base = path.rpartition("/")[0] if entry.kind == "symlink" else "/"
                    path = normal(entry.link, base)
        return False

    def _through_directory_links(self, path: str) -> str:
        """`/bin/sh` is `/usr/bin/sh` where `/bin` is a link: all merged-usr distributions."""
        top, _, rest = path[1:].partition("/")
        link = self._entries.get(f"/{top}")
        return f"{normal(link.link)}/{rest}" if link and link.kind == "symlink" else path
