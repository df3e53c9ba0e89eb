"""What autoscalers and auto-upgrade change in this program's own node pools, and what a change elsewhere drags along.

Only pools that these components made: they always scale by themselves, and their programs leave the same properties to
the cloud (`IGNORE_CHANGES` of components/node_pools). In a pool of somebody else's, a changed count is drift.
"""

from typing import Final

from multiarch.drift.ignore.rule import Rule

GKE_POOL: Final = "urn:pulumi:*multiarch-runner:index:GkeNodePool$gcp:container/nodePool:NodePool::*"
EKS_POOL: Final = "urn:pulumi:*multiarch-runner:index:EksNodePool$aws:eks/nodeGroup:NodeGroup::*"
AKS_POOL: Final = "urn:pulumi:*multiarch-runner:index:AksNodePool$azure-native:containerservice*:AgentPool::*"
"""azure-native puts an API version into the type where a program pins one."""
_GKE_DOCS: Final = "https://www.pulumi.com/registry/packages/gcp/api-docs/container/nodepool/"
_AKS_DOCS: Final = "https://www.pulumi.com/registry/packages/azure-native/api-docs/containerservice/agentpool/"


def _built_in(name: str, resource: str, path: str, reason: str, source: str) -> Rule:
    return Rule(id=name, resource=resource, path=path, reason=reason, source=source, built_in=True)


BUILT_IN: Final[tuple[Rule, ...]] = (
    _built_in("gke-node-count", GKE_POOL, "nodeCount", "the autoscaler decides how many nodes there are", _GKE_DOCS),
    _built_in(
        "gke-initial-node-count",
        GKE_POOL,
        "initialNodeCount",
        "GKE rewrites it when a pool is resized by hand, and it says nothing of the pool as it is",
        _GKE_DOCS,
    ),
    _built_in("gke-node-version", GKE_POOL, "version", "GKE's auto-upgrade chooses the nodes' version", _GKE_DOCS),
    _built_in(
        "eks-desired-size",
        EKS_POOL,
        "scalingConfig.desiredSize",
        "the autoscaler decides how many nodes there are",
        "https://github.com/pulumi/pulumi-eks/issues/1293",
    ),
    _built_in("aks-count", AKS_POOL, "count", "the autoscaler decides how many nodes there are", _AKS_DOCS),
    _built_in(
        "aks-orchestrator-version",
        AKS_POOL,
        "orchestratorVersion",
        "the cluster's auto-upgrade channel chooses the nodes' version",
        "https://github.com/pulumi/pulumi-azure-native/issues/2059",
    ),
    _built_in(
        "aks-current-version",
        AKS_POOL,
        "currentOrchestratorVersion",
        "the version that the nodes run after an auto-upgrade; an output only",
        _AKS_DOCS,
    ),
    _built_in(
        "aks-node-image",
        AKS_POOL,
        "nodeImageVersion",
        "AKS gives nodes newer images by itself; an output only",
        "https://learn.microsoft.com/azure/aks/auto-upgrade-node-os-image",
    ),
    _built_in(
        "aks-etag",
        AKS_POOL,
        "eTag",
        "AKS counts every write with it, the autoscaler's too; what was written shows by itself",
        _AKS_DOCS,
    ),
)
"""docs/drift.md lists them all."""
