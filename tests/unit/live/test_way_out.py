"""The way out takes jobs to the internet, not to this machine; it ends whole, and no password is in what it tells."""

import ipaddress
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archmerge.transport.proxies import Proxy
from multiarch.rehearse.control_plane.errors import StartError
from multiarch.rehearse.live import forward, way_out
from multiarch.rehearse.live.forward import Refused, Request, head_of, parsed, why_refused
from multiarch.rehearse.live.way_out import WayOut

HERE = ipaddress.IPv4Network("127.0.0.0/8")
PODS = ipaddress.IPv4Network("10.231.0.0/16")
ANY = "0.0.0.0"  # noqa: S104 - asked for by a job: the kernel takes it for this machine
PASSWORD = "hunter2-of-the-proxy"


class Server(BaseHTTPRequestHandler):
    """A host of the internet, and at the same time a machine's proxy: it keeps what it was asked."""

    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, str, dict[str, str], bytes]]

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.asked.append((self.command, self.path, dict(self.headers.items()), body))
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def do_CONNECT(self) -> None:
        self.asked.append((self.command, self.path, dict(self.headers.items()), b""))
        if "refused" in self.path:
            self.send_error(407)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.rfile.read(4).upper())
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    handler = type("Handler", (Server,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as one:
        thread = threading.Thread(target=one.serve_forever, daemon=True)
        thread.start()
        yield one
        one.shutdown()


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name.upper()}_PROXY", raising=False)


@pytest.fixture
def behind_a_proxy(server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch) -> ThreadingHTTPServer:
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://user:{PASSWORD}@127.0.0.1:{server.server_port}")
    monkeypatch.setenv("NO_PROXY", "straight.invalid")
    return server


def asked(server: ThreadingHTTPServer) -> list[tuple[str, str, dict[str, str], bytes]]:
    found: list[tuple[str, str, dict[str, str], bytes]] = server.RequestHandlerClass.asked  # type: ignore[attr-defined]  # of the fixture's own class
    return found


def say(way: WayOut, text: str, then: str = "") -> str:
    """Send a request to the proxy, and return all that came back."""
    host, _, port = way.url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(text.replace("\n", "\r\n").encode())
        if then:
            connection.sendall(then.encode())
        parts = list(iter(lambda: connection.recv(65536), b""))
    return b"".join(parts).decode()


@pytest.fixture
def unrefused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The internet of these tests is this machine, to which no job gets otherwise."""
    monkeypatch.setattr(way_out, "why_refused", lambda *_: "")


@pytest.mark.usefixtures("unrefused")
def test_a_request_reaches_its_host_in_the_hosts_own_form(server: ThreadingHTTPServer) -> None:
    where = f"127.0.0.1:{server.server_port}"
    with WayOut("127.0.0.1", HERE) as way:
        told = say(
            way,
            f"POST http://{where}/a?b=c HTTP/1.1\nHost: other\nContent-Length: 4\nProxy-Authorization: x\nX-A: 1\n\n",
            "body",
        )
        seen = way.asked()
    assert told.endswith("hello")
    ((method, path, headers, body),) = asked(server)
    assert (method, path, body) == ("POST", "/a?b=c", b"body")
    assert (headers["Host"], headers["X-A"], headers["Connection"]) == (where, "1", "close")
    assert "Proxy-Authorization" not in headers
    assert (seen.reached, seen.refused, seen.failed) == ({where: 1}, {}, {})


@pytest.mark.usefixtures("unrefused")
def test_no_second_request_follows_the_first_which_nobody_would_have_looked_at() -> None:
    got = b""
    with socket.create_server(("127.0.0.1", 0)) as host:

        def listen() -> None:
            nonlocal got
            connection, _ = host.accept()
            with connection:
                connection.settimeout(0.5)
                with suppress(TimeoutError):
                    while data := connection.recv(65536):
                        got += data
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        where = f"127.0.0.1:{host.getsockname()[1]}"
        with WayOut("127.0.0.1", HERE) as way, suppress(ConnectionResetError):
            say(
                way,
                f"POST http://{where}/ HTTP/1.1\nContent-Length: 4\n\n",
                "bodyGET http://10.0.0.1/ HTTP/1.1\r\n\r\n",
            )
        thread.join(10)
    assert got.endswith(b"\r\n\r\nbody")


@pytest.mark.usefixtures("unrefused")
def test_a_tunnel_carries_bytes_both_ways() -> None:
    with socket.create_server(("127.0.0.1", 0)) as host:

        def echo() -> None:
            connection, _ = host.accept()
            with connection:
                connection.sendall(connection.recv(4).upper())

        threading.Thread(target=echo, daemon=True).start()
        with WayOut("127.0.0.1", HERE) as way:
            told = say(way, f"CONNECT 127.0.0.1:{host.getsockname()[1]} HTTP/1.1\n\n", "ping")
    assert told.startswith("HTTP/1.1 200 ")
    assert told.endswith("\r\n\r\nPING")


def test_it_goes_on_by_the_machines_proxy_with_its_password_and_tells_nobody(
    behind_a_proxy: ThreadingHTTPServer,
) -> None:
    with WayOut("127.0.0.1", HERE) as way:
        told = [
            say(way, "GET http://user:pw@apt.invalid/x HTTP/1.1\nHost: apt.invalid\n\n"),
            say(way, "CONNECT pypi.invalid:443 HTTP/1.1\n\n", "ping"),
            say(way, "CONNECT refused.invalid:443 HTTP/1.1\n\n"),
        ]
        seen = way.asked()
    assert told[0].endswith("hello")
    assert told[1].endswith("PING")
    assert told[2].startswith("HTTP/1.1 502 ")
    assert "407" in told[2]
    assert [one[:2] for one in asked(behind_a_proxy)] == [
        ("GET", "http://apt.invalid/x"), ("CONNECT", "pypi.invalid:443"), ("CONNECT", "refused.invalid:443"),
    ]  # fmt: skip
    assert all(one[2]["Proxy-Authorization"].startswith("Basic ") for one in asked(behind_a_proxy))
    assert list(seen.reached) == ["apt.invalid:80", "pypi.invalid:443"]
    everything = " ".join([*told, str(seen), str(way.variables())])
    assert PASSWORD not in everything
    assert "pw" not in str(seen)


def test_a_host_of_no_proxy_does_not_go_by_the_machines_proxy(behind_a_proxy: ThreadingHTTPServer) -> None:
    with WayOut("127.0.0.1", HERE) as way:
        assert say(way, "GET http://straight.invalid/ HTTP/1.1\n\n").startswith("HTTP/1.1 502 ")
        assert [one.partition(" ")[0] for one in way.asked().failed] == ["straight.invalid:80:"]
    assert asked(behind_a_proxy) == []


@pytest.mark.parametrize("target", ["127.0.0.1", "localhost", "169.254.169.254", ANY, "[::1]", "[::ffff:7f00:1]"])
@pytest.mark.parametrize("behind", [False, True])
def test_no_job_gets_to_this_machine_or_to_where_credentials_are(
    request: pytest.FixtureRequest, target: str, *, behind: bool
) -> None:
    if behind:
        request.getfixturevalue("behind_a_proxy")
    with WayOut("127.0.0.1", HERE) as way:
        for text in (f"GET http://{target}:6443/ HTTP/1.1\n\n", f"CONNECT {target}:6443 HTTP/1.1\n\n"):
            assert say(way, text).startswith("HTTP/1.1 403 ")
        assert (way.asked().reached, sum(way.asked().refused.values())) == ({}, 2)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", ANY, "::", "169.254.169.254", "fe80::1%eth0",
        "::ffff:169.254.169.254", "10.231.0.1", "10.231.2.7", "::ffff:10.231.2.7", "224.0.0.1", "255.255.255.255",
    ],
)  # fmt: skip
def test_an_address_is_judged_after_its_name_was_resolved(address: str) -> None:
    assert why_refused(address, PODS)


@pytest.mark.parametrize("address", ["203.0.113.9", "10.20.0.1", "2001:db8::7", "::ffff:203.0.113.9"])
def test_other_hosts_are_not_refused(address: str) -> None:
    assert why_refused(address, PODS) == ""


def test_every_clouds_metadata_server_is_refused() -> None:
    assert forward._METADATA
    assert all(why_refused(str(one[0]), PODS) for one in forward._METADATA)


def test_an_address_of_this_machine_is_refused_wherever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert forward.is_own("127.0.0.1")
    assert not forward.is_own("203.0.113.9")
    monkeypatch.setattr(forward, "is_own", lambda address: address == "203.0.113.9")
    assert "this machine" in why_refused("203.0.113.9", PODS)


def test_nobody_but_the_bridges_own_is_served() -> None:
    with WayOut("127.0.0.1", PODS) as way:
        told = ""
        with suppress(ConnectionResetError):
            told = say(way, "GET http://127.0.0.1:1/ HTTP/1.1\n\n")
        assert (told, way.asked().refused) == ("", {})


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("GET / HTTP/1.1\nHost: a\n\n", 400),
        ("GET https://a.example/ HTTP/1.1\n\n", 400),
        ("GET ftp://a.example/ HTTP/1.1\n\n", 400),
        ("CONNECT a.example HTTP/1.1\n\n", 400),
        ("CONNECT a.example:99999 HTTP/1.1\n\n", 400),
        ("hello\n\n", 400),
        ("POST http://a.example/ HTTP/1.1\nTransfer-Encoding: chunked\n\n", 411),
        ("POST http://a.example/ HTTP/1.1\nContent-Length: 1\nContent-Length: 2\n\n", 411),
        ("POST http://a.example/ HTTP/1.1\nContent-Length: " + "9" * 5000 + "\n\n", 411),
        ("GET http://a..example/ HTTP/1.1\n\n", 502),
    ],
)
def test_what_is_no_request_for_a_proxy_is_answered_in_words(text: str, status: int) -> None:
    with WayOut("127.0.0.1", HERE) as way:
        assert say(way, text).startswith(f"HTTP/1.1 {status} ")


@given(st.binary(max_size=300) | st.builds(lambda one: b"GET http://" + one + b" HTTP/1.1", st.binary(max_size=40)))
def test_whatever_is_sent_is_a_request_or_refused_and_never_more_than_one_request(head: bytes) -> None:
    try:
        found = parsed(head + b"\r\n\r\n")
    except Refused:
        return
    for proxy in (None, Proxy("p", 1, {"Proxy-Authorization": "Basic x"}, "http_proxy")):
        sent = head_of(found, proxy)
        assert sent.count(b"\r\n\r\n") == (0 if found.tunnel and proxy is None else 1)
        assert b"\n" not in sent.replace(b"\r\n", b"")


def test_a_request_to_a_proxy_keeps_its_url_and_one_to_a_host_its_path() -> None:
    request = Request(method="GET", host="a.example", port=8080, tunnel=False, target="/x", headers=("X: 1",))
    proxy = Proxy("p", 3128, {"Proxy-Authorization": "Basic x"}, "http_proxy")
    host, rest = b"Host: a.example:8080\r\nX: 1\r\n", b"Connection: close\r\n\r\n"
    login = b"Proxy-Authorization: Basic x\r\n"
    assert head_of(request, proxy) == b"GET http://a.example:8080/x HTTP/1.1\r\n" + host + login + rest
    assert head_of(request, None) == b"GET /x HTTP/1.1\r\n" + host + rest


def test_jobs_get_both_spellings_and_reach_the_cluster_and_the_registry_straight() -> None:
    with WayOut("127.0.0.1", HERE) as way:
        found = way.variables(["gitlab.lab.example"])
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        assert found[name] == found[name.lower()]
    assert found["HTTPS_PROXY"] == way.url
    assert {"127.0.0.1", "10.96.0.0/16", "gitlab.lab.example"} <= set(found["NO_PROXY"].split(","))


def test_a_proxy_of_the_machine_that_cannot_be_used_is_told_before_anything_listens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"socks5://user:{PASSWORD}@proxy.example:1080")
    with pytest.raises(StartError, match=r"no way out.*HTTPS_PROXY.*socks5://proxy.example:1080") as told:
        WayOut("127.0.0.1", HERE).start()
    assert PASSWORD not in str(told.value)


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(StartError, match="no way out"):
        WayOut("127.0.0.1", HERE, taken.getsockname()[1]).start()


def test_it_ends_with_what_still_waits_and_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    way = WayOut("127.0.0.1", HERE)
    way.start()
    host, _, port = way.url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5) as waits:
        waits.sendall(b"GET http://a.example/ HT")
        way.stop()
        way.stop()
        assert waits.recv(10) == b""
    assert not way._thread.is_alive()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((host, int(port)), timeout=5)
    assert capfd.readouterr() == ("", "")
