"""What the tools know of EKS. Source of context and login: `aws eks update-kubeconfig`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.clouds.eks.sections import EksCluster
from multiarch.model.clouds.contract import KnownCloud, Naming, Offer, PoolImport, another, outside
from multiarch.model.clouds.eks.advice import hindrances, scaling
from multiarch.model.clouds.eks.machines import machine_of
from multiarch.model.clouds.eks.marks import MARKS
from multiarch.model.clouds.eks.nodes import node_group
from multiarch.model.clouds.eks.own_changes import OWN_CHANGES
from multiarch.model.providers.base import RehearsalProvider


def _provider() -> RehearsalProvider:
    from multiarch.model.clouds.eks.provider import AwsProvider  # noqa: PLC0415 - a plan loads only its own cloud's rules

    return AwsProvider()


def _context(cluster: EksCluster) -> re.Pattern[str]:
    """Return the pattern of the ARN, whose account the stack does not know."""
    region, name = re.escape(cluster.region), re.escape(cluster.name)
    return re.compile(rf"arn:aws[a-z-]*:eks:{region}:[0-9]{{12}}:cluster/{name}")


def _elsewhere(cluster: EksCluster, parts: Sequence[str], node: Mapping[str, Any]) -> str:
    """Compare `aws:///<zone>/<instance>`, and the name that eksctl writes on nodes."""
    named = (node["metadata"].get("labels") or {}).get("alpha.eksctl.io/cluster-name") or cluster.name
    return outside(parts[:1], cluster.region) or another("cluster", named, cluster.name)


EKS: Final = KnownCloud(
    name="eks",
    provider=_provider,
    node_groups={"aws:eks/nodeGroup:NodeGroup": node_group},
    membership="eks.amazonaws.com/nodegroup",
    context=_context,
    size=machine_of,
    login=lambda cluster: f"aws eks update-kubeconfig --name {cluster.name} --region {cluster.region}",
    server=re.compile(r"^[0-9a-f]{32}\.(?:[a-z0-9]+\.)?([a-z]{2}(?:sc)?(?:-[a-z]+)+-[0-9]+)\.eks\."),
    place=lambda cluster: cluster.region,
    scheme="aws",
    machine_elsewhere=_elsewhere,
    marks=MARKS,
    naming=Naming(
        separator="-",
        completed=lambda inputs: (inputs.get("nodeGroupName") or "", inputs.get("nodeGroupNamePrefix") or ""),
    ),
    own_labels=("alpha.eksctl.io/", "eks.amazonaws.com/"),
    spot_labels=("eks.amazonaws.com/capacityType",),
    own_changes=OWN_CHANGES,
    doubt_from_zero="",
    tolerates=False,
    dns_on_nodes=False,
    hindrances=hindrances,
    scaling=scaling,
    offered=lambda wanted: Offer(
        name=wanted.like,
        doubt="not every availability zone has every type: EKS reports it when the node group is created",
    ),
    priced=lambda _: True,
    imports=PoolImport(
        type="aws:eks/nodeGroup:NodeGroup",
        identity=lambda part, pool: f"{part('name', 'cluster')}:{pool}",
        ignored=(
            "nodeGroupName",
            "nodeGroupNamePrefix",
            "launchTemplate",
            "nodeRoleArn",
            "subnetIds",
            "instanceTypes",
            "diskSize",
            "scalingConfig.desiredSize",
        ),
        note="The component names its groups by prefix and gives them a launch template; an imported group has "
        "neither, and would be replaced without ignore_changes.",
    ),
)
