"""What would need Nimbus' SDK, if there were one: the lookup of a cluster, and the pool."""

from collections.abc import Mapping
from typing import Any, Final, NotRequired, TypedDict

import pulumi

from components.clouds.component import NodePool, cluster_name_of, resolved_pool
from components.clouds.connection import Connection, provider_for
from components.clouds.contract import ResolvedPool
from tests.unit.clouds.nimbus.components import NIMBUS
from tests.unit.clouds.nimbus.components.arguments import IGNORE_CHANGES, flock, kubeconfig
from tests.unit.clouds.nimbus.components.sections import NimbusCluster, NimbusPool


def connect(cluster: NimbusCluster) -> Connection:
    """Look the cluster up, unless a kubeconfig is stated."""
    made = None
    if cluster.access is None:
        found: pulumi.Output[Any] = pulumi.Output.from_input(
            pulumi.runtime.invoke_async("nimbus:sky:getCluster", {"name": cluster.name, "sky": cluster.sky})
        )
        made = found.apply(lambda it: kubeconfig(cluster, it["server"], it["ca"]))

    def declare(pool: ResolvedPool[NimbusPool]) -> NodePool:
        args = NimbusNodePoolArgs(
            pool=pool.section, cluster_name=cluster.name, sky=cluster.sky, longest_job=pool.longest_job
        )
        return NimbusNodePool(pool.name, args)

    identity = f"nimbus/{cluster.sky}/{cluster.name}"
    return Connection(provider=provider_for(cluster.access, made, identity), declare=declare)


class NimbusNodePoolArgs(TypedDict):
    """Arguments of a Nimbus pool."""

    pool: NimbusPool
    """The pool, as in a stack file's `pools`."""

    cluster_name: str
    """The cluster's name in Nimbus."""

    sky: str
    """The part of the sky that it floats in."""

    longest_job: NotRequired[int]
    """Seconds of the longest job, which a node that is drained waits for. 3600 by default."""


class NimbusNodePool(NodePool):
    """A flock of Nimbus droplets."""

    def __init__(self, name: str, args: NimbusNodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        pool = resolved_pool(NIMBUS, args, args["sky"], name)
        super().__init__("multiarch-runner:index:NimbusNodePool", name, None, opts)
        pulumi.CustomResource(
            "nimbus:sky:Flock",
            f"{name}-flock",
            {"name": name, "cluster": cluster_name_of(args, name), "sky": args["sky"], **flock(pool)},
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=list(IGNORE_CHANGES),
                delete_before_replace=True,
                protect=pool.protect or None,
            ),
        )
        self.publish(pool, [name])


ARGUMENTS: Final[Mapping[str, type]] = {}
COMPONENT: Final = NimbusNodePool
