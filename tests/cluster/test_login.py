"""Login programs against the real API server: what this client reads from one, kubectl reads from it too."""

import base64
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from multiarch.cluster.connection import Connection
from multiarch.cluster.errors import LoginError
from multiarch.rehearse.control_plane.plane import ControlPlane

V1 = "client.authentication.k8s.io/v1"


def logs_in_by(plane: ControlPlane, folder: Path, status: dict[str, Any]) -> Path:
    """Write a kubeconfig for the control plane whose login program gives `status`."""
    answer = folder / "answer.json"
    answer.write_text(json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": status}))
    login = folder / "login"
    login.write_text(f"#!{sys.executable}\nprint(open({str(answer)!r}).read())\n")
    login.chmod(0o755)
    document = yaml.safe_load(plane.kubeconfig.read_text())
    plugin = {"apiVersion": V1, "command": "./login", "interactiveMode": "IfAvailable", "provideClusterInfo": True}
    document["users"][0]["user"] = {"exec": plugin}
    path = folder / "config"
    path.write_text(yaml.safe_dump(document))
    path.chmod(0o600)
    return path


def kubectls_name(plane: ControlPlane, kubeconfig: Path) -> str:
    command = [str(plane.binary("kubectl")), "--kubeconfig", str(kubeconfig), "--context", plane.context]
    done = subprocess.run([*command, "auth", "whoami", "-o", "json"], capture_output=True, text=True, check=True)
    return str(json.loads(done.stdout)["status"]["userInfo"]["username"])


def service_accounts_token(plane: ControlPlane) -> dict[str, str]:
    """A status as a login program gives it, with a new token of the ServiceAccount `default`."""
    request = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=[]))
    with Connection(plane.kubeconfig, plane.context) as admin:
        core: Any = client.CoreV1Api(admin.api)
        status = core.create_namespaced_service_account_token("default", "default", request).status
    return {
        "token": status.token,
        "expirationTimestamp": status.expiration_timestamp.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def our_name(plane: ControlPlane, kubeconfig: Path) -> str:
    with Connection(kubeconfig, plane.context) as connection:
        api: Any = client.AuthenticationV1Api(connection.api)
        review = api.create_self_subject_review(client.V1SelfSubjectReview())
    return str(review.status.user_info.username)


def test_a_certificate_that_a_login_program_gives_is_who_we_are_as_it_is_who_kubectl_is(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    user = yaml.safe_load(control_plane.kubeconfig.read_text())["users"][0]["user"]
    kubeconfig = logs_in_by(
        control_plane,
        tmp_path,
        {"clientCertificateData": decoded(user, "client-certificate"), "clientKeyData": decoded(user, "client-key")},
    )
    assert our_name(control_plane, kubeconfig) == kubectls_name(control_plane, kubeconfig)


def test_a_token_that_a_login_program_gives_is_who_we_are_as_it_is_who_kubectl_is(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    kubeconfig = logs_in_by(control_plane, tmp_path, service_accounts_token(control_plane))
    name = our_name(control_plane, kubeconfig)
    assert name == "system:serviceaccount:default:default"
    assert kubectls_name(control_plane, kubeconfig) == name


def test_a_failing_login_program_is_told_and_the_api_server_is_not_asked_as_nobody(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    kubeconfig = logs_in_by(control_plane, tmp_path, {})
    (tmp_path / "login").write_text(f"#!{sys.executable}\nraise SystemExit('no session: log in first')\n")
    with pytest.raises(LoginError, match="exit code 1: no session: log in first"):
        Connection(kubeconfig, control_plane.context)
    for command in (["doctor"], ["onboard", "--look-only"]):
        line = [sys.executable, "-m", "multiarch.cli", *command, "--kubeconfig", str(kubeconfig)]
        done = subprocess.run(
            [*line, "--context", control_plane.context], capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 3, textwrap.shorten(done.stderr, 2000)
        assert "no session: log in first" in " ".join((done.stdout + done.stderr).split())
        assert "Traceback" not in done.stderr


def decoded(user: dict[str, str], name: str) -> str:
    return base64.b64decode(user[f"{name}-data"]).decode()
