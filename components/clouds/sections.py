"""What the clouds' sections of a stack file have in common: the ways to a cluster, taints, the keys of every pool.

YAML keys are the camelCase of the fields. The docstring under a field is its entry in the config reference and
its description in the JSON Schema, so it states the unit, the reason of the default, and what the choice costs.
"""

from dataclasses import field
from enum import StrEnum
from typing import Annotated, Final, TypeAlias

from pydantic import Field, JsonValue
from pydantic.dataclasses import dataclass

from components.clouds.machines import Arch
from components.forms import Form, Int32, NotBlank
from components.keys import CONFIG
from components.kubernetes_names import LabelKey, LabelValue


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Access:
    """How the Kubernetes API is reached: a context of a kubeconfig."""

    context: NotBlank
    """Name of the context. Required, because the current context is never used."""

    kubeconfig: str | None = None
    """Path of the kubeconfig; `~` is expanded, a relative path starts at the project's root.
    Without it: the files of `$KUBECONFIG`, merged as kubectl does, else `~/.kube/config`."""


class TaintEffect(StrEnum):
    """What a taint does to pods that do not tolerate it, as Kubernetes spells it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Taint:
    """A taint in Kubernetes spelling; each cloud's own spelling is rendered from it."""

    key: LabelKey
    """Taint key, for example `ci.example.org/dedicated`."""

    value: LabelValue = ""
    """Taint value, at most 63 characters. GKE requires one; the others allow it to be empty."""

    effect: TaintEffect = TaintEffect.NO_SCHEDULE
    """`NoSchedule`, `PreferNoSchedule` or `NoExecute`. NoSchedule by default: it keeps new pods off and evicts none."""

    def __str__(self) -> str:
        """Render as `key=value:Effect`, the spelling of kubectl and AKS; an empty value drops the `=`."""
        return f"{self.key}={self.value}:{self.effect}" if self.value else f"{self.key}:{self.effect}"


DURATION: Final = Form(
    pattern=r"[0-9]+(\.[0-9]+)?(ms|s|m|h)", what="duration", write="a number with its unit, such as 100ms"
)
"""A time as the kubelet takes it."""
_SYSCTL: Final = Form(
    pattern=r"[a-z0-9_-]+(\.[a-z0-9_-]+)+", what="kernel parameter", write="its name, such as vm.max_map_count"
)
Sysctls: TypeAlias = dict[Annotated[str, _SYSCTL], int | str]
"""Kernel parameters by name."""
Passed: TypeAlias = dict[str, JsonValue]
"""Arguments that are passed through to an SDK, in its spelling: checked by its classes (passed.py)."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class PoolBase:
    """What every node pool has, created or already there."""

    name: str
    """Name of the pool, unique in the stack. The cloud's own naming rules are checked (AKS: at most 12 lowercase
    letters and digits)."""

    labels: dict[LabelKey, LabelValue] = field(default_factory=dict)
    """Further node labels. On created pools `multiarch-runner.io/pool`, `multiarch-runner.io/arch` and `managed-by` are
    always set."""

    taints: list[Taint] = field(default_factory=list)
    """Further taints. Do not list the arm64 architecture taint: the stack declares it where the cloud does not add
    it. Jobs tolerate the taints of every pool of the stack, so a taint keeps only other workloads off."""

    min_nodes: Annotated[Int32, Field(ge=0)] = 1
    """Fewest nodes. 1 by default: the first build of the day does not wait for a machine. 0 saves that
    machine's price and costs its boot time; arm64 pools on AKS need 1."""

    max_nodes: Annotated[Int32, Field(ge=1)] = 20
    """Most nodes, at least minNodes. It bounds the bill, and the number of jobs that run at the same
    time."""


class Replacement(StrEnum):
    """What goes first where a change replaces a pool."""

    NEW_FIRST = "newFirst"
    DELETE_FIRST = "deleteFirst"


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class CloudPool(PoolBase):
    """What every pool has that is created in a cloud."""

    arch: Arch | None = None
    """`amd64` or `arm64`. Derived from machineType if the type is known, otherwise required."""

    machine_type: str | None = None
    """Machine type, EC2 instance type or Azure VM size. Left out, arch chooses one with 8 vCPUs and 32 GiB. GKE:
    required for arm64 in a region of which no arm64 machine is known here."""

    spot: bool = False
    """Spot capacity: cheaper, but a running build can lose its machine at short notice. Off by default."""

    protect: bool = False
    """Refuse to delete the pool until this is false again. Set it in production."""

    replacement: Replacement = Replacement.NEW_FIRST
    """What comes first when a change replaces the pool. `newFirst`: the new pool is created before the old one is
    deleted, so the architecture always has nodes. In the cloud the pool's name then ends with a suffix.
    `deleteFirst`: the old pool is deleted first, for a quota or a reservation that cannot hold both; on GKE and AKS
    its name then has no suffix, as an imported pool needs."""
