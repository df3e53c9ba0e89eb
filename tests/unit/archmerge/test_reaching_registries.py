"""Where a registry may lead: it names addresses, and what they could be used for must not matter."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from email.message import Message
from threading import Semaphore
from typing import TYPE_CHECKING

import pytest

from archmerge.authorizer import Authorizer
from archmerge.credentials import Credentials
from archmerge.errors import NetworkError, RefusedError, UsageError
from archmerge.request import MergeRequest, Source
from archmerge.session import Session
from archmerge.transport.client import Answer, Client
from archmerge.transport.connections import Connections, Options, Origin, inward, origin_of

if TYPE_CHECKING:
    from http.client import HTTPConnection

INSIDE = [
    "http://127.0.0.1/x",
    "https://localhost:8443/x",
    "http://api.localhost/x",
    "http://[::1]:5000/x",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fe80::1]/x",
    "http://0.0.0.0/x",
    "http://[::ffff:169.254.169.254]/x",
]


@pytest.mark.parametrize("url", INSIDE)
def test_a_registry_outside_leads_nobody_inside(url: str) -> None:
    assert inward(origin_of(url))
    client = Client(Options(plain_http=frozenset({"r.example"})))
    with pytest.raises(RefusedError, match="an address of this machine"):
        client.follow("http://r.example/v2/a/blobs/b", url, {})


def test_a_registry_on_this_machine_may_lead_to_another_port_and_whatever_the_user_has_named() -> None:
    client = Client(Options(plain_http=frozenset({"r.example", "localhost:9000"})))
    assert client.follow("http://127.0.0.1:5000/v2/", "http://127.0.0.1:6000/x", {})[0] == "http://127.0.0.1:6000/x"
    assert client.follow("http://r.example/v2/", "http://localhost:9000/x", {})[0] == "http://localhost:9000/x"


@pytest.mark.parametrize("location", ["https://store.example/x", "https://r.example:444/x", "//store.example/x"])
def test_credentials_do_not_follow_to_another_origin(location: str) -> None:
    headers = {"authorization": "Bearer secret", "Accept": "*/*"}
    client = Client(Options())
    assert client.follow("https://r.example/v2/a/blobs/b", location, headers)[1] == {"Accept": "*/*"}
    assert client.follow("https://r.example/v2/a/blobs/b", "/elsewhere", headers)[1] == headers


@pytest.mark.parametrize("asking", ["https://store.example/x", "https://r.example:444/v2/", "http://r.example/v2/"])
def test_only_the_registry_itself_says_where_credentials_are_sent(asking: str) -> None:
    asked = Message()
    asked["WWW-Authenticate"] = 'Bearer realm="https://thief.example/token",service="s"'
    authorizer = Authorizer(
        Client(Options()), "r.example", "https://r.example", Credentials({"HOME": "/nonexistent"}, primary="r.example")
    )
    assert not authorizer.refused("a", {}, Answer(401, asked, b"", asking))
    assert "thief" not in repr(authorizer._challenge)


def test_storages_with_private_addresses_are_followed_to() -> None:
    """A registry in a company has its storage at 10.x often enough."""
    assert not inward(origin_of("https://10.1.2.3/bucket"))


@pytest.mark.parametrize("url", ["https://r.example/a b", "https://r.example/\r\nX: y", "https://r.example/\u00e9"])
def test_an_address_that_would_break_a_request_apart_is_not_sent(url: str) -> None:
    with pytest.raises(NetworkError):
        origin_of(url)


def test_the_body_of_a_redirect_is_not_waited_for_longer_than_any_other() -> None:
    """It was read with a limit per piece only: a byte now and then would have held the command for hours."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 307 Moved\r\nLocation: /x\r\nContent-Length: 60\r\n\r\n")
                for _ in range(60):
                    connection.sendall(b".")
                    time.sleep(0.05)

        threading.Thread(target=drip, daemon=True).start()
        host = f"127.0.0.1:{server.getsockname()[1]}"
        settings = Options(attempts=1, read_timeout=0.3, plain_http=frozenset({host}))
        client = Client(settings)
        with pytest.raises(NetworkError, match="timed out"):
            client.request("GET", f"http://{host}/v2/", {})


LAST_WORD = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("parting", [b"", LAST_WORD], ids=["closed", "closed with a last word"])
def test_a_kept_connection_that_the_other_side_has_given_up_costs_nothing(parting: bytes) -> None:
    """HAProxy and others say 408 before they close a connection that nobody used: it answers no request."""
    answered: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for last_word in (parting, b""):
                connection, _ = server.accept()
                with connection:
                    answered.append(connection.recv(4096))
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + last_word)
                if last_word is parting:
                    closed.set()

        closed = threading.Event()
        threading.Thread(target=serve, daemon=True).start()
        host = f"127.0.0.1:{server.getsockname()[1]}"
        client = Client(Options(attempts=1, plain_http=frozenset({host})))
        assert client.request("GET", f"http://{host}/1", {}).status == 200
        assert closed.wait(10)
        assert client.request("GET", f"http://{host}/2", {}).status == 200
    assert len(answered) == 2


def test_connections_are_opened_ahead_once_for_all_merges_of_a_batch() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        origin = origin_of(f"http://127.0.0.1:{server.getsockname()[1]}")
        connections = Connections(Options())
        opened = Semaphore(0)
        give = connections.give

        def count_it(origin: Origin, connection: HTTPConnection) -> None:
            give(origin, connection)
            opened.release()

        connections.give = count_it  # type: ignore[method-assign]  # to wait for the threads
        for count in (4, 2, 4, 6, 6):
            connections.warm(origin, count)
        for _ in range(6):
            assert opened.acquire(timeout=10)
        assert len(connections._idle[origin]) == 6
        connections.close()


def test_a_docker_list_with_annotations_is_refused_before_anything_is_sent() -> None:
    source = Source("h.example/a:1", "linux/amd64")
    for request in (
        MergeRequest("h.example/a:2", [source], kind="docker", annotations={"a": "b"}),
        MergeRequest("h.example/a:2", [source._replace(annotations={"a": "b"})], kind="docker"),
    ):
        with pytest.raises(UsageError, match="can't carry annotations"):
            request.check()


@pytest.mark.parametrize("said", ["Name or service not known", "Name does not resolve", "Temporary failure"])
def test_a_host_without_an_address_is_told_with_a_fix_that_is_right_for_any_registry(
    monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """glibc and musl word it unlike each other; the project's own registry is no help for docker.io."""

    def nowhere(*_args: object, **_more: object) -> None:
        raise socket.gaierror(-2, said)

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    environ = {"HOME": "/nonexistent", "CI_REGISTRY": "registry.example.com"}
    with Session(Options(attempts=1), environ=environ) as session, pytest.raises(NetworkError) as raised:
        session.registry("docker.io").manifest("library/python", "3.13")
    assert "check the host name" in raised.value.fix
    assert "registry.example.com" not in str(raised.value)
    assert "CI_REGISTRY" not in str(raised.value)
