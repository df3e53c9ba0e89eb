"""What a rule looks at: one pool, its place in the list, its cluster."""

from dataclasses import dataclass

from components.cluster_spec import Cluster
from components.node_pools.pools import Pool
from components.node_pools.resolved import arch_of, machine_of
from components.platforms import Arch, MachineType
from components.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A pool under examination; `path` is its own in the stack file, such as `pools[1]`."""

    path: str
    pool: Pool
    cluster: Cluster

    @property
    def arch(self) -> Arch | None:
        """Architecture of the pool; None when nobody can tell."""
        return arch_of(self.pool)

    @property
    def machine(self) -> MachineType | None:
        """The placed machine type, the default included; None when unknown."""
        return machine_of(self.pool)

    def at(self, key: str) -> str:
        """Return the path of one of the pool's keys."""
        return f"{self.path}.{key}"

    def problem(self, key: str, found: str, consequence: str, fix: str) -> Problem:
        """Return a problem with one of the pool's keys."""
        return Problem(path=self.at(key), found=found, consequence=consequence, fix=fix)
