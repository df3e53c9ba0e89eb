"""What needs Azure's SDK: the lookup of an AKS cluster, and the node pool, a thin shell around arguments.py.

It makes an agent pool and nothing else. Pools made here must not also be listed in the cluster's own
`agent_pool_profiles`: the two fight (pulumi-azure-native#2719, #4264).
"""

from typing import Any, Final, NotRequired, cast

import pulumi
from pulumi_azure_native import containerservice

from components.clouds.aks import AKS
from components.clouds.aks.arguments import IGNORE_CHANGES, REFUSED_CHANGES, agent_pool, kubeconfig
from components.clouds.aks.sections import AksCluster, AksMode, AksPool, OsDiskType
from components.clouds.component import CloudPoolArgs, NodePool, ResolvedArgs, cluster_name_of, resolved_pool
from components.clouds.connection import Connection, provider_for
from components.clouds.contract import ResolvedPool
from components.clouds.kubeconfig import endpoint_of


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
        place = {"resource_group_name": cluster.resource_group, "cluster_name": cluster.name}
        return AksNodePool(pool.name, cast("AksNodePoolArgs", ResolvedArgs(pool, **place)))

    identity = f"aks/{cluster.resource_group}/{cluster.name}"
    return Connection(provider=provider_for(cluster.access, made, identity), declare=declare)


class AksNodePoolArgs(CloudPoolArgs):
    """Arguments of an AKS node pool."""

    resource_group_name: pulumi.Input[str]
    """Resource group of the cluster."""

    cluster: NotRequired[containerservice.ManagedCluster]
    """The cluster, if this program makes it: the pool then waits for it."""

    cluster_name: NotRequired[pulumi.Input[str]]
    """Name of the cluster; left out, that of `cluster`."""

    os_sku: NotRequired[str]
    """Node operating system: `AzureLinux3` (default: small, current), `Ubuntu` or `Ubuntu2204`."""

    mode: NotRequired[AksMode]
    """`User` or `System`."""

    os_disk_type: NotRequired[OsDiskType]
    """`Ephemeral` (local disk: faster, no charge) or `Managed`."""

    os_disk_size_gb: NotRequired[int]
    """OS disk size in GB, 30 or more."""

    availability_zones: NotRequired[list[str]]
    """Zones such as `['1', '2', '3']`."""

    max_pods: NotRequired[int]
    """Most pods per node, 10 to 250; left out, the network plugin's default."""

    vnet_subnet_id: NotRequired[str]
    """Resource ID of the nodes' subnet."""

    pod_subnet_id: NotRequired[str]
    """Resource ID of the pods' subnet (dynamic IP allocation)."""

    max_surge: NotRequired[str]
    """Extra nodes during an upgrade, a number or a percentage."""

    drain_timeout_minutes: NotRequired[int]
    """How long an upgrade waits for running pods to end, in minutes, 1 to 1440."""

    secure_boot: NotRequired[bool]
    """Trusted Launch: boot only signed code."""

    vtpm: NotRequired[bool]
    """Trusted Launch: a virtual TPM."""

    encryption_at_host: NotRequired[bool]
    """Encrypt local and cached disks on the host."""

    fips: NotRequired[bool]
    """A FIPS-validated image."""

    tags: NotRequired[dict[str, str]]
    """Azure tags of the agent pool and its scale set."""


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
            **_typed(agent_pool(pool)),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=None if cluster is None else [cluster],
                ignore_changes=list(IGNORE_CHANGES),
                # The name is fixed, so that a successor cannot be made beside it (pulumi-azure-native#3655).
                delete_before_replace=True,
                replace_on_changes=list(REFUSED_CHANGES),
                protect=pool.protect or None,
            ),
        )
        self.publish(pool, [made.name])


def _typed(arguments: dict[str, Any]) -> dict[str, Any]:
    """Turn plain arguments into the SDK's classes, which refuse a key that does not exist."""
    typed = arguments | {
        "upgrade_settings": containerservice.AgentPoolUpgradeSettingsArgs(**arguments["upgrade_settings"])
    }
    if "security_profile" in arguments:
        typed["security_profile"] = containerservice.AgentPoolSecurityProfileArgs(**arguments["security_profile"])
    return typed


COMPONENT: Final = AksNodePool
