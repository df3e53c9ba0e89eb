"""The cluster that the pools join and the runner lives in, as the stack file describes it. Pure data.

`type` decides which cloud's keys are allowed. Nothing here looks a cluster up: components/cluster.py does.
"""

import re
from typing import Final, Literal

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass

from components.problems import Problem

CONFIG: Final = ConfigDict(
    extra="forbid",
    alias_generator=to_camel,
    populate_by_name=True,
    use_attribute_docstrings=True,
)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Access:
    """How the Kubernetes API is reached: a context of a kubeconfig."""

    context: str
    """Name of the context. Always stated: the current context of whoever runs the program is never used."""

    kubeconfig: str | None = None
    """Path of the kubeconfig; `~` is expanded, a relative path starts at the project's root.
    Without it: the files of `$KUBECONFIG`, merged as kubectl does, else `~/.kube/config`."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class GkeCluster:
    """A cluster of Google Kubernetes Engine."""

    type: Literal["gke"] = "gke"
    """Which kind of cluster this is."""

    name: str
    """The cluster's name in Google Cloud."""

    project: str
    """Id of the Google Cloud project that owns the cluster."""

    location: str
    """The cluster's own location: a region (`us-central1`) for a regional cluster, a zone (`us-central1-a`) for a
    zonal one. A zone given for a regional cluster makes every update replace its pools (pulumi-gcp#1117)."""

    access: Access | None = None
    """A kubeconfig context. Without it, access is derived from the cluster, with `gke-gcloud-auth-plugin`."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class EksCluster:
    """A cluster of Amazon Elastic Kubernetes Service."""

    type: Literal["eks"] = "eks"
    """Which kind of cluster this is."""

    name: str
    """The cluster's name in AWS."""

    region: str
    """The AWS region that the cluster lives in, for example `eu-central-1`."""

    access: Access | None = None
    """A kubeconfig context. Without it, access is derived from the cluster, with `aws eks get-token`."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class AksCluster:
    """A cluster of Azure Kubernetes Service."""

    type: Literal["aks"] = "aks"
    """Which kind of cluster this is."""

    name: str
    """The cluster's name in Azure."""

    resource_group: str
    """The resource group that holds the cluster (not the `MC_` group of its nodes)."""

    subscription_id: str | None = None
    """Id of the Azure subscription. Without it: that of the Azure provider's own configuration."""

    location: str | None = None
    """The Azure region, for example `westeurope`. Stating it lets machine sizes be checked against the region."""

    access: Access | None = None
    """A kubeconfig context. Without it, access is derived from the cluster, with `kubelogin`."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class ExistingCluster:
    """A cluster whose nodes are already there: on premises, kind, k3d, or any cloud that has no pool type here."""

    type: Literal["existing"] = "existing"
    """Which kind of cluster this is."""

    name: str
    """A name for messages and reports."""

    access: Access
    """The kubeconfig context that reaches it."""


Cluster = GkeCluster | EksCluster | AksCluster | ExistingCluster

CLUSTER_TYPES: Final[dict[str, type[Cluster]]] = {
    "gke": GkeCluster,
    "eks": EksCluster,
    "aks": AksCluster,
    "existing": ExistingCluster,
}

# Shapes only: whether the place exists is the cloud's to say.
_GCP_LOCATION: Final = re.compile(r"[a-z]+-[a-z]+[0-9]+(-[a-z])?")
_GCP_PROJECT: Final = re.compile(r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
_AWS_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]+")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def check_cluster(cluster: Cluster) -> list[Problem]:
    """Return what is wrong with the cluster's own keys (paths `cluster.<key>`), in the order of the keys."""
    problems = [
        Problem(
            path=f"cluster.{key}",
            found="an empty string",
            consequence="nothing could be looked up by it",
            fix=f"Say which {what} is meant.",
        )
        for key, what, value in _texts(cluster)
        if not value.strip()
    ]
    return problems or _check_place(cluster)


def _texts(cluster: Cluster) -> list[tuple[str, str, str]]:
    """List (path below `cluster`, meaning, value) of every text that must not be empty."""
    texts = [("name", "cluster", cluster.name)]
    match cluster:
        case GkeCluster():
            texts += [("project", "Google Cloud project", cluster.project), ("location", "location", cluster.location)]
        case EksCluster():
            texts += [("region", "region", cluster.region)]
        case AksCluster():
            texts += [("resourceGroup", "resource group", cluster.resource_group)]
        case ExistingCluster():
            pass
    if cluster.access is not None:
        texts += [("access.context", "kubeconfig context", cluster.access.context)]
    return texts


def _check_place(cluster: Cluster) -> list[Problem]:
    match cluster:
        case GkeCluster():
            return _check_gke(cluster)
        case EksCluster() if not _AWS_REGION.fullmatch(cluster.region):
            zone = re.fullmatch(rf"({_AWS_REGION.pattern})[a-z]", cluster.region)
            return [
                Problem(
                    path="cluster.region",
                    found=f"{cluster.region!r} is {'an availability zone' if zone else 'no AWS region name'}",
                    consequence="AWS would not find the cluster",
                    fix=f"Use the region, {zone[1]}." if zone else "Use a name such as eu-central-1.",
                )
            ]
        case AksCluster(subscription_id=str(subscription)) if not _UUID.fullmatch(subscription):
            return [
                Problem(
                    path="cluster.subscriptionId",
                    found=f"{subscription!r} is not a subscription id",
                    consequence="Azure takes ids here, not names, and would not find the cluster",
                    fix="Take the id from `az account show --query id`.",
                )
            ]
        case _:
            return []


def _check_gke(cluster: GkeCluster) -> list[Problem]:
    problems = []
    if not _GCP_PROJECT.fullmatch(cluster.project):
        problems.append(
            Problem(
                path="cluster.project",
                found=f"{cluster.project!r} is not a project id",
                consequence="Google Cloud takes ids here (6 to 30 of a-z, 0-9 and '-'), not display names",
                fix="Take the id from `gcloud projects list`.",
            )
        )
    if not _GCP_LOCATION.fullmatch(cluster.location):
        problems.append(
            Problem(
                path="cluster.location",
                found=f"{cluster.location!r} is no region or zone",
                consequence="Google Cloud would not find the cluster",
                fix="Use the cluster's region, such as us-central1, or its zone, such as us-central1-a.",
            )
        )
    return problems
