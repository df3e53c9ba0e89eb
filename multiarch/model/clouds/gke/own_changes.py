"""What changes by itself in GKE pools that the components made: no drift.

They always scale by themselves, and their program leaves the same properties to the cloud (`IGNORE_CHANGES`). In a
pool of somebody else's, a changed count is drift.
"""

from typing import Final

from multiarch.model.clouds.contract import OwnChange

_POOL: Final = "urn:pulumi:*multiarch-runner:index:GkeNodePool$gcp:container/nodePool:NodePool::*"

OWN_CHANGES: Final = (
    OwnChange(
        id="gke-node-count",
        resource=_POOL,
        path="nodeCount",
        reason="the autoscaler decides how many nodes there are",
        source="https://www.pulumi.com/registry/packages/gcp/api-docs/container/nodepool/",
    ),
    OwnChange(
        id="gke-initial-node-count",
        resource=_POOL,
        path="initialNodeCount",
        reason="GKE rewrites it when a pool is resized by hand, and it says nothing of the pool as it is",
        source="https://www.pulumi.com/registry/packages/gcp/api-docs/container/nodepool/",
    ),
    OwnChange(
        id="gke-node-version",
        resource=_POOL,
        path="version",
        reason="GKE's auto-upgrade chooses the nodes' version",
        source="https://www.pulumi.com/registry/packages/gcp/api-docs/container/nodepool/",
    ),
)
