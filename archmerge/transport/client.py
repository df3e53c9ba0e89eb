"""One HTTP request as the registry code wants it: retried, paced, bounded in time and size, traced without secrets."""

from __future__ import annotations

import contextlib
import http.client
import random
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from email.message import Message
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from archmerge.errors import NetworkError, RefusedError, WrongContentError
from archmerge.transport.connections import CHUNK, Connections, Fault, Options, Origin, inward, origin_of
from archmerge.transport.trust import may_have, named

T = TypeVar("T")
BODY_LIMIT = 4 << 20
_OK = 200
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SAME_METHOD = frozenset({307, 308})
"""Redirects that a request with a body follows, too: it is sent again as it is."""
_REDIRECTS_MAX = 5
_RETRIED = frozenset({408, 429, 500, 502, 503, 504})
_SLOW_DOWN = frozenset({429, 503})
_WAIT_MAX = 15.0
_DIGITS_MAX = 9
_REQUEST_TIMEOUT = 408
_GIVEN_UP = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
_PUBLIC_QUERY = frozenset({"mount", "from", "scope", "service", "digest", "tag", "account"})


class Answer:
    """A complete response. `url` is where it came from, after redirects."""

    def __init__(self, status: int, headers: Message, body: bytes, url: str) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.url = url

    def header(self, name: str) -> str:
        """Return a header's value, or an empty string."""
        return self.headers.get(name) or ""


class Readable(Protocol):
    """A body: at most `size` bytes at a time, empty at the end."""

    def read(self, size: int = CHUNK, /) -> bytes:
        """Return the next bytes."""


Body = Callable[[], AbstractContextManager[Readable]]
"""Opens a body that is too large for memory; called again where it has to be sent again."""


Sent = bytes | Body | Readable | None
"""What a request may have for a body; a `Readable` is sent once, and not again after a redirect."""


class Part:
    """The next `left` bytes of a file, as a file of their own."""

    def __init__(self, file: Readable, left: int) -> None:
        self._file = file
        self.left = left

    def read(self, size: int = CHUNK, /) -> bytes:
        """Return the next bytes."""
        piece = self._file.read(min(size, self.left)) if self.left else b""
        self.left -= len(piece)
        return piece


class Stream:
    """An answer whose body is read piece by piece. When it is left, its connection is given back or closed."""

    def __init__(
        self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse, url: str,
        patience: Callable[[], float], give: Callable[[], None],
    ) -> None:  # fmt: skip
        self.status = response.status
        self.headers = response.headers
        self.url = url
        self._connection = connection
        self._response = response
        self._patience = patience
        self._give = give
        self._left = response.length
        self.until = float("inf")
        """The moment by which all must be read."""

    def read(self, size: int = CHUNK, /) -> bytes:
        """Return the next bytes. Raises OSError, also for a body cut short."""
        if (left := self.until - time.monotonic()) <= 0:
            raise TimeoutError("the body came too slowly")
        if self._connection.sock is not None:  # an answer that ends with its connection has taken it over
            self._connection.sock.settimeout(min(left, self._patience()))
        try:
            piece = self._response.read1(size)
        except http.client.HTTPException as error:
            raise Fault(f"the body was cut short ({type(error).__name__})") from None
        if self._left is not None:
            self._left -= len(piece)
            if not piece and self._left > 0:
                raise Fault("the body was cut short")
        return piece

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Give the connection back when the body was read to its end, else close it."""
        whole = self._response.isclosed() or self._response.length == 0
        self._response.close()
        (self._give if whole and not self._response.will_close else self._connection.close)()


class Deadline:
    """The moment by which the whole command must be done."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - time.monotonic())

    def cap(self, seconds: float, doing: str) -> float:
        """`seconds`, or what is left of the deadline; NetworkError when nothing is."""
        if not (left := self.left):
            raise NetworkError(
                f"{doing}: the deadline of {self._seconds:g} s for the whole command is over",
                fix="give it more with --deadline SECONDS, or find out with --debug what takes so long",
            )
        return min(seconds, left)


class _Retry(Exception):  # noqa: N818 - control flow inside this module
    """The registry's answer says that another attempt may go better."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"the registry answered {answer.status}")
        self.answer = answer


class Client:
    """Sends requests. One per session; safe to share between threads.

    `trace` gets a line per request, secrets left out. `wait` sleeps (tests replace it).
    """

    def __init__(
        self,
        options: Options | None = None,
        *,
        trace: Callable[[str], None] = lambda _line: None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.options = options or Options()
        self.connections = Connections(self.options)
        self.deadline = Deadline(self.options.deadline)
        self.trace = trace
        self._wait = wait

    def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, attempts: int = 0
    ) -> Answer:
        """Send a request that may be repeated (`attempts`, or as the options say), and read the answer whole.

        Raises NetworkError when attempts or time are used up, WrongContentError for an answer over BODY_LIMIT.
        """
        doing = f"{method} {public_url(url)}"
        return self.attempt(doing, lambda: self._whole(self._begin(method, url, headers, body)), attempts)

    def stream(self, url: str, headers: Mapping[str, str]) -> Stream | Answer:
        """GET a blob: its stream, or the whole answer where it has another status than 200."""

        def once() -> Stream | Answer:
            stream = self._begin("GET", url, headers)
            return stream if stream.status == _OK else self._whole(stream)

        return self.attempt(f"GET {public_url(url)}", once)

    def upload(self, method: str, url: str, headers: Mapping[str, str], body: Body | Readable, size: int) -> Answer:
        """Send `size` bytes, once: only the caller can begin the whole upload anew (see `attempt`)."""
        return self._whole(self._begin(method, url, {**headers, "Content-Length": str(size)}, body))

    def attempt(self, doing: str, once: Callable[[], T], attempts: int = 0) -> T:
        """Call `once` until it succeeds, with waits in between."""
        attempts = attempts or self.options.attempts
        for number in range(attempts):
            self.deadline.cap(1, doing)
            try:
                return once()
            except _Retry as error:
                failure, answer = str(error), error.answer
            except ssl.SSLCertVerificationError as error:  # no attempt will mend it
                raise NetworkError(
                    f"{doing}: the certificate is not trusted: {error.verify_message}",
                    fix="name the registry's CA with --cacert FILE, SSL_CERT_FILE or CI_SERVER_TLS_CA_FILE",
                ) from None
            except OSError as error:
                failure, answer = _explain(error), None
            self.trace(f"{doing}: {failure} (attempt {number + 1} of {attempts})")
            if number + 1 < attempts:
                self.pause(doing, number, failure, answer)
        unknown_host = "Name or service" in failure or "gaierror" in failure
        raise NetworkError(
            f"{doing}: {failure}, {attempts} times",
            fix="check the host name, and the DNS or proxy of this machine"
            if unknown_host
            else "see what the registry says with --debug; --deadline and --retries give it more time",
        )

    def pause(self, doing: str, number: int, failure: str, answer: Answer | None = None) -> None:
        """Wait after attempt `number` (from 0), or as the registry says; NetworkError if time is up then."""
        asked = parse_retry_after(answer.header("Retry-After")) if answer else None
        delay = delay_after(number, self.options.backoff, asked)
        if delay >= self.deadline.left:
            raise NetworkError(
                f"{doing}: {failure}; the next attempt is due in {delay:.0f} s, the deadline in "
                f"{self.deadline.left:.0f} s",
                fix="give the command more time with --deadline SECONDS",
            )
        self._wait(delay)

    def lured(self, here: Origin, there: Origin, *, private: bool = False) -> bool:
        """Whether a registry at `here` leads to an address inside, which the user has not named."""
        known = self.options.plain_http | self.options.insecure
        return inward(there, private=private) and not inward(here, private=private) and not named(there, known)

    def follow(self, url: str, location: str, headers: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
        """Where a Location leads, and the headers that may go there: Authorization only where `may_have` says so."""
        target = urljoin(url, location)
        here, there = origin_of(url), origin_of(target)
        said = f"{public_url(url)} leads to {public_url(target)}"
        if (here.scheme, there.scheme) == ("https", "http") and not named(there, self.options.plain_http):
            if there.host != here.host or there.port not in (80, here.port):
                raise RefusedError(
                    f"{said}, which is not encrypted; nothing was sent there",
                    fix="have the registry and its storage name their addresses with https:// (Distribution: http.host,"
                    " or the header X-Forwarded-Proto from the proxy before it)",
                )
            # It is behind a TLS proxy, and names itself by http (distribution 2225).
            self.trace(f"{said}: the registry is behind TLS, which it leaves out")
            target, there = urlunsplit(("https", here.netloc, *urlsplit(target)[2:])), here
        if there != here and self.lured(here, there):
            raise RefusedError(
                f"{said}, an address of this machine or its cloud's metadata",
                fix="a registry or its storage is misconfigured, or means harm; nothing was sent there",
            )
        if may_have(here, there, self.options):
            return target, headers
        return target, {key: value for key, value in headers.items() if key.lower() != "authorization"}

    def _whole(self, stream: Stream) -> Answer:
        """Read a body to its end: in the time for reading, however it is dripped, and at most BODY_LIMIT bytes."""
        body, stream.until = bytearray(), time.monotonic() + self.options.read_timeout
        with stream:
            while piece := stream.read():
                body += piece
                if len(body) > BODY_LIMIT:
                    raise WrongContentError(f"{public_url(stream.url)}: the answer is over {BODY_LIMIT} bytes")
        answer = Answer(stream.status, stream.headers, bytes(body), stream.url)
        if answer.status in _RETRIED:
            raise _Retry(answer)
        return answer

    def _begin(self, method: str, url: str, headers: Mapping[str, str], body: Sent = None) -> Stream:
        """Send, follow redirects (with a body only those that keep it), and come back when the headers are there."""
        followed = _REDIRECTS if method in ("GET", "HEAD") else _SAME_METHOD
        for _ in range(_REDIRECTS_MAX):
            stream = self._exchange(method, url, headers, body)
            target = stream.headers.get("Location")
            if stream.status not in followed or not target or hasattr(body, "read"):
                return stream
            self._whole(stream)
            url, headers = self.follow(url, target, headers)
        raise RefusedError(f"{method} {public_url(url)}: more than {_REDIRECTS_MAX} redirects")

    def _exchange(self, method: str, url: str, headers: Mapping[str, str], body: Sent) -> Stream:
        """Send one request at the host's pace, on a kept connection where there is one."""
        origin = origin_of(url)
        pace = self.connections.pace(origin)
        # A body is opened before the pace is asked for one more: it may come from the same host, and wait for it.
        with body() if callable(body) else contextlib.nullcontext(body) as content:
            pace.enter(lambda: self.deadline.cap(1, public_url(url)))
            began, status = time.monotonic(), 0
            try:
                kept = self.connections.take(origin) if isinstance(body, bytes | None) else None
                stream = self._speak(kept, method, url, headers, content)
                status = stream.status
            finally:
                # The pace is of requests, not of bodies: a blob on its way would else wait for itself at the other end.
                pace.leave(slow_down=status in _SLOW_DOWN)
        self.trace(f"{method} {public_url(url)} -> {status} in {(time.monotonic() - began) * 1000:.0f} ms")
        return stream

    def _speak(
        self, kept: http.client.HTTPConnection | None, method: str, url: str, headers: Mapping[str, str], content: Any
    ) -> Stream:
        """Write the request and wait for the answer. Closes the connection on any error."""
        origin, parts, limit = origin_of(url), urlsplit(url), public_url(url)
        patience = partial(self.deadline.cap, self.options.read_timeout, limit)
        connection = kept or self.connections.open(origin, self.deadline.cap(self.options.connect_timeout, limit))
        target, sent = urlunsplit(("", "", parts.path or "/", parts.query, "")), dict(headers)
        if origin.scheme == "http" and (proxy := self.connections.proxy(origin)):
            # A plain request through a proxy names the whole URL; TLS goes through a tunnel instead.
            target, sent = f"http://{origin.netloc}{target}", sent | proxy.headers
        # A registry that refuses an upload may answer and close before it has read it all: the answer tells why.
        early = (BrokenPipeError, ConnectionResetError) if hasattr(content, "read") else ()
        try:
            connection.sock.settimeout(patience())
            with contextlib.suppress(*early):
                connection.request(method, target, content, sent)
            response = connection.getresponse()
        except BaseException as error:
            connection.close()
            if kept and isinstance(error, _GIVEN_UP):
                # That the other side had given it up is no fault: no attempt is counted.
                return self._speak(None, method, url, headers, content)
            if isinstance(error, http.client.HTTPException) and not isinstance(error, ConnectionError):
                raise Fault(f"no HTTP answer: {type(error).__name__}: {str(error)[:200]}") from None
            raise
        if kept and response.status == _REQUEST_TIMEOUT:  # the last word on a connection that nobody used for a while
            connection.close()
            return self._speak(None, method, url, headers, content)
        return Stream(connection, response, url, patience, partial(self.connections.give, origin, connection))


@lru_cache(256)  # each request asks several times
def public_url(url: str) -> str:
    """Return the URL without what could be a secret: signed query parameters, upload states, user names."""
    parts = urlsplit(url)
    pairs = [(key, value if key in _PUBLIC_QUERY else "***") for key, value in parse_qsl(parts.query)]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, urlencode(pairs, safe=":/,*@"), ""))


def delay_after(attempt: int, base: float, asked: float | None) -> float:
    """Seconds to wait after attempt number `attempt` (from 0); `asked` is the registry's Retry-After.

    Exponential with jitter: `base * 2^n`, at most 15, of which a random half is taken off.
    """
    spread = random.uniform(0.5, 1.0)  # noqa: S311 - spreads clients in time, protects nothing
    return asked + spread * base if asked is not None else spread * min(_WAIT_MAX, base * 2.0**attempt)


def parse_retry_after(value: str, now: float | None = None) -> float | None:
    """Seconds from a Retry-After header: digits, or an HTTP date. None when there is none or it can't be read."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:_DIGITS_MAX])
    try:
        then = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, TypeError):
        return None
    return max(0.0, then - (time.time() if now is None else now))


def _explain(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, Fault):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
