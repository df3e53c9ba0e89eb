"""What merges share: connections, tokens, credentials, notes. One session serves a whole batch."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Self

from archmerge.authorizer import Authorizer
from archmerge.credentials import Credential, Credentials
from archmerge.reference import DOCKER_HUB, ON_DISK, parse_reference, parse_target
from archmerge.registry import Registry
from archmerge.request import MergeRequest
from archmerge.tokens import known_challenge
from archmerge.transport.client import Client
from archmerge.transport.connections import Options, origin_of
from archmerge.transport.parallel import Once

if TYPE_CHECKING:  # most merges read nothing from this disk
    from archmerge.layout import Layout


_WARM_MAX = 16
_BLOBS_GUESS = 6
"""Blobs of an image, about: each is mounted, or looked for."""


class Hooks(NamedTuple):
    """What the caller wants to hear of, and how waiting is done (tests don't)."""

    note: Callable[[str], None] = lambda _line: None
    """Gets a line for each thing that a person should see."""
    trace: Callable[[str], None] = lambda _line: None
    """Gets a line for each request, without secrets."""
    wait: Callable[[float], None] = time.sleep


class Session:
    """Connections and tokens for a number of merges. Safe to share between threads; close it at the end.

    `primary` is the host that `login` and the environment's ARCHMERGE_PASSWORD are for. `credentials` replaces all the
    places where credentials are looked for.
    """

    def __init__(
        self,
        options: Options | None = None,
        *,
        primary: str = "",
        environ: Mapping[str, str] | None = None,
        credentials: Credentials | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        self.options = options = options or Options()
        self.environ = os.environ if environ is None else environ
        hooks = hooks or Hooks()
        self.note = hooks.note
        self.client = Client(options, trace=hooks.trace, wait=hooks.wait)
        self._credentials = credentials or Credentials(
            self.environ,
            primary=primary,
            explicit=options.login,
            docker_cfg=options.docker_cfg,
            cloud=self._as_the_job,
        )
        self._opened = Once()
        self.once = Once()
        """Mounts, copies and child manifests are shared by the merges of a batch."""

    def _as_the_job(self, host: str) -> Credential | str | None:
        from archmerge.cloud import CloudLogins, login

        return login(CloudLogins(self.environ), host)

    def base(self, host: str) -> str:
        """Return the URL that the API of `host` is under."""
        scheme = "http" if host in self.options.plain_http else "https"
        return f"{scheme}://{'registry-1.docker.io' if host == DOCKER_HUB else host}"

    def registry(self, host: str) -> Registry:
        """Return the registry at `host`; the same object for the same host."""

        def opened() -> Registry:
            base, known = self.base(host), known_challenge(host, self.environ)
            authorizer = Authorizer(self.client, host, base, self._credentials, known=known)
            return Registry(self.client, host, base, authorizer, self.environ)

        return self._opened.do(host, opened)

    def reader(self, host: str) -> Registry | Layout:
        """Return what images are read from: a registry, or an OCI layout on this disk."""
        if not host.startswith(ON_DISK):
            return self.registry(host)
        from archmerge.layout import Layout

        return self._opened.do(host, partial(Layout, host))

    def announce(self, request: MergeRequest) -> None:
        """Take note of the rights that a merge will need, so that one token serves many requests.

        The connections that it will need are opened in the background, to have them when the token is there.
        """
        target = parse_target(request.target)
        sources = [parse_reference(source.reference) for source in request.sources]
        for ref in sources:
            if not ref.host.startswith(ON_DISK):
                self.registry(ref.host).auth.want(ref.repository, "pull")
                self._warm(ref.host, len(sources))
        mounting = {ref.repository for ref in sources if ref.host == target.host} - {target.repository}
        self.registry(target.host).auth.want(target.repository, "pull", "push", mounting=mounting)
        at_home = all((ref.host, ref.repository) == (target.host, target.repository) for ref in sources)
        self._warm(target.host, len(sources) * (1 if at_home else _BLOBS_GUESS) + 1)

    def _warm(self, host: str, count: int) -> None:
        self.client.connections.warm(origin_of(self.base(host)), min(count, _WARM_MAX))

    def close(self) -> None:
        """Close the connections."""
        self.client.connections.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close."""
        self.close()
