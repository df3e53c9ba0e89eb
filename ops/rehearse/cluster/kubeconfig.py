"""Kubeconfig files: written for the control plane's clients, read to find a context."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.problems import ConfigError, Problem
from ops.rehearse.cluster.pki import KeyPair

CONTEXT = "multiarch-rehearsal"
"""Name of the embedded control plane's context, cluster and user."""


def render(server: str, authority: bytes, client: KeyPair) -> bytes:
    """Return a kubeconfig with everything embedded, for a server URL such as `https://127.0.0.1:40123`."""

    def encoded(pem: bytes) -> str:
        return base64.b64encode(pem).decode("ascii")

    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": CONTEXT, "cluster": {"server": server, "certificate-authority-data": encoded(authority)}}
        ],
        "users": [
            {
                "name": CONTEXT,
                "user": {
                    "client-certificate-data": encoded(client.certificate),
                    "client-key-data": encoded(client.key),
                },
            }
        ],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        "current-context": CONTEXT,
    }
    return yaml.safe_dump(document, sort_keys=False).encode("utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A context of a kubeconfig file and the server it leads to."""

    context: str
    server: str


def find_context(path: Path, context: str) -> Entry:
    """Find a context by its name. `current-context` is never used: the user names the cluster that is touched.

    Raises ConfigError when the file is missing or no kubeconfig, or the context is not named or not in it.
    """
    document = _load(path)
    contexts = {entry["name"]: entry.get("context") or {} for entry in _named(document, "contexts")}
    listed = ", ".join(sorted(contexts)) or "none"
    if not context:
        raise ConfigError(
            [
                Problem(
                    path="--context",
                    found="not given",
                    consequence="the rehearsal would make nodes and namespaces on whichever cluster is current",
                    fix=f"Name one; {path} has: {listed}.",
                )
            ]
        )
    if context not in contexts:
        raise ConfigError(
            [
                Problem(
                    path="--context",
                    found=f"'{context}' is not in {path}",
                    consequence="there is no cluster to rehearse on",
                    fix=f"Contexts that it has: {listed}.",
                )
            ]
        )
    cluster_name = contexts[context].get("cluster")
    clusters = {entry["name"]: entry.get("cluster") or {} for entry in _named(document, "clusters")}
    server = clusters.get(cluster_name, {}).get("server")
    if not isinstance(server, str) or not server:
        raise _no_kubeconfig(path, f"context '{context}' leads to cluster {cluster_name!r}, which has no server")
    return Entry(context=context, server=server)


def _load(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _no_kubeconfig(path, error.strerror or "cannot be read") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _no_kubeconfig(path, "is not YAML") from error
    if not isinstance(document, dict):
        raise _no_kubeconfig(path, "is no kubeconfig")
    return document


def _named(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    entries = document.get(key)
    if not isinstance(entries, list):
        return []
    return [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("name"), str)]


def _no_kubeconfig(path: Path, found: str) -> ConfigError:
    return ConfigError(
        [
            Problem(
                path="--kubeconfig",
                found=f"{path}: {found}",
                consequence="there is no cluster to rehearse on",
                fix="Give a kubeconfig file, or leave it out to use the embedded control plane.",
            )
        ]
    )
