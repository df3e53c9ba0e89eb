"""The bucket behind `cache:` of GitLab CI. There are no fields for static keys: identity comes from the cloud.

A server of one's own has no cloud to ask: its keys are in a Secret that the stack only names.
"""

import ipaddress
import re
from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from components.clouds import may_stand_in
from components.forms import Form, quoted, wrong
from components.keys import CONFIG
from components.kubernetes_names import ObjectName
from components.problems import Problem
from components.runner.network import ANYWHERE, NetworkPolicies

_ADDRESS: Final = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::([0-9]{1,5}))?")
_LAST_PORT: Final = 65535


def _host_and_port(address: str) -> tuple[str, int | None]:
    """Split an address; nothing of one that is none."""
    found = _ADDRESS.fullmatch(address)
    return (found[1], int(found[2]) if found[2] else None) if found else ("", None)


def _address(text: str) -> str:
    host, port = _host_and_port(text)
    if host and (port is None or 0 < port <= _LAST_PORT):
        return text
    fix = "Write it as minio.example.com:9000, without a scheme; insecure: true is http."
    raise wrong(f"{quoted(text)} is not a host with a port", fix)


ServerAddress = Annotated[str, AfterValidator(_address)]
GoogleAccount = Annotated[
    str,
    Form(
        r"[a-z][a-z0-9-]{4,28}[a-z0-9]@[a-z0-9.-]+\.iam\.gserviceaccount\.com",
        "e-mail of a Google service account",
        "name@project.iam.gserviceaccount.com",
    ),
]
RoleArn = Annotated[
    str,
    Form(
        r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+", "ARN of an IAM role", "arn:aws:iam::123456789012:role/name"
    ),
]
ClientId = Annotated[
    str,
    Form(
        r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        "client id",
        "the id from `az identity show --query clientId`",
    ),
]


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class GcsCache:
    """A bucket of Google Cloud Storage."""

    type: Literal["gcs"] = "gcs"
    """Which kind of storage this is."""

    bucket: str
    """Name of the bucket."""

    service_account: GoogleAccount | None = None
    """E-mail of the Google service account that the manager acts as. It needs `roles/storage.objectAdmin` on the bucket
    and `roles/iam.serviceAccountTokenCreator` on itself, to sign URLs. Without: the manager's own
    `principal://` identity."""

    path: str = ""
    """Prefix of the objects' names."""

    shared: bool = False
    """Share caches between runners."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class S3Server:
    """A server of your own that speaks S3: MinIO, Ceph."""

    address: ServerAddress
    """Its host, with the port where that is not https's own: `minio.example.com:9000`. The network policies open the
    port, and the address if it is one; for a name that leads to a private address, state `networkPolicies.cache`."""

    existing_secret: ObjectName
    """Name of a Secret in the manager's namespace, with the keys `accesskey` and `secretkey`, that somebody else makes.
    Only the manager reads it: jobs get signed URLs."""

    insecure: bool = False
    """Speak http. Caches then cross the network readable, and anyone on the way could change them."""

    path_style: bool | None = None
    """Whether the bucket is in the path of a URL instead of its host name. Default: as the runner does it, in the path
    for all but the big clouds' servers."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class S3Cache:
    """A bucket of Amazon S3, or of an S3-compatible server."""

    type: Literal["s3"] = "s3"
    """Which kind of storage this is."""

    bucket: str
    """Name of the bucket."""

    region: str
    """Region of the bucket, for example `eu-central-1`; MinIO's is `us-east-1` unless set."""

    server: S3Server | None = None
    """A server of your own instead of Amazon's."""

    role_arn: RoleArn | None = None
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

    client_id: ClientId
    """Client id of the managed identity with `Storage Blob Data Contributor`. Federate it with both service accounts,
    the manager's (downloads) and the jobs' (uploads)."""

    storage_domain: str = "blob.core.windows.net"
    """Domain of the storage endpoints; another one in sovereign clouds."""

    path: str = ""
    """Prefix of the objects' names."""

    shared: bool = False
    """Share caches between runners."""


Cache = Annotated[GcsCache | S3Cache | AzureCache, Field(discriminator="type")]


def manager_annotations(cache: Cache | None) -> dict[str, str]:
    """Return the annotations that give the manager's service account its cloud identity."""
    match cache:
        case GcsCache(service_account=email):
            found = {"iam.gke.io/gcp-service-account": email}
        case S3Cache(role_arn=role):
            found = {"eks.amazonaws.com/role-arn": role}
        case AzureCache(client_id=client):
            found = {"azure.workload.identity/client-id": client}
        case None:
            found = {}
    return {key: value for key, value in found.items() if value is not None}


def check_cache(cache: Cache | None, policies: NetworkPolicies, cluster_type: str) -> list[Problem]:
    """Return what is wrong with `cache`, and what would keep the manager from its identity."""
    if cache is None:
        return []
    if isinstance(cache, S3Cache) and cache.server is not None:
        return list(_check_server(cache, cache.server, policies))
    return _check_metadata(cache, policies, cluster_type)


def _check_server(cache: S3Cache, server: S3Server, policies: NetworkPolicies) -> Iterator[Problem]:
    if cache.role_arn is not None:
        yield Problem(
            path="runner.cache.roleArn",
            found="set together with server",
            consequence="your own server cannot use AWS roles",
            fix="Remove it; server.existingSecret holds the server's keys.",
        )
    host = _host_and_port(server.address)[0]
    if policies.enabled and _of_the_cluster(host) and not set(policies.cache.cidrs) - set(ANYWHERE):
        yield Problem(
            path="runner.networkPolicies.cache.cidrs",
            found=f"the internet only, but {host} is a name inside the cluster",
            consequence="the network policies would block it, and every cache would silently miss",
            fix="Use the address range of the server's pods.",
        )


def port_of(server: S3Server) -> int:
    """Return the port of a server of one's own."""
    return _host_and_port(server.address)[1] or (80 if server.insecure else 443)


def ranges_of(server: S3Server) -> list[str]:
    """Return the address of a server that is stated as one, as a range; nothing for a name."""
    try:
        address = ipaddress.ip_address(_host_and_port(server.address)[0].strip("[]"))
    except ValueError:
        return []
    return [f"{address}/{address.max_prefixlen}"]


def _of_the_cluster(host: str) -> bool:
    return host.endswith((".svc", ".cluster.local")) or "." not in host.strip("[]").replace(":", ".")


def _check_metadata(cache: Cache, policies: NetworkPolicies, cluster_type: str) -> list[Problem]:
    """Find an identity that the manager would have to ask for at an address, and can't.

    Azure's comes by a token that AKS mounts, and IRSA's likewise.
    """
    if isinstance(cache, AzureCache) or (isinstance(cache, S3Cache) and cache.role_arn is not None):
        return []
    clouds = [cloud.runner for cloud in may_stand_in(cluster_type) if cloud.runner.storage == cache.type]
    irsa = "set cache.roleArn (IRSA)" if isinstance(cache, S3Cache) else ""
    if not clouds:
        return [
            Problem(
                path="runner.cache.type",
                found=f"{cache.type} on a cluster of type {cluster_type}",
                consequence="the manager has no identity for it there, and every cache would silently miss",
                fix=f"Use that cloud's own storage{f', {irsa}, or name a server of your own' if irsa else ''}.",
            )
        ]
    metadata = policies.metadata
    providers = [name for cloud in clouds for name in cloud.identities]
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
