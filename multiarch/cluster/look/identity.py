"""The cluster's own place in its cloud: only what nodes or kubeconfig really tell. What nobody tells is missing."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from multiarch.cluster.look.model import Provider
from multiarch.cluster.look.nodes import NodeCount

_GCE: Final = re.compile(r"gce://(?P<project>[^/]+)/(?P<zone>[^/]+)/")
_GKE_NAME: Final = re.compile(r"gke_(?P<project>[^_]+)_(?P<location>[a-z0-9-]+)_(?P<name>[a-z0-9-]+)")
"""What `gcloud container clusters get-credentials` calls context, cluster and user alike."""
_EKS_ARN: Final = re.compile(r"arn:aws[a-z-]*:eks:(?P<region>[a-z0-9-]+):[0-9]+:cluster/(?P<name>[A-Za-z0-9_-]+)")
"""What `aws eks update-kubeconfig` calls them."""
_EKSCTL: Final = re.compile(r"(?:.+@)?(?P<name>[A-Za-z0-9_-]+)\.(?P<region>[a-z0-9-]+)\.eksctl\.io")
"""What `eksctl` calls them."""
_AZURE: Final = re.compile(
    r"azure:///subscriptions/(?P<subscription>[0-9a-fA-F-]{36})/resourceGroups/(?P<group>[^/]+)/"
)
_AKS_USER: Final = re.compile(r"cluster(?:User|Admin)_(?P<group>.+)_(?P<name>[^_]+)")
"""What `az aks get-credentials` calls the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeconfigNames:
    """What a kubeconfig calls a context's parts; the clouds' own commands write the cluster's place into them."""

    context: str
    cluster: str = ""
    user: str = ""
    arguments: tuple[str, ...] = ()
    """Of the command that fetches a token."""

    def all(self) -> tuple[str, ...]:
        """Return the names, the context's own first."""
        return tuple(filter(None, (self.context, self.cluster, self.user)))


def identity(provider: Provider, count: NodeCount, names: KubeconfigNames) -> Mapping[str, str]:
    """Return the stack file's keys that are known: `name`, and `project`, `location`, `region`, `resourceGroup`.

    Where nodes and kubeconfig contradict each other, the nodes are right and the kubeconfig's part is left out.
    """
    match provider:
        case Provider.GKE:
            return _gke(count, names)
        case Provider.EKS:
            return _eks(count, names)
        case Provider.AKS:
            return _aks(count, names)
        case Provider.OTHER:
            return {"name": _plain_name(names)}


def _gke(count: NodeCount, names: KubeconfigNames) -> dict[str, str]:
    projects = {match["project"] for identity in count.provider_ids if (match := _GCE.match(identity))}
    regions = set(count.regions) | {
        match["zone"].rpartition("-")[0] for identity in count.provider_ids if (match := _GCE.match(identity))
    }
    found: dict[str, str] = {}
    for name in names.all():
        match = _GKE_NAME.fullmatch(name)
        if match is None or (projects and match["project"] not in projects):
            continue
        if regions and not any(
            match["location"] in (region, f"{region}-{match['location'][-1]}") for region in regions
        ):
            continue
        found = {"name": match["name"], "project": match["project"], "location": match["location"]}
        break
    if "project" not in found and len(projects) == 1:
        found["project"] = next(iter(projects))
    return found


def _eks(count: NodeCount, names: KubeconfigNames) -> dict[str, str]:
    found: dict[str, str] = {}
    if len(count.regions) == 1:
        found["region"] = next(iter(count.regions))
    for pattern, name in ((pattern, name) for name in names.all() for pattern in (_EKS_ARN, _EKSCTL)):
        match = pattern.fullmatch(name)
        if match is not None and match["region"] == found.get("region", match["region"]):
            return {"name": match["name"], "region": match["region"]}
    arguments = _flags(names.arguments)
    if arguments.get("--region", "") == found.get("region", arguments.get("--region", "")):
        told = {"name": arguments.get("--cluster-name", ""), "region": arguments.get("--region", "")}
        found = {**found, **{key: value for key, value in told.items() if value}}
    if "name" not in found and (label := count.agreed_label("alpha.eksctl.io/cluster-name")):
        found["name"] = label
    return found


def _flags(arguments: Sequence[str]) -> dict[str, str]:
    return {flag: value for flag, value in pairwise(arguments) if flag.startswith("--")}


def _aks(count: NodeCount, names: KubeconfigNames) -> dict[str, str]:
    matches = [match for identity in count.provider_ids if (match := _AZURE.match(identity))]
    found: dict[str, str] = {}
    subscriptions = {match["subscription"].lower() for match in matches}
    if len(subscriptions) == 1:
        found["subscriptionId"] = next(iter(subscriptions))
    if len(count.regions) == 1:
        found["location"] = next(iter(count.regions))
    # AKS names the nodes' group MC_<group>_<cluster>_<location>, unless it was given a name of its own.
    groups = {match["group"] for match in matches}
    label = count.agreed_label("kubernetes.azure.com/cluster")
    group = label or (next(iter(groups)) if len(groups) == 1 else "")
    user = next((match for name in names.all() if (match := _AKS_USER.fullmatch(name))), None)
    found |= _aks_names(group, found.get("location", ""), names, user)
    return found


def _aks_names(group: str, location: str, names: KubeconfigNames, user: re.Match[str] | None) -> dict[str, str]:
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


def _plain_name(names: KubeconfigNames) -> str:
    """Make a name for messages out of the context's: kind, k3d and minikube write the cluster's name into it."""
    return re.sub(r"^(kind-|k3d-)", "", names.context) or names.context
