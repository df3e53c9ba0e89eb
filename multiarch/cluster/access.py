"""Which kubeconfig and which context lead to a stack's cluster. `current-context` is never taken.

What the user names on the command line comes first, then the stack's own `cluster.access`; else the context that the
cloud's CLI makes for exactly this cluster, in `$KUBECONFIG` or `~/.kube/config`.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from components.clouds import Cluster
from components.clouds.aks.sections import AksCluster
from components.clouds.eks.sections import EksCluster
from components.clouds.existing.sections import ExistingCluster
from components.clouds.gke.sections import GkeCluster
from components.kubeconfig import files_of
from components.kubeconfig_files import Files, default_files
from components.problems import ConfigError
from multiarch.cluster.kubeconfig import Purpose, contexts_of, find_context

_PURPOSE: Final = Purpose(
    unnamed="the check would look at whichever cluster is current",
    consequence="the cluster was not looked at",
    instead="",
)


class NoAccessError(Exception):
    """No way to the cluster is known; the message says how to make one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A way to a cluster."""

    kubeconfig: Files
    context: str
    server: str

    def __str__(self) -> str:
        """Say it as the report's head does."""
        return f"context {self.context}"


def find_access(
    cluster: Cluster,
    project: Path,
    *,
    kubeconfig: Path | None = None,
    context: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Access:
    """Find the way to a cluster; no cluster is asked. `kubeconfig` and `context` are the command line's.

    Raises NoAccessError.
    """
    own = cluster.access
    if own is not None and kubeconfig is None:
        files: Files = files_of(own, project, environment)
    else:
        files = kubeconfig.expanduser() if kubeconfig is not None else default_files(environment)
    named = context or (own.context if own is not None else None)
    return _named(files, named) if named is not None else _clouds(cluster, files)


def context_pattern(cluster: Cluster) -> re.Pattern[str] | None:
    """Return what the cloud's CLI calls the context of a cluster; None for one of no cloud.

    Sources: `gcloud container clusters get-credentials`, `aws eks update-kubeconfig` (the ARN, whose account the stack
    does not know) and `az aks get-credentials`, each without a name of one's own.
    """
    match cluster:
        case GkeCluster():
            return re.compile(re.escape(f"gke_{cluster.project}_{cluster.location}_{cluster.name}"))
        case EksCluster():
            region, name = re.escape(cluster.region), re.escape(cluster.name)
            return re.compile(rf"arn:aws[a-z-]*:eks:{region}:[0-9]{{12}}:cluster/{name}")
        case AksCluster():
            return re.compile(re.escape(cluster.name))
        case ExistingCluster():
            return None


def login_command(cluster: Cluster) -> str:
    """Return the command that makes the context; empty for a cluster of no cloud."""
    match cluster:
        case GkeCluster():
            place = f"--location {cluster.location} --project {cluster.project}"
            return f"gcloud container clusters get-credentials {cluster.name} {place}"
        case EksCluster():
            return f"aws eks update-kubeconfig --name {cluster.name} --region {cluster.region}"
        case AksCluster():
            subscription = f" --subscription {cluster.subscription_id}" if cluster.subscription_id else ""
            return (
                f"az aks get-credentials --name {cluster.name} --resource-group {cluster.resource_group}{subscription}"
                " && kubelogin convert-kubeconfig -l azurecli"
            )
        case ExistingCluster():
            return ""


def _named(files: Files, context: str) -> Access:
    try:
        return Access(kubeconfig=files, context=context, server=find_context(files, context, _PURPOSE).server)
    except ConfigError as error:
        raise NoAccessError(_words(error)) from error


def _clouds(cluster: Cluster, files: Files) -> Access:
    pattern, command = context_pattern(cluster), login_command(cluster)
    try:
        names = [name for name in contexts_of(files, _PURPOSE) if pattern and pattern.fullmatch(name)]
        found = [_named(files, name) for name in names]
    except ConfigError as error:
        raise NoAccessError(f"{_words(error)} Or make a context: {command}") from error
    if not found:
        listed = str(files) if isinstance(files, Path) else ", ".join(map(str, files))
        raise NoAccessError(
            f"no context for the {cluster.type} cluster {cluster.name} in {listed}. Make one: {command}; "
            "or name another with --context"
        )
    if len({access.server for access in found}) > 1:
        ways = ", ".join(f"{access.context} ({access.server})" for access in found)
        raise NoAccessError(f"several contexts could be the {cluster.type} cluster {cluster.name}: {ways}. Name one")
    return found[0]


def _words(error: ConfigError) -> str:
    return "; ".join(f"{problem.found}. {problem.fix}" for problem in error.problems)
