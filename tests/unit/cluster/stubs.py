"""Kubeconfigs of one context `x`, and servers that do not answer as they should."""

import json
import socket
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

V1 = "client.authentication.k8s.io/v1"
NOWHERE = "https://127.0.0.1:9"


def kubeconfig(folder: Path, user: dict[str, Any] | None = None, server: str = NOWHERE, **cluster: Any) -> Path:
    path = folder / "config"
    document = {
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": user or {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(json.dumps(document))
    return path


def program(folder: Path, source: str) -> str:
    path = folder / "login"
    path.write_text(f"#!{sys.executable}\n{textwrap.dedent(source)}")
    path.chmod(0o755)
    return str(path)


def by(command: str, **more: Any) -> dict[str, Any]:
    return {"exec": {"apiVersion": V1, "command": command, "interactiveMode": "Never", **more}}


@dataclass
class Heard:
    """What a server was sent: each request's first line, and its headers by name."""

    url: str
    requests: list[tuple[str, list[tuple[str, str]]]]

    def values(self, name: str) -> list[str]:
        """Return the values of a header in the last request."""
        return [value for key, value in self.requests[-1][1] if key.lower() == name.lower()]


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[Heard]:
    """Listen on this machine; `answer` is given each connection after its request was read."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        heard = Heard(f"http://127.0.0.1:{listening.getsockname()[1]}", [])
        connections: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    one, _ = listening.accept()
                except OSError:
                    return
                connections.append(one)
                threading.Thread(target=serve, args=(one,), daemon=True).start()

        def serve(one: socket.socket) -> None:
            with one.makefile("rb") as lines:
                while head := lines.readline():
                    headers = list(_headers(lines))
                    lines.read(sum(int(value) for name, value in headers if name.lower() == "content-length"))
                    heard.requests.append((head.decode("latin-1").strip(), headers))
                    answer(one)

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield heard
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            for one in connections:
                one.close()


def _headers(lines: Any) -> Iterator[tuple[str, str]]:
    while line := lines.readline().decode("latin-1").strip():
        name, _, value = line.partition(": ")
        yield name, value


def says(document: Any) -> Callable[[socket.socket], None]:
    """Answer every request with one JSON document."""
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return lambda one: one.sendall(head + body)


def nothing(one: socket.socket) -> None:
    """Answer nothing."""


def headers_only(one: socket.socket) -> None:
    """Answer that a long body follows, and send none of it."""
    one.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")


def arguments(command: str, path: Path, project: Path) -> Sequence[str]:
    """Return the command line that has a command look at the context `x` of a kubeconfig."""
    found = ["--kubeconfig", str(path), "--context", "x"]
    return {
        "doctor": ["doctor", *found],
        "onboard": ["onboard", "--look-only", "--project", str(project), *found],
        "rehearse": ["rehearse", "--project", str(project), "--stack", "local", *found],
        "drift": ["drift", "--project", str(project), "--stack", "local", "--only", "objects", *found],
    }[command]
