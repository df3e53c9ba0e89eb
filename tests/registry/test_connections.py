"""Credentials, redirects, TLS, proxies: how the registry is reached."""

from __future__ import annotations

import base64
import json
import os
import select
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from archmerge.packaging.make_zipapp import build
from archmerge.transport.connections import Connections, Options, origin_of
from tests.registry.lab import daemon, faults, images
from tests.registry.lab.images import image
from tests.registry.lab.proxy import Call, Proxy
from tests.registry.lab.push import Pusher
from tests.registry.lab.tokens import PASSWORD, REFRESH, USER
from tests.registry.lab.workbench import Workbench, clean_environment, run

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
BOTH = "linux/amd64,linux/arm64"


def _docker_config(home: Path, document: dict[str, Any]) -> None:
    (home / ".docker").mkdir()
    (home / ".docker/config.json").write_text(json.dumps(document))


@pytest.fixture
def no_pair(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    monkeypatch.delenv("ARCHMERGE_PASSWORD")
    monkeypatch.delenv("ARCHMERGE_USERNAME")
    return bench


def test_an_identity_token_is_exchanged_by_post(no_pair: Workbench, tmp_path: Path) -> None:
    _docker_config(tmp_path, {"auths": {no_pair.host: {"identitytoken": REFRESH}}})
    repository = no_pair.name()
    template = no_pair.pair(repository, apart=True)
    no_pair.tokens.asked.clear()
    ran = no_pair.merge(template, f"{repository}:1")
    assert ran.code == 0, ran.err
    assert no_pair.tokens.asked[0]["grant_type"] == ["refresh_token"]
    assert len(no_pair.tokens.asked) == 1


def test_a_token_endpoint_without_post_gets_the_password(no_pair: Workbench, tmp_path: Path) -> None:
    entry = {"identitytoken": "x", "username": USER, "password": PASSWORD}
    _docker_config(tmp_path, {"auths": {no_pair.host: entry}})
    no_pair.tokens.post_allowed = False
    repository = no_pair.name()
    assert no_pair.merge(no_pair.pair(repository, apart=False), f"{repository}:1").code == 0


def test_a_registry_token_is_used_as_it_is(no_pair: Workbench, tmp_path: Path) -> None:
    repository = no_pair.name()
    template = no_pair.pair(repository, apart=False)
    token = no_pair.tokens.everything(repository).removeprefix("Bearer ")
    _docker_config(tmp_path, {"auths": {no_pair.host: {"registrytoken": token}}})
    no_pair.tokens.asked.clear()
    assert no_pair.merge(template, f"{repository}:1").code == 0
    assert no_pair.tokens.asked == []


def test_without_credentials_the_error_says_where_they_were_looked_for(no_pair: Workbench) -> None:
    repository = no_pair.name()
    ran = no_pair.merge(no_pair.pair(repository, apart=False), f"{repository}:1")
    assert ran.code == 5
    assert f"no credentials for {no_pair.host} were found" in ran.err


def test_a_wrong_password_is_neither_retried_nor_shown(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = bench.name()
    template = bench.pair(repository, apart=False)
    monkeypatch.setenv("ARCHMERGE_PASSWORD", "wrong-secret-4711")
    bench.tokens.asked.clear()
    ran = bench.merge(template, f"{repository}:1", "--debug")
    assert ran.code == 5
    assert len(bench.tokens.asked) == 1
    assert "4711" not in ran.err + ran.out
    assert base64.b64encode(f"{USER}:wrong-secret-4711".encode()).decode() not in ran.err


def test_debug_output_holds_no_token(bench: Workbench) -> None:
    repository = bench.name()
    template = bench.pair(repository, apart=True)
    bench.proxy.reset()
    ran = bench.merge(template, f"{repository}:1", "--debug")
    tokens = {request.authorization.rpartition(" ")[2] for request in bench.proxy.seen} - {""}
    assert ran.code == 0
    assert len(tokens) == 2
    assert not any(token in ran.err for token in tokens)


@pytest.fixture
def elsewhere(bench: Workbench) -> Iterator[Proxy]:
    """Another host, which serves the registry's content, and remembers who showed it credentials."""
    other = Proxy(bench.daemon.host)
    yield other
    other.close()


def test_authorization_does_not_follow_to_another_host(bench: Workbench, elsewhere: Proxy) -> None:
    repository = bench.name()
    template = bench.pair(repository, apart=True)
    shown: list[str | None] = []

    def as_storage(call: Call) -> bool:
        shown.append(call.headers.get("Authorization"))
        call.headers["Authorization"] = bench.tokens.everything(
            repository, f"{repository}-amd64", f"{repository}-arm64"
        )
        return False

    def astray(call: Call) -> bool:
        if call.kind == "mount":
            return call.answer(405)
        moved = call.kind in ("manifest-get", "blob-get")
        return moved and call.answer(307, {"Location": f"{elsewhere.base}{call.path}"})

    def uploads(call: Call, code: int, headers: faults.Headers, body: bytes) -> tuple[int, faults.Headers, bytes]:
        if call.kind == "upload-start":
            headers = [(k, v.replace(bench.host, elsewhere.host) if k == "Location" else v) for k, v in headers]
        return code, headers, body

    elsewhere.fault, bench.proxy.fault, bench.proxy.alter = as_storage, astray, uploads
    ran = bench.run(
        "push", "--template", template, "--platforms", BOTH, "--target", f"{bench.host}/{repository}:1",
        f"--plain-http={elsewhere.host}",
    )  # fmt: skip
    bench.proxy.reset()
    assert ran.code == 0, ran.err
    kinds = {request.kind for request in elsewhere.seen}
    assert kinds == {"manifest-get", "blob-get", "upload"}
    assert set(shown) == {None}
    assert bench.digest_of(repository, "1") == ran.digest


def test_a_batch_of_more_repositories_than_a_token_carries_mounts_all_its_blobs(
    bench: Workbench, tmp_path: Path
) -> None:
    """A mount needs one token for both repositories: each token for targets carries their sources, too."""
    repository = bench.name()
    template = bench.pair(repository, apart=True)
    merges = [
        {"template": template, "platforms": BOTH.split(","), "target": f"{bench.host}/{repository}/n{number}:1"}
        for number in range(30)
    ]
    (tmp_path / "batch.json").write_text(json.dumps(merges))
    bench.tokens.asked.clear()
    bench.proxy.reset()
    ran = bench.run("push", "--batch", str(tmp_path / "batch.json"))
    assert ran.code == 0, ran.err
    assert {request.status for request in bench.proxy.seen if request.kind == "mount"} == {201}
    assert len(bench.tokens.asked) == 2
    assert bench.proxy.connections < 100  # 64 requests at once, and what was opened ahead of them


@pytest.mark.parametrize("moved", ["manifest-get", "blob-get"])
def test_a_storage_host_that_asks_for_credentials_gets_none(bench: Workbench, elsewhere: Proxy, moved: str) -> None:
    """Only the registry itself may say where credentials are to be sent; not whom it redirects to."""
    repository = bench.name()
    template = bench.pair(repository, apart=False)
    shown: list[str] = []

    def thief(call: Call) -> bool:
        shown.append(call.headers.get("Authorization") or "")
        if call.path.startswith("/steal"):
            return call.answer(200, {}, b'{"token": "x"}')
        return call.answer(401, {"WWW-Authenticate": f'Bearer realm="{elsewhere.base}/steal",service="s"'})

    elsewhere.fault = thief
    bench.proxy.fault = lambda call: (
        call.kind == moved and call.answer(307, {"Location": f"{elsewhere.base}{call.path}"})
    )
    ran = bench.run(
        "push", "--template", template, "--platforms", BOTH, "--target", f"{bench.host}/{repository}:1",
        f"--plain-http={elsewhere.host}",
    )  # fmt: skip
    assert ran.code == 5, ran.err
    assert shown
    assert set(shown) == {""}


def test_relative_locations_and_their_queries_are_kept(bench: Workbench) -> None:
    repository = bench.name()
    template = bench.pair(repository, apart=True)
    bench.proxy.alter = lambda call, *answer: (
        faults.RELATIVE_LOCATION.after(call, *answer) if faults.RELATIVE_LOCATION.after else answer
    )
    bench.proxy.fault = lambda call: call.kind == "mount" and call.answer(405)
    ran = bench.merge(template, f"{repository}:1")
    bench.proxy.reset()
    assert ran.code == 0, ran.err
    assert "copied:" in ran.err


def test_plain_http_is_spoken_with_named_hosts_only(bench: Workbench) -> None:
    ran = run("inspect", f"{bench.host}/app:1", "--retries", "0", "--plain-http=other:5000")
    assert ran.code == 7
    assert f"https://{bench.host}" in ran.err
    assert f"--plain-http={bench.host}" in ran.err  # advised for this machine only


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    if subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode:
        pytest.skip("openssl is not installed")
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def basic(
    tls: tuple[Path, Path], debian: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[daemon.Daemon, Path]]:
    """A registry with TLS of its own CA and Basic authentication, as ECR and Nexus have it."""
    clean_environment(monkeypatch, tmp_path)
    # bcrypt of "secret", as `htpasswd -B` writes it
    users = tmp_path / "htpasswd"
    users.write_text("builder:$2b$10$AtUd5cUvyrc9dyiujUZm1.n8Cm1ZNJvQbUK7P3pHOFSxhYC9Iq6Gu\n")
    running = daemon.start(debian.program, tmp_path / "registry", tls=tls)
    yield running, tls[0]
    running.stop()


def test_tls_needs_a_trusted_ca_and_takes_one(basic: tuple[daemon.Daemon, Path]) -> None:
    running, certificate = basic
    refused = run("inspect", f"{running.host}/app:1", "--retries", "0")
    assert refused.code == 7
    assert "--cacert" in refused.err
    trusted = run("inspect", f"{running.host}/app:1", "--cacert", str(certificate))
    assert trusted.code == 3, trusted.err  # reached, and there is no such image
    unchecked = run("inspect", f"{running.host}/app:1", f"--insecure={running.host}")
    assert unchecked.code == 3, unchecked.err


def test_a_tls_connection_opened_ahead_is_used_though_session_tickets_wait(basic: tuple[daemon.Daemon, Path]) -> None:
    running, certificate = basic
    connections = Connections(Options(cacert=str(certificate)))
    origin = origin_of(f"https://{running.host}")
    ahead = connections.open(origin, 10)
    assert select.select([ahead.sock], [], [], 5)[0], "the tickets of TLS 1.3 did not come"
    connections.give(origin, ahead)
    assert connections.take(origin) is ahead
    connections.close()


def test_gitlabs_ca_variable_is_trusted(basic: tuple[daemon.Daemon, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    running, certificate = basic
    monkeypatch.setenv("CI_SERVER_TLS_CA_FILE", str(certificate))
    assert run("inspect", f"{running.host}/app:1").code == 3


def test_proxies_are_used_and_no_proxy_is_kept(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = bench.name()
    template = bench.pair(repository, apart=False)
    passed: list[str] = []
    via = Proxy(bench.proxy.host)

    def forward(call: Call) -> bool:
        passed.append(call.path)
        call.path = call.path.replace(bench.proxy.base, "")
        return False

    via.fault = forward
    monkeypatch.setenv("http_proxy", f"http://user:pa%20ss@{via.host}")
    assert bench.merge(template, f"{repository}:1").code == 0
    assert len(passed) == len([p for p in passed if p.startswith(bench.proxy.base)]) > 5
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    passed.clear()
    assert bench.merge(template, f"{repository}:2").code == 0
    assert passed == []
    via.close()


def test_tls_goes_through_a_tunnel_of_the_proxy(
    basic: tuple[daemon.Daemon, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    running, certificate = basic
    asked: list[str] = []

    def tunnel(client: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(4096)
        asked.append(head.decode())
        with socket.create_connection(running.host.split(":")) as there:  # type: ignore[arg-type]  # host and port
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            ways = {client: there, there: client}
            while ready := select.select(list(ways), [], [], 10)[0]:
                for one in ready:
                    if not (piece := one.recv(65536)):
                        return
                    ways[one].sendall(piece)

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        threading.Thread(target=lambda: tunnel(server.accept()[0]), daemon=True).start()
        monkeypatch.setenv("https_proxy", f"http://me:pa%3Ass@127.0.0.1:{port}")
        ran = run("inspect", f"{running.host}/app:1", "--cacert", str(certificate))
    assert ran.code == 3, ran.err  # reached, and there is no such image
    assert asked[0].startswith(f"CONNECT {running.host} HTTP/1.")
    assert base64.b64encode(b"me:pa:ss").decode() in asked[0]


def test_a_proxy_that_is_not_there_is_named(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://me:hunter2@127.0.0.1:9")
    ran = bench.run("inspect", f"{bench.host}/app:1", "--retries", "0")
    assert ran.code == 7
    assert "by the proxy 127.0.0.1:9 of http_proxy" in ran.err
    assert "hunter2" not in ran.err


def test_another_registry_is_streamed_from_in_under_40_mib(bench: Workbench, newest: Workbench, tmp_path: Path) -> None:
    """Layers of 48 MiB of noise, four at once, from one registry to another: memory does not follow their size."""
    repository = bench.name()
    for arch in ("amd64", "arm64"):
        base = image(arch, seed="big", layers=1)
        noise = [os.urandom(48 << 20) for _ in range(2)]
        body = json.loads(base.body)
        body["layers"] += [images.descriptor(blob, "application/vnd.oci.image.layer.v1.tar") for blob in noise]
        made = images.Image(json.dumps(body).encode(), base.media_type, (*base.blobs, *noise))
        newest.push(repository, made, f"1-{arch}")
    pyz = build(tmp_path / "archmerge.pyz", f"{sys.executable} -IS")
    auth = {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
    _docker_config(tmp_path, {"auths": {bench.host: auth, newest.host: auth}})
    # VmHWM, not ru_maxrss: the latter is inherited from the process that started this one.
    peak = "import os,sys,runpy\nos._exit = sys.exit\ntry:\n runpy.run_path(sys.argv.pop(1), run_name='__main__')\n"
    peak += "finally:\n"
    peak += " print([l.split()[1] for l in open('/proc/self/status') if 'VmHWM' in l][0])\n"
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        peak,
        str(pyz),
        f"--plain-http={bench.host}",
        f"--plain-http={newest.host}",
    ]
    command += ["push", "--template", f"{newest.host}/{repository}:1-ARCH", "--platforms", BOTH]
    command += ["--target", f"{bench.host}/{repository}:1"]
    ran = subprocess.run(
        command, env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]}, capture_output=True, check=False, timeout=120
    )
    assert ran.returncode == 0, ran.stderr.decode()
    assert b"copied: 192.0 MiB" in ran.stderr
    assert int(ran.stdout.split()[-1]) < 40 << 10, ran.stdout


@pytest.mark.parametrize("interpreter", ["", f"{sys.base_prefix}/bin/python3 -IS"], ids=["sources", "byte code"])
def test_the_zipapp_runs_with_nothing_but_python(bench: Workbench, tmp_path: Path, interpreter: str) -> None:
    repository = bench.name()
    template = bench.pair(repository, apart=True)
    pyz = build(tmp_path / "archmerge.pyz", interpreter)
    assert pyz.read_bytes() == build(tmp_path / "again.pyz", interpreter).read_bytes()
    assert pyz.stat().st_size < (300_000 if interpreter else 500_000)
    # The base interpreter, not the virtual environment's; no site-packages, no environment, no user directory.
    python = Path(sys.base_prefix) / "bin/python3"
    command = [str(python), "-S", "-E", "-I", str(pyz), f"--plain-http={bench.host}", "push", "--platforms", BOTH]
    command += ["--template", template, "--target", f"{bench.host}/{repository}:1"]
    environ = {"ARCHMERGE_USERNAME": USER, "ARCHMERGE_PASSWORD": PASSWORD}
    ran = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr.decode()
    assert ran.stdout.decode().strip() == bench.digest_of(repository, "1")


def test_distribution_3_and_2_8_2_give_the_same_digest(bench: Workbench, newest: Workbench) -> None:
    digests = []
    for where in (bench, newest):
        pusher = Pusher(where.daemon.base, where.tokens.everything("same/app"))
        for arch in ("amd64", "arm64"):
            pusher.push("same/app", image(arch, seed="same"), f"1-{arch}")
        digests.append(where.merge(f"{where.host}/same/app:1-ARCH", "same/app:1").digest)
    assert digests[0] == digests[1]
