"""What every cloud's tables speak of: an architecture, a cloud, a machine type."""

from dataclasses import dataclass
from enum import StrEnum


class Arch(StrEnum):
    """A CPU architecture, spelled as Kubernetes and OCI spell it."""

    AMD64 = "amd64"
    ARM64 = "arm64"


class Cloud(StrEnum):
    """Whose machine types a name belongs to."""

    GCP = "gcp"
    AWS = "aws"
    AZURE = "azure"


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineType:
    """A machine type that the tables could place.

    `family` is the cloud's own family name (`t2a`, `m7gd`, `Dpds_v6`), the key of the per-family disk, image
    and zone rules. `local_disk` says whether the machine brings a local (ephemeral) disk.
    """

    name: str
    cloud: Cloud
    family: str
    arch: Arch
    local_disk: bool
    gpu: bool = False


def words(text: str) -> frozenset[str]:
    """Read a table of names that is written as one text."""
    return frozenset(text.split())
