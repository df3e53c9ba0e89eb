"""What comes back: an answer read whole, or a stream of its body. `http.client` reads both."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from email.message import Message
from typing import NamedTuple, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from archmerge.errors import RefusedError
from archmerge.transport.connections import Fault

CHUNK = 256 << 10
"""Bytes of a body held in memory at a time, per transfer."""
_PUBLIC_QUERY = frozenset({"mount", "from", "scope", "service", "digest", "tag", "account"})


class Answer(NamedTuple):
    """A complete response. `url` is where it came from, after redirects."""

    status: int
    headers: Message
    body: bytes
    url: str

    def header(self, name: str) -> str:
        """Return a header's value, or an empty string."""
        return self.headers.get(name) or ""


class Stream:
    """An answer whose body is read piece by piece. Use it as a context manager.

    `done(reusable)` is called once, when it is closed.
    """

    def __init__(
        self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse, url: str,
        done: Callable[[bool], None],
    ) -> None:  # fmt: skip
        self.status = response.status
        self.headers = response.headers
        self.url = url
        self._sock = connection.sock
        self._response = response
        self._done = done
        self._left = response.length

    def patience(self, seconds: float) -> None:
        """Wait at most so long for each piece."""
        if self._sock is not None:
            self._sock.settimeout(seconds)

    def read(self, size: int = CHUNK) -> bytes:
        """At most `size` bytes, empty at the end. Raises OSError, also for a body cut short."""
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

    def __exit__(self, *_error: object) -> None:
        """Close."""
        self.close()


class StatusError(RefusedError):
    """A status where a blob's bytes were wanted."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{public_url(answer.url)}: the registry answered {answer.status}")
        self.answer = answer


def public_url(url: str) -> str:
    """Return the URL without what could be a secret: signed query parameters, upload states, user names."""
    parts = urlsplit(url)
    pairs = [(key, value if key in _PUBLIC_QUERY else "***") for key, value in parse_qsl(parts.query)]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, urlencode(pairs, safe=":/,*@"), ""))
