"""A reverse proxy in front of the API server that writes down every request, and kubeconfigs to get there."""

import base64
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

import yaml

from multiarch.cluster.connection import Connection
from multiarch.rehearse.control_plane.plane import ControlPlane


class Request(NamedTuple):
    method: str
    path: str
    query: dict[str, list[str]]


class Recorder:
    """Passes everything on as the administrator. Use as a context manager."""

    def __init__(self, kubeconfig: Path, context: str) -> None:
        self.requests: list[Request] = []
        self._upstream = Connection(kubeconfig, context)
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass_on(self) -> None:
                recorder.answer(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = _pass_on  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._upstream.close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        self.requests.append(Request(handler.command, parts.path, parse_qs(parts.query)))
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length) if length else None
        kept = {name: handler.headers[name] for name in ("Accept", "Content-Type") if name in handler.headers}
        pool: Any = self._upstream.api.rest_client.pool_manager
        answer = pool.request(
            handler.command, self._upstream.server + handler.path, body=body, headers=kept, retries=False
        )
        handler.send_response(answer.status)
        handler.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
        handler.send_header("Content-Length", str(len(answer.data)))
        handler.end_headers()
        handler.wfile.write(answer.data)


def kubeconfig_for(folder: Path, server: str | ControlPlane, *, token: str = "", name: str = "recorded") -> Path:
    """Write a kubeconfig for a server's URL, or for the control plane with a token in the administrator's place."""
    cluster: dict[str, Any] = {"server": server}
    if isinstance(server, ControlPlane):
        document = yaml.safe_load(server.kubeconfig.read_text())
        cluster = document["clusters"][0]["cluster"]
        assert base64.b64decode(cluster["certificate-authority-data"])
    path = folder / f"{name}.kubeconfig"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": {"token": token} if token else {}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }
    path.write_text(yaml.safe_dump(document))
    return path
