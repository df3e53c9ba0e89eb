"""What a hostile server answers and a token file holds stands in no output of a command that asks a cluster."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from ops import cli

CORE = "Xq7" + "Zr4vT9bL2m" * 5
PLANTED = (CORE[:20], "hunter22", "swordfish1", "Traceback")


class _Echoing(http.server.BaseHTTPRequestHandler):
    """Tells its version; refuses the rest with the caller's own login and more secrets in its words."""

    def do_GET(self) -> None:
        login = self.headers.get("Authorization")
        said = f"no: {login} password=hunter22 https://u:{CORE}@h glrt-{CORE} swordfish1"
        refused = {"kind": "Status", "status": "Failure", "reason": "Forbidden", "code": 403, "message": said}
        good = self.path.startswith("/version")
        body = json.dumps({"gitVersion": "v1.34.0"} if good else refused).encode()
        self.send_response(200 if good else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the library's name

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Iterator[Path]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Echoing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (tmp_path / "token").write_text(f"plain-{CORE}\n")
        document = {
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
            "users": [{"name": "u", "user": {"tokenFile": "token"}}],
            "contexts": [{"name": "it", "context": {"cluster": "c", "user": "u"}}],
        }
        (tmp_path / "config").write_text(yaml.safe_dump(document))
        yield tmp_path / "config"
        server.shutdown()


@pytest.mark.parametrize("machine", [(), ("--json", "-")])
@pytest.mark.parametrize("command", [("doctor",), ("onboard", "--look-only")])
def test_no_secret_of_a_servers_answer_or_a_token_file_is_in_any_output(
    kubeconfig: Path, command: tuple[str, ...], machine: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("X_TOKEN", "swordfish1")
    monkeypatch.setenv("COLUMNS", "60")
    arguments = [*command, "--kubeconfig", str(kubeconfig), "--context", "it", *machine]
    result = CliRunner().invoke(cli.multiarch, arguments)
    shown = "".join(result.output.split())
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert not [one for one in PLANTED if one in shown], result.output
