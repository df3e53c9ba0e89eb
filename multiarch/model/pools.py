"""The node pools of a plan and their nodes, as every command reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPool:
    """A planned node pool as the cloud would make it."""

    name: str
    cloud: str
    arch: str
    machine_type: str
    spot: bool
    min_nodes: int
    max_nodes: int
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[str, ...] = ()
    """Each as `key=value:Effect`, the cloud's own taints included."""
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedNode:
    """A node that a planned pool would have."""

    name: str
    pool: str
    arch: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[str, ...] = ()
