"""The proxies that the environment names. Loaded only where it names one: `urllib.request` takes 6 ms."""

from __future__ import annotations

import contextlib
import ipaddress
import os
from base64 import b64encode
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from archmerge.errors import UsageError
from archmerge.transport.connections import Origin, address_of


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
        if origin.host == "metadata.google.internal" or proxy_bypass(f"{origin.host}:{origin.port}"):
            return True
        if not (address := address_of(origin.host)):
            return False
        if address.is_link_local:
            return True  # a cloud's metadata service: no proxy knows this machine's
        for word in str(self._urls.get("no", "")).replace(",", " ").split():
            with contextlib.suppress(ValueError):  # a name
                if address in ipaddress.ip_network(word, strict=False):
                    return True
        return False
