"""What needs Google's SDK: the lookup of a GKE cluster, and the node pool, a thin shell around arguments.py.

It makes the pool and nothing else: no cluster, no service account, no network.
"""

from collections.abc import Mapping
from typing import Final, NotRequired, TypedDict

import pulumi
from pulumi_gcp import container

from components.clouds.component import NodePool, cluster_name_of, resolved_pool
from components.clouds.connection import Connection, provider_for
from components.clouds.contract import ResolvedPool
from components.clouds.gke import GKE
from components.clouds.gke.arguments import IGNORE_CHANGES, kubeconfig, node_pool
from components.clouds.gke.sections import GkeCluster, GkePool, Limits
from components.clouds.kubeconfig import Endpoint
from components.clouds.sdk import keywords
from components.reading import text_of

ARGUMENTS: Final[Mapping[str, type]] = {"arguments": container.NodePoolArgs}


def connect(cluster: GkeCluster) -> Connection:
    """Look the cluster up, unless a kubeconfig is stated."""
    made = None
    if cluster.access is None:
        found = container.get_cluster_output(name=cluster.name, location=cluster.location, project=cluster.project)
        made = found.apply(
            lambda it: kubeconfig(
                Endpoint(server=f"https://{it.endpoint}", ca=it.master_auths[0].cluster_ca_certificate)
            )
        )

    def declare(pool: ResolvedPool[GkePool]) -> NodePool:
        args = GkeNodePoolArgs(
            pool=pool.section,
            location=cluster.location,
            project=cluster.project,
            cluster_name=cluster.name,
            longest_job=pool.longest_job,
        )
        return GkeNodePool(pool.name, args)

    identity = f"gke/{cluster.project}/{cluster.location}/{cluster.name}"
    return Connection(provider=provider_for(cluster.access, made, identity), declare=declare)


class GkeNodePoolArgs(TypedDict):
    """Arguments of a GKE node pool."""

    pool: GkePool
    """The pool, as in a stack file's `pools`."""

    location: str
    """The cluster's own location: its region, or its zone if it is zonal."""

    project: NotRequired[pulumi.Input[str]]
    """Project of the cluster; left out, the provider's."""

    cluster: NotRequired[container.Cluster]
    """The cluster, if this program makes it: the pool then waits for it."""

    cluster_name: NotRequired[pulumi.Input[str]]
    """Name of the cluster; left out, that of `cluster`."""

    longest_job: NotRequired[int]
    """Seconds of the longest job, which a node that is drained waits for. 3600 by default."""


class GkeNodePool(NodePool):
    """A GKE node pool with the architecture taint, labels and limits that the runner counts on."""

    def __init__(self, name: str, args: GkeNodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        cluster, cluster_name = args.get("cluster"), cluster_name_of(args, name)
        location = text_of(args, "location", name)
        pool = resolved_pool(GKE, args, location, name)
        # Only now: a pool that cannot work registers nothing.
        super().__init__("multiarch-runner:index:GkeNodePool", name, None, opts)
        made = container.NodePool(
            f"{name}-pool",
            cluster=cluster_name,
            project=args.get("project"),
            **keywords(container.NodePoolArgs, node_pool(pool, location)),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=None if cluster is None else [cluster],
                ignore_changes=list(IGNORE_CHANGES),
                delete_before_replace=pool.deleted_first,
                protect=pool.protect or None,
            ),
        )
        per_zone = pool.section.limits is Limits.PER_ZONE
        zones = made.node_locations.apply(lambda found: len(found or ()) or 1)
        self.publish(pool, [made.name], zones if per_zone else 1)


COMPONENT: Final = GkeNodePool
