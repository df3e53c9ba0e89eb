"""Kubeconfig files: the contexts that they have, and the server that one leads to."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.problems import ConfigError, Problem
from ops.reporting.secrets import remember_document


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A context of a kubeconfig file and the server it leads to."""

    context: str
    server: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What the caller wants of a cluster, in the words of its error messages."""

    unnamed: str
    """What would happen, were the current context taken."""
    consequence: str
    """What a file or a context that is not there means."""
    instead: str
    """How to go on without a kubeconfig; empty where there is no other way."""


def default_kubeconfigs(environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Return the files of `$KUBECONFIG`, else `~/.kube/config`, in kubectl's order; empty entries count for nothing."""
    listed = [part for part in environment.get("KUBECONFIG", "").split(os.pathsep) if part]
    return tuple(Path(part).expanduser() for part in listed or ["~/.kube/config"])


def contexts_of(path: Path, purpose: Purpose) -> tuple[str, ...]:
    """Name a file's contexts, in alphabetical order. Raises ConfigError when it is missing or no kubeconfig."""
    return tuple(sorted(entry["name"] for entry in _named(_load(path, purpose), "contexts")))


def find_context(path: Path, context: str, purpose: Purpose) -> Entry:
    """Find a context by its name. `current-context` is never used: the user names the cluster that is touched.

    Raises ConfigError when the file is missing or no kubeconfig, or the context is not named or not in it.
    """
    document = _load(path, purpose)
    contexts = {entry["name"]: entry.get("context") or {} for entry in _named(document, "contexts")}
    listed = ", ".join(sorted(contexts)) or "none"
    if not context:
        fix = f"Name one; {path} has: {listed}."
        raise ConfigError([Problem(path="--context", found="not given", consequence=purpose.unnamed, fix=fix)])
    if context not in contexts:
        found, fix = f"'{context}' is not in {path}", f"Contexts that it has: {listed}."
        raise ConfigError([Problem(path="--context", found=found, consequence=purpose.consequence, fix=fix)])
    cluster_name = contexts[context].get("cluster")
    clusters = {entry["name"]: entry.get("cluster") or {} for entry in _named(document, "clusters")}
    server = clusters.get(cluster_name, {}).get("server")
    if not isinstance(server, str) or not server:
        raise _no_kubeconfig(
            path, f"context '{context}' leads to cluster {cluster_name!r}, which has no server", purpose
        )
    return Entry(context=context, server=server)


def _load(path: Path, purpose: Purpose) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _no_kubeconfig(path, error.strerror or "cannot be read", purpose) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _no_kubeconfig(path, "is not YAML", purpose) from error
    if not isinstance(document, dict):
        raise _no_kubeconfig(path, "is no kubeconfig", purpose)
    remember_document(document)
    return document


def _named(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    entries = document.get(key)
    if not isinstance(entries, list):
        return []
    return [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("name"), str)]


def _no_kubeconfig(path: Path, found: str, purpose: Purpose) -> ConfigError:
    return ConfigError(
        [
            Problem(
                path="--kubeconfig",
                found=f"{path}: {found}",
                consequence=purpose.consequence,
                fix=f"Give a kubeconfig file{f', or {purpose.instead}' if purpose.instead else ''}.",
            )
        ]
    )
