import http.server
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from components.problems import ConfigError
from multiarch.cluster.errors import UnreachableError
from multiarch.cluster.kubeconfig import find_context
from multiarch.rehearse.control_plane.existing import use_existing
from multiarch.rehearse.control_plane.kubeconfig import CONTEXT, REHEARSAL, render
from multiarch.rehearse.control_plane.pki import ADMIN, Authority


def write(folder: Path, server: str) -> Path:
    authority = Authority()
    path = folder / "config"
    path.write_bytes(render(server, authority.certificate, authority.client(ADMIN)))
    return path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write(tmp_path, "https://127.0.0.1:6443")


def test_a_written_kubeconfig_leads_to_its_server_and_embeds_everything(config: Path) -> None:
    assert find_context(config, CONTEXT, REHEARSAL).server == "https://127.0.0.1:6443"
    text = config.read_text()
    assert "client-key-data" in text
    assert "client-key:" not in text


def test_a_context_must_be_named_though_there_is_a_current_one(config: Path) -> None:
    assert yaml.safe_load(config.read_text())["current-context"] == CONTEXT
    with pytest.raises(ConfigError, match=f"--context: not given: .*Name one; .* has: {CONTEXT}"):
        use_existing(config, "")


def test_an_absent_context_is_told_with_those_that_are_there(config: Path) -> None:
    with pytest.raises(ConfigError, match=f"--context: 'prod' is not in .*Contexts that it has: {CONTEXT}"):
        use_existing(config, "prod")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "no such file"),
        ("a: [", "it is not valid YAML"),
        ("- a", "it is a list, not a kubeconfig"),
        ("contexts: [{name: c, context: {cluster: d}}]", "there is no cluster 'd' in it"),
    ],
)
def test_a_file_that_is_no_kubeconfig_is_told_in_one_line(tmp_path: Path, content: str | None, found: str) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError) as refused:
        use_existing(path, "c")
    assert found in str(refused.value)
    assert "\n" not in str(refused.value)


def unreachable(config: Path) -> str:
    began = time.monotonic()
    with pytest.raises(UnreachableError) as refused:
        use_existing(config, CONTEXT)
    assert time.monotonic() - began < 7
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_cluster_that_is_down_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = f"https://127.0.0.1:{free.getsockname()[1]}"
        assert f"{server} refuses connections" in unreachable(write(tmp_path, server))


def test_a_cluster_whose_name_does_not_resolve_is_told_in_one_line(tmp_path: Path) -> None:
    text = unreachable(write(tmp_path, "https://cluster.invalid"))
    assert "https://cluster.invalid" in text
    assert "resolve" in text


def test_a_cluster_that_falls_silent_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiarch.cluster.connection.CONNECT_SECONDS", 0.2)
    monkeypatch.setattr("multiarch.cluster.connection.FIRST_WORD_SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        config = write(tmp_path, f"https://127.0.0.1:{silent.getsockname()[1]}")
        assert "did not answer in time" in unreachable(config)


@pytest.fixture
def plain_server() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>a router's login</html>")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_server_that_is_no_kubernetes_is_told(tmp_path: Path, plain_server: str) -> None:
    assert "is not a Kubernetes API server" in unreachable(write(tmp_path, plain_server))


def test_no_proxy_is_asked_for_a_cluster_on_this_machine(
    tmp_path: Path, plain_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert "is not a Kubernetes API server" in unreachable(write(tmp_path, plain_server))
