"""Machines as every cloud's tables speak of them: an architecture, a machine type, what can be told of a name.

A name that a cloud's tables do not hold is unknown (None), never guessed.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from components.reading import did_you_mean

_LONG_WORD: Final = re.compile(r"[A-Za-z]{4,}")


class Arch(StrEnum):
    """A CPU architecture, spelled as Kubernetes and OCI spell it."""

    AMD64 = "amd64"
    ARM64 = "arm64"


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineType:
    """A machine type that the tables could place.

    `cloud` is the cluster type that it belongs to (`gke`). `family` is the cloud's own family name (`t2a`, `m7gd`,
    `Dpds_v6`), the key of the per-family disk, image and zone rules. `local_disk` says whether the machine brings a
    local (ephemeral) disk.
    """

    name: str
    cloud: str
    family: str
    arch: Arch
    local_disk: bool
    gpu: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """What a cloud's tables can tell of its machine types. Pure: no SDK, no network."""

    defaults: Mapping[Arch, str]
    """The machine type of a pool that states only its architecture: 8 vCPUs, 32 GiB."""
    place: Callable[[str], MachineType | None]
    """Place a name; None means unknown: nobody here knows its architecture."""
    like: Callable[[MachineType], str | None]
    """The like machine type of the other architecture, where that is sure."""
    arm64_processor: Callable[[MachineType], str | None]
    """The name of an arm64 machine's processor, for messages: people know Graviton3 better than they know m7g."""
    spelled: frozenset[str] = frozenset()
    """The long words in its names, for whoever misspells one."""

    def sibling(self, machine: MachineType) -> str:
        """Return a machine type of the other architecture: the like one where that is sure, else the default."""
        other = Arch.AMD64 if machine.arch is Arch.ARM64 else Arch.ARM64
        return self.like(machine) or self.defaults[other]

    def meant(self, name: str) -> str | None:
        """Return the known machine type that an unknown name is but for a misspelled long word; None if there is none.

        Short parts (`m7g`) are left alone: one letter there is another family, maybe one newer than the tables.
        """
        respelled = _LONG_WORD.sub(lambda word: did_you_mean(word[0], sorted(self.spelled)) or word[0], name)
        return respelled if respelled != name and self.place(respelled) is not None else None

    def processor(self, machine: MachineType) -> str | None:
        """Name the processor of an arm64 machine; None for amd64, where the name decides nothing."""
        return self.arm64_processor(machine) if machine.arch is Arch.ARM64 else None


NO_MACHINES: Final = Machines(defaults={}, place=lambda _: None, like=lambda _: None, arm64_processor=lambda _: None)
"""For clusters whose machines are made by others."""


def words(text: str) -> frozenset[str]:
    """Read a table of names that is written as one text."""
    return frozenset(text.split())
