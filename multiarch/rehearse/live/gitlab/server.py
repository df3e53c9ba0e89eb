"""The small GitLab's HTTP: the runner's API, the jobs' artifacts and sources. Everything else is not found, and noted.

It knows only who bears a runner's token or that of a job that runs.
"""

import base64
import binascii
import json
import re
import secrets
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from multiarch.core.secrets import hide
from multiarch.rehearse.live.gitlab.body import LIMIT, BodyError, read_body, read_json, unpacked, uploaded_file
from multiarch.rehearse.live.gitlab.payload import Place, payload
from multiarch.rehearse.live.gitlab.pipeline import Entry, Kept, Pipeline, Registered, State
from multiarch.rehearse.live.gitlab.sources import SERVICE, GitRequest, Sources
from multiarch.rehearse.live.pipeline import PROJECT

LONG_POLL_SECONDS: Final = 20.0
"""How long a runner that asks waits for a job: GitLab's Workhorse does so too, and a runner that gets nothing asks
again only after its check interval."""
_TRACE_SECONDS: Final = "1"
"""How often the runner sends a log's next part; GitLab says 3 while somebody looks at it."""
_NOTED: Final = 100
"""Different requests of no use that are remembered."""
_SMALL: Final = 16 << 20
"""Bytes of what is no archive and nothing of git's: a part of a log has 1 MiB at most (common/const.go)."""
_JSON: Final = "application/json"
_CONTENT_RANGE: Final = re.compile(r"(\d+)-(\d+)")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """Return a header, whatever the case of its letters (`headers` has names in lower case)."""
        return self.headers.get(name.lower(), "")

    def token(self, header: str) -> str:
        """Return the token: of its header, else of the JSON, as older runners send it."""
        given = self.header(header)
        return given or str(read_json(self.body).get("token") or "")


def said(status: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer as GitLab words it: `{"message": "403 Forbidden"}`."""
    text = json.dumps({"message": f"{status} {message}"}).encode()
    return Answer(status, text, {"Content-Type": _JSON, **(headers or {})})


def document(status: int, content: Any) -> Answer:
    """Return JSON."""
    return Answer(status, json.dumps(content).encode(), {"Content-Type": _JSON})


class Site:
    """What is answered to whom: the state behind the HTTP."""

    def __init__(self, pipeline: Pipeline, sources: Sources, url: str, runners: Sequence[Registered]) -> None:
        self.pipeline = pipeline
        self.last_asked = {runner.id: time.monotonic() for runner in runners}
        """When each runner last asked for a job."""
        self._sources = sources
        self._url = url
        self._runners = tuple(runners)
        self._lock = threading.Lock()
        self._unknown: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._routes: tuple[tuple[str, re.Pattern[str], Callable[[Request, str], Answer]], ...] = (
            ("POST", re.compile(r"/api/v4/runners/verify()"), self._verify),
            ("POST", re.compile(r"/api/v4/jobs/request()"), self._request_job),
            ("PATCH", re.compile(r"/api/v4/jobs/(\d+)/trace"), self._patch_trace),
            ("PUT", re.compile(r"/api/v4/jobs/(\d+)"), self._update_job),
            ("POST", re.compile(r"/api/v4/jobs/(\d+)/artifacts"), self._upload),
            ("GET", re.compile(r"/api/v4/jobs/(\d+)/artifacts"), self._download),
            ("GET", re.compile(rf"/{PROJECT}\.git(/info/refs)"), self._git),
            ("POST", re.compile(rf"/{PROJECT}\.git(/{SERVICE})"), self._git),
        )

    @property
    def asked_in_vain(self) -> dict[str, int]:
        """What was asked for that this GitLab has not: `GET /api/v4/version`, and how often."""
        with self._lock:
            return dict(self._unknown)

    @property
    def faults(self) -> dict[str, int]:
        """Which errors of this server's own there were: none, unless it is broken."""
        with self._lock:
            return dict(self._faults)

    def ignored_for(self) -> float:
        """Return for how many seconds a job has been waiting for a runner that does not ask; 0 where none has."""
        ignoring = [one for one in self._runners if self.pipeline.waits_for(one)]
        return max((time.monotonic() - self.last_asked[one.id] for one in ignoring), default=0.0)

    def fault(self, error: BaseException) -> None:
        """Remember an error of this server's own."""
        with self._lock:
            self._faults[hide(f"{type(error).__name__}: {error}")] += 1

    def knows(self, method: str, path: str) -> bool:
        """Tell whether there is anything at an address; what is not there is remembered."""
        if any(method == verb and pattern.fullmatch(path) for verb, pattern, _ in self._routes):
            return True
        with self._lock:
            asked = hide(f"{method} {path}")
            if asked in self._unknown or len(self._unknown) < _NOTED:
                self._unknown[asked] += 1
        return False

    def answer(self, request: Request) -> Answer:
        """Answer a request."""
        for verb, pattern, reply in self._routes:
            found = pattern.fullmatch(request.path)
            if verb == request.method and found:
                return reply(request, found[1])
        return said(404, "Not Found")

    def _runner(self, request: Request) -> Registered | None:
        given = request.token("Runner-Token").encode()
        return next((one for one in self._runners if secrets.compare_digest(given, one.token.encode())), None)

    def _job(self, request: Request, number: str) -> tuple[Entry | None, Answer]:
        """Return the running job that asks about itself; else None, and what to answer (lib/api/ci/helpers, GitLab).

        The header Job-Status lets the runner stop a job that is over.
        """
        entry = self.pipeline.entry(int(number))
        token = request.token("Job-Token")
        if entry is None or not secrets.compare_digest(token.encode(), entry.token.encode()):
            return None, said(403, "Forbidden")
        if entry.state is not State.RUNNING:
            return None, said(403, "Forbidden - Job is not running", {"Job-Status": entry.state.value})
        return entry, Answer(200)

    def _verify(self, request: Request, _: str) -> Answer:
        runner = self._runner(request)
        if runner is None:
            return said(403, "Forbidden")
        return document(200, {"id": runner.id, "token": runner.token, "token_expires_at": None})

    def _request_job(self, request: Request, _: str) -> Answer:
        runner = self._runner(request)
        if runner is None:
            return said(403, "Forbidden")
        self.last_asked[runner.id] = time.monotonic()
        entry = self.pipeline.take(runner, LONG_POLL_SECONDS)
        self.last_asked[runner.id] = time.monotonic()
        if entry is None:
            return Answer(204)
        place = Place(url=self._url, commit=self._sources.commit, runner=runner)
        return document(201, payload(entry, self.pipeline.needed_by(entry), place))

    def _patch_trace(self, request: Request, number: str) -> Answer:
        entry, refusal = self._job(request, number)
        if entry is None:
            return refusal
        wanted = _CONTENT_RANGE.fullmatch(request.header("Content-Range"))
        if wanted is None or int(wanted[2]) - int(wanted[1]) + 1 != len(request.body):
            return said(400, "Missing or wrong Content-Range")
        kept = self.pipeline.append(entry, int(wanted[1]), request.body)
        headers = {"Job-Status": entry.state.value, "Range": f"0-{len(entry.log)}"}
        match kept:
            case Kept.APPENDED:
                return Answer(202, b"", {**headers, "X-GitLab-Trace-Update-Interval": _TRACE_SECONDS})
            case Kept.NOT_NEXT:  # network/patch_response.go takes the range's second number as where to go on
                return said(416, "Range Not Satisfiable", headers)
            case Kept.NOT_RUNNING:
                return said(403, "Forbidden - Job is not running", headers)

    def _update_job(self, request: Request, number: str) -> Answer:
        entry, refusal = self._job(request, number)
        if entry is None:
            return refusal
        told = read_json(request.body)
        state = {"success": State.SUCCEEDED, "failed": State.FAILED}.get(str(told.get("state")))
        if state is not None:
            size = _number((told.get("output") or {}).get("bytesize"))
            if size > len(entry.log):
                # The runner then begins again at 0, learns by 416 where the log ends, and sends the rest.
                return said(412, "Precondition Failed")
            reason = str(told.get("failure_reason") or "") if state is State.FAILED else ""
            self.pipeline.end(entry, state, reason, _number(told.get("exit_code")))
        headers = {"Job-Status": entry.state.value, "X-GitLab-Trace-Update-Interval": _TRACE_SECONDS}
        return Answer(200, b"200", {"Content-Type": "text/plain", **headers})

    def _upload(self, request: Request, number: str) -> Answer:
        entry, refusal = self._job(request, number)
        if entry is None:
            return refusal
        kind = parse_qs(request.query).get("artifact_type", ["archive"])[0]
        if kind != "archive":
            return said(400, f"no artifacts of type {kind} here")
        archive = uploaded_file(request.body, request.header("Content-Type"))
        unpacked(archive)  # what can't be read is refused now, and the job's log says so
        if not self.pipeline.keep(entry, archive):
            return said(403, "Forbidden - Job is not running")
        return document(201, {"file": {"size": len(archive)}})

    def _download(self, request: Request, number: str) -> Answer:
        asking = self.pipeline.bearer(request.token("Job-Token"))
        entry = self.pipeline.entry(int(number))
        if asking is None or entry is None or entry not in [asking, *self.pipeline.needed_by(asking)]:
            return said(403, "Forbidden")
        if entry.archive is None:
            return said(404, "Not Found")
        return Answer(200, entry.archive, {"Content-Type": "application/zip"})

    def _git(self, request: Request, below: str) -> Answer:
        given = _basic(request.header("Authorization"))
        if given is None:
            return Answer(401, b"", {"WWW-Authenticate": 'Basic realm="GitLab"'})
        if given[0] != "gitlab-ci-token" or self.pipeline.bearer(given[1]) is None:
            return said(403, "Forbidden")
        if request.method == "GET" and parse_qs(request.query).get("service") != [SERVICE]:
            return said(403, "Forbidden")  # a push, or the protocol before 2010
        answered = self._sources.answer(
            GitRequest(
                method=request.method,
                path=below,
                query=request.query,
                content_type=request.header("Content-Type"),
                encoding=request.header("Content-Encoding"),
                protocol=request.header("Git-Protocol"),
                body=request.body,
            )
        )
        return Answer(answered.status, answered.body, answered.headers)


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _basic(header: str) -> tuple[str, str] | None:
    """Read a user's name and password; None where there is none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, separator, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if separator else None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 300  # of one read: a pod that was killed while it sent holds nothing up
    server: "_Server"

    def log_message(self, *_: object) -> None:
        """Say nothing: the rehearsal's output is its report."""

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        try:
            known = self.server.site.knows(self.command, parts.path)
            large = known and parts.path.endswith(("/artifacts", SERVICE))
            body = read_body(self.rfile, self.headers, LIMIT if large else _SMALL)
            answer = said(404, "Not Found")
            if known:
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(method=self.command, path=parts.path, query=parts.query, headers=headers, body=body)
                answer = self.server.site.answer(request)
        except BodyError as error:
            self.close_connection = True  # what is left of the body would be read as the next request
            answer = said(error.status, str(error))
        self._send(answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - the base class names them

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for key, value in answer.headers.items():
            self.send_header(key, value)
        if answer.status != 204:  # noqa: PLR2004 - HTTP's No Content, which has no length either
            self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    site: Site

    def handle_error(self, *_: object) -> None:
        """Remember what went wrong; that a client went away is its own affair."""
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError | TimeoutError):
            self.site.fault(error)


class GitLabServer:
    """The small GitLab on a free port of an address that the jobs' pods reach. A context manager."""

    def __init__(self, address: str, pipeline: Pipeline, sources: Sources, runners: Sequence[Registered]) -> None:
        self._server = _Server((address, 0), _Handler)
        self.url = f"http://{address}:{self._server.server_address[1]}"
        self.site = Site(pipeline, sources, self.url, runners)
        self._server.site = self.site

    def __enter__(self) -> Self:
        """Start to answer."""
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it."""
        self.site.pipeline.close()
        self._server.shutdown()
        self._server.server_close()
