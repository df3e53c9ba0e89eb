"""Every command reaches its cluster in one way: what hangs is given up, what is broken is told."""

import base64
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import serialization

from components.clouds.sections import Access
from components.kubeconfig import check_access
from components.problems import ConfigError
from multiarch import cli
from multiarch.drift.live import check as drift_check
from multiarch.model.plan.model import Plan
from multiarch.rehearse.control_plane.pki import Authority, Identity
from tests.unit.cluster.stubs import arguments, by, headers_only, kubeconfig, nothing, program, server

ROOT = Path(__file__).resolve().parents[3]
COMMANDS = ("doctor", "onboard", "rehearse", "drift")
Run = Callable[[str, Path], Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on the context `x`; a plan, which only drift makes here, has nothing in it."""
    monkeypatch.setattr(drift_check, "plan_stack", lambda _, stack: Plan(stack=stack))
    monkeypatch.setenv("COLUMNS", "4000")
    return lambda command, path: CliRunner().invoke(cli.multiarch, list(arguments(command, path, ROOT)))


def assert_told(result: Result, code: int, *words: str) -> None:
    said = " ".join((result.stdout + result.stderr).split())
    assert result.exit_code == code, said
    for word in words:
        assert word in said
    assert isinstance(result.exception, SystemExit | None), "an exception that nobody foresaw"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_login_program_that_hangs_is_ended_in_every_command(
    command: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("multiarch.cluster.login.UNATTENDED_SECONDS", 1.0)
    monkeypatch.setattr(drift_check, "UNATTENDED_SECONDS", 1.0)
    note = tmp_path / "pid"
    source = f"""
        import subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
        open({str(note)!r}, "w").write(str(child.pid))
        print("waiting for https://login.example, glpat-{"x" * 20}", file=sys.stderr, flush=True)
        child.wait()
    """
    began = time.monotonic()
    result = run(command, kubeconfig(tmp_path, by(program(tmp_path, source))))
    assert time.monotonic() - began < 20
    assert_told(result, 3, "`login` did not end within 1 s: waiting for https://login.example")
    assert "glpat-x" not in result.output
    assert _gone(int(note.read_text()))


def _gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """All limits of a request, a tenth of a second."""
    for name in ("CONNECT_SECONDS", "READ_SECONDS", "FIRST_WORD_SECONDS"):
        monkeypatch.setattr(f"multiarch.cluster.connection.{name}", 0.3)


@pytest.fixture(params=["never answers", "headers and no body", "no handshake", "black hole"])
def hanging(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that accepts and says nothing, one that stops after its headers, and one that never accepts."""
    match request.param:
        case "black hole":
            # A backlog of none, filled: the kernel drops what else wants to connect.
            with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
                port = full.getsockname()[1]
                waiting = [socket.socket() for _ in range(3)]
                for one in waiting:
                    one.settimeout(0)
                    one.connect_ex(("127.0.0.1", port))
                yield f"https://127.0.0.1:{port}"
                for one in waiting:
                    one.close()
        case "headers and no body":
            with server(headers_only) as heard:
                yield heard.url
        case "no handshake":
            with server(nothing) as heard:
                yield heard.url.replace("http://", "https://")
        case _:
            with server(nothing) as heard:
                yield heard.url


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_server_that_hangs_is_given_up_in_every_command(command: str, hanging: str, run: Run, tmp_path: Path) -> None:
    began = time.monotonic()
    result = run(command, kubeconfig(tmp_path, {"token": "t"}, hanging))
    assert time.monotonic() - began < 20
    assert_told(result, 3, "did not answer in time")


def test_every_request_to_a_cluster_has_a_limit() -> None:
    """One place sends requests, and has the limits: a second client would have none."""
    senders = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "multiarch").rglob("*.py")
        if re.search(r"client\.ApiClient\(|load_kube_config|\bApiClient\(\)|config\.new_client", path.read_text())
    ]
    makers = {"multiarch/cluster/connection.py", "multiarch/cluster/settings.py"}
    assert set(senders) <= makers


AUTHORITY = Authority()
PAIR, OTHER = AUTHORITY.client(Identity(user="one")), AUTHORITY.client(Identity(user="two"))


def encoded(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


def encrypted() -> bytes:
    key = serialization.load_pem_private_key(PAIR.key, None)
    kind, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(kind, form, serialization.BestAvailableEncryption(b"password"))


def pair(certificate: bytes, key: bytes) -> dict[str, str]:
    return {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)}


USERS: dict[str, tuple[Any, str]] = {
    "a certificate and no key": ({"client-certificate-data": encoded(PAIR.certificate)}, "no client-key"),
    "a certificate that does not exist": ({"client-certificate": "none.pem", "client-key": "none.pem"}, "none.pem"),
    "a certificate that is a folder": ({"client-certificate": ".", "client-key": "."}, "File does not exist"),
    "a certificate that is no PEM": ({**pair(b"no PEM", PAIR.key)}, "`client-certificate-data` is not PEM"),
    "a certificate that is broken": (
        pair(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", PAIR.key),
        "client-certificate and client-key",
    ),
    "a key of another certificate": (pair(PAIR.certificate, OTHER.key), "key values mismatch"),
    "a key with a password": (pair(PAIR.certificate, encrypted()), "client-certificate and client-key"),
    "a token file that does not exist": ({"tokenFile": "none"}, "none: no such file or directory"),
    "a token file that is a folder": ({"tokenFile": "."}, "is a directory"),
    "a token that is a number": ({"token": 7}, "`token` of its user is a whole number, not a text"),
    "a list for a user": (["token"], "user 'u' is a list, not a mapping"),
    "a login program that is a list": ({"exec": ["x"]}, "`exec` of its user is a list, not a mapping"),
    "groups that are a text": ({"as": "a", "as-groups": "g"}, "`as-groups` of its user is text, not a list"),
    "groups that are numbers": ({"as": "a", "as-groups": [7]}, "`as-groups` is a list of texts"),
    "an extra that is no list": ({"as": "a", "as-user-extra": {"k": "v"}}, "`as-user-extra` a mapping of such lists"),
    "groups and nobody to act as": ({"as-groups": ["g"]}, "`as-groups` and no `as`"),
    "an id and nobody to act as": ({"as-uid": "1", "token": "t"}, "`as-uid` and no `as`"),
}
CLUSTERS: dict[str, tuple[dict[str, Any], str]] = {
    "a CA that is not base64": ({"certificate-authority-data": "%%%"}, "`certificate-authority-data` is not base64"),
    "a CA that is no PEM": ({"certificate-authority-data": "bm8gUEVN"}, "is not PEM in base64"),
    "a CA that is broken": (
        {"certificate-authority-data": encoded(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")},
        "its CA certificate cannot be read",
    ),
    "a CA file that does not exist": ({"certificate-authority": "none.pem"}, "none.pem"),
    "a CA file that is no PEM": ({"certificate-authority": "config"}, "its CA certificate cannot be read"),
    "no server": ({"server": ""}, "its cluster has no server"),
    "a server without a scheme": ({"server": "10.0.0.1:6443"}, "is not a URL"),
    "a server that is a list": ({"server": ["x"]}, "`server` of its cluster is a list, not a text"),
    "a proxy of no known kind": ({"proxy-url": "ftp://proxy.example"}, "its proxy-url is not the URL of a proxy"),
    "a proxy that is no URL": ({"proxy-url": "http://[::1"}, "its proxy-url is not the URL of a proxy"),
    "a proxy that is a list": ({"proxy-url": ["x"]}, "`proxy-url` of its cluster is a list"),
    "a word for yes": ({"insecure-skip-tls-verify": "yes"}, "not true or false"),
}
WHOLE = "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:9'}}]\n"
FILES: dict[str, tuple[bytes | None, str]] = {
    "no file": (None, "no such file or directory"),
    "not UTF-8": (b"\xff\xfe\x00", "it is not valid YAML"),
    "a binary": (bytes(range(256)), "it is not valid YAML"),
    "no YAML": (b"contexts: [", "it is not valid YAML (line 1)"),
    "a date that is none": (b"a: 2024-13-45", "it is not valid YAML"),
    "very deep": (b"[" * 5000, "it is not valid YAML"),
    "a list": (b"- a", "it is a list, not a kubeconfig"),
    "contexts that are a mapping": (b"contexts: {x: {}}", "`contexts` is a mapping, not a list"),
    "no such context": (b"contexts: []", "'x' is not in"),
    "no cluster named": (b"contexts: [{name: x}]", "it names no cluster"),
    "no such cluster": (b"contexts: [{name: x, context: {cluster: c}}]", "there is no cluster 'c' in it"),
    "no such user": (WHOLE.encode() + b"contexts: [{name: x, context: {cluster: c, user: u}}]", "no user 'u' in it"),
    "two of one name": (WHOLE.encode() + b"contexts: [{name: x}, {name: x}]", "two contexts named 'x'"),
    "a cluster's name that is a list": (b"contexts: [{name: x, context: {cluster: [c]}}]", "`cluster` of its context"),
}
BROKEN = (*(f"user: {name}" for name in USERS), *(f"cluster: {name}" for name in CLUSTERS), *FILES, "a folder")


def broken(name: str, folder: Path) -> tuple[Path, str]:
    """Write a broken kubeconfig; return it and what must be said of it."""
    of, _, rest = name.partition(": ")
    if of == "user":
        user, words = USERS[rest]
        return kubeconfig(folder, user), words
    if of == "cluster":
        cluster, words = CLUSTERS[rest]
        return kubeconfig(folder, {"token": "t"}, **cluster), words
    if name == "a folder":
        return folder, "is a directory"
    content, words = FILES[name]
    path = folder / "config"
    if content is not None:
        path.write_bytes(content)
    return path, words


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_kubeconfig_is_told_in_one_message_of_usage_by_every_command(
    name: str, command: str, run: Run, tmp_path: Path
) -> None:
    path, words = broken(name, tmp_path)
    result = run(command, path)
    if ": no such context" in f": {name}" and command == "drift":
        words = "there is no context 'x'"
    assert_told(result, 2, words)
    assert "Traceback" not in result.output
    assert "BEGIN" not in result.output, "no part of a certificate or a key"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_module_for_socks_is_told_with_how_to_get_it(
    command: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("multiarch.cluster.settings.importlib.util.find_spec", lambda _: None)
    path = kubeconfig(tmp_path, {"token": "t"}, "https://k.invalid", **{"proxy-url": "socks5://127.0.0.1:9"})
    assert_told(run(command, path), 2, "speaks SOCKS", "pip install PySocks")


@pytest.mark.parametrize("name", [one for one in BROKEN if one != "no such context"])
def test_up_tells_a_broken_kubeconfig_before_anything_is_declared(name: str, tmp_path: Path) -> None:
    path, words = broken(name, tmp_path)
    if name in UP_LEAVES_TO_THE_PROVIDER:
        check_access(Access(context="x"), (path,))
        return
    with pytest.raises(ConfigError) as told:
        check_access(Access(context="x"), (path,))
    assert words in str(told.value)
    assert "\n" not in str(told.value)


UP_LEAVES_TO_THE_PROVIDER = {
    f"{kind}: {name}"
    for kind, name in (
        ("user", "a certificate that does not exist"),
        ("user", "a certificate that is a folder"),
        ("user", "a certificate that is broken"),
        ("user", "a key of another certificate"),
        ("user", "a key with a password"),
        ("user", "a token file that does not exist"),
        ("user", "a token file that is a folder"),
        ("cluster", "a CA that is broken"),
        ("cluster", "a CA file that does not exist"),
        ("cluster", "a CA file that is no PEM"),
    )
}
"""What only the connection itself reads: the provider is not asked to log in while the program runs."""


def test_a_login_that_fails_leaves_no_line_of_a_library(tmp_path: Path) -> None:
    """The official client logs `ERROR:root:` and goes on as nobody; the report has the program's own words instead."""
    path = kubeconfig(tmp_path, by(program(tmp_path, "import sys; sys.exit('no session')")))
    command = [sys.executable, "-m", "multiarch.cli", *arguments("doctor", path, ROOT)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 3
    assert "no session" in " ".join((done.stdout + done.stderr).split())
    assert "ERROR:" not in done.stdout + done.stderr
