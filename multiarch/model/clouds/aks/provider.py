"""The azure-native package: AKS agent pools, and the lookups of a managed cluster."""

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from multiarch.model.clouds.aks import pool_nodes, pool_scaling
from multiarch.model.clouds.aks.pool_nodes import MANAGED_CLUSTER, RESOURCE_GROUP
from multiarch.model.providers.base import Created, LookupRefusedError, Refusal
from multiarch.model.providers.kinds import Inputs, Kind, KindProvider, Lookup, number, refusal, text

AGENT_POOL = "azure-native:containerservice:AgentPool"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
KUBERNETES = "1.33.5"
API_VERSION = "2025-09-01"
CERTIFICATE = "UkVIRUFSU0FM"
"""Base64 of a word, in the place of a CA certificate."""
_SUBSCRIPTION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def _pool_id(inputs: Inputs, pool: str) -> str:
    group, cluster = inputs.get("resourceGroupName"), inputs.get("resourceName")
    return (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}"
        f"/providers/Microsoft.ContainerService/managedClusters/{cluster}/agentPools/{pool}"
    )


def _create(name: str, inputs: Inputs) -> Created:
    pool = text(inputs.get("agentPoolName")) or name
    version = inputs.get("orchestratorVersion") or KUBERNETES
    outputs = {
        **inputs,
        "name": pool,
        "azureApiVersion": API_VERSION,
        "type": "Microsoft.ContainerService/managedClusters/agentPools",
        "provisioningState": "Succeeded",
        "powerState": inputs.get("powerState") or {"code": "Running"},
        "currentOrchestratorVersion": version,
        "orchestratorVersion": version,
        "nodeImageVersion": f"AKS-{inputs.get('osSKU') or 'Ubuntu'}-202611.01.0",
        "osDiskSizeGB": number(inputs.get("osDiskSizeGB")) or 128,
        "maxPods": number(inputs.get("maxPods")) or 30,
        "eTag": "rehearsal",
    }
    return Created(id=_pool_id(inputs, pool), outputs=outputs)


def _named_cluster(args: Inputs) -> tuple[str, str]:
    group, name = text(args.get("resourceGroupName")), text(args.get("resourceName"))
    source = "learn.microsoft.com/rest/api/aks managedClusters"
    if not group or not RESOURCE_GROUP.fullmatch(group):
        message = f"ResourceGroupNotFound: Resource group '{group}' could not be found."
        raise LookupRefusedError(message, source, "resourceGroupName")
    if not name or not MANAGED_CLUSTER.fullmatch(name):
        message = f"ResourceNotFound: Microsoft.ContainerService/managedClusters/{name} was not found."
        raise LookupRefusedError(message, source, "resourceName")
    return group, name


def get_managed_cluster(args: Inputs) -> Mapping[str, Any]:
    """Answer `containerservice.getManagedCluster` with a cluster that has one inline System pool."""
    group, name = _named_cluster(args)
    fqdn = f"{name}-rehearsal.hcp.westeurope.azmk8s.io"
    return {
        "id": _pool_id({"resourceGroupName": group, "resourceName": name}, "").removesuffix("/agentPools/"),
        "name": name,
        "azureApiVersion": API_VERSION,
        "type": "Microsoft.ContainerService/ManagedClusters",
        "location": "westeurope",
        "fqdn": fqdn,
        "dnsPrefix": name,
        "kubernetesVersion": KUBERNETES,
        "currentKubernetesVersion": KUBERNETES,
        "nodeResourceGroup": f"MC_{group}_{name}_westeurope",
        "provisioningState": "Succeeded",
        "powerState": {"code": "Running"},
        "enableRBAC": True,
        "disableLocalAccounts": True,
        "agentPoolProfiles": [
            {
                "name": "system",
                "mode": "System",
                "count": 2,
                "vmSize": "Standard_D4s_v6",
                "osType": "Linux",
                "type": "VirtualMachineScaleSets",
            }
        ],
        "oidcIssuerProfile": {"enabled": True, "issuerURL": "https://westeurope.oic.prod-aks.azure.com/rehearsal/"},
        "networkProfile": {"networkPlugin": "azure", "networkPluginMode": "overlay", "networkDataplane": "cilium"},
        "tags": {},
    }


def list_user_credentials(args: Inputs) -> Mapping[str, Any]:
    """Answer `listManagedClusterUserCredentials` with a kubeconfig whose user is kubelogin."""
    group, name = _named_cluster(args)
    user = f"clusterUser_{group}_{name}"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": name,
                "cluster": {
                    "server": f"https://{name}-rehearsal.hcp.westeurope.azmk8s.io:443",
                    "certificate-authority-data": CERTIFICATE,
                },
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "current-context": name,
        "users": [
            {
                "name": user,
                "user": {
                    "exec": {
                        "apiVersion": "client.authentication.k8s.io/v1beta1",
                        "command": "kubelogin",
                        "args": ["get-token", "--server-id", "6dae42f8-4368-4678-94ff-3960e28e3630"],
                    }
                },
            }
        ],
    }
    return {"kubeconfigs": [{"name": "clusterUser", "value": base64.b64encode(json.dumps(config).encode()).decode()}]}


def get_client_config(args: Inputs) -> Mapping[str, Any]:
    """Answer `authorization.getClientConfig`."""
    del args
    return {
        "clientId": SUBSCRIPTION,
        "objectId": SUBSCRIPTION,
        "subscriptionId": SUBSCRIPTION,
        "tenantId": SUBSCRIPTION,
    }


class AzureNativeProvider(KindProvider):
    """Azure Resource Manager, as far as an AKS agent pool goes."""

    package: ClassVar[str] = "azure-native"
    version: ClassVar[str] = "3.29.0"
    record: ClassVar[Path] = Path(__file__).with_name("replaced.json")
    kinds: ClassVar[Mapping[str, Kind]] = {
        AGENT_POOL: Kind(
            rules=(*pool_nodes.RULES, *pool_scaling.RULES),
            create=_create,
            # pulumi-azure-native provider/pkg/provider/provider.go, Diff: whatever is not auto-named.
            delete_before_replace=True,
            named=True,
        )
    }
    lookups: ClassVar[Mapping[str, Lookup]] = {
        "azure-native:containerservice:getManagedCluster": get_managed_cluster,
        "azure-native:containerservice:listManagedClusterUserCredentials": list_user_credentials,
        "azure-native:authorization:getClientConfig": get_client_config,
    }

    def check_config(self, inputs: Inputs) -> list[Refusal]:
        """Refuse a subscription that is no id."""
        given = text(inputs.get("subscriptionId"))
        if given is None or _SUBSCRIPTION.fullmatch(given):
            return []
        message = f"InvalidSubscriptionId: The provided subscription identifier '{given}' is malformed or invalid."
        return [refusal("subscriptionId", message, "learn.microsoft.com/rest/api/resources/subscriptions")]
