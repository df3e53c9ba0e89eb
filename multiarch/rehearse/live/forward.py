"""What a forward proxy reads and writes (RFC 9110, 9112), and where it does not go. Pure, but for `is_own`."""

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from archmerge.transport.proxies import Proxy
from components.clouds import CLOUDS

HEAD: Final = 1 << 16
"""The longest head of a request or an answer."""
_PARTS: Final = 3
"""Of a request's first line: method, target, version."""
_WORDS: Final = {400: "Bad Request", 403: "Forbidden", 411: "Length Required", 502: "Bad Gateway"}
_HOP: Final = frozenset({"connection", "host", "keep-alive", "proxy-authorization", "proxy-connection", "upgrade"})
"""Headers for a proxy itself (RFC 9110, 7.6.1), and the one that is written anew."""
_HOST: Final = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_METADATA: Final = tuple(ip_network(text) for cloud in CLOUDS.values() for text in cloud.runner.metadata)


class Refused(Exception):  # noqa: N818 - an answer, not a fault of ours
    """The proxy does not do what was asked. The message says why, in words for the one who asked."""

    def __init__(self, status: int, where: str, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.where = where


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request to a proxy."""

    method: str
    host: str
    port: int
    tunnel: bool
    """CONNECT: bytes both ways. Else `target` is asked for over plain HTTP."""
    target: str = ""
    headers: tuple[str, ...] = ()
    length: int = 0
    """Of its body."""

    @property
    def where(self) -> str:
        """Host and port, as CONNECT has them; never a password or a path."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """Where to connect to: the addresses that were looked at, or the machine's proxy."""

    proxy: Proxy | None
    hosts: tuple[str, ...]
    port: int


def parsed(head: bytes) -> Request:
    """Read a request's head. Raises Refused for what is no request to a proxy."""
    first, *headers = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != _PARTS or any(mark in line for line in [first, *headers] for mark in "\r\n\0"):
        raise Refused(400, "nobody", "this is not an HTTP request")
    method, target, _ = words
    try:
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not _HOST.fullmatch(host) or not (port if method == "CONNECT" else parts.scheme == "http"):
        raise Refused(400, "nobody", "this is a proxy: it takes CONNECT HOST:PORT, and http://HOST/...")
    if method == "CONNECT":
        return Request(method=method, host=host, port=port or 443, tunnel=True)
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    found = Request(method=method, host=host, port=port or 80, tunnel=False, target=path)
    return Request(
        method=method, host=host, port=found.port, tunnel=False, target=path,
        headers=tuple(line for line in headers if _name(line) not in _HOP), length=_length(headers, found.where),
    )  # fmt: skip


def head_of(request: Request, proxy: Proxy | None) -> bytes:
    """Return what is sent first: to a proxy who asked and for what, to the host itself the request in its own words."""
    login = [f"{name}: {text}" for name, text in proxy.headers.items()] if proxy else []
    if request.tunnel:
        lines = [f"CONNECT {request.where} HTTP/1.1", f"Host: {request.where}", *login] if proxy else []
    else:
        host = request.where.removesuffix(":80")
        target = f"http://{host}{request.target}" if proxy else request.target
        lines = [f"{request.method} {target} HTTP/1.1", f"Host: {host}", *request.headers, *login, "Connection: close"]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1") if lines else b""


def answer(status: int, why: str) -> bytes:
    """Return an answer of the proxy's own."""
    body = f"multiarch: {why}\n".encode()
    kind = "Content-Type: text/plain; charset=utf-8"
    head = f"HTTP/1.1 {status} {_WORDS[status]}\r\n{kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def why_refused(text: str, subnet: IPv4Network) -> str:
    """Say why a job does not get to an address through this machine; empty: it does."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address in subnet:
        return "it is a node or a pod of this cluster, which is reached without a proxy"
    if address.is_link_local or any(address in one for one in _METADATA):
        return "it is an address of the machine's own network, where clouds hand out credentials"
    if address.is_loopback or address.is_unspecified or is_own(str(address)):
        return "it is this machine itself"
    return "it is not the address of one host" if address.is_multicast or str(address) == "255.255.255.255" else ""


def is_own(address: str) -> bool:
    """Ask the kernel whether an address is this machine's: only at these one can listen."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as tried:
            tried.bind((address, 0))
    except OSError:
        return False
    return True


def _name(line: str) -> str:
    return line.partition(":")[0].strip().lower()


def _length(headers: list[str], where: str) -> int:
    """Read how long the body is: one whose end only its content tells is not passed on, since more could follow."""
    said = [line.partition(":")[2].strip() for line in headers if _name(line) == "content-length"] or ["0"]
    chunked = any(_name(line) == "transfer-encoding" for line in headers)
    if chunked or len(said) > 1 or not re.fullmatch(r"[0-9]{1,15}", said[0]):
        raise Refused(411, where, "a request with a body has to say how long it is")
    return int(said[0])
