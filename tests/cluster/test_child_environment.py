"""Whatever the user's shell holds: no child of the rehearsal speaks to another server than the one looked at."""

import base64
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pytest
import yaml

from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.install.chart import EMBEDDED

ROOT = Path(__file__).resolve().parents[2]
CLIENT_GO = ("KUBECONFIG", "KUBERNETES_MASTER", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT")
"""k8s.io/client-go v0.36: tools/clientcmd and rest.InClusterConfig."""
PULUMI = ("PULUMI_MONITOR", "PULUMI_ENGINE", "PULUMI_BACKEND_URL", "PULUMI_API", "PULUMI_K8S_KUBECONFIG")
LOGIN = """#!{python} -SE
import json, os
with open({seen!r}, "a") as file:
    file.write(json.dumps(dict(os.environ)) + chr(10))
status = json.load(open({status!r})) if os.environ.get("AWS_PROFILE") == "ci" else None
answer = {{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}}
print(json.dumps(answer))
"""


class Other:
    """A second server on this machine, which is to hear nothing."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        other = self

        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                self.request.settimeout(1)
                try:
                    other.heard.append(self.request.recv(200))
                except OSError:
                    other.heard.append(b"")

        self.server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.port = int(self.server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"


@pytest.fixture
def other() -> Iterator[Other]:
    made = Other()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def documented(plane: ControlPlane) -> set[str]:
    """List the variables that the programs' own help names: Helm by a table, etcd by a rule for each of its flags."""
    helm, etcd = (
        subprocess.run([plane.binary(name), word], capture_output=True, text=True, check=True)
        for name, word in (("helm", "help"), ("etcd", "--help"))
    )
    helms = set(re.findall(r"^\| \$(\w+)", helm.stdout, re.MULTILINE))
    flags = re.findall(r"^  --([a-z0-9-]+) ", etcd.stdout + etcd.stderr, re.MULTILINE)
    assert "HELM_KUBEAPISERVER" in helms
    assert "listen-client-urls" in flags
    return helms | {f"ETCD_{flag.upper().replace('-', '_')}" for flag in flags} | {*CLIENT_GO, *PULUMI}


def leading_to(other: Other, plane: ControlPlane, folder: Path) -> dict[str, str]:
    """Set every documented variable so that it leads to the other server, as far as its kind allows."""
    config = yaml.safe_load(plane.kubeconfig.read_text())
    config["clusters"][0]["cluster"] = {"server": other.url}
    path, authority = folder / "elsewhere", folder / "ca.crt"
    path.write_text(yaml.safe_dump(config))
    trusted = yaml.safe_load(plane.kubeconfig.read_text())["clusters"][0]["cluster"]["certificate-authority-data"]
    authority.write_bytes(base64.b64decode(trusted))
    special = {
        "KUBECONFIG": str(path),
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(other.port),
        "HELM_DRIVER": "sql",
        "HELM_DRIVER_SQL_CONNECTION_STRING": f"postgresql://127.0.0.1:{other.port}/helm",
        "HELM_REGISTRY_CONFIG": str(folder / "logins.json"),
        "HELM_KUBECONTEXT": plane.context,
        # What would only break Helm on its way there.
        "HELM_KUBECAFILE": str(authority),
        "HELM_KUBEINSECURE_SKIP_TLS_VERIFY": "false",
        "HELM_NAMESPACE": "elsewhere",
        "HELM_PLUGINS": str(folder / "plugins"),
        **dict.fromkeys(("HELM_BURST_LIMIT", "HELM_QPS", "HELM_MAX_HISTORY", "HELM_NO_PLUGINS"), "1"),
    }
    return {name: special.get(name, other.url) for name in documented(plane)}


def logging_in(plane: ControlPlane, folder: Path) -> Path:
    """Write a kubeconfig whose login program needs AWS_PROFILE, and notes the environments that it got."""
    document = yaml.safe_load(plane.kubeconfig.read_text())
    user, status, login = document["users"][0]["user"], folder / "status.json", folder / "login"
    pair = {"clientCertificateData": user["client-certificate-data"], "clientKeyData": user["client-key-data"]}
    status.write_text(json.dumps({name: base64.b64decode(value).decode() for name, value in pair.items()}))
    login.write_text(LOGIN.format(python=sys.executable, seen=str(folder / "seen"), status=str(status)))
    login.chmod(0o755)
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "./login", "interactiveMode": "Never"}
    document["users"][0]["user"] = {"exec": plugin}
    path = folder / "config"
    path.write_text(yaml.safe_dump(document))
    path.chmod(0o600)
    return path


def rehearse(environ: Mapping[str, str], folder: Path, *arguments: str) -> dict[str, str]:
    """Run the command, and return each claim's verdict."""
    report = folder / "report.json"
    line = [sys.executable, "-m", "multiarch.cli", "rehearse", "--stack", "local", "--chart", str(EMBEDDED)]
    done = subprocess.run(
        [*line, "--json", str(report), *arguments],
        cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=400,
    )  # fmt: skip
    assert report.exists(), done.stdout + done.stderr
    (stack,) = json.loads(report.read_text())["sections"]
    return {claim["id"]: claim["verdict"] for claim in stack["checks"]}


def test_every_variable_that_the_tools_document_leads_no_child_to_another_server(
    control_plane: ControlPlane, connection: Connection, other: Other, tmp_path: Path
) -> None:
    poison = leading_to(other, control_plane, tmp_path)
    programs = str(control_plane.binary("helm").parent)
    environ = {**os.environ, **poison, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "AWS_PROFILE": "ci"}
    config = logging_in(control_plane, tmp_path)
    verdicts = rehearse(environ, tmp_path, "--kubeconfig", str(config), "--context", control_plane.context)
    assert other.heard == []
    assert verdicts["runner-installed"] == "yes"
    assert set(verdicts.values()) == {"yes"}, verdicts
    namespaces = {item["metadata"]["name"] for item in Api.of(connection).items("/api/v1/namespaces")}
    assert not {name for name in namespaces if name.startswith("gitlab-runner")}
    seen = [json.loads(line) for line in (tmp_path / "seen").read_text().splitlines()]
    from_helm = [found for found in seen if "HELM_CACHE_HOME" in found]
    assert {found["KUBECONFIG"] for found in from_helm} == {str(config)}
    assert len(from_helm) > 1
    passed = {name for found in seen for name in found if found[name] == poison.get(name)}
    assert passed == {
        "KUBECONFIG",
        "HELM_REGISTRY_CONFIG",
    }  # the first as kubectl gives it: it chooses no cluster there


def test_they_do_not_lead_the_embedded_control_plane_there_either(
    control_plane: ControlPlane, other: Other, tmp_path: Path
) -> None:
    verdicts = rehearse({**os.environ, **leading_to(other, control_plane, tmp_path)}, tmp_path)
    assert other.heard == []
    assert set(verdicts.values()) == {"yes"}, verdicts


@pytest.mark.parametrize("driver", ["", "sql"])
def test_with_the_users_whole_environment_helm_would_speak_to_the_other_server(
    control_plane: ControlPlane, other: Other, tmp_path: Path, driver: str
) -> None:
    """What makes the tests above able to fail."""
    poison = leading_to(other, control_plane, tmp_path)
    cluster = ["--kubeconfig", str(control_plane.kubeconfig), "--kube-context", control_plane.context]
    line = [str(control_plane.binary("helm")), "list", *cluster]
    done = subprocess.run(line, env={**os.environ, **poison, "HELM_DRIVER": driver}, capture_output=True, check=False)
    assert done.returncode != 0
    assert other.heard, done.stderr
