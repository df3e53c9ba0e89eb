"""What needs Azure's SDK: the lookup of an AKS cluster, and the node pool, a thin shell around arguments.py.

It makes an agent pool and nothing else. Pools made here must not also be listed in the cluster's own
`agent_pool_profiles`: the two fight (pulumi-azure-native#2719, #4264).
"""

from collections.abc import Mapping
from typing import Final, NotRequired, TypedDict

import pulumi
from pulumi_azure_native import containerservice

from components.clouds.aks import AKS
from components.clouds.aks.arguments import IGNORE_CHANGES, REPLACES, agent_pool, kubeconfig
from components.clouds.aks.sections import AksCluster, AksPool
from components.clouds.component import NodePool, cluster_name_of, resolved_pool
from components.clouds.connection import Connection, provider_for
from components.clouds.contract import ResolvedPool
from components.clouds.kubeconfig import endpoint_of
from components.clouds.sdk import keywords

ARGUMENTS: Final[Mapping[str, type]] = {"arguments": containerservice.AgentPoolArgs}


def connect(cluster: AksCluster) -> Connection:
    """Look the cluster up, unless a kubeconfig is stated."""
    made = None
    if cluster.access is None:
        # The managed cluster itself does not tell its CA; the user's credentials do.
        found = containerservice.list_managed_cluster_user_credentials_output(
            resource_group_name=cluster.resource_group, resource_name=cluster.name, format="exec"
        )
        made = found.apply(lambda it: kubeconfig(endpoint_of(it.kubeconfigs[0].value)))

    def declare(pool: ResolvedPool[AksPool]) -> NodePool:
        args = AksNodePoolArgs(
            pool=pool.section,
            resource_group_name=cluster.resource_group,
            cluster_name=cluster.name,
            longest_job=pool.longest_job,
        )
        return AksNodePool(pool.name, args)

    identity = f"aks/{cluster.resource_group}/{cluster.name}"
    return Connection(provider=provider_for(cluster.access, made, identity), declare=declare)


class AksNodePoolArgs(TypedDict):
    """Arguments of an AKS node pool."""

    pool: AksPool
    """The pool, as in a stack file's `pools`."""

    resource_group_name: pulumi.Input[str]
    """Resource group of the cluster."""

    cluster: NotRequired[containerservice.ManagedCluster]
    """The cluster, if this program makes it: the pool then waits for it."""

    cluster_name: NotRequired[pulumi.Input[str]]
    """Name of the cluster; left out, that of `cluster`."""

    longest_job: NotRequired[int]
    """Seconds of the longest job, which a node that is drained waits for. 3600 by default."""


class AksNodePool(NodePool):
    """An AKS agent pool in User mode, with the taints that AKS does not add by itself."""

    def __init__(self, name: str, args: AksNodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        cluster, cluster_name = args.get("cluster"), cluster_name_of(args, name)
        pool = resolved_pool(AKS, args, "", name)
        super().__init__("multiarch-runner:index:AksNodePool", name, None, opts)
        made = containerservice.AgentPool(
            f"{name}-pool",
            resource_group_name=args["resource_group_name"],
            # `resource_name` is Pulumi's own keyword.
            resource_name_=cluster_name,
            **keywords(containerservice.AgentPoolArgs, agent_pool(pool)),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=None if cluster is None else [cluster],
                ignore_changes=list(IGNORE_CHANGES),
                # azure-native itself says that the old one goes first, whatever the names (its provider.go).
                delete_before_replace=pool.deleted_first,
                replace_on_changes=list(REPLACES),
                protect=pool.protect or None,
            ),
        )
        self.publish(pool, [made.name])


COMPONENT: Final = AksNodePool
