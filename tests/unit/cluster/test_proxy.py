"""A kubeconfig's proxy is for every server, as kubectl has it; the environment's is for none on this machine."""

import importlib.util
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from multiarch.cluster.connection import Connection
from tests.unit.cluster.stubs import Heard, kubeconfig, says, server

VERSION = {"gitVersion": "v1.36.3"}
NO_SOCKS = importlib.util.find_spec("socks") is None
ENVIRONMENT = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def proxy() -> Iterator[Heard]:
    """A proxy that answers itself, for any server."""
    with server(says(VERSION)) as heard:
        yield heard


def version(folder: Path, url: str, **cluster: str) -> str:
    with Connection(kubeconfig(folder, {"token": "t"}, url, **cluster), "x") as connection:
        return connection.version()


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://localhost:9", "http://[::1]:9", "http://k.invalid"])
@pytest.mark.parametrize("no_proxy", ["", "*"])
def test_the_kubeconfigs_proxy_is_asked_whatever_the_server_and_no_proxy(
    url: str, no_proxy: str, proxy: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert version(tmp_path, url, **{"proxy-url": proxy.url}) == "1.36.3"
    assert proxy.requests[0][0].startswith(f"GET {url}")


def test_the_environments_proxy_is_asked_for_other_machines_alone(
    proxy: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert version(tmp_path, "http://k.invalid") == "1.36.3"
    with server(says(VERSION)) as mine:
        assert version(tmp_path, mine.url) == "1.36.3"
    assert len(mine.requests) == len(proxy.requests) == 1


@pytest.mark.skipif(NO_SOCKS, reason="PySocks is not installed: pip install PySocks")
def test_a_socks_proxy_leads_to_the_server_and_resolves_its_name(tmp_path: Path) -> None:
    """As client-go, which leaves names to the proxy: only there a private name may be known."""
    with server(says(VERSION)) as heard, socket.create_server(("127.0.0.1", 0)) as listening:
        port = int(heard.url.rsplit(":", 1)[1])
        asked: list[str] = []
        threading.Thread(target=relay, args=(listening, port, asked), daemon=True).start()
        proxy = f"socks5://127.0.0.1:{listening.getsockname()[1]}"
        assert version(tmp_path, "http://k.invalid:80", **{"proxy-url": proxy}) == "1.36.3"
    assert asked == ["k.invalid"]


def relay(listening: socket.socket, port: int, asked: list[str]) -> None:
    """Speak SOCKS 5 (RFC 1928) with one client, and join it to a server on this machine."""
    one, _ = listening.accept()
    with one, socket.create_connection(("127.0.0.1", port)) as behind:
        _, methods = one.recv(2)
        one.recv(methods)
        one.sendall(b"\x05\x00")
        *_, kind, length = one.recv(5)
        assert kind == 3, "a name, not an address"
        asked.append(one.recv(length).decode())
        struct.unpack(">H", one.recv(2))
        one.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        behind.sendall(one.recv(65536))
        while chunk := behind.recv(65536):
            one.sendall(chunk)
