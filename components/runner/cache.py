"""The bucket behind `cache:` of GitLab CI. There are no fields for static keys: identity comes from the cloud."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from components.cluster_spec import CONFIG


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
