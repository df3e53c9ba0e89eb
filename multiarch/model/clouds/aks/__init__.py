"""What the tools know of AKS. Source of context and login: `az aks get-credentials`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from components.clouds.aks.sections import AksCluster
from multiarch.cluster.look.autoscaler import PROVISIONING
from multiarch.cluster.look.model import Look
from multiarch.model.clouds.aks.machines import machine_of
from multiarch.model.clouds.aks.marks import MARKS
from multiarch.model.clouds.aks.nodes import node_group
from multiarch.model.clouds.aks.own_changes import OWN_CHANGES
from multiarch.model.clouds.contract import Hindrance, KnownCloud, Naming, Offer, PoolImport, Wanted, another
from multiarch.model.providers.base import RehearsalProvider


def _provider() -> RehearsalProvider:
    from multiarch.model.clouds.aks.provider import AzureNativeProvider  # noqa: PLC0415 - a plan loads only its own cloud's rules

    return AzureNativeProvider()


def _login(cluster: AksCluster) -> str:
    subscription = f" --subscription {cluster.subscription_id}" if cluster.subscription_id else ""
    return (
        f"az aks get-credentials --name {cluster.name} --resource-group {cluster.resource_group}{subscription}"
        " && kubelogin convert-kubeconfig -l azurecli"
    )


def _elsewhere(cluster: AksCluster, parts: Sequence[str], node: Mapping[str, Any]) -> str:
    """Compare `azure:///subscriptions/<id>/...`, where the stack states its subscription."""
    del node
    if cluster.subscription_id is None or parts[0] != "subscriptions" or len(parts) < len(("subscriptions", "id")):
        return ""
    return another("subscription", parts[1].lower(), cluster.subscription_id.lower())


_V5_ONLY: Final = ("jioindiacentral", "jioindiawest")
"""Regions with arm64 of v5 and not of v6 (price map of 2026-06-18)."""


def _offered(wanted: Wanted) -> Offer:
    doubt = "whether the subscription has quota for this series only Azure knows"
    if wanted.place in _V5_ONLY and wanted.like.endswith("_v6"):
        name = wanted.like.removesuffix("_v6") + "_v5"
        return Offer(name=name, doubt=doubt, because=f"{wanted.place} has no Cobalt (v6)")
    return Offer(name=wanted.like, doubt=doubt)


def _hindrances(look: Look) -> Iterator[Hindrance]:
    if look.autoscaler_name == PROVISIONING:
        yield Hindrance(
            found="AKS Node Auto-Provisioning is on",
            consequence="AKS then refuses agent pools that are scaled by themselves, and all pools of this stack are",
            fix="Let it make arm64 nodes (a Karpenter NodePool with kubernetes.io/arch In [amd64, arm64]) and choose "
            "--pools use, or turn it off.",
            of_pools=True,
        )


AKS: Final = KnownCloud(
    name="aks",
    provider=_provider,
    node_groups={"azure-native:containerservice:AgentPool": node_group},
    membership="kubernetes.azure.com/agentpool",
    context=lambda cluster: re.compile(re.escape(cluster.name)),
    size=machine_of,
    login=_login,
    server=re.compile(r"\.(?:hcp|privatelink)\.([a-z0-9]+)\.azmk8s\.io$"),
    place=lambda cluster: cluster.location,
    scheme="azure",
    machine_elsewhere=_elsewhere,
    marks=MARKS,
    naming=Naming(separator="", completed=None),
    own_labels=("agentpool", "kubernetes.azure.com/"),
    spot_labels=("kubernetes.azure.com/scalesetpriority",),
    own_changes=OWN_CHANGES,
    doubt_from_zero="Cluster Autoscaler before 1.33.5, 1.34.4, 1.35.2 and 1.36.0 takes an empty pool for amd64 "
    "(kubernetes/autoscaler#9322), and AKS chooses the build",
    tolerates=False,
    dns_on_nodes=False,
    hindrances=_hindrances,
    scaling=lambda *_: (),
    offered=_offered,
    priced=lambda _: True,
    imports=PoolImport(
        type="azure-native:containerservice:AgentPool",
        identity=lambda part, pool: (
            f"/subscriptions/{part('subscriptionId', 'subscription')}/resourceGroups/"
            f"{part('resourceGroup', 'resource-group')}/providers/Microsoft.ContainerService/managedClusters/"
            f"{part('name', 'cluster')}/agentPools/{pool}"
        ),
        ignored=("count", "orchestratorVersion", "osDiskSizeGB", "osDiskType", "upgradeSettings"),
        note="vmSize, priority and zones can't be changed: set them to their current values. A pool that the cluster's "
        "own resource lists among agentPoolProfiles must not be imported in addition (pulumi-azure-native#2719).",
    ),
)
