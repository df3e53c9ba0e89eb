"""What is decided about a cluster: what stands in the way, what to mind, and the pools of its stack."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from multiarch.core.verdict import Verdict
from multiarch.onboard.decide.prices import Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why a stack can't work on a cluster, and what would have to change."""

    found: str
    """What was found."""
    consequence: str
    """Why that stops it."""
    fix: str
    """What would have to change."""
    doubtful: bool = False
    """Whether it is only that nobody could tell: no refusal then, but no stack either."""

    def __str__(self) -> str:
        """Render as one sentence after the other."""
        return f"{self.found}: {self.consequence.rstrip('.')}. {self.fix}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What to mind: it works, but not as one might think."""

    text: str
    """What to mind."""
    verdict: Verdict = Verdict.NO
    """NO: this much is missing. UNKNOWN: nobody could tell. YES: fine, and worth knowing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPlan:
    """A pool of the stack file: one to be created, or one that is there."""

    name: str
    """The pool's name."""
    arch: str
    """`amd64` or `arm64`."""
    machine_type: str = ""
    """Empty for nodes that are there."""
    min_nodes: int = 1
    """The autoscaler keeps at least so many."""
    max_nodes: int = 20
    """And at most so many."""
    zones: tuple[str, ...] = ()
    """GKE's nodeLocations; empty for the cluster's own."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of its nodes, beside those that every pool gets."""
    taints: tuple[str, ...] = ()
    """Beside the architecture's own."""
    architecture_taint: bool = True
    """For arm64 nodes that are there: whether they carry it."""
    protect: bool = False
    """Whether Pulumi refuses to delete or replace it."""
    because: str = ""
    """A comment's worth of why."""
    nodes: int = 0
    """How many are there already."""
    cpu_millis: int = 0
    """Of one node, where they are there."""
    memory_mib: int = 0
    """Likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What follows from a look and the answers."""

    obstacles: tuple[Obstacle, ...] = ()
    """What stands in the way; with any there is no stack."""
    remarks: tuple[Remark, ...] = ()
    """What to mind."""
    pools: tuple[PoolPlan, ...] = ()
    """Pools of the stack file."""
    price: Comparison | None = None
    """None where no price is known, or no machine is chosen."""
    prices_of: tuple[str, str] = ("", "")
    """The arm64 and the amd64 machine that were compared, or would have been."""
