"""A reverse proxy before a registry (and its token server) that counts, delays, and breaks requests.

Round trips are counted as a chain of causes: a request's depth is one more than the greatest depth among the requests
whose answers had been sent when it came in. What runs side by side has the same depth, at any speed.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_HOP = {"connection", "keep-alive", "transfer-encoding", "host", "content-length"}


class Seen(NamedTuple):
    """One request that came through."""

    method: str
    path: str
    depth: int
    status: int
    authorization: str
    kind: str


class Call:
    """A request in the hands of a fault: it may answer by itself, or alter the upstream's answer."""

    def __init__(self, handler: Any, kind: str, body: bytes) -> None:
        self.handler = handler
        self.kind = kind
        self.body = body
        self.method: str = handler.command
        self.path: str = handler.path
        self.headers = handler.headers
        self.status = 0
        self.pace = 0.0
        """Seconds between the bytes of the upstream's answer."""
        self.cut: int | None = None
        """Bytes of the upstream's answer after which the connection is reset."""

    def answer(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> bool:
        """Answer in the upstream's place."""
        self.status = status
        self.handler.send_response(status)
        for key, value in (headers or {}).items():
            self.handler.send_header(key, value)
        self.handler.send_header("Content-Length", str(len(body)))
        self.handler.end_headers()
        if self.method != "HEAD":
            self.handler.wfile.write(body)
        return True

    def drop(self) -> bool:
        """Close the connection with a reset, without an answer."""
        self.status = -1
        sock = self.handler.connection
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.handler.close_connection = True
        sock.shutdown(socket.SHUT_RD)
        sock.close()
        return True


class Proxy:
    """Forwards to `upstream` (host:port), and paths under /token to `token_upstream`.

    `fault(call)` is asked before forwarding; True means it has answered. `alter(call, status, headers, body)` may
    change an answer on its way back.
    """

    def __init__(self, upstream: str, *, token_upstream: str = "", delay: float = 0.0) -> None:
        self.upstream = upstream
        self.token_upstream = token_upstream
        self.delay = delay
        self.fault: Callable[[Call], bool] | None = None
        self.alter: Callable[[Call, int, list[tuple[str, str]], bytes], tuple[int, list[tuple[str, str]], bytes]] | None
        self.alter = None
        self.seen: list[Seen] = []
        self.connections = 0
        self.active = self.peak = 0
        self._done_depth = 0
        self._lock = threading.Lock()
        self._kept: dict[str, list[http.client.HTTPConnection]] = {}
        lab = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def setup(self) -> None:
                super().setup()
                with lab._lock:
                    lab.connections += 1

            def log_message(self, *_: Any) -> None:
                pass

            def handle(self) -> None:
                try:
                    super().handle()
                except (ConnectionError, OSError, ValueError):
                    self.close_connection = True

            def do_GET(self) -> None:
                lab._handle(self)

            do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the base class names them

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.base = f"http://{self.host}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def depth(self) -> int:
        """Sequential round trips so far."""
        return max((request.depth for request in self.seen), default=0)

    def reset(self) -> None:
        """Forget counts and faults."""
        with self._lock:
            self.seen, self._done_depth, self.connections, self.peak = [], 0, 0, 0
            self.fault = self.alter = None

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handle(self, handler: Any) -> None:
        with self._lock:
            depth = self._done_depth + 1
            self.active += 1
            self.peak = max(self.peak, self.active)
        if self.delay:
            time.sleep(self.delay)
        length = int(handler.headers.get("Content-Length") or 0)
        call = Call(handler, kind_of(handler.command, handler.path), handler.rfile.read(length) if length else b"")

        def finish() -> None:
            # Before the answer's first byte is out: a request that it causes must come in later than this.
            with self._lock:
                self._done_depth = max(self._done_depth, depth)
                authorization = handler.headers.get("Authorization") or ""
                self.seen.append(Seen(call.method, call.path, depth, call.status, authorization, call.kind))

        try:
            if self.fault is not None:
                original = handler.end_headers

                def end_headers() -> None:
                    finish()
                    original()

                handler.end_headers = end_headers
                if self.fault(call):
                    if call.status <= 0:
                        finish()
                    return
                handler.end_headers = original
            self._forward(call, finish)
        except (ConnectionError, BrokenPipeError):
            handler.close_connection = True
        finally:
            with self._lock:
                self.active -= 1
            with contextlib.suppress(OSError, ValueError):
                handler.wfile.flush()

    def _forward(self, call: Call, finish: Callable[[], None]) -> None:
        upstream = self.token_upstream if call.kind == "token" else self.upstream
        headers: dict[str, str] = {}
        for key in {key.lower() for key in call.headers} - _HOP:
            # Joined, for 2.8.2 serves schema 1 to whoever seems to accept nothing newer (facts/merge.md section 6).
            headers[key] = ", ".join(call.headers.get_all(key))
        # The registry writes absolute Locations from this, so that clients stay on the proxy.
        headers |= {"Host": self.host, "X-Forwarded-Host": self.host, "X-Forwarded-Proto": "http"}
        status, received, body = self._exchange(upstream, call, headers)
        if self.alter is not None:
            status, received, body = self.alter(call, status, received, body)
        call.status = status
        handler = call.handler
        handler.send_response_only(status)
        for key, value in received:
            handler.send_header(key, value)
        if call.method == "HEAD":
            handler.end_headers()
            finish()
            return
        if not any(key.lower() == "content-length" for key, _ in received):
            handler.send_header("Content-Length", str(len(body)))
        finish()
        handler.end_headers()
        if call.pace:
            for number in range(len(body)):
                handler.wfile.write(body[number : number + 1])
                handler.wfile.flush()
                time.sleep(call.pace)
        elif call.cut is not None:
            handler.wfile.write(body[: call.cut])
            handler.wfile.flush()
            call.drop()
        else:
            handler.wfile.write(body)

    def _exchange(self, upstream: str, call: Call, headers: dict[str, str]) -> tuple[int, list[tuple[str, str]], bytes]:
        # Shared: a client that opens many connections must not pay for as many behind the proxy.
        pool = self._kept.setdefault(upstream, [])
        for attempt in range(2):
            with self._lock:
                kept = pool.pop() if pool else None
            connection = kept or http.client.HTTPConnection(upstream, timeout=60)
            try:
                body = call.body if call.body or call.method in ("POST", "PUT", "PATCH") else None
                connection.request(call.method, call.path, body, headers)
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                if attempt:
                    raise
                continue
            if not answer.will_close:
                pool.append(connection)
            drop = {"transfer-encoding", "connection"} | ({"content-length"} if call.method != "HEAD" else set())
            return answer.status, [(k, v) for k, v in answer.getheaders() if k.lower() not in drop], content
        raise AssertionError("unreachable")


def kind_of(method: str, path: str) -> str:
    """What a request is for, in words."""
    plain, _, query = path.partition("?")
    if plain.startswith(("/token", "/jwt/auth")):
        return "token"
    if plain in ("/v2/", "/v2"):
        return "ping"
    if "/blobs/uploads/" in plain:
        if method == "POST":
            return "mount" if "mount=" in query else "upload-start"
        return {"PUT": "upload", "DELETE": "upload-cancel"}.get(method, "upload-part")
    part = "manifest" if "/manifests/" in plain else "blob"
    if part == "manifest" and method == "PUT":
        return "manifest-put-child" if "/manifests/sha256:" in plain else "manifest-put"
    return f"{part}-{method.lower()}"
