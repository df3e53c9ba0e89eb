"""One HTTP request as the registry code wants it: retried, paced, bounded in time and size, traced without secrets."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import time
from typing import TYPE_CHECKING, NamedTuple, Self, TypeVar
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from archmerge.errors import NetworkError, RefusedError, WrongContentError
from archmerge.transport.connections import Connections, Origin, Settings, origin_of, proxy_headers
from archmerge.transport.retry import RETRIED_STATUS, SLOW_DOWN_STATUS, Deadline, RetryPolicy, parse_retry_after

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

T = TypeVar("T")

CHUNK = 256 << 10
"""Bytes of a blob held in memory at a time, per transfer."""
BODY_LIMIT = 4 << 20
_GIVEN_UP = (ConnectionError, http.client.RemoteDisconnected, ssl.SSLEOFError, ssl.SSLZeroReturnError)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REDIRECTS_MAX = 5
_PUBLIC_QUERY = frozenset({"mount", "from", "scope", "service", "digest", "tag", "account"})


class Answer(NamedTuple):
    """A complete response. `url` is where it came from, after redirects."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    url: str

    def header(self, name: str) -> str:
        """Return a header's value, or an empty string."""
        return self.headers.get(name) or ""


class Request(NamedTuple):
    """What is sent. A body that isn't bytes can be sent only once."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | Iterable[bytes] | None = None


class _Retry(Exception):  # noqa: N818 - control flow inside this module
    """An attempt failed in a way that another may not."""

    def __init__(self, why: str, answer: Answer | None = None) -> None:
        super().__init__(why)
        self.answer = answer


class Stream:
    """A response whose body is read piece by piece. Use it as a context manager."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse, url: str) -> None:
        self.status = response.status
        self.headers = response.headers
        self.url = url
        self._connection = connection
        self._response = response
        self._done: Callable[[bool], None] = lambda _ok: None
        self._left = response.length

    def on_close(self, done: Callable[[bool], None]) -> None:
        """Have `done(reusable)` called once, when the stream is closed."""
        self._done = done

    def read(self, size: int = CHUNK) -> bytes:
        """At most `size` bytes, empty at the end. Raises OSError or HTTPException, also for a body cut short."""
        piece = self._response.read1(size)
        if self._left is not None:
            self._left -= len(piece)
            if not piece and self._left > 0:
                raise http.client.IncompleteRead(b"", self._left)
        return piece

    def drain(self, limit: int = BODY_LIMIT) -> bytes:
        """Read what is left of a small body (at most about `limit` bytes), so that its connection can be used again."""
        parts, size = [], 0
        while size < limit and (piece := self.read()):
            parts.append(piece)
            size += len(piece)
        return b"".join(parts)

    def limit_time(self, seconds: float) -> None:
        """Let the next read wait at most that long."""
        if self._connection.sock is not None:
            self._connection.sock.settimeout(seconds)

    def close(self) -> None:
        """Give the connection back when the body was read to its end, else close it."""
        done, self._done = self._done, lambda _ok: None
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


class Client:
    """Sends requests. One per session; safe to share between threads.

    `trace` gets a line per request, secrets left out. `wait` sleeps (tests replace it).
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        deadline: float = 600.0,
        policy: RetryPolicy | None = None,
        trace: Callable[[str], None] | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.connections = Connections(settings or Settings())
        self.deadline = Deadline(deadline)
        self.trace = trace or (lambda _line: None)
        self.sent = 0
        self._policy = policy or RetryPolicy()
        self._wait = wait

    def base_url(self, host: str) -> str:
        """`https://host`, or `http://host` where plain HTTP was allowed for exactly this host."""
        scheme = "http" if host in self.connections.settings.plain_http else "https"
        return f"{scheme}://{host}"

    def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, limit: int = BODY_LIMIT
    ) -> Answer:
        """Send a request that may be repeated, and read the answer whole (at most `limit` bytes).

        Raises NetworkError when attempts or time are used up, WrongContentError for a body over `limit`.
        """

        def once() -> Answer:
            with self._begin(Request(method, url, headers, body)) as stream:
                parts, size, end = [], 0, time.monotonic() + self.connections.settings.read_timeout
                while True:
                    stream.limit_time(self._time_left(end, url))
                    piece = stream.read()
                    if not piece:
                        break
                    parts.append(piece)
                    size += len(piece)
                    if size > limit:
                        raise WrongContentError(f"{method} {public_url(url)}: the answer is over {limit} bytes")
            return self._judge(Answer(stream.status, stream.headers, b"".join(parts), stream.url))

        return self.attempt(f"{method} {public_url(url)}", once)

    def stream(self, url: str, headers: Mapping[str, str]) -> Stream:
        """GET a blob. A status other than 200 is read whole and raised as RefusedError with `answer` attached."""

        def once() -> Stream:
            stream = self._begin(Request("GET", url, headers))
            if stream.status == http.HTTPStatus.OK:
                return stream
            with stream:
                answer = Answer(stream.status, stream.headers, stream.drain(), stream.url)
            raise StatusError(self._judge(answer))

        return self.attempt(f"GET {public_url(url)}", once)

    def upload(self, url: str, headers: Mapping[str, str], pieces: Iterable[bytes], size: int) -> Answer:
        """PUT `size` bytes from `pieces`, once: only the caller can begin the pieces anew (see `attempt`)."""
        with self._begin(Request("PUT", url, {**headers, "Content-Length": str(size)}, pieces)) as stream:
            body = stream.drain()
        return self._judge(Answer(stream.status, stream.headers, body, stream.url))

    def attempt(self, doing: str, once: Callable[[], T]) -> T:
        """Call `once` until it succeeds, with the policy's waits in between."""
        for number in range(self._policy.attempts):
            self.deadline.cap(1, doing)
            try:
                return once()
            except ssl.SSLCertVerificationError as error:
                raise NetworkError(
                    f"{doing}: the certificate is not trusted: {error.verify_message}",
                    fix="name the registry's CA with --cacert FILE, SSL_CERT_FILE or CI_SERVER_TLS_CA_FILE",
                ) from None
            except _Retry as error:
                failure, answer = str(error), error.answer
            except (OSError, http.client.HTTPException) as error:
                failure, answer = _explain(error), None
            self.trace(f"{doing}: {failure} (attempt {number + 1} of {self._policy.attempts})")
            if number + 1 < self._policy.attempts:
                self._pause(doing, number, failure, answer)
        raise NetworkError(
            f"{doing}: {failure}, {self._policy.attempts} times",
            fix=_network_fix(failure),
        )

    def _pause(self, doing: str, number: int, failure: str, answer: Answer | None) -> None:
        asked = parse_retry_after(answer.header("Retry-After")) if answer else None
        delay = self._policy.delay(number, asked)
        if delay >= self.deadline.left:
            raise NetworkError(
                f"{doing}: {failure}; the next attempt is due in {delay:.0f} s, the deadline in "
                f"{self.deadline.left:.0f} s",
                fix="give the command more time with --deadline SECONDS",
            )
        self._wait(delay)

    @staticmethod
    def _judge(answer: Answer) -> Answer:
        if answer.status in RETRIED_STATUS:
            raise _Retry(f"the registry answered {answer.status}", answer)
        return answer

    def _time_left(self, end: float, url: str) -> float:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the body came too slowly")
        return self.deadline.cap(left, public_url(url))

    def _begin(self, request: Request) -> Stream:
        """Send, follow redirects of reads, and come back when the headers are there."""
        for _ in range(_REDIRECTS_MAX):
            stream = self._exchange(request)
            target = stream.headers.get("Location")
            if stream.status not in _REDIRECTS or request.method not in ("GET", "HEAD") or not target:
                return stream
            with stream:
                stream.drain()
            url, headers = self.follow(request.url, target, request.headers)
            request = request._replace(url=url, headers=headers)
        raise RefusedError(f"{request.method} {public_url(request.url)}: more than {_REDIRECTS_MAX} redirects")

    def follow(self, url: str, location: str, headers: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
        """Where a Location leads, and the headers that may go there: Authorization never goes to another origin."""
        target = urljoin(url, location)
        here, there = origin_of(url), origin_of(target)
        if there == here:
            return target, headers
        if (
            there.scheme == "http"
            and here.scheme == "https"
            and there.netloc not in self.connections.settings.plain_http
        ):
            raise RefusedError(
                f"{public_url(url)} leads to {public_url(target)}, which is not encrypted",
                fix=f"if that is meant, allow it with --plain-http {there.netloc}",
            )
        return target, {key: value for key, value in headers.items() if key.lower() != "authorization"}

    def _exchange(self, request: Request) -> Stream:
        origin = origin_of(request.url)
        host = self.connections.host(origin)
        host.enter(lambda: self.deadline.cap(1, public_url(request.url)))
        began, status = time.monotonic(), 0
        try:
            stream = self._send(origin, request)
            status = stream.status
        finally:
            # The pace is of requests, not of bodies: a blob on its way would else wait for itself at the other end.
            host.leave(slow_down=status in SLOW_DOWN_STATUS)
        took = (time.monotonic() - began) * 1000
        self.trace(f"{request.method} {public_url(request.url)} -> {stream.status} in {took:.0f} ms")
        connection = stream._connection  # noqa: SLF001 - both classes are this module's

        def done(reusable: bool) -> None:  # noqa: FBT001 - a callback of one meaning
            if reusable:
                self.connections.give(origin, connection)
            else:
                connection.close()

        stream.on_close(done)
        return stream

    def _send(self, origin: Origin, request: Request) -> Stream:
        """Send on a kept connection, or a new one when there is none or it turns out to be closed already."""
        replayable = request.body is None or isinstance(request.body, bytes)
        kept = self.connections.take(origin) if replayable else None
        if kept is not None:
            try:
                return self._speak(kept, origin, request)
            except _GIVEN_UP:
                kept.close()  # the other side had given the connection up: no fault, no attempt counted
            except BaseException:
                kept.close()
                raise
        fresh = self.connections.open(
            origin, self.deadline.cap(self.connections.settings.connect_timeout, public_url(request.url))
        )
        try:
            return self._speak(fresh, origin, request)
        except BaseException:
            fresh.close()
            raise

    def _speak(self, connection: http.client.HTTPConnection, origin: Origin, request: Request) -> Stream:
        timeout = self.deadline.cap(self.connections.settings.read_timeout, public_url(request.url))
        connection.sock.settimeout(timeout)
        parts = urlsplit(request.url)
        target, headers = urlunsplit(("", "", parts.path or "/", parts.query, "")), dict(request.headers)
        proxy = self.connections.proxy_for(origin) if origin.scheme == "http" else None
        if proxy:  # a plain request through a proxy names the whole URL; TLS goes through a tunnel instead
            target = urlunsplit((*parts[:4], ""))
            headers |= proxy_headers(proxy.username, proxy.password)
        self.sent += 1
        try:
            connection.request(request.method, target, request.body, headers)
        except (BrokenPipeError, ConnectionResetError):
            # A registry that refuses an upload may answer and close before it has read it all: the answer tells why.
            with contextlib.suppress(OSError, http.client.HTTPException):
                return Stream(connection, connection.getresponse(), request.url)
            raise
        return Stream(connection, connection.getresponse(), request.url)


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


def _explain(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, http.client.IncompleteRead):
        return "the body was cut short"
    if isinstance(error, http.client.RemoteDisconnected):
        return "the connection was closed without an answer"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _network_fix(failure: str) -> str:
    if "WRONG_VERSION_NUMBER" in failure or "RECORD_LAYER" in failure:
        return "this host seems to speak plain HTTP; if that is meant, say --plain-http HOST"
    if "Name or service" in failure or "gaierror" in failure:
        return "check the host name; inside GitLab CI the registry is $CI_REGISTRY"
    return "see what the registry says with --debug; --deadline and --retries give it more time"
