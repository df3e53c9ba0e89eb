"""Kubeconfigs: made for a cluster that was looked up, and checked where the stack file names one. No network.

What is made holds no credential: a server, its CA certificate, and the command that fetches a token when it is
needed, with the login of whoever runs it. So it is no secret, and a diff of it stays readable.
"""

import base64
import binascii
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from components.cluster_spec import Access
from components.kubeconfig_files import (
    Files,
    KubeconfigError,
    Place,
    content_of,
    default_files,
    read_kubeconfig,
)
from components.problems import ConfigError, Problem

# The one id of the Entra application behind every AKS cluster's API server (learn.microsoft.com, aks/kubelogin).
AKS_SERVER_ID: Final = "6dae42f8-4368-4678-94ff-3960e28e3630"
_EXEC_API: Final = "client.authentication.k8s.io/v1beta1"
_ROLE: Final = "multiarch-runner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A Kubernetes API server: URL with its scheme, and CA certificate as base64 of PEM."""

    server: str
    ca: str


def gke_kubeconfig(endpoint: Endpoint) -> str:
    """Return a kubeconfig (JSON) whose tokens come from gke-gcloud-auth-plugin: Google's application credentials."""
    return _kubeconfig(
        endpoint,
        command="gke-gcloud-auth-plugin",
        args=[],
        hint="Install it with: gcloud components install gke-gcloud-auth-plugin",
        cluster_info=True,
    )


def eks_kubeconfig(endpoint: Endpoint, *, name: str, region: str) -> str:
    """Return a kubeconfig (JSON) whose tokens come from `aws eks get-token`: the shell's AWS credentials."""
    return _kubeconfig(
        endpoint,
        command="aws",
        args=["eks", "get-token", "--cluster-name", name, "--region", region, "--output", "json"],
        hint="Install the AWS CLI, version 2",
    )


def aks_kubeconfig(endpoint: Endpoint) -> str:
    """Return a kubeconfig (JSON) whose tokens come from kubelogin: `az login` on a laptop, workload identity in CI.

    kubelogin prefers the environment's AAD_LOGIN_METHOD to its own flag (pkg/internal/token/options.go), so that CI
    sets `AAD_LOGIN_METHOD=workloadidentity` and both write the same kubeconfig into the stack's state.
    """
    return _kubeconfig(
        endpoint,
        command="kubelogin",
        args=["get-token", "--login", "azurecli", "--server-id", AKS_SERVER_ID],
        hint="Install it with: az aks install-cli",
    )


def _kubeconfig(endpoint: Endpoint, *, command: str, args: Sequence[str], hint: str, cluster_info: bool = False) -> str:
    exec_plugin = {
        "apiVersion": _EXEC_API,
        "command": command,
        "args": list(args),
        "installHint": hint,
        "interactiveMode": "Never",
        "provideClusterInfo": cluster_info,
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": _ROLE, "cluster": {"server": endpoint.server, "certificate-authority-data": endpoint.ca}}
        ],
        "users": [{"name": _ROLE, "user": {"exec": exec_plugin}}],
        "contexts": [{"name": _ROLE, "context": {"cluster": _ROLE, "user": _ROLE}}],
        "current-context": _ROLE,
    }
    return json.dumps(document, indent=2)


def endpoint_of(kubeconfig: str) -> Endpoint:
    """Take server and CA, and nothing else, out of a kubeconfig in base64 as Azure hands it out.

    Raises ValueError if it is none. Users in it, which can hold a client certificate and its key, are dropped.
    """
    try:
        document = yaml.safe_load(base64.b64decode(kubeconfig, validate=True))
        cluster = document["clusters"][0]["cluster"]
        return Endpoint(server=str(cluster["server"]), ca=str(cluster["certificate-authority-data"]))
    except (yaml.YAMLError, binascii.Error, UnicodeDecodeError, LookupError, TypeError) as error:
        raise ValueError("Azure answered with something that is no kubeconfig") from error


def files_of(access: Access, root: Path, environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Return the kubeconfigs, as absolute paths: as stated (`~` expanded, relative to `root`), else kubectl's own."""
    if access.kubeconfig is not None:
        return (root / Path(access.kubeconfig).expanduser(),)
    return default_files(environment)


def check_access(access: Access, files: Files) -> Place:
    """Find what the access's context leads to. Raises ConfigError for whatever is wrong with it; asks no cluster."""
    try:
        kubeconfig = read_kubeconfig(files)
        if access.context in kubeconfig.contexts:
            return kubeconfig.place(access.context)
    except KubeconfigError as error:
        raise _unusable(error.found, error.fix) from error
    listed = ", ".join(kubeconfig.contexts)
    problem = Problem(
        path="cluster.access.context",
        found=f"'{access.context}' is not in {kubeconfig.name}",
        consequence="no cluster could be reached, and no other is ever taken instead",
        fix=f"Contexts there: {listed}." if listed else "That file has no contexts at all.",
    )
    raise ConfigError([problem])


def for_provider(access: Access, files: Files) -> str:
    """Return what the Kubernetes provider is given: a path; the content where context, cluster and user are spread.

    The provider merges no files: it reads one, or a content, which lands in the stack's state. So a content with a
    credential in it is refused. Raises ConfigError as `check_access` does.
    """
    place = check_access(access, files)
    if len(place.files) == 1:
        return str(next(iter(place.files)))
    try:
        return json.dumps(content_of(place, access.context), indent=2)
    except ValueError as error:
        spread = ", ".join(str(path) for path in sorted(place.files))
        found = f"context '{access.context}' is spread over {spread}, with `{error}`, which must not get into the state"
        fix = f"Name one file: `kubectl config view --flatten --minify --context {access.context}` writes it."
        raise _unusable(found, fix) from error


def _unusable(found: str, fix: str) -> ConfigError:
    keep = "The stack `local` gets its own from `multiarch rehearse --stack local --keep`."
    problem = Problem(
        path="cluster.access.kubeconfig",
        found=found,
        consequence="the cluster could not be reached",
        fix=f"{fix} {keep}",
    )
    return ConfigError([problem])
