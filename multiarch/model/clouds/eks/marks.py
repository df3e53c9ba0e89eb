"""How a look tells an EKS cluster. Sources: facts/nodepools.md section 2; EKS' and eksctl's documentation."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from multiarch.cluster.look.autoscaler import AUTO_MODE
from multiarch.cluster.look.contract import CloudMarks
from multiarch.cluster.look.marks import NodeMarks
from multiarch.cluster.look.names import KubeconfigNames
from multiarch.cluster.look.network import NetworkEvidence, NetworkLook
from multiarch.cluster.look.nodes import NodeCount
from multiarch.core.verdict import Verdict, unknown

FARGATE: Final = "eks fargate"
_GROUP: Final = "eks.amazonaws.com/nodegroup"
_COMPUTE: Final = "eks.amazonaws.com/compute-type"
_EKSCTL_CLUSTER: Final = "alpha.eksctl.io/cluster-name"
_ARN: Final = re.compile(r"arn:aws[a-z-]*:eks:(?P<region>[a-z0-9-]+):[0-9]+:cluster/(?P<name>[A-Za-z0-9_-]+)")
"""What `aws eks update-kubeconfig` calls context, cluster and user."""
_EKSCTL: Final = re.compile(r"(?:.+@)?(?P<name>[A-Za-z0-9_-]+)\.(?P<region>[a-z0-9-]+)\.eksctl\.io")
"""What `eksctl` calls them."""


def _told_by(version: str, count: NodeCount) -> str:
    if "-eks-" in version:
        return f"version {version}"
    return f"node labels {_GROUP}" if count.carried(_GROUP) and count.schemes["aws"] > 0 else ""


def _flavour(count: NodeCount) -> str:
    kinds = count.labels.get(_COMPUTE) or Counter[str]()
    if count.nodes and sum(kinds.values()) == count.nodes and set(kinds) == {"fargate"}:
        return FARGATE
    return AUTO_MODE if "auto" in kinds else ""


def _identity(count: NodeCount, names: KubeconfigNames) -> Mapping[str, str]:
    """Where nodes and kubeconfig contradict each other, the nodes are right and the kubeconfig's part is left out."""
    found: dict[str, str] = {}
    if len(count.regions) == 1:
        found["region"] = next(iter(count.regions))
    for pattern, name in ((pattern, name) for name in names.all() for pattern in (_ARN, _EKSCTL)):
        match = pattern.fullmatch(name)
        if match is not None and match["region"] == found.get("region", match["region"]):
            return {"name": match["name"], "region": match["region"]}
    arguments = _flags(names.arguments)
    if arguments.get("--region", "") == found.get("region", arguments.get("--region", "")):
        told = {"name": arguments.get("--cluster-name", ""), "region": arguments.get("--region", "")}
        found = {**found, **{key: value for key, value in told.items() if value}}
    if "name" not in found and (label := count.agreed_label(_EKSCTL_CLUSTER)):
        found["name"] = label
    return found


def _flags(arguments: Sequence[str]) -> dict[str, str]:
    return {flag: value for flag, value in pairwise(arguments) if flag.startswith("--")}


def _network(seen: NetworkEvidence) -> NetworkLook | None:
    if seen.flavour != AUTO_MODE:
        return None
    because = "Auto Mode's plugin runs outside of Kubernetes; NodeClass.spec.networkPolicy decides"
    return NetworkLook(cni=AUTO_MODE, policies=unknown(because))


MARKS: Final = CloudMarks(
    told_by=_told_by,
    domain="eks.amazonaws.com",
    flavour=_flavour,
    identity=_identity,
    network=_network,
    scales_by_itself=False,
    nodes=NodeMarks(
        pools=(_GROUP, "alpha.eksctl.io/nodegroup-name"),
        machinery=("eks.amazonaws.com", "eksctl.io", "karpenter.k8s.aws"),
        spot={"eks.amazonaws.com/capacityType": {"SPOT": Verdict.YES, "ON_DEMAND": Verdict.NO}},
        makers={_COMPUTE: {"fargate": "fargate", "auto": AUTO_MODE}},
        cluster=(_EKSCTL_CLUSTER, _COMPUTE, _GROUP),
    ),
)
