"""One HTTP request as the registry code wants it: retried, paced, bounded in time and size, traced without secrets."""

from __future__ import annotations

import time
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from archmerge.errors import ArchmergeError, NetworkError, RefusedError, WrongContentError
from archmerge.records import TYPE_CHECKING, NamedTuple
from archmerge.transport.connections import Connections, Options, Origin, inward, origin_of, proxy_headers
from archmerge.transport.parallel import start
from archmerge.transport.retry import RETRIED_STATUS, SLOW_DOWN_STATUS, Deadline, RetryPolicy, parse_retry_after
from archmerge.transport.trust import may_have, named
from archmerge.transport.wire import BODY_LIMIT, Fault, Request, Stream, read, write

if TYPE_CHECKING:
    import socket
    import threading
    from collections.abc import Callable, Iterable, Mapping
    from email.message import Message
    from typing import TypeVar

    T = TypeVar("T")

_OK = 200
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REDIRECTS_MAX = 5
_TLS_ENDED = ("SSLEOFError", "SSLZeroReturnError")
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


class _Retry(Exception):  # noqa: N818 - control flow inside this module
    """An attempt failed in a way that another may not."""

    def __init__(self, why: str, answer: Answer | None = None) -> None:
        super().__init__(why)
        self.answer = answer


class _Launched(NamedTuple):
    """A request on its way: `result` gets the connection it was written to, when `thread` ends, unless that failed."""

    thread: threading.Thread
    result: list[socket.socket]


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
        options = options or Options()
        self.connections = Connections(options)
        self.deadline = Deadline(options.deadline)
        self.trace = trace or (lambda _line: None)
        self._launched: dict[tuple[str, ...], _Launched] = {}
        self._policy = RetryPolicy(options.attempts, options.backoff)
        self._wait = wait

    def launch(self, url: str, headers: Mapping[str, str]) -> None:
        """Send a GET ahead, in the background; the same request made later takes its answer.

        A failure is silent: the later request is then sent as usual.
        """
        request, result = Request("GET", url, headers), list["socket.socket"]()

        def fly() -> None:
            try:
                sock = self.connections.open(origin_of(url), self._patience(request))
                self._write(sock, request)
            except (OSError, ArchmergeError):
                return
            result.append(sock)

        if thread := start(fly):
            self._launched[_key(request)] = _Launched(thread, result)

    def base_url(self, host: str) -> str:
        """`https://host`, or `http://host` where plain HTTP was allowed for exactly this host."""
        scheme = "http" if host in self.connections.options.plain_http else "https"
        return f"{scheme}://{host}"

    def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, attempts: int = 0
    ) -> Answer:
        """Send a request that may be repeated (`attempts`, or as the policy says), and read the answer whole.

        Raises NetworkError when attempts or time are used up, WrongContentError for an answer over BODY_LIMIT.
        """

        def once() -> Answer:
            return self._judge(self._whole(self._begin(Request(method, url, headers, body))))

        return self.attempt(f"{method} {public_url(url)}", once, attempts)

    def stream(self, url: str, headers: Mapping[str, str]) -> Stream:
        """GET a blob. A status other than 200 is read whole and raised as RefusedError with `answer` attached."""

        def once() -> Stream:
            stream = self._begin(Request("GET", url, headers))
            if stream.status == _OK:
                return stream
            raise StatusError(self._judge(self._whole(stream)))

        return self.attempt(f"GET {public_url(url)}", once)

    def upload(self, url: str, headers: Mapping[str, str], pieces: Iterable[bytes], size: int) -> Answer:
        """PUT `size` bytes from `pieces`, once: only the caller can begin the pieces anew (see `attempt`)."""
        return self._judge(
            self._whole(self._begin(Request("PUT", url, {**headers, "Content-Length": str(size)}, pieces)))
        )

    def attempt(self, doing: str, once: Callable[[], T], attempts: int = 0) -> T:
        """Call `once` until it succeeds, with the policy's waits in between."""
        attempts = attempts or self._policy.attempts
        for number in range(attempts):
            self.deadline.cap(1, doing)
            try:
                return once()
            except _Retry as error:
                failure, answer = str(error), error.answer
            except OSError as error:
                if why := getattr(error, "verify_message", ""):  # ssl.SSLCertVerificationError: no attempt will mend it
                    raise NetworkError(
                        f"{doing}: the certificate is not trusted: {why}",
                        fix="name the registry's CA with --cacert FILE, SSL_CERT_FILE or CI_SERVER_TLS_CA_FILE",
                    ) from None
                failure, answer = _explain(error), None
            self.trace(f"{doing}: {failure} (attempt {number + 1} of {attempts})")
            if number + 1 < attempts:
                self._pause(doing, number, failure, answer)
        raise NetworkError(f"{doing}: {failure}, {attempts} times", fix=_network_fix(failure))

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

    def _whole(self, stream: Stream) -> Answer:
        """Read a body to its end: in the time for reading, however it is dripped, and at most BODY_LIMIT bytes."""
        parts, size, end = [], 0, time.monotonic() + self.connections.options.read_timeout
        with stream:
            while True:
                if (left := end - time.monotonic()) <= 0:
                    raise TimeoutError("the body came too slowly")
                stream.sock.settimeout(self.deadline.cap(left, public_url(stream.url)))
                if not (piece := stream.read()):
                    break
                parts.append(piece)
                size += len(piece)
                if size > BODY_LIMIT:
                    raise WrongContentError(f"{public_url(stream.url)}: the answer is over {BODY_LIMIT} bytes")
        return Answer(stream.status, stream.headers, b"".join(parts), stream.url)

    def _begin(self, request: Request) -> Stream:
        """Send, follow redirects of reads, and come back when the headers are there."""
        for _ in range(_REDIRECTS_MAX):
            stream = self._exchange(request)
            target = stream.headers.get("Location")
            if stream.status not in _REDIRECTS or request.method not in ("GET", "HEAD") or not target:
                return stream
            self._whole(stream)
            url, headers = self.follow(request.url, target, request.headers)
            request = request._replace(url=url, headers=headers)
        raise RefusedError(f"{request.method} {public_url(request.url)}: more than {_REDIRECTS_MAX} redirects")

    def lured(self, here: Origin, there: Origin, *, private: bool = False) -> bool:
        """Whether a registry at `here` leads to an address inside, which the user has not named."""
        known = self.connections.options.plain_http | self.connections.options.insecure
        return inward(there, private=private) and not inward(here, private=private) and not named(there, known)

    def follow(self, url: str, location: str, headers: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
        """Where a Location leads, and the headers that may go there: Authorization only where `may_have` says so."""
        target = self._encrypted(url, urljoin(url, location))
        here, there = origin_of(url), origin_of(target)
        if there != here:
            self._passable(url, target)
        if may_have(here, there, self.connections.options):
            return target, headers
        return target, {key: value for key, value in headers.items() if key.lower() != "authorization"}

    def _encrypted(self, url: str, target: str) -> str:
        """Stay on https where a registry behind a TLS proxy names itself by http (distribution 2225)."""
        here, there = origin_of(url), origin_of(target)
        same = there.host == here.host and there.port in (80, here.port)
        if not same or (here.scheme, there.scheme) != ("https", "http") or named(there, self._plain):
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
        if (here.scheme, there.scheme) == ("https", "http") and not named(there, self._plain):
            raise RefusedError(
                f"{public_url(url)} leads to {public_url(target)}, which is not encrypted; nothing was sent there",
                fix="have the registry and its storage name their addresses with https:// (Distribution: http.host, or "
                "the header X-Forwarded-Proto from the proxy before it)",
            )

    @property
    def _plain(self) -> frozenset[str]:
        return self.connections.options.plain_http

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

        def done(reusable: bool) -> None:  # noqa: FBT001 - a callback of one meaning
            if reusable:
                self.connections.give(origin, stream.sock)
            else:
                stream.sock.close()

        stream.on_close(done)
        return stream

    def _send(self, origin: Origin, request: Request) -> Stream:
        """Send on a kept connection, or a new one when there is none or it turns out to be closed already."""
        launched = self._launched.pop(_key(request), None)
        if launched:
            launched.thread.join()
        replayable = request.body is None or isinstance(request.body, bytes)
        kept = launched.result[0] if launched and launched.result else None
        if kept or (replayable and (kept := self.connections.take(origin))):
            try:
                return self._speak(kept, request, written=bool(launched and launched.result))
            except OSError as error:
                # The other side had given the connection up: no fault, no attempt counted.
                if not isinstance(error, ConnectionError) and type(error).__name__ not in _TLS_ENDED:
                    raise
        return self._speak(self.connections.open(origin, self._patience(request)), request)

    def _patience(self, request: Request) -> float:
        return self.deadline.cap(self.connections.options.connect_timeout, public_url(request.url))

    def _speak(self, sock: socket.socket, request: Request, *, written: bool = False) -> Stream:
        """Write the request, unless that was done, and wait for the answer. Closes the connection on any error."""
        try:
            sock.settimeout(self.deadline.cap(self.connections.options.read_timeout, public_url(request.url)))
            if not written:
                self._write(sock, request)
            return read(sock, request)
        except BaseException:
            sock.close()
            raise

    def _write(self, sock: socket.socket, request: Request) -> None:
        parts = urlsplit(request.url)
        target, proxy = urlunsplit(("", "", parts.path or "/", parts.query, "")), None
        if parts.scheme == "http" and (proxy := self.connections.proxy_for(origin_of(request.url))):
            # A plain request through a proxy names the whole URL; TLS goes through a tunnel instead.
            target = urlunsplit((*parts[:4], ""))
            request = request._replace(headers={**request.headers, **proxy_headers(proxy.username, proxy.password)})
        try:
            write(sock, request, target, parts.netloc.rpartition("@")[2])
        except (BrokenPipeError, ConnectionResetError):
            # A registry that refuses an upload may answer and close before it has read it all: the answer tells why.
            if isinstance(request.body, bytes | None):
                raise


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


def _key(request: Request) -> tuple[str, ...]:
    return (request.method, request.url, *(f"{name}: {value}" for name, value in request.headers.items()))


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
