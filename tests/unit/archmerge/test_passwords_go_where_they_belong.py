"""A password or token is seen by hosts that it belongs to, by TLS or where plain HTTP was named; and by no text.

An internet of many hosts in this process: every host, whatever its role, answers as hypothesis says, and all bytes
that arrive anywhere are kept. The registry, its realm, its storage and their redirects may each be anybody.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import re
import socket
import threading
from http.client import HTTPConnection
from typing import TYPE_CHECKING, BinaryIO, NamedTuple
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from archmerge import Options, Session
from archmerge.cli import main
from archmerge.credentials import Credentials, run_helper
from archmerge.errors import ArchmergeError
from archmerge.manifests import Descriptor, Manifest
from archmerge.reference import Digest
from archmerge.session import Hooks
from archmerge.transport.connections import Connections, Origin, origin_of
from archmerge.transport.trust import may_have, related

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PASSWORDS = {"r.example.com": "pw-of-r", "plain.example.org:5000": "pw-of-plain", "10.0.0.5": "pw-of-ten"}
# Written by hand, and not asked of the code under test: whom a registry's password may be shown to, and nobody else.
BELONGS = {
    "r.example.com": {
        "https://r.example.com", "https://r.example.com:8443", "https://auth.example.com", "https://example.com",
        "https://named.example.net",
    },
    "plain.example.org:5000": {
        "http://plain.example.org:5000", "http://plain.example.org:5001", "https://plain.example.org",
        "https://auth.example.org",
    },
    "10.0.0.5": {"https://10.0.0.5", "https://10.0.0.5:8443"},
}  # fmt: skip
PLACES = [
    *sorted({place for places in BELONGS.values() for place in places}),
    "http://r.example.com", "http://r.example.com:8443", "http://auth.example.com", "http://10.0.0.5",
    "https://thief.example", "http://thief.example", "https://r.example.com.thief.example", "https://10.0.0.6",
    "https://127.0.0.1", "http://169.254.169.254", "https://r.example.com@thief.example", "http://auth.example.org",
    "https://named.example.net:444",
]  # fmt: skip
OPTIONS = Options(
    plain_http=frozenset({"plain.example.org:5000"}),
    realms=frozenset({("r.example.com", "named.example.net")}),
    attempts=1,
    deadline=20,
)
BLOB = Descriptor("application/octet-stream", Digest("sha256:" + "a" * 64), 3)


class World(NamedTuple):
    """What the others do. `locations` are led to in turn: by redirects, uploads and mounts."""

    host: str
    challenges: list[str]
    locations: list[str]
    kind: str
    """How the registry's credential is kept: `auth`, `identitytoken` or `registrytoken`."""
    elsewhere: int
    """The status of hosts that are led to."""


class Seen(NamedTuple):
    """A request as it came in."""

    place: str
    text: str


class Internet:
    """Takes every connection, and answers each request as its World says."""

    def __init__(self, world: World) -> None:
        self.world, self.seen = world, list[Seen]()
        self._locations = list(world.locations)
        self._lock = threading.Lock()

    def open(self, origin: Origin) -> HTTPConnection:
        here, there = socket.socketpair()
        threading.Thread(target=self._serve, args=(origin, there), daemon=True).start()
        connection = HTTPConnection(origin.host, origin.port)
        connection.sock = here
        return connection

    def _serve(self, origin: Origin, sock: socket.socket) -> None:
        with sock, sock.makefile("rb") as reading, contextlib.suppress(OSError):
            while head := _head(reading):
                sized = re.search(r"(?i)content-length: *(\d+)", head)
                text = f"{head}\n{reading.read(int(sized[1])).decode()}" if sized else head
                with self._lock:
                    self.seen.append(Seen(f"{origin.scheme}://{origin.netloc}", text))
                    answer = self._answer(origin, text)
                sock.sendall(answer)

    def _answer(self, origin: Origin, text: str) -> bytes:
        method, target, _ = text.split(" ", 2)
        given = re.search(r"(?im)^authorization: *(.*)$", text)
        own = origin.netloc == self.world.host
        if "/token" in target:
            return _http(200, body=json.dumps({"token": f"token-of-{self.world.host}"}))
        if own and not given and self.world.challenges:
            return _http(401, [("WWW-Authenticate", value) for value in self.world.challenges])
        if own and method in ("GET", "HEAD", "POST") and "/v2/x/" in target and self._locations:
            status = 202 if method == "POST" else 307
            return _http(status, [("Location", self._locations.pop(0))])
        if not own and self.world.elsewhere == 307 and self._locations:
            return _http(307, [("Location", self._locations.pop(0))])
        said = {"errors": [{"code": "DENIED", "message": f"not with {given[1] if given else 'nothing'}"}]}
        return _http(self.world.elsewhere, [("WWW-Authenticate", v) for v in self.world.challenges], json.dumps(said))


def _head(reading: BinaryIO) -> str:
    lines = []
    while line := reading.readline().decode().rstrip("\r\n"):
        lines.append(line)
    return "\n".join(lines)


def _http(status: int, headers: list[tuple[str, str]] | None = None, body: str = "{}") -> bytes:
    lines = [f"HTTP/1.1 {status} X", *(f"{k}: {v}" for k, v in headers or []), f"Content-Length: {len(body)}", "", body]
    return "\r\n".join(lines).encode()


def _entry(host: str, kind: str) -> dict[str, str]:
    if kind == "auth":
        return {"auth": base64.b64encode(f"me:{PASSWORDS[host]}".encode()).decode()}
    return {kind: PASSWORDS[host]}


def _forms(secret: str) -> set[str]:
    return {secret, quote(secret, safe=""), base64.b64encode(f"me:{secret}".encode()).decode()}


def everything(world: World) -> tuple[list[Seen], str]:
    """Do all that archmerge does with a registry, in that world: what arrived anywhere, and all that was said."""
    net, said = Internet(world), list[str]()
    environ = {
        "HOME": "/nonexistent",
        "DOCKER_AUTH_CONFIG": json.dumps({"auths": {host: _entry(host, world.kind) for host in PASSWORDS}}),
    }
    manifest = Manifest(b"{}", Digest("sha256:" + "b" * 64), "application/vnd.oci.image.manifest.v1+json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connections, "open", lambda _self, origin, _timeout: net.open(origin))
        hooks = Hooks(trace=said.append, wait=lambda _seconds: None)
        with Session(OPTIONS, environ=environ, hooks=hooks) as session:
            session.registry(world.host).auth.want("x", "pull", "push", mounting=["y"])
            registry = session.registry(world.host)

            def upload(session_url: Callable[[], str]) -> None:
                registry.finish_upload("x", session_url(), BLOB, lambda: io.BytesIO(b"abc"))

            steps: list[Callable[[], object]] = [
                lambda: registry.manifest("x", "1"),
                lambda: registry.small_blob("x", BLOB),
                lambda: registry.open_blob("x", BLOB.digest),
                lambda: registry.has_blob("x", BLOB.digest),
                lambda: upload(lambda: registry.start_upload("x")),
                lambda: upload(lambda: registry.mount("x", BLOB.digest, "y").session),
                lambda: registry.cancel_upload("x", registry.start_upload("x")),
                lambda: registry.put_manifest("x", "1", manifest),
            ]
            for step in steps:
                try:
                    step()
                except ArchmergeError as error:
                    said += [str(error), repr(error), *error.notes]
    return net.seen, "\n".join(said)


def _realm(place: str) -> str:
    return f'Bearer realm="{place}/token",service="s"'


challenges = st.lists(st.just('Basic realm="b"') | st.sampled_from(PLACES).map(_realm), max_size=2)
paths = st.sampled_from(["/v2/x/blobs/uploads/1?_state=a", "/bucket/o?X-Amz-Signature=s", "/token"])
locations = st.lists(st.builds("{}{}".format, st.sampled_from(PLACES), paths), max_size=9)
worlds = st.builds(
    World,
    st.sampled_from(sorted(PASSWORDS)),
    challenges,
    locations,
    st.sampled_from(["auth", "auth", "identitytoken", "registrytoken"]),
    st.sampled_from([200, 201, 307, 401, 403]),
)


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(worlds)
@example(World("r.example.com", [_realm("https://thief.example")], [], "auth", 401))
@example(
    World("r.example.com", [_realm("https://auth.example.com")], ["https://thief.example/v2/x/u"] * 9, "auth", 401)
)
@example(World("r.example.com", ['Basic realm="b"'], ["http://r.example.com/v2/x/u"] * 9, "auth", 201))
@example(World("plain.example.org:5000", [_realm("http://auth.example.org")], [], "identitytoken", 401))
def test_a_password_is_seen_only_where_it_belongs_and_in_no_text(world: World) -> None:
    seen, said = everything(world)
    for host, password in PASSWORDS.items():
        own = f"{'http' if host in OPTIONS.plain_http else 'https'}://{host}"
        everywhere = {own} if world.kind == "registrytoken" else {own, *BELONGS[host]}
        for secret, places in ((password, everywhere), (f"token-of-{host}", {own})):
            for form in _forms(secret):
                shown = {request.place for request in seen if form in request.text}
                assert shown <= places, f"{secret} was shown to {shown - places}"
                assert not any(form in request.text.partition("\n")[0] for request in seen), "it is in a URL"
                assert form not in said


def test_the_internet_of_this_test_sees_passwords_that_do_arrive() -> None:
    """The test above would pass where nothing is sent."""
    seen, _ = everything(World("r.example.com", [_realm("https://auth.example.com")], [], "auth", 201))
    form = base64.b64encode(b"me:pw-of-r").decode()
    assert {request.place for request in seen if form in request.text} == {"https://auth.example.com"}
    assert {request.place for request in seen if "token-of-r" in request.text} == {"https://r.example.com"}


def test_an_upload_that_a_registry_behind_tls_sends_to_http_stays_on_tls() -> None:
    started = ["http://r.example.com/v2/x/blobs/uploads/1?_state=a"] * 30
    seen, said = everything(World("r.example.com", ['Basic realm="b"'], started, "auth", 201))
    puts = [request for request in seen if request.text.startswith("PUT /v2/x/blobs/uploads/1?_state=a")]
    assert {request.place for request in puts} == {"https://r.example.com"}
    assert all("uthorization: Basic" in request.text for request in puts)
    assert "--plain-http" not in said


@pytest.mark.parametrize("world", [
    World("r.example.com", [_realm("http://auth.example.com")], [], "auth", 401),
    World("r.example.com", ['Basic realm="b"'], ["http://storage.example/x"] * 9, "auth", 401),
    World("r.example.com", ['Basic realm="b"'], ["http://r.example.com:8443/x"] * 9, "auth", 401),
])  # fmt: skip
def test_no_message_advises_to_send_a_password_in_clear(world: World) -> None:
    _, said = everything(world)
    assert "not encrypted" in said
    assert "plain-http" not in said


@pytest.mark.parametrize(("host", "hint"), [("127.0.0.1", True), ("registry.example.com", False)])
def test_plain_http_is_advised_only_for_this_machine(host: str, hint: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 - the table
    """Whoever is on the way to another machine can answer without TLS, to be spoken to in clear the next time."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.recv(999)

        threading.Thread(target=answer, daemon=True).start()
        port = server.getsockname()[1]
        connect = socket.create_connection
        monkeypatch.setattr(
            socket, "create_connection", lambda _address, timeout, _source: connect(("127.0.0.1", port), timeout)
        )
        with pytest.raises(ArchmergeError, match="answers without TLS") as caught:
            Connections(Options()).open(origin_of(f"https://{host}:{port}"), 5)
        assert (f"--plain-http={host}:{port}" in str(caught.value)) is hint


@pytest.mark.parametrize(
    ("registry", "realm", "same"),
    [
        ("registry.example.com", "gitlab.example.com", True),
        ("registry-1.docker.io", "auth.docker.io", True),
        ("registry.gitlab.com", "gitlab.com", True),
        ("a.pkg.coding.net", "auth.pkg.coding.net", True),
        ("registry.acme.co.uk", "auth.acme.co.uk", True),
        ("acme.co.uk", "thief.co.uk", False),
        ("acme.gouv.fr", "thief.gouv.fr", False),
        ("mine.azurecr.io", "thief.azurecr.io", False),
        ("registry.a.svc.cluster.local", "auth.b.svc.cluster.local", False),
        ("registry", "auth", False),
        ("example.com", "example.com.thief.net", False),
        ("10.0.0.5", "10.0.0.6", False),
        ("10.1.0.5", "11.1.0.5", False),
        ("::1", "::2", False),
        ("registry.cn-shenzhen.aliyuncs.com", "dockerauth.cn-hangzhou.aliyuncs.com", True),
        ("crpi-x.cn-hangzhou.personal.cr.aliyuncs.com", "dockerauth.cn-hangzhou.aliyuncs.com", True),
        ("registry.cn-hangzhou.aliyuncs.com", "dockerauth.oss-cn-hangzhou.aliyuncs.com", False),
        ("registry.cn-hangzhou.aliyuncs.com", "dockerauth.thief.cn-hangzhou.aliyuncs.com", False),
        ("registry.example.com", "dockerauth.cn-hangzhou.aliyuncs.com", False),
    ],
)
def test_a_realm_belongs_to_a_registry_by_host_or_registrable_domain(registry: str, realm: str, same: bool) -> None:  # noqa: FBT001 - the table
    assert related(registry, realm) is same


hosts = st.sampled_from([urlsplit(place).netloc for place in PLACES])


@given(st.sampled_from(["http", "https"]), hosts, st.sampled_from(["http", "https"]), hosts, st.booleans())
def test_only_named_hosts_ever_get_anything_in_clear(a: str, here: str, b: str, there: str, as_realm: bool) -> None:  # noqa: FBT001 - drawn
    registry, asked = origin_of(f"{a}://{here}"), origin_of(f"{b}://{there}")
    if may_have(registry, asked, OPTIONS, realms=() if as_realm else None) and asked.scheme == "http":
        assert asked.host == "plain.example.org"


def test_the_jobs_own_variables_name_gitlabs_realm() -> None:
    environ = {"HOME": "/nonexistent", "CI_REGISTRY": "hub.example.org", "CI_SERVER_URL": "https://git.example.com"}
    environ |= {"CI_REGISTRY_USER": "me", "CI_REGISTRY_PASSWORD": "p"}
    with Session(Options(), environ=environ) as session:
        authorizer = session.registry("hub.example.org").auth
        credential = authorizer._credential("x")
        assert authorizer._acceptable("https://git.example.com/jwt/auth", credential)
        assert not authorizer._acceptable("https://thief.example.net/jwt/auth", credential)


def test_the_login_of_the_command_line_is_for_the_target_whatever_the_environment_names() -> None:
    environ = {"HOME": "/nonexistent", "ARCHMERGE_REGISTRY": "other.example", "ARCHMERGE_PASSWORD": "p"}
    explicit = Credentials(environ, primary="h.example", explicit=("me", "p"))
    assert [bool(explicit.find(host, "x")) for host in ("h.example", "other.example", "third.example")] == [
        True,
        False,
        False,
    ]
    pair = Credentials({**environ, "ARCHMERGE_USERNAME": "me"}, primary="h.example")
    assert [bool(pair.find(host, "x")) for host in ("h.example", "other.example", "third.example")] == [
        False,
        True,
        False,
    ]


def test_a_login_for_targets_on_several_hosts_is_refused_rather_than_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    merges = [{"target": f"{host}.example/a:1", "sources": [{"image": f"{host}.example/a:2"}]} for host in "ab"]
    (tmp_path / "batch.json").write_text(json.dumps(merges))
    monkeypatch.setenv("ARCHMERGE_PASSWORD", "p")
    assert main(["push", "--batch", str(tmp_path / "batch.json"), "--username", "me"]) == 2
    assert "the targets are on several" in capsys.readouterr().err


def test_a_failing_helpers_answer_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = tmp_path / "docker-credential-lab"
    helper.write_text(
        '#!/bin/sh\ncat > /dev/null\necho \'{"Username":"me","Secret":"hunter2"}\'\necho no keyring >&2\nexit 1\n'
    )
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(ValueError, match="no keyring") as caught:
        run_helper("lab", "h.example")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://me:hunter2@r.example:99999/?s=hunter2", "ftp://me:hunter2@r/x", "https://[::1/x?hunter2"]
)
def test_an_unreadable_address_is_shown_without_what_may_be_secret(url: str) -> None:
    with pytest.raises(ArchmergeError) as caught:
        origin_of(url)
    assert "hunter2" not in str(caught.value)
