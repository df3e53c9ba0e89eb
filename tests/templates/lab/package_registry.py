"""A stand-in of GitLab's generic package registry: keeps what is put there, and answers as GitLab does.

Source: doc/user/packages/generic_packages of GitLab (PUT, `select=package_file`), lib/api/generic_packages.rb.
"""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class PackageRegistry:
    """`files` by the path below the project; `refuse` answers instead with a status, `spoil` stores other content."""

    token = "job-token"

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.refuse = 0
        self.spoil = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def variables(self) -> dict[str, str]:
        """What a job knows of its GitLab."""
        api = f"http://127.0.0.1:{self._server.server_port}/api/v4"
        return {"CI_API_V4_URL": api, "CI_PROJECT_ID": "42", "CI_JOB_TOKEN": self.token}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                path, _, query = self.path.partition("?")
                place = path.removeprefix("/api/v4/projects/42/packages/generic/")
                if registry.refuse:
                    return self.answer(registry.refuse, {"message": "refused"})
                if self.headers["JOB-TOKEN"] != registry.token or place == path or place.count("/") != 2:
                    return self.answer(404, {"message": "404 Project Not Found"})
                registry.files[place] = content = content[:-1] if registry.spoil else content
                digest = hashlib.sha256(content).hexdigest()
                full = {"id": 1, "file_name": place.rpartition("/")[2], "file_sha256": digest}
                return self.answer(201, full if query == "select=package_file" else {"message": "201 Created"})

            def answer(self, status: int, document: Any) -> None:
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words: Any) -> None:
                pass

        return Handler
