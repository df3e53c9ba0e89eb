"""What the node pool components of all clouds have in common: their outputs, and their arguments' way to a pool."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict, TypeVar

import pulumi
from pydantic.alias_generators import to_camel

from components.cluster_spec import Cluster
from components.node_pools.checks import check_pool
from components.node_pools.pools import Pool, PoolBase
from components.node_pools.resolved import PoolSpec, resolve
from components.platforms import Arch
from components.problems import ConfigError, Problem
from components.reading import parse

P = TypeVar("P", bound=PoolBase)


class TaintArgs(TypedDict, total=False):
    """A taint in Kubernetes spelling."""

    key: str
    """Taint key, for example `ci.example.org/dedicated`."""

    value: str
    """Taint value. GKE requires one."""

    effect: str
    """`NoSchedule` (default), `PreferNoSchedule` or `NoExecute`."""


class PoolArgs(TypedDict):
    """What every node pool has, created or already there. All of it is as in a stack file: docs/config.md says more."""

    name: str
    """Name of the pool, unique in the stack."""

    labels: NotRequired[dict[str, str]]
    """Further node labels."""

    taints: NotRequired[list[TaintArgs]]
    """Further taints."""

    min_nodes: NotRequired[int]
    """Fewest nodes, 0 or more."""

    max_nodes: NotRequired[int]
    """Most nodes, at least 1 and at least minNodes."""


class CloudPoolArgs(PoolArgs):
    """What every pool has that is created in a cloud."""

    arch: NotRequired[Arch]
    """`amd64` or `arm64`."""

    machine_type: NotRequired[str]
    """Machine type, EC2 instance type or Azure VM size."""

    spot: NotRequired[bool]
    """Spot capacity: cheaper, but a running build can lose its machine at short notice."""

    protect: NotRequired[bool]
    """Refuse to delete the pool until this is false again."""


class NodePool(pulumi.ComponentResource):
    """Node pools of any cloud look the same from outside: these outputs."""

    names: pulumi.Output[list[str]]
    """Names of the pools in the cloud; for existing nodes, the name in the stack."""

    arch: pulumi.Output[str]
    """`amd64` or `arm64`."""

    labels: pulumi.Output[dict[str, str]]
    """Labels of the nodes, beside those that Kubernetes and the cloud add."""

    taints: pulumi.Output[list[str]]
    """Taints that the nodes carry, as `key=value:Effect`: what pods have to tolerate, GKE's own included."""

    min_nodes: pulumi.Output[int]
    """Fewest nodes, over all zones."""

    max_nodes: pulumi.Output[int]
    """Most nodes, over all zones."""

    def publish(
        self, spec: PoolSpec, names: pulumi.Input[Sequence[pulumi.Input[str]]], zones: pulumi.Input[int] = 1
    ) -> None:
        """Set and register the outputs; `zones` is what limits per zone have to be multiplied by."""
        self.names = pulumi.Output.from_input(names).apply(lambda found: [str(name) for name in found])
        self.arch = pulumi.Output.from_input(spec.arch.value)
        self.labels = pulumi.Output.from_input(dict(spec.labels))
        self.taints = pulumi.Output.from_input([str(taint) for taint in spec.node_taints])
        self.min_nodes = pulumi.Output.from_input(zones).apply(lambda number: spec.min_nodes * number)
        self.max_nodes = pulumi.Output.from_input(zones).apply(lambda number: spec.max_nodes * number)
        self.register_outputs(
            {
                "names": self.names,
                "arch": self.arch,
                "labels": self.labels,
                "taints": self.taints,
                "min_nodes": self.min_nodes,
                "max_nodes": self.max_nodes,
            }
        )


def spec_of(cls: type[P], args: Mapping[str, Any], cluster: Cluster, name: str) -> PoolSpec:
    """Read a component's arguments as a pool of `cls`, check it, and resolve it.

    Keys that are no field of the pool belong to the component itself. Raises ConfigError with every problem.
    """
    known = {field: to_camel(field) for field in cls.__dataclass_fields__}
    value = {known[key]: _plain(found) for key, found in args.items() if key in known and found is not None}
    pool: Any = parse(cls, value, name)
    if problems := check_pool(cluster, pool, name):
        raise ConfigError(problems)
    return resolve(pool, cluster)


def arguments_of(pool: Pool) -> dict[str, Any]:
    """Return a pool as a component's arguments: the inverse of spec_of, without what is left at its default."""
    fields = type(pool).__dataclass_fields__
    return {
        field: _plain_out(value)
        for field in fields
        if (value := getattr(pool, field)) is not None and value not in ({}, [])
    }


def _plain(value: Any) -> Any:
    """Make whole floats integers again: other languages' integers arrive as floats (pulumi component host)."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _plain_out(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain_out(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {field: _plain_out(getattr(value, field)) for field in value.__dataclass_fields__}
    return value


def no_cluster(name: str, key: str) -> ConfigError:
    """Return the error for a component that was told of no cluster."""
    return ConfigError(
        [
            Problem(
                path=f"{name}.{key}",
                found="neither cluster nor cluster_name",
                consequence="the pool would belong to no cluster",
                fix="Pass the cluster's resource, or its name.",
            )
        ]
    )
