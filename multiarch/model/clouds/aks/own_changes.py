"""What changes by itself in AKS pools that the components made: no drift.

They always scale by themselves, and their program leaves the same properties to the cloud (`IGNORE_CHANGES`). In a
pool of somebody else's, a changed count is drift.
"""

from typing import Final

from multiarch.model.clouds.contract import OwnChange

_POOL: Final = "urn:pulumi:*multiarch-runner:index:AksNodePool$azure-native:containerservice*:AgentPool::*"
"""azure-native puts an API version into the type where a program pins one."""

OWN_CHANGES: Final = (
    OwnChange(
        id="aks-count",
        resource=_POOL,
        path="count",
        reason="the autoscaler decides how many nodes there are",
        source="https://www.pulumi.com/registry/packages/azure-native/api-docs/containerservice/agentpool/",
    ),
    OwnChange(
        id="aks-orchestrator-version",
        resource=_POOL,
        path="orchestratorVersion",
        reason="the cluster's auto-upgrade channel chooses the nodes' version",
        source="https://github.com/pulumi/pulumi-azure-native/issues/2059",
    ),
    OwnChange(
        id="aks-current-version",
        resource=_POOL,
        path="currentOrchestratorVersion",
        reason="the version that the nodes run after an auto-upgrade; an output only",
        source="https://www.pulumi.com/registry/packages/azure-native/api-docs/containerservice/agentpool/",
    ),
    OwnChange(
        id="aks-node-image",
        resource=_POOL,
        path="nodeImageVersion",
        reason="AKS gives nodes newer images by itself; an output only",
        source="https://learn.microsoft.com/azure/aks/auto-upgrade-node-os-image",
    ),
    OwnChange(
        id="aks-etag",
        resource=_POOL,
        path="eTag",
        reason="AKS counts every write with it, the autoscaler's too; what was written shows by itself",
        source="https://www.pulumi.com/registry/packages/azure-native/api-docs/containerservice/agentpool/",
    ),
)
