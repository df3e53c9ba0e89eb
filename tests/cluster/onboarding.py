"""Clusters of other shapes on the embedded control plane: their nodes, and a proxy in front of it."""

import json
import os
import shutil
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import urllib3
import yaml

from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.model.nodes import FAKE
from multiarch.rehearse.control_plane.plane import ControlPlane

ROOT = Path(__file__).resolve().parents[2]
MARK = "onboard-test"
_NODES = "/api/v1/nodes"
_OWN = f"example.org/{MARK}"


@contextmanager
def nodes(api: Api, wanted: Sequence[Mapping[str, Any]], *, fake: bool = True) -> Iterator[None]:
    """Put nodes into the shared control plane, and take them out again. `fake`: kwok plays their kubelets."""
    made = [_manifest(node, fake=fake) for node in wanted]
    try:
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda node: api.create(_NODES, node), made))
        yield
    finally:
        api.delete(_NODES, {"labelSelector": _OWN})
        while api.items(_NODES, {"labelSelector": _OWN, "limit": "1"}):
            pass


def _manifest(node: Mapping[str, Any], *, fake: bool) -> dict[str, Any]:
    metadata = node["metadata"]
    annotations = {**metadata.get("annotations", {}), **(FAKE if fake else {})}
    labels = {**metadata["labels"], _OWN: "yes"}
    return {
        **node,
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {**metadata, "annotations": annotations, "labels": labels},
    }


@contextmanager
def objects(api: Api, *manifests: Mapping[str, Any]) -> Iterator[None]:
    """Put objects into the control plane, in order, and take them out again."""
    made = []
    try:
        for manifest in manifests:
            api.apply(manifest, manager=MARK)
            made.append(api.path_of(manifest))
        yield
    finally:
        for path in reversed(made):
            api.delete(path, {"gracePeriodSeconds": "0"})


def kubeconfig(
    path: Path, server: str, *, context: str = "ci", user: Mapping[str, Any] | None = None, ca: str = ""
) -> Path:
    """Write a kubeconfig of one context."""
    cluster = {"server": server, **({"certificate-authority-data": ca} if ca else {})}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "contexts": [{"name": context, "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": dict(user or {})}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


def authority(plane: ControlPlane) -> str:
    """Return the control plane's CA certificate as a kubeconfig has it."""
    document = yaml.safe_load(plane.kubeconfig.read_text())
    return str(document["clusters"][0]["cluster"]["certificate-authority-data"])


class Proxy:
    """Plain HTTP in front of an API server, as its administrator; it notes every request, and may change answers."""

    def __init__(self, connection: Connection, answers: Mapping[str, Any] | None = None) -> None:
        settings = connection.api.configuration
        context = ssl.create_default_context(cafile=settings.ssl_ca_cert)
        context.load_cert_chain(settings.cert_file, settings.key_file)
        self._pool = urllib3.PoolManager(ssl_context=context, maxsize=16)
        self._server = settings.host
        self._answers = dict(answers or {})
        self.requests: list[tuple[str, str]] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._pool.clear()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def _pass_on(self) -> None:
                path = self.path.partition("?")[0]
                proxy.requests.append((self.command, path))
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length) if length else None
                wanted = {key: self.headers[key] for key in ("Accept", "Content-Type") if key in self.headers}
                if path in proxy._answers:
                    status, data = 200, json.dumps(proxy._answers[path]).encode()
                else:
                    answer = proxy._pool.request(
                        self.command, proxy._server + self.path, body=body, headers=wanted, retries=False
                    )
                    status, data = answer.status, answer.data
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815 - http.server's own names

        return Handler


def project(folder: Path) -> Path:
    """Return a project of its own, so that no test writes into this one's `stacks/`."""
    for name in ("Pulumi.yaml", "__main__.py"):
        shutil.copy2(ROOT / name, folder / name)
    shutil.copytree(ROOT / "components", folder / "components", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "stacks").mkdir()
    return folder


def environment() -> dict[str, str]:
    """Return an environment in which the command runs from anywhere, and prompts without asking the terminal back."""
    kept = {key: value for key, value in os.environ.items() if key != "KUBECONFIG"}
    return {**kept, "PYTHONPATH": str(ROOT), "PROMPT_TOOLKIT_NO_CPR": "1", "TERM": "xterm", "COLUMNS": "120"}
