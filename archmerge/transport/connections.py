"""Connections: opening, keeping alive, sharing, pacing.

urllib3 would add 33 ms of import to a command that is done in 60 with a near registry (docs/merge.md, "Speed").
"""

from __future__ import annotations

import os
import select
import socket
import threading
from urllib.parse import unquote, urlsplit

from archmerge.errors import ArchmergeError, NetworkError, UsageError
from archmerge.records import TYPE_CHECKING, NamedTuple
from archmerge.transport.parallel import start
from archmerge.transport.wire import Fault, basic

if TYPE_CHECKING:
    import ipaddress
    import ssl
    from collections.abc import Callable
    from typing import Any

_RECOVER_AFTER = 16
"""Good answers in a row before a slowed registry is given one more request at a time."""


_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
"""How OpenSSL names an answer that is not TLS."""


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
        port = parts.port
    except ValueError:
        raise NetworkError(f"the registry sent an unreadable address: {_bare(url)}") from None
    if not url.isascii() or not url.isprintable() or " " in url:
        raise NetworkError(f"the registry sent an address that must not be sent on: {_bare(url)}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NetworkError(f"the registry sent an address that is neither http nor https: {_bare(url)}")
    return Origin(parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80))


def _bare(url: str) -> str:
    """Return what can't be taken apart for a message: without a user's name and password, and without a query."""
    place, query, _ = url.partition("?")
    scheme, slashes, rest = place.rpartition("//")
    host, slash, path = rest.partition("/")
    shown = f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}"[:200]
    return repr(f"{shown}?***" if query else shown)


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address that a host is written as; None for a name."""
    import ipaddress  # noqa: PLC0415 - only where another host is named

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


class Host:
    """The connections to one origin, and how many requests it bears at once."""

    def __init__(self, limit: int) -> None:
        self.idle: list[socket.socket] = []
        self.warmed = 0
        """Connections that were opened ahead."""
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
        self._hosts: dict[Origin, Host] = {}
        self._lock = threading.Lock()
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._proxies = _proxies()

    def host(self, origin: Origin) -> Host:
        """Return the state of one origin."""
        with self._lock:
            return self._hosts.setdefault(origin, Host(self.options.per_host))

    def take(self, origin: Origin) -> socket.socket | None:
        """Return a kept connection that the other side has not closed meanwhile, or None."""
        host = self.host(origin)
        while True:
            with self._lock:
                if not host.idle:
                    return None
                kept = host.idle.pop()
            if _usable(kept, origin.scheme):
                return kept
            kept.close()

    def give(self, origin: Origin, sock: socket.socket) -> None:
        """Keep a connection for the next request."""
        host = self.host(origin)
        with self._lock:
            host.idle.append(sock)

    def open(self, origin: Origin, timeout: float | None = None) -> socket.socket:
        """Return a new connection, encrypted for https. Raises OSError (ssl.SSLError included)."""
        timeout = self.options.connect_timeout if timeout is None else timeout
        context = self._context(secure=origin.netloc not in self.options.insecure) if origin.scheme == "https" else None
        proxy = self.proxy_for(origin)
        if proxy and context:
            sock = proxy.tunnel(origin, timeout)
        else:
            host, port = (proxy.hostname, proxy.port) if proxy else (origin.host, origin.port)
            # Bytes, for a name in letters would be checked by the idna codec, which takes 3 ms to load.
            address: Any = (host.encode(), port)
            sock = socket.create_connection(address, timeout)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return context.wrap_socket(sock, server_hostname=origin.host) if context else sock
        except BaseException as error:
            sock.close()
            if getattr(error, "reason", None) in _NO_TLS:
                raise _no_tls(origin) from None
            raise

    def warm(self, origin: Origin, count: int) -> None:
        """Open connections in the background, up to `count` in all, while the caller still reads credentials.

        A failure is silent here: the request that needs a connection meets it again, and reports it.
        """

        def connect() -> None:
            try:
                self.give(origin, self.open(origin))
            except (OSError, ArchmergeError):
                return

        host = self.host(origin)
        with self._lock:
            count, host.warmed = count - host.warmed, max(count, host.warmed)
        for _ in range(count):
            if start(connect) is None:
                return  # no more threads to be had: then it is done without

    def proxy_for(self, origin: Origin) -> _Proxy | None:
        """Return the proxy to use, from the usual `*_proxy` variables and `no_proxy`."""
        url = self._proxies.get(origin.scheme) or self._proxies.get("all")
        if not url:
            return None
        from urllib.request import proxy_bypass  # noqa: PLC0415 - 5 ms, only where there is a proxy

        if proxy_bypass(f"{origin.host}:{origin.port}"):
            return None
        return _Proxy.parse(url)

    def close(self) -> None:
        """Close all kept connections."""
        with self._lock:
            for host in self._hosts.values():
                while host.idle:
                    host.idle.pop().close()

    def _context(self, *, secure: bool) -> ssl.SSLContext:
        with self._lock:
            if secure not in self._contexts:
                self._contexts[secure] = _tls_context(self.options.cacert, secure=secure)
            return self._contexts[secure]


def _usable(sock: socket.socket, scheme: str) -> bool:
    """Whether an idle connection is still open, as far as can be told without asking the other side."""
    waiting = select.poll()  # not `select`, which ends at the 1024th file of the process
    waiting.register(sock, select.POLLIN)
    if not waiting.poll(0):
        return True
    if scheme == "http":
        return False  # closed, or an answer to nothing: of no use either way
    try:
        # TLS 1.3 servers send session tickets unasked, so data may wait; only an end of the stream means closed.
        # `socket.socket.recv`, for the TLS socket's own can't peek.
        return bool(socket.socket.recv(sock, 1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except OSError:
        return False


def _no_tls(origin: Origin) -> NetworkError:
    """Say what to do, but never how to send a password in clear: whoever is on the way can answer like this, too."""
    near = inward(origin)
    return NetworkError(
        f"https://{origin.netloc} answers without TLS",
        fix=f"this registry is on this machine: --plain-http={origin.netloc} speaks plain HTTP with it"
        if near
        else "check the host and its port, and that the registry has a certificate; nothing was sent",
    )


class _Proxy(NamedTuple):
    hostname: str
    port: int
    username: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str) -> _Proxy:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme != "http" or not parts.hostname:
            raise UsageError(f"proxy scheme {parts.scheme!r} is not supported", fix="name an http:// proxy")
        return cls(parts.hostname, parts.port or 80, parts.username, parts.password)

    def tunnel(self, origin: Origin, timeout: float) -> socket.socket:
        import http.client  # noqa: PLC0415 - only where there is a proxy

        connection = http.client.HTTPConnection(self.hostname, self.port, timeout=timeout)
        connection.set_tunnel(origin.host, origin.port, headers=proxy_headers(self.username, self.password))
        try:
            connection.connect()
        except http.client.HTTPException as error:
            connection.close()
            raise Fault(f"the proxy {self.hostname}:{self.port}: {type(error).__name__}") from None
        return connection.sock


def proxy_headers(username: str | None, password: str | None) -> dict[str, str]:
    """Return what a proxy wants to see of the user named in its URL."""
    if not username:
        return {}
    return {"Proxy-Authorization": basic(unquote(username), unquote(password or ""))}


def _proxies() -> dict[str, str]:
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return {}
    from urllib.request import getproxies_environment  # noqa: PLC0415 - 5 ms, only where there is a proxy

    return getproxies_environment()


def _tls_context(cacert: str | None, *, secure: bool) -> ssl.SSLContext:
    """TLS 1.2 or later. OpenSSL reads SSL_CERT_FILE by itself; GitLab's own CA and `--cacert` come on top."""
    import ssl  # noqa: PLC0415 - 7 ms, while the connection is being opened

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
