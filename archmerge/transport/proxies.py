"""Which proxy a request goes through: `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, read by Python's rule.

On top of that rule `no_proxy` may hold ranges of addresses (10.0.0.0/8), as for Go's programs and requests.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
from base64 import b64encode
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from archmerge.errors import UsageError

if TYPE_CHECKING:
    from archmerge.transport.connections import Origin


class Proxy(NamedTuple):
    """A proxy that plain HTTP is spoken with; TLS goes through a tunnel of it."""

    host: str
    port: int
    headers: dict[str, str]
    variable: str

    def __str__(self) -> str:
        """Name it and where it stands, without its password."""
        return f"by the proxy {self.host}:{self.port} of {self.variable}"


class Proxies:
    """The proxies that the environment names. `all_proxy` is for both schemes, where these have none of their own."""

    def __init__(self) -> None:
        self._urls: dict[str, str] = {}
        if any(name.lower().endswith("_proxy") for name in os.environ):
            from urllib.request import getproxies_environment  # noqa: PLC0415 - 6 ms, only where there is a proxy

            self._urls = getproxies_environment()

    def of(self, origin: Origin) -> Proxy | None:
        """Return the proxy to use; None to go straight. UsageError for one that can't be used, with its variable."""
        kind = next((kind for kind in (origin.scheme, "all") if self._urls.get(kind)), "")
        if not kind or self._bypassed(origin):
            return None
        url = self._urls[kind]
        variable = f"{kind}_proxy" if os.environ.get(f"{kind}_proxy") else f"{kind.upper()}_PROXY"
        parts = urlsplit(url if "://" in url else f"http://{url}")
        try:
            port = parts.port or 80
        except ValueError:
            port = 0
        if parts.scheme != "http" or not parts.hostname or not port:
            if kind == "all":
                return None  # Go's programs don't know this variable, and go straight
            shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
            raise UsageError(
                f"{variable} names the proxy {shown}, which archmerge can't use",
                fix=f"name one as http://HOST:PORT there, or add {origin.host} to no_proxy",
            )
        login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode()
        headers = {"Proxy-Authorization": f"Basic {b64encode(login).decode()}"} if parts.username else {}
        return Proxy(parts.hostname, port, headers, variable)

    def _bypassed(self, origin: Origin) -> bool:
        from urllib.request import proxy_bypass  # noqa: PLC0415 - as above

        if origin.host == "metadata.google.internal" or proxy_bypass(f"{origin.host}:{origin.port}"):
            return True
        with contextlib.suppress(ValueError):
            if ipaddress.ip_address(origin.host).is_link_local:
                return True  # a cloud's metadata service: no proxy knows this machine's
        for word in str(self._urls.get("no", "")).replace(",", " ").split():
            try:
                if ipaddress.ip_address(origin.host) in ipaddress.ip_network(word, strict=False):
                    return True
            except ValueError:
                continue  # one of the two is a name
        return False
