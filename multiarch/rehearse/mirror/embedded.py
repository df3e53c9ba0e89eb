"""A small registry in this process, for machines without one: what distribution-spec asks of pulls, pushes and mounts.

It is strict where a registry may be: content must have its digest, and a manifest may name only what its own
repository holds (MANIFEST_BLOB_UNKNOWN), so that a merge which forgot something fails here as it would anywhere.
"""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from archmerge.manifests import INDEX_TYPES, digest_of
from archmerge.reference import is_digest

_ROUTE: Final = re.compile(r"/v2/(?P<name>[a-z0-9._/-]+)/(?P<kind>manifests|blobs)/(?P<rest>.*)")
_UPLOADS: Final = "uploads/"


class _Stored(NamedTuple):
    body: bytes
    media_type: str


class Store:
    """Everything by repository: blobs and manifests by digest, tags."""

    def __init__(self) -> None:
        self.blobs: set[tuple[str, str]] = set()
        self.content: dict[str, bytes] = {}
        self.manifests: dict[tuple[str, str], _Stored] = {}
        self.tags: dict[tuple[str, str], str] = {}
        self.lock = threading.Lock()

    def manifest(self, name: str, version: str) -> tuple[str, _Stored] | None:
        """Return digest and content of a manifest, by tag or digest."""
        digest = version if is_digest(version) else self.tags.get((name, version), "")
        stored = self.manifests.get((name, digest))
        return (digest, stored) if stored else None

    def put(self, name: str, version: str, stored: _Stored) -> str:
        """Store a manifest and return its digest. Raises ValueError for one that would not be whole."""
        digest = str(digest_of(stored.body, version) if is_digest(version) else digest_of(stored.body))
        if is_digest(version) and digest != version:
            raise ValueError("DIGEST_INVALID")
        children = stored.media_type in INDEX_TYPES
        known = {item for repository, item in (self.manifests if children else self.blobs) if repository == name}
        if not all(item in known for item in _named(json.loads(stored.body), children=children)):
            raise ValueError("MANIFEST_BLOB_UNKNOWN")
        self.manifests[name, digest] = stored
        if not is_digest(version):
            self.tags[name, version] = digest
        return digest


def _named(document: dict[str, Any], *, children: bool) -> Iterator[str]:
    """List the digests that a manifest names."""
    entries = document["manifests"] if children else [document["config"], *document["layers"]]
    yield from (entry["digest"] for entry in entries)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    store: Store

    def log_message(self, *_: object) -> None:
        """Say nothing: the rehearsal's output is its report."""

    def do_GET(self) -> None:
        """Answer reads, with or without a body."""
        found = _ROUTE.fullmatch(urlsplit(self.path).path)
        if found is None:
            self._answer(200 if self.path == "/v2/" else 404)
            return
        name, kind, version = found.groups()
        with self.store.lock:
            if kind == "blobs":
                body = self.store.content.get(version) if (name, version) in self.store.blobs else None
                stored = None if body is None else (version, _Stored(body, "application/octet-stream"))
            else:
                stored = self.store.manifest(name, version)
        if stored is None:
            self._answer(404, {}, "MANIFEST_UNKNOWN" if kind == "manifests" else "BLOB_UNKNOWN")
            return
        digest, content = stored
        self._send(200, {"Content-Type": content.media_type, "Docker-Content-Digest": digest}, content.body)

    do_HEAD = do_GET  # noqa: N815 - the base class names it

    def do_POST(self) -> None:
        """Mount a blob, or open an upload."""
        self._body()
        parts = urlsplit(self.path)
        found, asked = _ROUTE.fullmatch(parts.path), parse_qs(parts.query)
        if found is None or found["rest"] != _UPLOADS:
            self._answer(404)
            return
        digest, source = (asked.get(key, [""])[0] for key in ("mount", "from"))
        with self.store.lock:
            mounted = (source, digest) in self.store.blobs
            if mounted:
                self.store.blobs.add((found["name"], digest))
        place = digest if mounted else f"{_UPLOADS}1"
        self._answer(201 if mounted else 202, {"Location": f"/v2/{found['name']}/blobs/{place}"})

    def do_PUT(self) -> None:
        """Finish an upload, or store a manifest."""
        body, parts = self._body(), urlsplit(self.path)
        found = _ROUTE.fullmatch(parts.path)
        if found is None:
            self._answer(404)
            return
        try:
            with self.store.lock:
                digest = self._stored(found, parse_qs(parts.query).get("digest", [""])[0], body)
        except (ValueError, KeyError, TypeError) as error:
            self._answer(400, {}, str(error))
            return
        self._answer(201, {"Docker-Content-Digest": digest, "Location": parts.path})

    def do_DELETE(self) -> None:
        """Close an upload; nothing else is deleted here."""
        self._answer(204 if f"/{_UPLOADS}" in self.path else 405)

    def _stored(self, found: re.Match[str], digest: str, body: bytes) -> str:
        if found["kind"] == "manifests":
            return self.store.put(found["name"], found["rest"], _Stored(body, self.headers["Content-Type"]))
        if not is_digest(digest) or digest_of(body, digest) != digest:
            raise ValueError("DIGEST_INVALID")
        self.store.content[digest] = body
        self.store.blobs.add((found["name"], digest))
        return digest

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, headers: dict[str, str] | None = None, code: str = "") -> None:
        body = json.dumps({"errors": [{"code": code}]}).encode() if code else b""
        self._send(status, {"Content-Type": "application/json", **(headers or {})}, body)

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class EmbeddedServer:
    """The registry on a free port of an address of this machine."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        handler = type("Handler", (_Handler,), {"store": Store()})
        self._server = ThreadingHTTPServer((address, 0), handler)
        self._server.daemon_threads = True
        self.host = f"{address}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
