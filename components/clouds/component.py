"""What the node pool components of all clouds have in common: their outputs, and their arguments' way to a pool."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.clouds.checks import check_pool
from components.clouds.contract import LONGEST_JOB, Cloud, P, ResolvedPool, Subject
from components.clouds.passed import passed_through
from components.clouds.sections import PoolBase
from components.problems import ConfigError, Problem
from components.reading import section_of


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
        self,
        pool: ResolvedPool[PoolBase],
        names: pulumi.Input[Sequence[pulumi.Input[str]]],
        zones: pulumi.Input[int] = 1,
    ) -> None:
        """Set and register the outputs; `zones` is what limits per zone have to be multiplied by."""
        if passed := passed_through(pool):
            pulumi.log.warn(f"{pool.name}: passed through, checked by the SDK's types only: {passed}", resource=self)
        self.names = pulumi.Output.from_input(names).apply(lambda found: [str(name) for name in found])
        self.arch = pulumi.Output.from_input(pool.arch.value)
        self.labels = pulumi.Output.from_input(dict(pool.labels))
        self.taints = pulumi.Output.from_input([str(taint) for taint in pool.node_taints])
        self.min_nodes = pulumi.Output.from_input(zones).apply(lambda number: pool.section.min_nodes * number)
        self.max_nodes = pulumi.Output.from_input(zones).apply(lambda number: pool.section.max_nodes * number)
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


def resolved_pool(cloud: Cloud[Any, P], args: Mapping[str, Any], location: str, name: str) -> ResolvedPool[P]:
    """Read what a component was given as its pool, check it, and resolve it. Raises ConfigError with every problem."""
    path = f"{name}.pool"
    pool = cloud.placed(section_of(cloud.pool, args.get("pool", {}), path), location)
    if problems := check_pool(Subject(path=path, pool=pool, cloud=cloud, location=location)):
        raise ConfigError(problems)
    # Other languages' whole numbers arrive as floats.
    return cloud.resolve(pool, int(args.get("longest_job") or LONGEST_JOB))


def cluster_name_of(args: Mapping[str, Any], name: str) -> pulumi.Input[str]:
    """Return the name of the component's cluster: as given, else that of the given resource.

    Raises ConfigError where neither is given.
    """
    given: pulumi.Input[str] | None = args.get("cluster_name")
    if given is not None:
        return given
    if (cluster := args.get("cluster")) is None:
        raise no_cluster(name, "cluster_name")
    made: pulumi.Output[str] = cluster.name
    return made


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
