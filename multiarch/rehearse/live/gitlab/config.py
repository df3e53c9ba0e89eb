"""The config.toml for the runner outside of the cluster: the installed releases' own, but for where they connect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import tomli_w

from multiarch.model.executor import ExecutorConfig

_OF_THE_PROCESS: Final = frozenset({"listen_address", "sentry_dsn", "session_server"})
"""Global keys that open a port of this machine, or send its errors to somebody: nothing of the jobs."""
_OF_GITLAB: Final = frozenset({
    "clone_url", "id", "tls-ca-file", "tls-cert-file", "tls-key-file", "token", "token_expires_at",
    "token_obtained_at", "url",
})  # fmt: skip
"""Keys of `[[runners]]` by which it finds the user's GitLab, and is known there."""
_OF_THE_CLUSTER: Final = frozenset({"bearer_token", "ca_file", "cert_file", "context", "host", "key_file"})
"""Keys of `[runners.kubernetes]` by which it finds the API server. Inside of the cluster it needs none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """Where this runner connects instead."""

    url: str
    """The small GitLab's."""
    token: str = field(repr=False)
    server: str
    """The API server's."""
    ca_file: Path
    bearer_token: str = field(repr=False)
    """Of the runner's own service account: it may do what it may do in the cluster, and no more."""


def config_toml(runners: Sequence[tuple[ExecutorConfig, Connections]]) -> str:
    """Return the installed configs with these connections: of one release, or of all of a stack's in one file."""
    configs = [config for config, _ in runners]
    tables = [_runner(config, connections) for config, connections in runners]
    if len(runners) > 1:  # no runner takes more jobs than its own process would, nor the places of the other one
        tables = [{**table, "limit": _jobs(config)} for table, config in zip(tables, configs, strict=True)]
    return tomli_w.dumps({**_global(configs), "runners": tables})


def _runner(installed: ExecutorConfig, connections: Connections) -> dict[str, Any]:
    kubernetes = {
        **_without(installed.raw.get("kubernetes") or {}, _OF_THE_CLUSTER),
        "host": connections.server,
        "ca_file": str(connections.ca_file),
        "bearer_token": connections.bearer_token,
    }
    return {
        **_without(installed.raw, _OF_GITLAB),
        "url": connections.url,
        "token": connections.token,
        "kubernetes": kubernetes,
    }


def _global(configs: Sequence[ExecutorConfig]) -> dict[str, Any]:
    """Return the keys beside the runners: the first one's outrank, and there is room for the jobs of all."""
    first, *others = [_without(config.above, _OF_THE_PROCESS) for config in configs]
    if not others:
        return first
    merged = {key: value for above in (*reversed(others), first) for key, value in above.items()}
    often = min(check_seconds(config) for config in configs)
    return {**merged, "concurrent": sum(map(_jobs, configs)), "check_interval": int(often)}


def _jobs(config: ExecutorConfig) -> int:
    """Return how many jobs a runner's own process would run at once: 1 where nothing says more (common/config.go)."""
    most, limit = max(config.concurrent, 1), config.raw.get("limit")
    return min(most, limit) if isinstance(limit, int) and limit > 0 else most


def check_seconds(installed: ExecutorConfig) -> float:
    """Return how long this runner waits before it asks for a job again (its default is 3 seconds)."""
    told = installed.above.get("check_interval")
    return float(told) if isinstance(told, int) and told > 0 else 3.0


def _without(table: Mapping[str, Any], left_out: frozenset[str]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key not in left_out}
