"""Where the control plane's programs came from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from multiarch.rehearse.control_plane.errors import BinariesError


class Origin(StrEnum):
    """The way a program was had."""

    PATH = "path"
    CACHE = "cache"
    OFFICIAL = "official"
    BUILD = "build"


@dataclass(frozen=True, slots=True, kw_only=True)
class BinarySource:
    """One program: where it is, which version, and how it was had."""

    name: str
    path: Path
    version: str
    origin: Origin
    detail: str = ""
    """For people: `built from source on 2026-11-23`, the address it was downloaded from."""


@dataclass(frozen=True, slots=True)
class Binaries(Mapping[str, BinarySource]):
    """All programs of the control plane, by name."""

    sources: Mapping[str, BinarySource]

    def __getitem__(self, name: str) -> BinarySource:
        """Return a program's source. Raises BinariesError for a program that was not asked for."""
        try:
            return self.sources[name]
        except KeyError:
            raise BinariesError(f"{name} is not among the programs: {', '.join(self.sources)}") from None

    def __iter__(self) -> Iterator[str]:
        """Iterate over the programs' names."""
        return iter(self.sources)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.sources)

    def path(self, name: str) -> Path:
        """Path of a program."""
        return self[name].path

    @property
    def versions(self) -> dict[str, str]:
        """Program name to version, without the `v`."""
        return {name: source.version for name, source in self.sources.items()}
