"""The node pools of a plan and their nodes, as every command reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from components.clouds import CLOUDS

POOL_LABEL: Final = "multiarch-runner.io/pool"
"""Label of a pool's nodes by which the stack's name of it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPool:
    """A planned node pool as the cloud would make it."""

    name: str
    """As the stack calls it; a pool of another program, as the cloud does."""
    cloud: str
    """Whose it is: the cluster type."""
    arch: str
    """`amd64` or `arm64`."""
    machine_type: str
    """Empty for nodes that are there already."""
    spot: bool
    """Whether the cloud may take its nodes away."""
    min_nodes: int
    """The autoscaler keeps at least so many."""
    max_nodes: int
    """And at most so many."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of its nodes, the cloud's own included."""
    taints: tuple[str, ...] = ()
    """Each as `key=value:Effect`, the cloud's own taints included."""
    zones: tuple[str, ...] = ()
    """Where its nodes may be; empty for the cluster's own."""

    @property
    def created(self) -> bool:
        """Whether the stack makes its nodes; else they are there already."""
        return CLOUDS[self.cloud].creates_pools


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedNode:
    """A node that a planned pool would have."""

    name: str
    """Node's name in the cluster."""
    pool: str
    """Name of its pool."""
    arch: str
    """`amd64` or `arm64`."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """As the kubelet would set them."""
    taints: tuple[str, ...] = ()
    """Each as `key=value:Effect`."""
