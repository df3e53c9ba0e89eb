"""What the tools know of AKS. Source of context and login: `az aks get-credentials`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.clouds.aks.sections import AksCluster
from multiarch.model.clouds.aks.machines import machine_of
from multiarch.model.clouds.aks.nodes import node_group
from multiarch.model.clouds.contract import KnownCloud, another
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


AKS: Final = KnownCloud(
    name="aks",
    package="azure-native",
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
)
