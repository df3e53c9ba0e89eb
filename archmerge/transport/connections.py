"""Connections: where they lead, how they are opened, which are kept, and how many requests each host bears."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import os
import ssl
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from archmerge.errors import ArchmergeError, NetworkError, UsageError

if TYPE_CHECKING:
    from archmerge.transport.proxies import Proxies, Proxy

CHUNK = 256 << 10
"""Bytes of a body held in memory at a time, per transfer."""
_RECOVER_AFTER = 16
"""Good answers in a row before a slowed registry is given one more request at a time."""
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
"""How OpenSSL names an answer that is not TLS."""


class Fault(OSError):  # noqa: N818 - the faults of others, beside our own errors
    """The other side stopped in the middle, did not speak HTTP, or is a proxy that did not get through."""


class Origin(NamedTuple):
    """What a connection leads to; Authorization never goes to another one."""

    scheme: str
    host: str
    port: int

    @property
    def netloc(self) -> str:
        """As written in a reference: the port only where it isn't the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"http": 80, "https": 443}[self.scheme] else f"{host}:{self.port}"


class Options(NamedTuple):
    """How to reach registries. Hosts are written as in references; times are in seconds."""

    plain_http: frozenset[str] = frozenset()
    """Hosts, and only these, that are spoken to without TLS."""
    direct: frozenset[str] = frozenset()
    """Hosts that are on this machine's own networks: no proxy of the environment leads there."""
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
    realms: frozenset[tuple[str, str]] = frozenset()
    """Registries, and the host of a token service that each one's credentials may be sent to as well."""


def origin_of(url: str) -> Origin:
    """Return the origin of an absolute http(s) URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        host, port = "", 0
    readable = url.isascii() and url.isprintable() and " " not in url
    if not (host and port and readable and parts.scheme in ("http", "https")):
        # Without a query, and without a user's name and password.
        shown = url.partition("?")[0].rpartition("@")[2][:200]
        raise NetworkError(f"the registry sent an address that can't be used: {shown!r}")
    return Origin(parts.scheme, host, port)


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address that a host is written as; None for a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def inward(origin: Origin, *, private: bool = False) -> bool:
    """Whether an address is this machine's own or its cloud's metadata service, where no registry has business.

    With `private`, also whether it is an address of a private network.
    """
    if origin.host == "localhost" or origin.host.endswith(".localhost"):
        return True
    if not (address := address_of(origin.host)):
        return False
    own = address.is_loopback or address.is_link_local or address.is_unspecified
    return own or (private and address.is_private)


class Pace:
    """How many requests one host bears at once."""

    def __init__(self, limit: int) -> None:
        self._limit = self._ceiling = limit
        self._active = self._good = 0
        self._change = threading.Condition()

    def enter(self, patience: Callable[[], object]) -> None:
        """Wait until the pace allows one more request; `patience` is called each second, and raises when it ends."""
        with self._change:
            while self._active >= self._limit:
                self._change.wait(1.0)
                patience()
            self._active += 1

    def leave(self, *, slow_down: bool) -> None:
        """End a request. Halves the pace when the registry asked for less, raises it again after good answers."""
        with self._change:
            self._active -= 1
            self._good = 0 if slow_down else self._good + 1
            if slow_down:
                self._limit = max(1, self._limit // 2)
            elif self._good >= _RECOVER_AFTER and self._limit < self._ceiling:
                self._limit, self._good = self._limit + 1, 0
            self._change.notify_all()


class Connections:
    """All connections of a session, shared by its threads."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._proxies = _proxies()
        self._idle: dict[Origin, list[http.client.HTTPConnection]] = {}
        self._paces: dict[Origin, Pace] = {}
        self._warmed: dict[Origin, int] = {}
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._lock = threading.RLock()

    def proxy(self, origin: Origin) -> Proxy | None:
        """Return the proxy to use; None to go straight. UsageError for one that can't be used, with its variable."""
        return self._proxies.of(origin) if self._proxies and origin.netloc not in self.options.direct else None

    def pace(self, origin: Origin) -> Pace:
        """Return the pace of one origin."""
        with self._lock:
            return self._paces.setdefault(origin, Pace(self.options.per_host))

    def take(self, origin: Origin) -> http.client.HTTPConnection | None:
        """Return a kept connection, or None. The other side may have closed it meanwhile: the first use tells."""
        with self._lock:
            kept = self._idle.get(origin)
            return kept.pop() if kept else None

    def give(self, origin: Origin, connection: http.client.HTTPConnection) -> None:
        """Keep a connection for the next request."""
        with self._lock:
            self._idle.setdefault(origin, []).append(connection)

    def open(self, origin: Origin, timeout: float) -> http.client.HTTPConnection:
        """Return a new connection, encrypted for https. Raises OSError (ssl.SSLError and proxies' faults included)."""
        context = self._context(secure=origin.netloc not in self.options.insecure) if origin.scheme == "https" else None
        proxy = self.proxy(origin)
        host, port = (proxy.host, proxy.port) if proxy else (origin.host, origin.port)
        connection = (
            http.client.HTTPSConnection(host, port, timeout=timeout, blocksize=CHUNK, context=context)
            if context
            else http.client.HTTPConnection(host, port, timeout=timeout, blocksize=CHUNK)
        )
        if proxy and context:
            connection.set_tunnel(origin.host, origin.port, proxy.headers)
        try:
            connection.connect()
        except BaseException as error:
            connection.close()
            if getattr(error, "reason", None) in _NO_TLS:
                raise _no_tls(origin) from None
            if proxy and isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
                raise Fault(f"{type(error).__name__}: {error} ({proxy})") from None
            raise
        return connection

    def warm(self, origin: Origin, count: int) -> None:
        """Open connections in the background, up to `count` in all, while challenge and token are under way.

        Each costs two or three trips over TLS. A failure is silent here: the request that needs a connection meets it
        again, and reports it.
        """

        def connect() -> None:
            with contextlib.suppress(OSError, ArchmergeError, http.client.HTTPException):
                self.give(origin, self.open(origin, self.options.connect_timeout))

        with self._lock:
            before = self._warmed.get(origin, 0)
            self._warmed[origin] = max(count, before)
        for _ in range(count - before):
            with contextlib.suppress(RuntimeError):  # no more threads to be had: then it is done without
                threading.Thread(target=connect, daemon=True).start()

    def close(self) -> None:
        """Close all kept connections."""
        with self._lock:
            for kept in self._idle.values():
                while kept:
                    kept.pop().close()

    def _context(self, *, secure: bool) -> ssl.SSLContext:
        with self._lock:
            if secure not in self._contexts:
                self._contexts[secure] = _tls_context(self.options.cacert, secure=secure)
            return self._contexts[secure]


def _no_tls(origin: Origin) -> NetworkError:
    """Say what to do, but never how to send a password in clear: whoever is on the way can answer like this, too."""
    near = inward(origin)
    return NetworkError(
        f"https://{origin.netloc} answers without TLS",
        fix=f"this registry is on this machine: --plain-http={origin.netloc} speaks plain HTTP with it"
        if near
        else "check the host and its port, and that the registry has a certificate; nothing was sent",
    )


def _tls_context(cacert: str | None, *, secure: bool) -> ssl.SSLContext:
    """TLS 1.2 or later. OpenSSL reads SSL_CERT_FILE by itself; GitLab's own CA and `--cacert` come on top."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for source, path in (("--cacert", cacert), ("CI_SERVER_TLS_CA_FILE", os.environ.get("CI_SERVER_TLS_CA_FILE"))):
        if not path:
            continue
        try:
            context.load_verify_locations(cafile=path)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"{source}: can't read certificates from {path}: {error}") from None
    if not secure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _proxies() -> Proxies | None:
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from archmerge.transport.proxies import Proxies

    return Proxies()
