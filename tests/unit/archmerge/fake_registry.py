"""A registry in this process: what real ones do, and what only some of them do, by switches."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class FakeRegistry:
    """Repositories in dictionaries. Manifests may only refer to what their own repository holds, as everywhere."""

    def __init__(self) -> None:
        self.blobs: dict[str, dict[str, bytes]] = {}
        self.manifests: dict[str, dict[str, tuple[str, bytes]]] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.seen: list[tuple[str, str]] = []
        self.authorizations: list[str] = []
        self.basic = ""
        """The one Authorization value that is let in, asked for by a Basic challenge."""
        self.immutable = False
        self.mount_status = 0
        """What mounts are refused with; 0 lets them be."""
        self.head_status = 404
        """What HEAD of something absent is answered with."""
        self.upload_status = 201
        """What a whole upload ends with."""
        self.moved = (0, "")
        """A status and a host: where POST and PUT are redirected to."""
        self.too_large = 0
        """Bytes of an upload's body from which it is answered with 413."""
        self.forgetful = 0
        """How many more manifests are refused, for what they refer to is not known yet."""
        self.referrers_api = True
        """Lists what speaks of a manifest; without it, clients keep a tag for each."""
        self.tokens: TokenService | None = None
        self.parts: dict[str, bytes] = {}
        """What came by PATCH so far, by repository."""
        self.project = ""
        """Only repositories at or below this path exist (GitLab)."""
        self._lock = threading.Lock()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with fake._lock:
                    fake.seen.append((self.command, self.path))
                    fake.authorizations.append(self.headers.get("Authorization") or "")
                    status, headers, content = fake.answer(self.command, self.path, dict(self.headers.items()), body)
                self.send_response_only(status)
                for key, value in headers:
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the base class names them

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self._server = Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, repository: str, body: bytes, media_type: str, *tags: str) -> str:
        digest = digest_of(body)
        self.manifests.setdefault(repository, {})[digest] = (media_type, body)
        self.tags.setdefault(repository, {}).update(dict.fromkeys(tags, digest))
        return digest

    def add_blob(self, repository: str, content: bytes) -> str:
        self.blobs.setdefault(repository, {})[digest_of(content)] = content
        return digest_of(content)

    def answer(  # noqa: PLR0911 - what real ones do
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if self.tokens and (refusal := self.tokens.answer(path, query, headers.get("Authorization", ""))):
            return refusal
        if self.basic and headers.get("Authorization") != self.basic:
            return 401, [("WWW-Authenticate", 'Basic realm="fake"')], b""
        if path == "/v2/":
            return 200, [], b"{}"
        if self.moved[0] and method in ("POST", "PUT"):
            return self.moved[0], [("Location", f"http://{self.moved[1]}{target}")], b""
        if path.endswith("/tags/list"):
            repository = path.removeprefix("/v2/").removesuffix("/tags/list")
            return 200, [], json.dumps({"tags": sorted(self.tags.get(repository, {}))}).encode()
        if "/referrers/" in path:
            return self._referrers(*path.removeprefix("/v2/").split("/referrers/"))
        for part in ("/manifests/", "/blobs/uploads/", "/blobs/"):
            if part in path:
                repository, _, rest = path.removeprefix("/v2/").partition(part)
                if self.project and not f"{repository}/".startswith(f"{self.project}/"):
                    return self._error(403, "DENIED")
                act = {"/manifests/": self._manifest, "/blobs/uploads/": self._upload, "/blobs/": self._blob}[part]
                answer = act(method, repository, rest, query, headers, body)
                return (self.head_status, *answer[1:]) if (method, answer[0]) == ("HEAD", 404) else answer
        return self._error(404, "UNSUPPORTED")

    def _manifest(self, *request: Any) -> tuple[int, list[tuple[str, str]], bytes]:
        method, repository, version, _, headers, body = request
        held, tags = self.manifests.setdefault(repository, {}), self.tags.setdefault(repository, {})
        if method == "PUT":
            return self._put_manifest(repository, version, headers.get("Content-Type", ""), body)
        digest = version if ":" in version else tags.get(version, "")
        if digest not in held:
            return self._error(404, "MANIFEST_UNKNOWN")
        if method == "DELETE":
            del held[digest]
            self.tags[repository] = {tag: held_by for tag, held_by in tags.items() if held_by != digest}
            return 202, [], b""
        return 200, [("Content-Type", held[digest][0]), ("Docker-Content-Digest", digest)], held[digest][1]

    def _put_manifest(
        self, repository: str, version: str, content_type: str, body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        digest, document, tags = digest_of(body), json.loads(body), self.tags[repository]
        held = {*self.manifests[repository], *self.blobs.setdefault(repository, {})}
        parts = [*document.get("manifests", []), *document.get("layers", []), *filter(None, [document.get("config")])]
        self.forgetful -= 1
        if self.forgetful >= 0 or any(part["digest"] not in held for part in parts):
            return self._error(400, "MANIFEST_BLOB_UNKNOWN")
        if document.get("mediaType", content_type) != content_type:
            return self._error(400, "MANIFEST_INVALID")
        named = [] if ":" in version else [version]
        if self.immutable and any(tag in tags for tag in named):
            return self._error(400, "TAG_INVALID")
        self.manifests[repository][digest] = (content_type, body)
        tags.update(dict.fromkeys(named, digest))
        subject = (
            [("OCI-Subject", document["subject"]["digest"])] if self.referrers_api and "subject" in document else []
        )
        return 201, [("Docker-Content-Digest", digest), *subject], b""

    def _referrers(self, repository: str, digest: str) -> tuple[int, list[tuple[str, str]], bytes]:
        if not self.referrers_api:
            return self._error(404, "UNSUPPORTED")
        entries = [
            {"mediaType": kind, "digest": own, "size": len(body)}
            for own, (kind, body) in self.manifests.get(repository, {}).items()
            if json.loads(body).get("subject", {}).get("digest") == digest
        ]
        return 200, [], json.dumps({"schemaVersion": 2, "manifests": entries}).encode()

    def _upload(  # noqa: PLR0911 - what real ones do
        self, *request: Any
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        method, repository, _, query, headers, body = request
        session = [("Location", f"/v2/{repository}/blobs/uploads/1?state=a%2Bb")]
        if method == "POST":
            self.parts[repository] = b""
            wanted, source = query.get("mount", [""])[0], query.get("from", [""])[0]
            if wanted and self.mount_status:
                return self._error(self.mount_status, "UNKNOWN")
            if wanted in self.blobs.get(source, {}):
                self.add_blob(repository, self.blobs[source][wanted])
                return 201, [], b""
            return 202, session, b""
        if self.too_large and len(body) >= self.too_large:
            return self._error(413, "SIZE_INVALID")
        if method == "PATCH" and headers["Content-Range"].startswith(f"{len(self.parts[repository])}-"):
            self.parts[repository] += body
            return 202, session, b""
        whole = self.parts.get(repository, b"") + body
        if method == "PUT" and query.get("state") == ["a+b"] and query["digest"] == [digest_of(whole)]:
            self.add_blob(repository, whole)
            return self.upload_status, [], b""
        return self._error(400 if method in ("PUT", "PATCH") else 204, "BLOB_UPLOAD_INVALID")

    def _blob(self, *request: Any) -> tuple[int, list[tuple[str, str]], bytes]:
        _, repository, digest, *_ = request
        content = self.blobs.get(repository, {}).get(digest)
        return (200, [], content) if content is not None else self._error(404, "BLOB_UNKNOWN")

    @staticmethod
    def _error(status: int, code: str) -> tuple[int, list[tuple[str, str]], bytes]:
        return status, [], json.dumps({"errors": [{"code": code, "message": "fake"}]}).encode()


class TokenService:
    """Gives tokens for several repositories, of which `honours_one` honours the first alone, and none `refused`."""

    def __init__(self, fake: FakeRegistry, *, honours_one: bool, refuses_with: int, refused: str = "") -> None:
        self.asked: list[list[str]] = []
        self._realm = f"http://{fake.host}/token"
        self._honours_one, self._refuses_with, self._refused = honours_one, refuses_with, refused
        fake.tokens = self

    def answer(
        self, path: str, query: dict[str, list[str]], authorization: str
    ) -> tuple[int, list[tuple[str, str]], bytes] | None:
        if path == "/token":
            self.asked.append([scope.split(":")[1] for scope in query["scope"]])
            return 200, [], json.dumps({"token": f"t{len(self.asked) - 1}"}).encode()
        token = authorization.removeprefix("Bearer t")
        if not token:
            return 401, [("WWW-Authenticate", f'Bearer realm="{self._realm}",service="s"')], b""
        good = self.asked[int(token)][: 1 if self._honours_one else None]
        if any(path.startswith(f"/v2/{name}/") for name in good if name != self._refused):
            return None
        return self._refuses_with, [("WWW-Authenticate", f'Bearer realm="{self._realm}",service="s"')], b""
