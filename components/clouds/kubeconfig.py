"""Kubeconfigs made for a cluster that was looked up. Pure.

They hold no credential: a server, its CA certificate, and the command that fetches a token when it is needed, with the
login of whoever runs it. So they are no secret, and a diff of one stays readable.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import yaml

_EXEC_API: Final = "client.authentication.k8s.io/v1beta1"
_ROLE: Final = "multiarch-runner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A Kubernetes API server: URL with its scheme, and CA certificate as base64 of PEM."""

    server: str
    ca: str


def exec_kubeconfig(
    endpoint: Endpoint, *, command: str, args: Sequence[str], hint: str, cluster_info: bool = False
) -> str:
    """Return a kubeconfig (JSON) whose tokens come from a command; `hint` says how to install it."""
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
        raise ValueError("Azure answered with something that is not a kubeconfig") from error
