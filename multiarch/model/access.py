"""Which kubeconfig and which context lead to a stack's cluster. `current-context` is never taken.

What the user names on the command line comes first, then the stack's own `cluster.access`; else the context that the
cloud's CLI makes for exactly this cluster, in `$KUBECONFIG` or `~/.kube/config`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from components.clouds import Cluster
from components.kubeconfig import files_of
from components.kubeconfig_files import Files, default_files
from components.problems import ConfigError
from multiarch.cluster.kubeconfig import Purpose, contexts_of, find_context
from multiarch.model.clouds import KNOWN

_PURPOSE: Final = Purpose(
    unnamed="the check would use the current context",
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


def _named(files: Files, context: str) -> Access:
    try:
        return Access(kubeconfig=files, context=context, server=find_context(files, context, _PURPOSE).server)
    except ConfigError as error:
        raise NoAccessError(_words(error)) from error


def _clouds(cluster: Cluster, files: Files) -> Access:
    known = KNOWN[cluster.type]
    pattern, command = known.context(cluster), known.login(cluster)
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
