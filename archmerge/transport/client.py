"""One HTTP request as the registry code wants it: retried, paced, bounded in time and size, traced without secrets."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, Self, TypeVar
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from archmerge.errors import NetworkError, RefusedError, WrongContentError
from archmerge.transport.connections import Connections, Fault, Options, Origin, inward, origin_of
from archmerge.transport.trust import may_have, named

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


RETRIED_STATUS = frozenset({408, 429, 500, 502, 503, 504})
SLOW_DOWN_STATUS = frozenset({429, 503})
_DIGITS_MAX = 9


class RetryPolicy(NamedTuple):
    """Exponential waits with jitter: `base * 2^n` seconds, at most `cap`, of which a random half is taken off."""

    attempts: int = 5
    base: float = 0.5
    cap: float = 15.0

    def delay(self, attempt: int, asked: float | None) -> float:
        """Seconds to wait after attempt number `attempt` (from 0); `asked` is the registry's Retry-After."""
        import random  # noqa: PLC0415 - 2 ms, and most runs never wait

        spread = random.uniform(0.5, 1.0)  # noqa: S311 - spreads clients in time, protects nothing
        if asked is not None:
            return asked + spread * self.base
        return spread * min(self.cap, self.base * 2.0**attempt)


def parse_retry_after(value: str | None, now: float | None = None) -> float | None:
    """Seconds from a Retry-After header: digits, or an HTTP date. None when there is none or it can't be read."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:_DIGITS_MAX])
    try:
        then = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, TypeError):
        return None
    return max(0.0, then - (time.time() if now is None else now))


class Deadline:
    """The moment by which the whole command must be done."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - time.monotonic())

    def cap(self, seconds: float, doing: str) -> float:
        """`seconds`, or what is left of the deadline; NetworkError when nothing is."""
        left = self.left
        if left <= 0:
            raise NetworkError(
                f"{doing}: the deadline of {self.seconds:g} s for the whole command is over",
                fix="give it more with --deadline SECONDS, or find out with --debug what takes so long",
            )
        return min(seconds, left)


T = TypeVar("T")
Pieces = Callable[[], AbstractContextManager[Iterator[bytes]]]
"""Opens a body that is too large for memory; called again where it has to be sent again."""

BODY_LIMIT = 4 << 20
_OK = 200
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SAME_METHOD = frozenset({307, 308})
"""Redirects that a request with a body follows, too: it is sent again as it is."""
_REDIRECTS_MAX = 5
_GIVEN_UP = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


class Request(NamedTuple):
    """What is sent. The length of a body in pieces stands in the headers."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | Pieces | None = None


class _Retry(Exception):  # noqa: N818 - control flow inside this module
    """An attempt failed in a way that another may not."""

    def __init__(self, why: str, answer: Answer | None = None) -> None:
        super().__init__(why)
        self.answer = answer


class Client:
    """Sends requests. One per session; safe to share between threads.

    `trace` gets a line per request, secrets left out. `wait` sleeps (tests replace it).
    """

    def __init__(
        self,
        options: Options | None = None,
        *,
        trace: Callable[[str], None] | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.options = options or Options()
        self.connections = Connections(self.options)
        self.deadline = Deadline(self.options.deadline)
        self.trace = trace or (lambda _line: None)
        self._policy = RetryPolicy(self.options.attempts, self.options.backoff)
        self._wait = wait

    def base_url(self, host: str) -> str:
        """`https://host`, or `http://host` where plain HTTP was allowed for exactly this host."""
        return f"{'http' if host in self.options.plain_http else 'https'}://{host}"

    def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, attempts: int = 0
    ) -> Answer:
        """Send a request that may be repeated (`attempts`, or as the policy says), and read the answer whole.

        Raises NetworkError when attempts or time are used up, WrongContentError for an answer over BODY_LIMIT.
        """
        request = Request(method, url, headers, body)
        return self.attempt(f"{method} {public_url(url)}", lambda: _judged(self._whole(self._begin(request))), attempts)

    def stream(self, url: str, headers: Mapping[str, str]) -> Stream:
        """GET a blob. A status other than 200 is read whole and raised as RefusedError with `answer` attached."""

        def once() -> Stream:
            stream = self._begin(Request("GET", url, headers))
            if stream.status == _OK:
                return stream
            raise StatusError(_judged(self._whole(stream)))

        return self.attempt(f"GET {public_url(url)}", once)

    def upload(self, method: str, url: str, headers: Mapping[str, str], pieces: Pieces, size: int) -> Answer:
        """Send `size` bytes from `pieces`, once: only the caller can begin the whole upload anew (see `attempt`)."""
        return _judged(self._whole(self._begin(Request(method, url, {**headers, "Content-Length": str(size)}, pieces))))

    def attempt(self, doing: str, once: Callable[[], T], attempts: int = 0) -> T:
        """Call `once` until it succeeds, with the policy's waits in between."""
        attempts = attempts or self._policy.attempts
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
        raise NetworkError(f"{doing}: {failure}, {attempts} times", fix=_network_fix(failure))

    def pause(self, doing: str, number: int, failure: str, answer: Answer | None = None) -> None:
        """Wait after attempt `number` (from 0), as the policy or the registry says; NetworkError if time is up then."""
        asked = parse_retry_after(answer.header("Retry-After")) if answer else None
        delay = self._policy.delay(number, asked)
        if delay >= self.deadline.left:
            raise NetworkError(
                f"{doing}: {failure}; the next attempt is due in {delay:.0f} s, the deadline in "
                f"{self.deadline.left:.0f} s",
                fix="give the command more time with --deadline SECONDS",
            )
        self._wait(delay)

    def _whole(self, stream: Stream) -> Answer:
        """Read a body to its end: in the time for reading, however it is dripped, and at most BODY_LIMIT bytes."""
        parts, size, end = [], 0, time.monotonic() + self.options.read_timeout
        with stream:
            while True:
                if (left := end - time.monotonic()) <= 0:
                    raise TimeoutError("the body came too slowly")
                stream.patience(self.deadline.cap(left, public_url(stream.url)))
                if not (piece := stream.read()):
                    break
                parts.append(piece)
                size += len(piece)
                if size > BODY_LIMIT:
                    raise WrongContentError(f"{public_url(stream.url)}: the answer is over {BODY_LIMIT} bytes")
        return Answer(stream.status, stream.headers, b"".join(parts), stream.url)

    def _begin(self, request: Request) -> Stream:
        """Send, follow redirects (with a body only those that keep it), and come back when the headers are there."""
        for _ in range(_REDIRECTS_MAX):
            stream = self._exchange(request)
            target = stream.headers.get("Location")
            followed = _REDIRECTS if request.method in ("GET", "HEAD") else _SAME_METHOD
            if stream.status not in followed or not target:
                return stream
            self._whole(stream)
            url, headers = self.follow(request.url, target, request.headers)
            request = request._replace(url=url, headers=headers)
        raise RefusedError(f"{request.method} {public_url(request.url)}: more than {_REDIRECTS_MAX} redirects")

    def lured(self, here: Origin, there: Origin, *, private: bool = False) -> bool:
        """Whether a registry at `here` leads to an address inside, which the user has not named."""
        known = self.options.plain_http | self.options.insecure
        return inward(there, private=private) and not inward(here, private=private) and not named(there, known)

    def follow(self, url: str, location: str, headers: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
        """Where a Location leads, and the headers that may go there: Authorization only where `may_have` says so."""
        target = self._encrypted(url, urljoin(url, location))
        here, there = origin_of(url), origin_of(target)
        if there != here:
            self._passable(url, target)
        if may_have(here, there, self.options):
            return target, headers
        return target, {key: value for key, value in headers.items() if key.lower() != "authorization"}

    def _encrypted(self, url: str, target: str) -> str:
        """Stay on https where a registry behind a TLS proxy names itself by http (distribution 2225)."""
        here, there = origin_of(url), origin_of(target)
        same = there.host == here.host and there.port in (80, here.port)
        if not same or (here.scheme, there.scheme) != ("https", "http") or named(there, self.options.plain_http):
            return target
        self.trace(f"{public_url(url)} leads to {public_url(target)}: the registry is behind TLS, which it leaves out")
        return urlunsplit(("https", here.netloc, *urlsplit(target)[2:]))

    def _passable(self, url: str, target: str) -> None:
        here, there = origin_of(url), origin_of(target)
        if self.lured(here, there):
            raise RefusedError(
                f"{public_url(url)} leads to {public_url(target)}, an address of this machine or its cloud's metadata",
                fix="a registry or its storage is misconfigured, or means harm; nothing was sent there",
            )
        if (here.scheme, there.scheme) == ("https", "http") and not named(there, self.options.plain_http):
            raise RefusedError(
                f"{public_url(url)} leads to {public_url(target)}, which is not encrypted; nothing was sent there",
                fix="have the registry and its storage name their addresses with https:// (Distribution: http.host, or "
                "the header X-Forwarded-Proto from the proxy before it)",
            )

    def _exchange(self, request: Request) -> Stream:
        # A body is opened before the pace is asked for one more: it may come from the same host, and wait for it.
        with request.body() if callable(request.body) else contextlib.nullcontext(request.body) as body:
            return self._paced(request, body)

    def _paced(self, request: Request, body: Any) -> Stream:
        origin = origin_of(request.url)
        pace = self.connections.pace(origin)
        pace.enter(lambda: self.deadline.cap(1, public_url(request.url)))
        began, status = time.monotonic(), 0
        try:
            stream = self._send(origin, request, body)
            status = stream.status
        finally:
            # The pace is of requests, not of bodies: a blob on its way would else wait for itself at the other end.
            pace.leave(slow_down=status in SLOW_DOWN_STATUS)
        took = (time.monotonic() - began) * 1000
        self.trace(f"{request.method} {public_url(request.url)} -> {stream.status} in {took:.0f} ms")
        return stream

    def _send(self, origin: Origin, request: Request, body: Any) -> Stream:
        """Send on a kept connection, or a new one when there is none or it turns out to be closed already."""
        doing = public_url(request.url)
        if not callable(request.body) and (kept := self.connections.take(origin)):
            # That the other side had given it up is no fault: no attempt is counted.
            with contextlib.suppress(*_GIVEN_UP):
                return self._speak(origin, kept, request, body)
        opened = self.connections.open(origin, self.deadline.cap(self.options.connect_timeout, doing))
        return self._speak(origin, opened, request, body)

    def _speak(self, origin: Origin, connection: http.client.HTTPConnection, request: Request, body: Any) -> Stream:
        """Write the request and wait for the answer. Closes the connection on any error."""

        def done(reusable: bool) -> None:  # noqa: FBT001 - a callback of one meaning
            if reusable:
                self.connections.give(origin, connection)
            else:
                connection.close()

        try:
            connection.sock.settimeout(self.deadline.cap(self.options.read_timeout, public_url(request.url)))
            self._write(origin, connection, request, body)
            return Stream(connection, connection.getresponse(), request.url, done)
        except http.client.HTTPException as error:
            connection.close()
            if isinstance(error, ConnectionError):
                raise  # closed without an answer
            raise Fault(f"no HTTP answer: {type(error).__name__}: {str(error)[:200]}") from None
        except BaseException:
            connection.close()
            raise

    def _write(self, origin: Origin, connection: http.client.HTTPConnection, request: Request, body: Any) -> None:
        parts, headers = urlsplit(request.url), dict(request.headers)
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        if origin.scheme == "http" and (proxy := self.connections.proxies.of(origin)):
            # A plain request through a proxy names the whole URL; TLS goes through a tunnel instead.
            target, headers = f"http://{origin.netloc}{target}", headers | proxy.headers
        # A registry that refuses an upload may answer and close before it has read it all: the answer tells why.
        early = (BrokenPipeError, ConnectionResetError) if callable(request.body) else ()
        with contextlib.suppress(*early):
            connection.request(request.method, target, body, headers)


def _judged(answer: Answer) -> Answer:
    if answer.status in RETRIED_STATUS:
        raise _Retry(f"the registry answered {answer.status}", answer)
    return answer


def _explain(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, Fault):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _network_fix(failure: str) -> str:
    if "Name or service" in failure or "gaierror" in failure:
        return "check the host name; inside GitLab CI the registry is $CI_REGISTRY"
    return "see what the registry says with --debug; --deadline and --retries give it more time"
