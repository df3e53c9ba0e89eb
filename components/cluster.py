"""The one place that reaches for the cluster: looks it up where that is needed, and makes the Kubernetes provider.

A cloud's SDK is imported only for a cluster of that cloud.
"""

from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes

from components.cluster_spec import Access, AksCluster, Cluster, EksCluster, ExistingCluster, GkeCluster
from components.kubeconfig import (
    Endpoint,
    aks_kubeconfig,
    check_access,
    eks_kubeconfig,
    endpoint_of,
    files_of,
    for_provider,
    gke_kubeconfig,
)

PROJECT_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class ClusterHandle:
    """A cluster that pools can join and Kubernetes objects can be sent to. Keys that a cloud lacks are None."""

    kind: str
    """`gke`, `eks`, `aks` or `existing`."""

    name: str
    """The cluster's name in its cloud."""

    provider: pulumi_kubernetes.Provider
    """For every Kubernetes object of the stack."""

    project: str | None = None
    """GKE: the Google Cloud project."""

    location: str | None = None
    """GKE: the cluster's own region or zone. AKS: the region, if the stack states it."""

    region: str | None = None
    """EKS: the AWS region."""

    resource_group: str | None = None
    """AKS: the cluster's resource group."""

    subnet_ids: pulumi.Output[list[str]] | None = None
    """EKS: the cluster's own subnets, looked up."""


def connect(cluster: Cluster) -> ClusterHandle:
    """Look the cluster up as far as needed, and make the provider `cluster` for it.

    Raises ConfigError if a kubeconfig or its context is not there; nothing has been declared by then.
    """
    if cluster.access is not None:
        check_access(cluster.access, files_of(cluster.access, PROJECT_ROOT))
    match cluster:
        case GkeCluster():
            return _gke(cluster)
        case EksCluster():
            return _eks(cluster)
        case AksCluster():
            return _aks(cluster)
        case ExistingCluster():
            provider = _provider(cluster.access, None, f"existing/{cluster.name}")
            return ClusterHandle(kind=cluster.type, name=cluster.name, provider=provider)


def _provider(access: Access | None, kubeconfig: pulumi.Input[str] | None, identity: str) -> pulumi_kubernetes.Provider:
    """Make the Kubernetes provider.

    A kubeconfig of the user's is passed by path where one file has it all: see `for_provider`.
    `cluster_identifier` says what the cluster is, so that another path, a new CA or a moved endpoint updates the
    provider instead of replacing every object in the cluster.
    """
    return pulumi_kubernetes.Provider(
        "cluster",
        kubeconfig=for_provider(access, files_of(access, PROJECT_ROOT)) if access else kubeconfig,
        context=access.context if access else None,
        cluster_identifier=identity,
        enable_server_side_apply=True,
    )


def _gke(cluster: GkeCluster) -> ClusterHandle:
    kubeconfig = None
    if cluster.access is None:
        from pulumi_gcp import container  # noqa: PLC0415 - a stack imports its own cloud's SDK only

        found = container.get_cluster_output(name=cluster.name, location=cluster.location, project=cluster.project)
        kubeconfig = found.apply(
            lambda it: gke_kubeconfig(
                Endpoint(server=f"https://{it.endpoint}", ca=it.master_auths[0].cluster_ca_certificate)
            )
        )
    return ClusterHandle(
        kind=cluster.type,
        name=cluster.name,
        provider=_provider(cluster.access, kubeconfig, f"gke/{cluster.project}/{cluster.location}/{cluster.name}"),
        project=cluster.project,
        location=cluster.location,
    )


def _eks(cluster: EksCluster) -> ClusterHandle:
    from pulumi_aws import eks  # noqa: PLC0415 - a stack imports its own cloud's SDK only

    found = eks.get_cluster_output(name=cluster.name, region=cluster.region)
    kubeconfig = None
    if cluster.access is None:
        kubeconfig = found.apply(
            lambda it: eks_kubeconfig(
                Endpoint(server=it.endpoint, ca=it.certificate_authorities[0].data),
                name=cluster.name,
                region=cluster.region,
            )
        )
    return ClusterHandle(
        kind=cluster.type,
        name=cluster.name,
        provider=_provider(cluster.access, kubeconfig, f"eks/{cluster.region}/{cluster.name}"),
        region=cluster.region,
        subnet_ids=found.apply(lambda it: list(it.vpc_config.subnet_ids)),
    )


def _aks(cluster: AksCluster) -> ClusterHandle:
    kubeconfig = None
    if cluster.access is None:
        from pulumi_azure_native import containerservice  # noqa: PLC0415 - a stack imports its own cloud's SDK only

        # The managed cluster itself does not tell its CA; the user's credentials do.
        found = containerservice.list_managed_cluster_user_credentials_output(
            resource_group_name=cluster.resource_group, resource_name=cluster.name, format="exec"
        )
        kubeconfig = found.apply(lambda it: aks_kubeconfig(endpoint_of(it.kubeconfigs[0].value)))
    return ClusterHandle(
        kind=cluster.type,
        name=cluster.name,
        provider=_provider(cluster.access, kubeconfig, f"aks/{cluster.resource_group}/{cluster.name}"),
        location=cluster.location,
        resource_group=cluster.resource_group,
    )
