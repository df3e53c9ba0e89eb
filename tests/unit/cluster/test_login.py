"""A kubeconfig's login works as kubectl's does; one that fails is told with its reason, and nothing goes on without."""

import base64
import json
import os
import select
import signal
import subprocess
import sys
import textwrap
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from components.kubeconfig_files import KubeconfigError, read_kubeconfig
from multiarch.cluster.connection import Connection
from multiarch.cluster.errors import LoginError
from multiarch.cluster.login import Credential, Plugin, log_in, read_credential
from multiarch.cluster.settings import settings_of
from multiarch.rehearse.control_plane.pki import Authority

CA = Authority("ca").certificate
V1 = "client.authentication.k8s.io/v1"
ROOT = Path(__file__).resolve().parents[3]


def kubeconfig(folder: Path, user: dict[str, Any] | None, server: str = "https://127.0.0.1:9", **cluster: Any) -> Path:
    path = folder / "config"
    document = {
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [] if user is None else [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(json.dumps(document))
    return path


def program(folder: Path, source: str, name: str = "login") -> str:
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{textwrap.dedent(source)}")
    path.chmod(0o755)
    return str(path)


def by(command: str, **more: Any) -> dict[str, Any]:
    return {"exec": {"apiVersion": V1, "command": command, "interactiveMode": "Never", **more}}


def plugin(command: str = "login", **more: Any) -> Plugin:
    return Plugin.of(by(command, **more)["exec"], {})


GIVES = """
    import json, os, sys
    status = json.loads(os.environ.get("STATUS", '{"token": "t0ken"}'))
    asked = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
    if os.environ.get("SEEN"):
        open(os.environ["SEEN"], "w").write(json.dumps({"argv": sys.argv[1:], "asked": asked}))
    print(json.dumps({"apiVersion": asked["apiVersion"], "kind": "ExecCredential", "status": status}))
"""


def env(**variables: Any) -> dict[str, Any]:
    return {"env": [{"name": name, "value": str(value)} for name, value in variables.items()]}


def test_a_login_program_gives_the_token_that_requests_carry(tmp_path: Path) -> None:
    settings = settings_of(kubeconfig(tmp_path, by(program(tmp_path, GIVES))), "x")
    assert settings.get_api_key_with_prefix("BearerToken") == "Bearer t0ken"


def test_a_program_with_a_path_is_relative_to_the_kubeconfig_and_not_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, GIVES)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    settings = settings_of(kubeconfig(tmp_path, by("./login")), "x")
    assert settings.get_api_key_with_prefix("BearerToken") == "Bearer t0ken"


def test_the_program_gets_its_arguments_and_the_cluster_only_if_it_asks(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(CA)
    cluster: dict[str, Any] = {
        "certificate-authority": "ca.pem",
        "tls-server-name": "name",
        "extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"audience": "a"}}],
    }
    seen = tmp_path / "seen"
    user = by(program(tmp_path, GIVES), args=["--id", "7"], **env(SEEN=seen))
    settings_of(kubeconfig(tmp_path, user, **cluster), "x")
    told = json.loads(seen.read_text())
    assert told == {
        "argv": ["--id", "7"],
        "asked": {"apiVersion": V1, "kind": "ExecCredential", "spec": {"interactive": False}},
    }
    user["exec"]["provideClusterInfo"] = True
    settings_of(kubeconfig(tmp_path, user, **cluster), "x")
    assert json.loads(seen.read_text())["asked"]["spec"]["cluster"] == {
        "server": "https://127.0.0.1:9",
        "tls-server-name": "name",
        "certificate-authority-data": base64.b64encode(CA).decode(),
        "config": {"audience": "a"},
    }


def test_a_certificate_with_its_key_is_a_login_too() -> None:
    status = {"clientCertificateData": "CERT", "clientKeyData": "KEY"}
    read = read_credential(json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": status}), plugin())
    assert {key: base64.b64decode(value) for key, value in read.user().items()} == {
        "client-certificate-data": b"CERT",
        "client-key-data": b"KEY",
    }
    assert "KEY" not in repr(read)


FAILURES: dict[str, tuple[str, str]] = {
    "it fails": (
        "import sys; sys.exit('line one\\nERROR: token expired, run aws sso login')",
        "exit code 1: ERROR: token",
    ),
    "it says no": ("print('{}')", "answered None None"),
    "it says nothing": ("", "printed no ExecCredential"),
    "it says a list": ("print('[]')", "printed no ExecCredential"),
    "another version": (
        'print(\'{"apiVersion": "client.authentication.k8s.io/v1alpha1", "kind": "ExecCredential"}\')',
        f"the kubeconfig says {V1}",
    ),
    "no status": (f'print(\'{{"apiVersion": "{V1}", "kind": "ExecCredential"}}\')', "returned no status"),
    "half a certificate": (
        f'print(\'{{"apiVersion": "{V1}", "kind": "ExecCredential", "status": {{"clientCertificateData": "x"}}}}\')',
        "neither a token nor a certificate",
    ),
    "a signal": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "signal 9"),
}


@pytest.mark.parametrize("what", FAILURES)
def test_a_login_that_fails_is_told_with_its_reason(what: str, tmp_path: Path) -> None:
    source, reason = FAILURES[what]
    path = kubeconfig(tmp_path, by(program(tmp_path, source)))
    with pytest.raises(LoginError) as told:
        Connection(path, "x")
    assert str(told.value).startswith(f"{path}, context 'x': its login program `login` ")
    assert reason in str(told.value)


@pytest.mark.parametrize(
    ("command", "hint", "said"),
    [
        ("gke-gcloud-auth-plugin", "", "gcloud components install gke-gcloud-auth-plugin"),
        ("gke-gcloud-auth-plugin", "Ask Ann.\n", "is not on PATH. Ask Ann."),
        ("some-login", "", "Install it"),
        ("./some-login", "", "does not exist"),
    ],
)
def test_a_program_that_is_not_installed_is_told_with_how_to_get_it(
    command: str, hint: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LoginError, match=Path(command).name) as told:
        settings_of(kubeconfig(tmp_path, by(command, installHint=hint)), "x")
    assert said in str(told.value)


def test_a_token_in_what_a_program_complains_of_is_not_repeated(tmp_path: Path) -> None:
    token = "glpat-" + "x" * 20
    source = f"import sys; sys.exit('refused: {token}')"
    with pytest.raises(LoginError) as told:
        settings_of(kubeconfig(tmp_path, by(program(tmp_path, source))), "x")
    assert token not in str(told.value)
    assert "refused" in str(told.value)


def test_a_program_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    source = f"""
        import subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
        print("open https://login.example", file=sys.stderr, flush=True)
        open({str(note)!r}, "w").write(str(child.pid))
        child.wait()
    """
    with pytest.raises(LoginError, match=r"did not end within 2 s: open https://login\.example"):
        log_in(plugin(program(tmp_path, source)), 2)
    assert _ends(int(note.read_text()))


def test_a_helper_that_a_program_leaves_behind_is_not_waited_for(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    leaves = f"""
        import subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
        open({str(note)!r}, "w").write(str(child.pid))
    """
    try:
        assert log_in(plugin(program(tmp_path, textwrap.dedent(leaves) + textwrap.dedent(GIVES))), 60).token == "t0ken"
    finally:
        os.kill(int(note.read_text()), signal.SIGKILL)


def test_a_program_that_a_thread_waits_for_does_not_outlive_this_process(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    hanging = program(tmp_path, f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(300)")
    path = kubeconfig(tmp_path, by(hanging))
    script = f"""
import threading, time
from pathlib import Path
from components.kubeconfig_files import KubeconfigError, read_kubeconfig
from multiarch.cluster.connection import Connection
threading.Thread(target=Connection, args=(Path({str(path)!r}), "x"), daemon=True).start()
while not (Path({str(note)!r}).exists() and Path({str(note)!r}).read_text()):
    time.sleep(0.01)
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=60)
    assert _ends(int(note.read_text()))


def _ends(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_program_that_must_ask_is_not_begun_without_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    path = kubeconfig(tmp_path, by(program(tmp_path, GIVES), interactiveMode="Always"))
    with pytest.raises(LoginError, match="asks for input, but there is no terminal"):
        settings_of(path, "x")


def test_with_a_terminal_what_it_asks_is_shown_while_it_waits(tmp_path: Path) -> None:
    """As `kubelogin` does: a code to type in elsewhere. Here the answer is typed into the terminal itself."""
    asks = """
        import os, sys
        print("code ABC, then Enter: ", end="", file=sys.stderr, flush=True)
        os.environ["STATUS"] = '{"token": "%s"}' % sys.stdin.readline().strip()
    """
    whole = textwrap.dedent(asks) + textwrap.dedent(GIVES)
    path = kubeconfig(tmp_path, by(program(tmp_path, whole), interactiveMode="IfAvailable"))
    script = f"""
from pathlib import Path
from multiarch.cluster.settings import settings_of
from multiarch.rehearse.control_plane.pki import Authority
print(settings_of(Path({str(path)!r}), "x").get_api_key_with_prefix("BearerToken"))
"""
    mine, theirs = os.openpty()
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        try:
            assert "Enter: " in _until(mine, "Enter: ")
            os.write(mine, b"typed\n")
            assert "Bearer typed" in _until(mine, "Bearer typed")
        finally:
            process.kill()
    os.close(mine)


def _until(terminal: int, expected: str, seconds: float = 20.0) -> str:
    """Read what a terminal shows until it has what is expected, or until nothing more comes."""
    shown, deadline = "", time.monotonic() + seconds
    while expected not in shown and select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))[0]:
        try:
            shown += os.read(terminal, 4096).decode()
        except OSError:  # all have closed it
            break
    return shown


def test_a_token_is_renewed_when_it_expires_once_for_all_threads(tmp_path: Path) -> None:
    count = tmp_path / "count"
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    source = f"""
        import json
        from pathlib import Path
        count = Path({str(count)!r})
        times = len(count.read_text()) if count.exists() else 0
        count.write_text("x" * (times + 1))
        status = {{"token": f"token{{times}}", "expirationTimestamp": {soon!r} if times == 0 else {later!r}}}
        print(json.dumps({{"apiVersion": {V1!r}, "kind": "ExecCredential", "status": status}}))
    """
    settings = settings_of(kubeconfig(tmp_path, by(program(tmp_path, source))), "x")
    assert settings.api_key["BearerToken"] == "Bearer token0"
    threads = [threading.Thread(target=settings.get_api_key_with_prefix, args=("BearerToken",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert settings.get_api_key_with_prefix("BearerToken") == "Bearer token1"
    assert count.read_text() == "xx"


@pytest.mark.parametrize("spelled", ["2026-11-26T10:00:00Z", "2026-11-26T10:00:00+00:00", "2026-11-26T11:00:00+01:00"])
def test_expiry_is_read_in_every_spelling_of_rfc_3339(spelled: str) -> None:
    document = {"apiVersion": V1, "kind": "ExecCredential", "status": {"token": "t", "expirationTimestamp": spelled}}
    read = read_credential(json.dumps(document), plugin())
    at = datetime(2026, 11, 26, 10, tzinfo=UTC)
    assert read.expires == at
    assert read.stale(at - timedelta(seconds=29))
    assert not read.stale(at - timedelta(seconds=31))
    assert not Credential(token="t").stale(at)


@pytest.mark.parametrize(
    ("user", "said"),
    [
        (None, "there is no user 'u' in it"),
        ({"auth-provider": {"name": "gcp"}}, "gke-gcloud-auth-plugin"),
        ({"auth-provider": {"name": "azure"}}, "kubelogin"),
        ({"auth-provider": {"name": "other"}}, "'other', which is unknown"),
        ({"exec": ["x"]}, "`exec` of its user is a list, not a mapping"),
        ({"exec": {"command": "x"}}, "has no `apiVersion`"),
        ({"exec": {"apiVersion": V1}}, "has no `command`"),
        ({"exec": {"apiVersion": V1, "command": "x", "env": [1]}}, "`args` or `env`"),
        ({"tokenFile": "none"}, "none"),
        ({"client-certificate": "none", "client-key": "none"}, "none"),
    ],
)
def test_a_user_that_gives_no_login_is_an_error_and_nobody_goes_on_as_anonymous(
    user: dict[str, Any] | None, said: str, tmp_path: Path
) -> None:
    with pytest.raises((LoginError, KubeconfigError)) as told:
        Connection(kubeconfig(tmp_path, user), "x")
    assert said in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("text", ["", "[]", "clusters: 7", "a: [", "contexts: [{name: x, context: {cluster: c}}]"])
def test_a_file_that_is_no_kubeconfig_is_told_in_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(KubeconfigError, match=str(path)) as told:
        Connection(path, "x")
    assert "\n" not in str(told.value)
    with pytest.raises(KubeconfigError):
        Connection(tmp_path / "missing", "x")


def test_a_proxy_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="proxy-url"):
        Connection(kubeconfig(tmp_path, {}, "https://k.example", **{"proxy-url": "ftp://proxy.example"}), "x")


def test_files_are_relative_to_the_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("from a file")
    (tmp_path / "ca.pem").write_bytes(CA)
    path = kubeconfig(tmp_path, {"tokenFile": "token"}, **{"certificate-authority": "ca.pem"})
    monkeypatch.chdir("/")
    settings = settings_of(path, "x")
    assert settings.get_api_key_with_prefix("BearerToken") == "Bearer from a file"
    assert settings.ssl_ca_cert == str(tmp_path / "ca.pem")
    assert read_kubeconfig(path).place("x").user == {"tokenFile": str(tmp_path / "token")}


def test_a_token_that_is_stated_goes_before_a_login_program(tmp_path: Path) -> None:
    user = {**by("not-there"), "token": "stated"}
    settings = settings_of(kubeconfig(tmp_path, user), "x")
    assert settings.get_api_key_with_prefix("BearerToken") == "Bearer stated"


def test_requests_of_every_kind_carry_the_login(tmp_path: Path) -> None:
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization") or "")
            body = json.dumps({"gitVersion": "v1.36.3", "items": [], "kind": "NodeList", "apiVersion": "v1"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        path = kubeconfig(tmp_path, by(program(tmp_path, GIVES)), f"http://127.0.0.1:{server.server_address[1]}")
        with Connection(path, "x") as connection:
            assert connection.version() == "1.36.3"
            client.CoreV1Api(connection.api).list_node()
        server.shutdown()
    assert seen == ["Bearer t0ken", "Bearer t0ken"]
