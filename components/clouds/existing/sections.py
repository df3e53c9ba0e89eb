"""What a stack file says of a cluster whose nodes are already there, and of those nodes."""

from typing import Literal

from pydantic.dataclasses import dataclass

from components.clouds.machines import Arch
from components.clouds.sections import Access, PoolBase
from components.forms import NotBlank
from components.keys import CONFIG


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class ExistingCluster:
    """A cluster whose nodes are already there: on premises, kind, k3d, or any cloud that has no pool type here."""

    type: Literal["existing"] = "existing"
    """Which kind of cluster this is."""

    name: NotBlank
    """A name for messages and reports."""

    access: Access
    """The kubeconfig context that reaches it."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class ExistingPool(PoolBase):
    """Nodes that are already there (on-premises, kind, someone else's pool): nothing is created.

    Its labels and taints are those that the nodes have already; the labels identify the pool's nodes.
    """

    arch: Arch
    """Architecture of the nodes, `amd64` or `arm64`: jobs select it by kubelet's label kubernetes.io/arch."""

    architecture_taint: bool = True
    """Whether arm64 nodes carry `kubernetes.io/arch=arm64:NoSchedule`. On by default, as on the clouds: without the
    taint, pods that have no arm64 image land there and crash."""
