"""An admission webhook of its own: it refuses every pod, in the words that it is given."""

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from multiarch.rehearse.control_plane.pki import Authority


@contextmanager
def refusing(words: str) -> Iterator[dict[str, Any]]:
    """Serve one on this machine; gives its `clientConfig`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = {"code": 403, "message": words}
            answer = {"uid": review["request"]["uid"], "allowed": False, "status": status}
            body = json.dumps({**review, "request": None, "response": answer}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    authority = Authority("webhook")
    pair = authority.server(["127.0.0.1"])
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, TemporaryDirectory() as folder:
        certificate = Path(folder, "both.pem")
        certificate.touch(mode=0o600)
        certificate.write_bytes(pair.certificate + pair.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            bundle = base64.b64encode(authority.certificate).decode()
            yield {"url": f"https://127.0.0.1:{server.server_address[1]}/", "caBundle": bundle}
        finally:
            server.shutdown()
            thread.join()
