"""What a machine has, and what of it is left for pods."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """What a node of this type has. Memory in GiB."""

    arch: str
    cpus: int
    memory: float


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
