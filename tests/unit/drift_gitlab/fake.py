"""GitLab's issues as an HTTP server in this process: a project, its issues, one token, and whatever goes wrong."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "glpat-made-up-0123456789"
PROJECT = "4711"


class Seen(NamedTuple):
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    fields: dict[str, Any]
    headers: dict[str, str]


class Fault(NamedTuple):
    """What the next request of this method is answered instead."""

    method: str
    status: int
    headers: dict[str, str] = {}  # noqa: RUF012 - never written to
    body: bytes = b'{"message": "made up"}'
    done: bool = False
    """Whether the request does its work all the same, and only the answer is lost."""


class FakeGitLab:
    """Answers as https://docs.gitlab.com/api/issues/ says."""

    def __init__(self) -> None:
        self.issues: list[dict[str, Any]] = []
        self.seen: list[Seen] = []
        self.faults: list[Fault] = []
        self.page_size = 100
        self.drops_labels = False
        self.lists_together: threading.Barrier | None = None
        self.after_put: Callable[[], object] | None = None
        """What another run does after the next edit, or after each where `always` is set."""
        self.always = False
        self._lock = threading.Lock()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet, else the second waits 40 ms for the first's acknowledgement

            def log_message(self, *arguments: object) -> None:
                del arguments

            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                fields = json.loads(self.rfile.read(length)) if length else {}
                parts = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(parts.query).items()}
                seen = Seen(self.command, parts.path, query, fields, {**self.headers})
                status, headers, body = fake.answer(seen)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _answer  # noqa: N815 - the server's own names

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/api/v4"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, **fields: Any) -> dict[str, Any]:
        """Make an issue, as a person or another pipeline would."""
        number = len(self.issues) + 1
        issue = {
            "iid": number,
            "title": "made by hand",
            "description": None,
            "state": "opened",
            "labels": [],
            "web_url": f"https://gitlab.example.com/team/app/-/issues/{number}",
            "moved_to_id": None,
            "confidential": False,
            **fields,
        }
        self.issues.append(issue)
        return issue

    def opened(self) -> list[dict[str, Any]]:
        return [issue for issue in self.issues if issue["state"] == "opened"]

    def writes(self) -> list[Seen]:
        return [seen for seen in self.seen if seen.method != "GET"]

    def answer(self, seen: Seen) -> tuple[int, dict[str, str], bytes]:
        with self._lock:
            self.seen.append(seen)
            fault = next((fault for fault in self.faults if fault.method == seen.method), None)
            if fault:
                self.faults.remove(fault)
                if fault.done:
                    self._answer(seen)
                return fault.status, fault.headers, fault.body
        if seen.method == "GET" and (barrier := self.lists_together):
            with self._lock:
                answer = self._answer(seen)
            barrier.wait(timeout=10)
            self.lists_together = None
            return answer
        with self._lock:
            return self._answer(seen)

    def _answer(self, seen: Seen) -> tuple[int, dict[str, str], bytes]:
        if seen.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _said(401, {"message": "401 Unauthorized"})
        base = f"/api/v4/projects/{PROJECT}/issues"
        if seen.path == base and seen.method == "GET":
            return self._list(seen.query)
        if seen.path == base and seen.method == "POST":
            labels = [] if self.drops_labels else seen.fields.get("labels", "").split(",")
            given = {name: seen.fields[name] for name in ("title", "description", "confidential")}
            return _said(201, self.add(labels=labels, **given))
        number = seen.path.removeprefix(f"{base}/")
        if seen.method == "PUT" and number.isdigit() and int(number) <= len(self.issues):
            issue = self.issues[int(number) - 1]
            event = seen.fields.get("state_event")
            issue.update({name: seen.fields[name] for name in ("title", "description") if name in seen.fields})
            issue["state"] = {"close": "closed", "reopen": "opened", None: issue["state"]}[event]
            said = _said(200, issue)
            if self.after_put is not None:
                self.after_put()
                self.after_put = self.after_put if self.always else None
            return said
        return _said(404, {"message": "404 Project Not Found"})

    def _list(self, query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        states = {"all": {"opened", "closed"}}.get(query.get("state", "all"), {query.get("state")})
        found = [one for one in self.issues if query["labels"] in one["labels"] and one["state"] in states]
        size, page = min(int(query["per_page"]), self.page_size), int(query["page"])
        more = str(page + 1) if len(found) > page * size else ""
        status, headers, body = _said(200, found[(page - 1) * size : page * size])
        return status, {**headers, "X-Next-Page": more}, body


def _said(status: int, what: object) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json"}, json.dumps(what).encode()
