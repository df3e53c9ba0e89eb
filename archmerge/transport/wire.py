"""One request and its answer on an open connection: written here, read by `http.client`.

Importing `http.client` (with `email` and `ssl`) takes 25 ms, as long as a round trip to a near registry. It is needed
for answers only; so requests are written without it, and it is imported while the first one is on its way.
"""

from __future__ import annotations

from binascii import b2a_base64

from archmerge.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import http.client
    import socket
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Self

CHUNK = 256 << 10
"""Bytes of a body held in memory at a time, per transfer."""
BODY_LIMIT = 4 << 20
_SENT_WITH_LENGTH = ("POST", "PUT")


class Fault(OSError):  # noqa: N818 - the faults of others, beside our own errors
    """The other side stopped in the middle, or did not speak HTTP."""


class Request(NamedTuple):
    """What is sent. A body that isn't bytes can be sent only once; its length stands in the headers."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | Iterable[bytes] | None = None


def basic(username: str, password: str) -> str:
    """Return the value of an Authorization header for Basic."""
    return "Basic " + b2a_base64(f"{username}:{password}".encode(), newline=False).decode()


def write(sock: socket.socket, request: Request, target: str, host: str) -> None:
    """Send `request`, with `target` in its first line. Raises OSError, and ValueError for what can't be in a header."""
    headers = {"Host": host, "Accept-Encoding": "identity", **request.headers}
    body = request.body if request.body is not None else b""
    if isinstance(body, bytes) and (body or request.method in _SENT_WITH_LENGTH):
        headers["Content-Length"] = str(len(body))
    lines = (f"{request.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()))
    if any(not line.isascii() or not line.isprintable() for line in lines) or " " in target:
        raise ValueError("a line break, or another character that can't be in a header")
    head = "\r\n".join((*lines, "\r\n")).encode()
    if isinstance(body, bytes):
        sock.sendall(head + body)
        return
    sock.sendall(head)
    for piece in body:
        sock.sendall(piece)


def read(sock: socket.socket, request: Request) -> Stream:
    """Wait for the answer's headers. Raises OSError: a ConnectionError where the other side had hung up, or a Fault."""
    import http.client  # noqa: PLC0415 - see the module's docstring

    response = http.client.HTTPResponse(sock, method=request.method)
    try:
        response.begin()
    except http.client.RemoteDisconnected:
        response.close()
        raise ConnectionResetError("the connection was closed without an answer") from None
    except http.client.HTTPException as error:
        response.close()
        raise Fault(f"no HTTP answer: {type(error).__name__}: {str(error)[:200]}") from None
    except BaseException:
        response.close()
        raise
    return Stream(sock, response, request.url)


class Stream:
    """An answer whose body is read piece by piece. Use it as a context manager."""

    def __init__(self, sock: socket.socket, response: http.client.HTTPResponse, url: str) -> None:
        self.status = response.status
        self.headers = response.headers
        self.url = url
        self.sock = sock
        self._response = response
        self._done: Callable[[bool], None] = lambda _reusable: None
        self._left = response.length

    def on_close(self, done: Callable[[bool], None]) -> None:
        """Have `done(reusable)` called once, when the stream is closed."""
        self._done = done

    def read(self, size: int = CHUNK) -> bytes:
        """At most `size` bytes, empty at the end. Raises OSError, also for a body cut short."""
        import http.client  # noqa: PLC0415 - see the module's docstring

        try:
            piece = self._response.read1(size)
        except http.client.HTTPException as error:
            raise Fault(f"the body was cut short ({type(error).__name__})") from None
        if self._left is not None:
            self._left -= len(piece)
            if not piece and self._left > 0:
                raise Fault("the body was cut short")
        return piece

    def close(self) -> None:
        """Give the connection back when the body was read to its end, else close it."""
        done, self._done = self._done, lambda _reusable: None
        whole = self._response.isclosed() or self._response.length == 0
        reusable = whole and not self._response.will_close
        self._response.close()
        done(reusable)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close."""
        self.close()
