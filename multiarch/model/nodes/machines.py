"""What a machine type is, read from its name alone: architecture, vCPUs, memory.

Deliberately not the tables of components/clouds: the rehearsal must be able to contradict the program.
"""

import re
from dataclasses import dataclass

_GCP_ARM = re.compile(r"^(t2a|c4a|n4a|a4x)-")  # Axion, Altra and Grace machines
_AWS_ARM = re.compile(r"^(a1|[a-z]+[0-9]+g[a-z]*|[a-z0-9]+-gb[0-9]+)\.")  # `g` right after the generation is Graviton
_AZURE_ARM = re.compile(r"^Standard_[A-Z]+[0-9]+(-[0-9]+)?[a-oq-z]*p[a-z]*_|_GB[0-9]+_")  # `p` among the features

_GCP_NAME = re.compile(r"^[a-z0-9]+-(?P<shape>[a-z]+)(-(?P<cpus>[0-9]+))?")
_AWS_NAME = re.compile(r"^(?P<family>[a-z]+)[^.]*\.(?P<count>[0-9]*)(?P<size>[a-z]+)")
_AZURE_NAME = re.compile(r"^Standard_(?P<family>[A-Z]+)(?P<cpus>[0-9]+)(-[0-9]+)?(?P<features>[a-z]*)")

_GCP_RATIO = {"standard": 4.0, "highmem": 8.0, "highcpu": 2.0}
_AWS_SIZES = {"nano": 2, "micro": 2, "small": 2, "medium": 1, "large": 2, "xlarge": 4}
_AWS_RATIO = {"c": 2.0, "m": 4.0, "t": 4.0, "a": 2.0, "r": 8.0, "x": 16.0, "i": 8.0}
_AZURE_RATIO = {"D": 4.0, "E": 8.0, "F": 2.0, "B": 4.0, "L": 8.0, "M": 16.0}


@dataclass(frozen=True, slots=True)
class Machine:
    """What a node of this type has. Memory in GiB."""

    arch: str
    cpus: int
    memory: float


def gcp(name: str) -> Machine:
    """Read a Compute Engine machine type: `t2a-standard-8`. A size that is not in the name counts as 2 vCPUs."""
    match = _GCP_NAME.match(name)
    cpus = int(match["cpus"]) if match and match["cpus"] else 2
    ratio = _GCP_RATIO.get(match["shape"], 4.0) if match else 4.0
    return Machine("arm64" if _GCP_ARM.match(name) else "amd64", cpus, cpus * ratio)


def aws(name: str) -> Machine:
    """Read an EC2 instance type: `m7g.2xlarge`."""
    match = _AWS_NAME.match(name)
    if match is None:
        return Machine("amd64", 2, 8.0)
    cpus = _AWS_SIZES.get(match["size"], 64) * int(match["count"] or 1)
    return Machine("arm64" if _AWS_ARM.match(name) else "amd64", cpus, cpus * _AWS_RATIO.get(match["family"][0], 4.0))


def azure(name: str) -> Machine:
    """Read an Azure VM size: `Standard_D8ps_v6`."""
    match = _AZURE_NAME.match(name)
    if match is None:
        return Machine("amd64", 2, 8.0)
    cpus = int(match["cpus"])
    ratio = 2.0 if "l" in match["features"] else _AZURE_RATIO.get(match["family"][0], 4.0)
    return Machine("arm64" if _AZURE_ARM.search(name) else "amd64", cpus, cpus * ratio)


def allocatable(machine: Machine, disk_gib: int, pods: int) -> dict[str, str]:
    """Return what is left for pods after the system's share.

    GKE's published reservation, which EKS and AKS come close to: memory 25 % of the first 4 GiB, 20 % of the next 4,
    10 % of the next 8, 6 % of the next 112, and 100 MiB to evict by; CPU 6 %, 1 %, twice 0.5 %, then 0.25 % per core.
    """
    reserved, left = 0.1, machine.memory
    for step, share in ((4.0, 0.25), (4.0, 0.2), (8.0, 0.1), (112.0, 0.06), (float("inf"), 0.02)):
        part = min(step, left)
        reserved += part * share
        left -= part
    shares = [60, 10, 5, 5]
    millicores = sum(shares[: machine.cpus]) + 2.5 * max(0, machine.cpus - len(shares))
    return {
        "cpu": f"{int(machine.cpus * 1000 - millicores)}m",
        "memory": f"{int((machine.memory - reserved) * 1024)}Mi",
        # 10 % is kept for eviction, and the system's image takes its part.
        "ephemeral-storage": f"{int(disk_gib * 0.85)}Gi",
        "pods": str(pods),
    }
