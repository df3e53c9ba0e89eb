"""What changes by itself in EKS pools that the components made: no drift.

They always scale by themselves, and their program leaves the same properties to the cloud (`IGNORE_CHANGES`). In a
pool of somebody else's, a changed count is drift.
"""

from typing import Final

from multiarch.model.clouds.contract import OwnChange

_POOL: Final = "urn:pulumi:*multiarch-runner:index:EksNodePool$aws:eks/nodeGroup:NodeGroup::*"

OWN_CHANGES: Final = (
    OwnChange(
        id="eks-desired-size",
        resource=_POOL,
        path="scalingConfig.desiredSize",
        reason="the autoscaler decides how many nodes there are",
        source="https://github.com/pulumi/pulumi-eks/issues/1293",
    ),
)
