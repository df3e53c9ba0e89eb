"""What needs Google's SDK: the lookup of a GKE cluster, and the node pool, a thin shell around arguments.py.

It makes the pool and nothing else: no cluster, no service account, no network.
"""

from typing import Any, Final, NotRequired, cast

import pulumi
from pulumi_gcp import container

from components.clouds.component import CloudPoolArgs, NodePool, ResolvedArgs, cluster_name_of, resolved_pool
from components.clouds.connection import Connection, provider_for
from components.clouds.contract import ResolvedPool
from components.clouds.gke import GKE
from components.clouds.gke.arguments import IGNORE_CHANGES, kubeconfig, node_pool
from components.clouds.gke.sections import ArchitectureTaint, GkeCluster, GkePool, Limits
from components.clouds.kubeconfig import Endpoint


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
        place = {"location": cluster.location, "project": cluster.project, "cluster_name": cluster.name}
        return GkeNodePool(pool.name, cast("GkeNodePoolArgs", ResolvedArgs(pool, **place)))

    identity = f"gke/{cluster.project}/{cluster.location}/{cluster.name}"
    return Connection(provider=provider_for(cluster.access, made, identity), declare=declare)


class GkeNodePoolArgs(CloudPoolArgs):
    """Arguments of a GKE node pool."""

    location: str
    """The cluster's own location: its region, or its zone if it is zonal."""

    project: NotRequired[pulumi.Input[str]]
    """Project of the cluster; left out, the provider's."""

    cluster: NotRequired[container.Cluster]
    """The cluster, if this program makes it: the pool then waits for it."""

    cluster_name: NotRequired[pulumi.Input[str]]
    """Name of the cluster; left out, that of `cluster`."""

    node_locations: NotRequired[list[str]]
    """Zones of the pool, for example `[us-central1-a, us-central1-f]`."""

    limits: NotRequired[Limits]
    """What minNodes and maxNodes count: `total` nodes over all zones, or `perZone`."""

    image_type: NotRequired[str]
    """Node image: `cos_containerd` (default: smallest, hardened) or `ubuntu_containerd`."""

    disk_type: NotRequired[str]
    """Boot disk type."""

    disk_size_gb: NotRequired[int]
    """Boot disk size in GB, 10 or more."""

    service_account: NotRequired[str]
    """E-mail of the nodes' service account."""

    oauth_scopes: NotRequired[list[str]]
    """OAuth scopes of the nodes."""

    max_pods_per_node: NotRequired[int]
    """Most pods per node, 8 to 256; left out, the cluster's default (usually 110)."""

    secure_boot: NotRequired[bool]
    """Boot only signed kernels and modules."""

    integrity_monitoring: NotRequired[bool]
    """Report boot measurements that differ from the baseline."""

    gvnic: NotRequired[bool]
    """Google's virtual NIC."""

    architecture_taint: NotRequired[ArchitectureTaint]
    """Whether GKE taints arm64 nodes: `ARM` (yes) or `NONE`."""

    tags: NotRequired[list[str]]
    """Network tags of the nodes, which VPC firewall rules select."""

    resource_labels: NotRequired[dict[str, str]]
    """Labels of the Compute Engine instances (billing), not of the Kubernetes nodes."""

    max_surge: NotRequired[int]
    """Extra nodes during an upgrade."""

    max_unavailable: NotRequired[int]
    """Nodes that may be missing during an upgrade."""

    drain_grace_minutes: NotRequired[int]
    """How long running pods may take to end when GKE drains a node, in minutes, at most 1440."""


class GkeNodePool(NodePool):
    """A GKE node pool with the architecture taint, labels and limits that the runner counts on."""

    def __init__(self, name: str, args: GkeNodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        cluster, cluster_name = args.get("cluster"), cluster_name_of(args, name)
        pool = resolved_pool(GKE, args, args["location"], name)
        # Only now: a pool that cannot work registers nothing.
        super().__init__("multiarch-runner:index:GkeNodePool", name, None, opts)
        made = container.NodePool(
            f"{name}-pool",
            cluster=cluster_name,
            project=args.get("project"),
            **_typed(node_pool(pool, args["location"])),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=None if cluster is None else [cluster],
                ignore_changes=list(IGNORE_CHANGES),
                # The name is fixed, so that a successor cannot be made beside it.
                delete_before_replace=True,
                protect=pool.protect or None,
            ),
        )
        per_zone = pool.section.limits is Limits.PER_ZONE
        zones = made.node_locations.apply(lambda found: len(found or ()) or 1)
        self.publish(pool, [made.name], zones if per_zone else 1)


def _typed(arguments: dict[str, Any]) -> dict[str, Any]:
    """Turn plain arguments into the SDK's classes, which refuse a key that does not exist."""
    return arguments | {
        "autoscaling": container.NodePoolAutoscalingArgs(**arguments["autoscaling"]),
        "management": container.NodePoolManagementArgs(**arguments["management"]),
        "upgrade_settings": container.NodePoolUpgradeSettingsArgs(**arguments["upgrade_settings"]),
        "node_drain_configs": [
            container.NodePoolNodeDrainConfigArgs(**config) for config in arguments["node_drain_configs"]
        ],
        "node_config": container.NodePoolNodeConfigArgs(**_typed_config(arguments["node_config"])),
    }


def _typed_config(config: dict[str, Any]) -> dict[str, Any]:
    classes: dict[str, Any] = {
        "boot_disk": container.NodePoolNodeConfigBootDiskArgs,
        "shielded_instance_config": container.NodePoolNodeConfigShieldedInstanceConfigArgs,
        "workload_metadata_config": container.NodePoolNodeConfigWorkloadMetadataConfigArgs,
        "gvnic": container.NodePoolNodeConfigGvnicArgs,
        "taint_config": container.NodePoolNodeConfigTaintConfigArgs,
    }
    typed = {key: classes[key](**value) if key in classes else value for key, value in config.items()}
    if "taints" in config:
        typed["taints"] = [container.NodePoolNodeConfigTaintArgs(**taint) for taint in config["taints"]]
    return typed


COMPONENT: Final = GkeNodePool
