"""The bucket behind `cache:` of GitLab CI. There are no fields for static keys: identity comes from the cloud."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from components.keys import CONFIG
from components.problems import Problem
from components.runner.networking import MetadataProvider, NetworkPolicies


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class GcsCache:
    """A bucket of Google Cloud Storage."""

    type: Literal["gcs"] = "gcs"
    """Which kind of storage this is."""

    bucket: str
    """Name of the bucket."""

    service_account: str | None = None
    """E-mail of the Google service account that the manager acts as. It needs `roles/storage.objectAdmin` on the bucket
    and `roles/iam.serviceAccountTokenCreator` on itself, to sign URLs. Without: the manager's own
    `principal://` identity."""

    path: str = ""
    """Prefix of the objects' names."""

    shared: bool = False
    """Share caches between runners."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class S3Cache:
    """A bucket of Amazon S3."""

    type: Literal["s3"] = "s3"
    """Which kind of storage this is."""

    bucket: str
    """Name of the bucket."""

    region: str
    """Region of the bucket, for example `eu-central-1`."""

    role_arn: str | None = None
    """IAM role that the manager's service account assumes (IRSA). Without: EKS Pod Identity."""

    path: str = ""
    """Prefix of the objects' names."""

    shared: bool = False
    """Share caches between runners."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class AzureCache:
    """A container of Azure Blob Storage."""

    type: Literal["azure"] = "azure"
    """Which kind of storage this is."""

    account: str
    """Name of the storage account."""

    container: str
    """Name of the blob container."""

    client_id: str
    """Client id of the managed identity with `Storage Blob Data Contributor`. Federate it with both service accounts,
    the manager's (downloads) and the jobs' (uploads)."""

    storage_domain: str = "blob.core.windows.net"
    """Domain of the storage endpoints; another one in sovereign clouds."""

    path: str = ""
    """Prefix of the objects' names."""

    shared: bool = False
    """Share caches between runners."""


Cache = Annotated[GcsCache | S3Cache | AzureCache, Field(discriminator="type")]

_EMAIL = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]@[a-z0-9.-]+\.iam\.gserviceaccount\.com")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def manager_annotations(cache: Cache | None) -> dict[str, str]:
    """Return the annotations that give the manager's service account its cloud identity."""
    match cache:
        case GcsCache(service_account=str(email)):
            return {"iam.gke.io/gcp-service-account": email}
        case S3Cache(role_arn=str(role)):
            return {"eks.amazonaws.com/role-arn": role}
        case AzureCache(client_id=client):
            return {"azure.workload.identity/client-id": client}
        case _:
            return {}


def check_cache(cache: Cache | None, policies: NetworkPolicies, cluster_type: str) -> list[Problem]:
    """Return what is wrong with `cache`, and what would keep the manager from its identity."""
    if cache is None:
        return []
    shapes = {
        "serviceAccount": (getattr(cache, "service_account", None), _EMAIL, "name@project.iam.gserviceaccount.com"),
        "roleArn": (getattr(cache, "role_arn", None), _ROLE, "arn:aws:iam::123456789012:role/name"),
        "clientId": (getattr(cache, "client_id", None), _UUID, "the id from `az identity show --query clientId`"),
    }
    problems = [
        Problem(
            path=f"runner.cache.{key}",
            found=f"{value!r} has not the form of one",
            consequence="the cloud would give the manager no identity, and every cache would silently miss",
            fix=f"Use {example}.",
        )
        for key, (value, shape, example) in shapes.items()
        if value is not None and not shape.fullmatch(value)
    ]
    return problems + _check_metadata(cache, policies, cluster_type)


_GIVERS: Mapping[str, tuple[str, tuple[MetadataProvider, ...]]] = {
    "gcs": ("gke", (MetadataProvider.GKE_DATAPLANE_V2, MetadataProvider.GKE_CALICO)),
    "s3": ("eks", (MetadataProvider.EKS_POD_IDENTITY,)),
}
"""Storage, to whose clusters give the manager its identity by a metadata address, and which addresses these are.

Not here: Azure, whose identity comes by the token that AKS mounts, and IRSA, likewise.
"""


def _check_metadata(cache: Cache, policies: NetworkPolicies, cluster_type: str) -> list[Problem]:
    if cache.type not in _GIVERS or (isinstance(cache, S3Cache) and cache.role_arn is not None):
        return []
    cloud, providers = _GIVERS[cache.type]
    irsa = "set cache.roleArn (IRSA)" if cache.type == "s3" else ""
    if cluster_type not in (cloud, "existing"):
        return [
            Problem(
                path="runner.cache.type",
                found=f"{cache.type} on a cluster of type {cluster_type}",
                consequence="nothing there gives the manager an identity for it, and every cache would silently miss",
                fix=f"Use that cloud's own storage{f', or {irsa}' if irsa else ''}.",
            )
        ]
    metadata = policies.metadata
    if not policies.enabled or (metadata.provider in providers and metadata.manager):
        return []
    choices = " or ".join(providers) + (f" (or {irsa})" if irsa else "")
    return [
        Problem(
            path="runner.networkPolicies.metadata.provider",
            found=f"{metadata.provider}" if metadata.manager else "closed to the manager",
            consequence="the manager could not ask for its identity, and every cache would silently miss",
            fix=f"Use {choices}, with manager: true.",
        )
    ]
