"""What merges share: connections, tokens, credentials, notes. One session serves a whole batch."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from archmerge.authorizer import Authorizer
from archmerge.credentials import Credentials
from archmerge.gitlab import naming_trap
from archmerge.reference import DOCKER_HUB
from archmerge.registry import DryRegistry, Registry
from archmerge.tokens import known_challenge
from archmerge.transport.client import Client
from archmerge.transport.connections import Settings, origin_of
from archmerge.transport.parallel import Once
from archmerge.transport.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Options(NamedTuple):
    """How to reach registries. Hosts are written as in references; times are in seconds."""

    plain_http: frozenset[str] = frozenset()
    """Hosts, and only these, that are spoken to without TLS."""
    insecure: frozenset[str] = frozenset()
    """Hosts, and only these, whose certificate is not checked."""
    cacert: str | None = None
    deadline: float = 600.0
    attempts: int = 5
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    backoff: float = 0.5
    per_host: int = 64
    """Requests at once to one host; halved each time it asks to slow down."""
    login: tuple[str, str] | None = None
    """User name and password for the target's host, before any other source of credentials."""
    docker_cfg: str | None = None
    dry_run: bool = False


def _silent(_line: str) -> None:
    """Library code never prints."""


class Hooks(NamedTuple):
    """What the caller wants to hear of, and how waiting is done (tests don't)."""

    note: Callable[[str], None] = _silent
    """Gets a line for each thing that a person should see."""
    trace: Callable[[str], None] = _silent
    """Gets a line for each request, without secrets."""
    wait: Callable[[float], None] = time.sleep


class Session:
    """Connections and tokens for a number of merges. Safe to share between threads; close it at the end.

    `primary` is the host that `login` and the environment's ARCHMERGE_PASSWORD are for.
    """

    def __init__(
        self,
        options: Options | None = None,
        *,
        primary: str = "",
        environ: Mapping[str, str] | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        self.options = options = options or Options()
        self.environ = os.environ if environ is None else environ
        hooks = hooks or Hooks()
        self.note = hooks.note
        self.client = Client(
            Settings(
                options.connect_timeout,
                options.read_timeout,
                options.cacert,
                options.plain_http,
                options.insecure,
                options.per_host,
            ),
            deadline=options.deadline,
            policy=RetryPolicy(options.attempts, options.backoff),
            trace=hooks.trace,
            wait=hooks.wait,
        )
        self._credentials = Credentials(
            self.environ, primary=primary, explicit=options.login, docker_cfg=options.docker_cfg
        )
        self._registries: dict[str, Registry] = {}
        self._lock = threading.Lock()
        self.once = Once()
        """Mounts, copies and child manifests are shared by the merges of a batch."""

    def registry(self, host: str) -> Registry:
        """Return the registry at `host`; the same object for the same host, so that tokens are shared."""
        with self._lock:
            if host not in self._registries:
                api_host = "registry-1.docker.io" if host == DOCKER_HUB else host
                known = known_challenge(host, self.environ)
                authorizer = Authorizer(self.client, host, api_host, self._credentials, known)
                kind = DryRegistry if self.options.dry_run else Registry
                self._registries[host] = kind(self.client, host, api_host, authorizer, self._explain)
            return self._registries[host]

    def warm(self, host: str, count: int) -> None:
        """Open connections in the background, to have them when credentials and token are there."""
        self.client.connections.warm(origin_of(self.registry(host).base), count)

    def close(self) -> None:
        """Close the connections."""
        self.client.connections.close()

    def _explain(self, host: str, repository: str) -> str:
        return naming_trap(host, repository, self.environ)
