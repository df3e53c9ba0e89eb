"""How a look tells an AKS cluster. Sources: facts/nodepools.md section 2; AKS' documentation of node labels."""

import re
from collections.abc import Mapping
from typing import Final

from multiarch.cluster.look.contract import CloudMarks
from multiarch.cluster.look.marks import NodeMarks
from multiarch.cluster.look.names import KubeconfigNames
from multiarch.cluster.look.network import NetworkEvidence, NetworkLook
from multiarch.cluster.look.nodes import NodeCount
from multiarch.core.verdict import Verdict, no

_CLUSTER: Final = "kubernetes.azure.com/cluster"
_MODE: Final = "kubernetes.azure.com/mode"
_POOL: Final = "kubernetes.azure.com/agentpool"
_MACHINE: Final = re.compile(
    r"azure:///subscriptions/(?P<subscription>[0-9a-fA-F-]{36})/resourceGroups/(?P<group>[^/]+)/"
)
_USER: Final = re.compile(r"cluster(?:User|Admin)_(?P<group>.+)_(?P<name>[^_]+)")
"""What `az aks get-credentials` calls the user."""


def _told_by(version: str, count: NodeCount) -> str:
    del version
    return "node labels kubernetes.azure.com/…" if count.carried(_CLUSTER, _MODE) else ""


def _identity(count: NodeCount, names: KubeconfigNames) -> Mapping[str, str]:
    """Return what nodes tell; a kubeconfig only helps to part it."""
    matches = [match for identity in count.provider_ids if (match := _MACHINE.match(identity))]
    found: dict[str, str] = {}
    subscriptions = {match["subscription"].lower() for match in matches}
    if len(subscriptions) == 1:
        found["subscriptionId"] = next(iter(subscriptions))
    if len(count.regions) == 1:
        found["location"] = next(iter(count.regions))
    # AKS names the nodes' group MC_<group>_<cluster>_<location>, unless it was given a name of its own.
    groups = {match["group"] for match in matches}
    label = count.agreed_label(_CLUSTER)
    group = label or (next(iter(groups)) if len(groups) == 1 else "")
    user = next((match for name in names.all() if (match := _USER.fullmatch(name))), None)
    return found | _names(group, found.get("location", ""), names, user)


def _names(group: str, location: str, names: KubeconfigNames, user: re.Match[str] | None) -> dict[str, str]:
    """Part `MC_<group>_<cluster>_<location>`: both names may hold `_`, so that a second witness may be needed."""
    made = re.fullmatch(rf"mc_(.+)_{re.escape(location)}", group, re.IGNORECASE) if location else None
    if made is None:  # another name: only the kubeconfig is left to tell
        return {"name": user["name"], "resourceGroup": user["group"]} if user is not None else {}
    middle = made[1]
    for name in (*([user["name"]] if user else []), names.context, names.cluster):
        if name and middle.lower().endswith(f"_{name.lower()}"):
            # az spells both as they were created; the nodes' labels may have lost the case.
            written = user["group"] if user is not None else middle[: -len(name) - 1]
            return {"name": name, "resourceGroup": written}
    if middle.count("_") == 1:
        resource_group, _, cluster = middle.partition("_")
        return {"name": cluster, "resourceGroup": resource_group}
    return {}


def _network(seen: NetworkEvidence) -> NetworkLook | None:
    if "azure-cns" not in seen.daemon_sets:
        return None
    return NetworkLook(cni="azure cni", policies=no("azure-cns runs, but none of Cilium, Calico and Azure NPM"))


MARKS: Final = CloudMarks(
    told_by=_told_by,
    domain="azmk8s.io",
    flavour=lambda _: "",
    identity=_identity,
    network=_network,
    scales_by_itself=True,
    nodes=NodeMarks(
        pools=(_POOL, "agentpool"),
        machinery=(
            "kubernetes.azure.com",
            "azure.com",
            "karpenter.azure.com",
            "agentpool",
            "storageprofile",
            "storagetier",
        ),
        spot={
            "kubernetes.azure.com/scalesetpriority": {"spot": Verdict.YES, "regular": Verdict.NO},
            "kubernetes.azure.com/priority": {"spot": Verdict.YES, "regular": Verdict.NO},
        },
        labels_spot_only=(_POOL, _MODE),
        cluster=(_CLUSTER, _MODE),
    ),
)
