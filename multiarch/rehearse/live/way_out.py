"""A way out for jobs: an HTTP proxy on the bridge, since pods there reach this machine and nothing beyond it.

It is for `FROM docker.io/...` and `RUN apt-get install`. It is no security boundary: a real cluster has no such proxy,
and its NetworkPolicies decide by the address, which here is always this one. What it speaks is in `forward`.
"""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_address
from types import TracebackType
from typing import Final, Self

from archmerge.errors import UsageError
from archmerge.transport.connections import Origin
from archmerge.transport.proxies import Proxies, Proxy
from multiarch.core.secrets import hide
from multiarch.rehearse.control_plane.errors import StartError
from multiarch.rehearse.control_plane.programs import SERVICES
from multiarch.rehearse.live.forward import HEAD, Dial, Refused, Request, answer, head_of, parsed, why_refused

_SECONDS: Final = 15.0
"""For a request's head, for a name's addresses, for each connection."""
_CHUNK: Final = 1 << 16
_ROUNDS_OF_ACCEPT: Final = 10
"""More than asyncio takes from an accepted connection to the first step of who serves it."""
_KEPT: Final = 300
"""How many different hosts are remembered; a job could ask for any number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What jobs asked for, with how often: `deb.debian.org:80`."""

    reached: Mapping[str, int]
    refused: Mapping[str, int]
    """With the reason."""
    failed: Mapping[str, int]
    """Let through, but not reached; with the reason."""


class WayOut:
    """The proxy, from `start()` or the begin of a `with` block to `stop()` or its end.

    It goes on by the proxy that this machine's environment names, unless `NO_PROXY` has the host.
    """

    def __init__(self, address: str, subnet: IPv4Network, port: int = 0) -> None:
        """Take where it listens, the bridge's gateway, and whom it serves, the bridge's subnet."""
        self._address, self._subnet, self._port = address, subnet, port
        self._proxies = Proxies()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="way out", daemon=True)
        self._listening = threading.Event()
        self._failure: BaseException | None = None
        self._counts: Mapping[str, Counter[str]] = {name: Counter() for name in ("reached", "refused", "failed")}

    def __enter__(self) -> Self:
        """Begin to listen."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, and every connection."""
        self.stop()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self._address}:{self._port}"

    def start(self) -> None:
        """Begin to listen. Raises StartError when that is not possible, or when this machine's proxy can't be used."""
        try:
            for scheme, port in (("http", 80), ("https", 443)):
                self._proxies.of(Origin(scheme, "example.com", port))
        except UsageError as error:
            raise StartError(f"jobs have no way out: {error}") from error
        self._thread.start()
        self._listening.wait()
        if self._failure is not None:
            raise StartError(f"jobs have no way out: nothing can listen at {self.url}: {self._failure}")

    def stop(self) -> None:
        """End it. Harmless when repeated."""
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(_SECONDS)

    def variables(self, straight: Sequence[str] = ()) -> Mapping[str, str]:
        """Return what jobs get in their environment; `straight`: further hosts that they reach without it."""
        here = ("localhost", "127.0.0.1", "::1", self._address, str(self._subnet), SERVICES, ".svc")
        lower = {"http_proxy": self.url, "https_proxy": self.url, "no_proxy": ",".join((*here, *straight))}
        return {**lower, **{name.upper(): text for name, text in lower.items()}}

    def asked(self) -> Asked:
        """Return what was asked for until now."""
        return Asked(**{name: dict(count) for name, count in self._counts.items()})

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self._failure = error
        finally:
            self._listening.set()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._serve_one, self._address, self._port, limit=HEAD)
        self._port = server.sockets[0].getsockname()[1]
        self._loop = asyncio.get_running_loop()
        self._listening.set()
        await self._ended.wait()
        # Connections end with the loop, which cancels what they wait for. One that was only just accepted has to begin
        # first: what never began closes nothing, and asyncio leaves it open where the server is closed by then.
        for _ in range(_ROUNDS_OF_ACCEPT):
            await asyncio.sleep(0)
        server.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                if ip_address(writer.get_extra_info("peername")[0]) not in self._subnet:
                    return
                text = await reader.readuntil(b"\r\n\r\n")
            await self._handle(parsed(text), reader, writer)
        except Refused as error:
            self._count("refused", f"{error.where}: {error}")
            writer.write(answer(error.status, str(error)))
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away, or speaks something else
        except asyncio.CancelledError:
            pass  # the way out ends; Python 3.11 would tell of it as of an error
        finally:
            writer.close()

    async def _handle(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            dial = await self._dial(request)
            there, back = await self._connect(request, dial)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            why = hide(str(error)) or "no answer in time"
            self._count("failed", f"{request.where}: {why}")
            writer.write(answer(502, f"{request.where} is not reached: {why}"))
            return
        self._count("reached", request.where)
        try:
            if request.tunnel:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _relay(reader, back, there, writer, None if request.tunnel else request.length)
        finally:
            back.close()

    async def _dial(self, request: Request) -> Dial:
        """Decide where to connect to. A name is resolved once: what was looked at is what is connected to."""
        proxy = self._proxies.of(Origin("https" if request.tunnel else "http", request.host, request.port))
        try:
            async with asyncio.timeout(_SECONDS):
                loop = asyncio.get_running_loop()
                found = await loop.getaddrinfo(request.host, request.port, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError, UnicodeError) as error:  # the last one for what is no host's name
            if proxy is None:
                raise OSError(str(error)) from error
            found = []  # a machine behind a proxy may know no name of the internet; the proxy has to
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        for address in addresses:
            if why := why_refused(address, self._subnet):
                raise Refused(403, request.where, why)
        if proxy is not None:
            return Dial(proxy=proxy, hosts=(proxy.host,), port=proxy.port)
        return Dial(proxy=None, hosts=tuple(addresses), port=request.port)

    async def _connect(self, request: Request, dial: Dial) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        there, back = await _open(dial)
        try:
            back.write(head_of(request, dial.proxy))
            if request.tunnel and dial.proxy:
                async with asyncio.timeout(_SECONDS):
                    await _await_tunnel(there, dial.proxy)
        except BaseException:  # a cancellation too
            back.close()
            raise
        return there, back

    def _count(self, what: str, where: str) -> None:
        counter = self._counts[what]
        if where in counter or len(counter) < _KEPT:
            counter[where] += 1


async def _open(dial: Dial) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    last: Exception = OSError("it has no address")
    for host in dial.hosts:
        try:
            async with asyncio.timeout(_SECONDS):
                return await asyncio.open_connection(host, dial.port, limit=HEAD)
        except (OSError, TimeoutError) as error:
            last = error
    raise last


async def _await_tunnel(there: asyncio.StreamReader, proxy: Proxy) -> None:
    first = (await there.readuntil(b"\r\n\r\n")).split(b"\r\n", 1)[0].split()
    if first[1:2] != [b"200"]:
        said = b" ".join(first[1:]).decode(errors="replace")
        raise OSError(f"{proxy} answered {said}".replace("by the proxy", "the proxy"))


async def _relay(
    reader: asyncio.StreamReader, back: asyncio.StreamWriter, there: asyncio.StreamReader,
    writer: asyncio.StreamWriter, length: int | None,
) -> None:  # fmt: skip
    """Copy both ways until both have ended; of a request only its own body, so that no second one follows it."""
    async with asyncio.TaskGroup() as group:
        up = group.create_task(_copy(reader, back, length))
        await _copy(there, writer, None)
        up.cancel()  # nobody is left who would read it


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter, length: int | None) -> None:
    left = length
    with suppress(OSError):
        while left is None or left > 0:
            data = await source.read(_CHUNK if left is None else min(_CHUNK, left))
            if not data:
                break
            target.write(data)
            await target.drain()
            left = None if left is None else left - len(data)
        if length is None and target.can_write_eof():
            target.write_eof()
