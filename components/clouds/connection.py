"""The way to a cluster: a Kubernetes provider for it, and how a pool is declared in it.

The one place that reaches for the cluster: it is looked up where that is needed, by its own cloud's module.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes

from components.clouds import Cluster, cloud_of
from components.clouds.component import NodePool
from components.clouds.contract import ResolvedPool
from components.clouds.sections import Access
from components.kubeconfig import check_access, files_of, for_provider

PROJECT_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Connection:
    """A cluster that pools can join and Kubernetes objects can be sent to."""

    provider: pulumi_kubernetes.Provider
    """For every Kubernetes object of the stack."""
    declare: Callable[[ResolvedPool[Any]], NodePool]
    """Declare a pool in the cluster, as a component named like the pool."""


def connect(cluster: Cluster) -> Connection:
    """Look the cluster up as far as needed, and make the provider `cluster` for it.

    Raises ConfigError if a kubeconfig or its context is not there; nothing has been declared by then.
    """
    if cluster.access is not None:
        check_access(cluster.access, files_of(cluster.access, PROJECT_ROOT))
    return cloud_of(cluster).shell().connect(cluster)


def provider_for(
    access: Access | None, kubeconfig: pulumi.Input[str] | None, identity: str
) -> pulumi_kubernetes.Provider:
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
