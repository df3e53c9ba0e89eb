"""Logins by a workload's identity: each cloud's exchange against a stand-in of its endpoints."""

from __future__ import annotations

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from archmerge.cloud import AwsKeys, CloudLogins, login, sign
from archmerge.credentials import Credentials

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
KEYS = {"AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "s3cret", "Token": "session", "SessionToken": "session"}
LOGIN = {"authorizationToken": base64.b64encode(b"AWS:ecr-password").decode()}


class Cloud:
    """Answers by path; keeps what it was sent."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.seen: list[tuple[str, dict[str, str], dict[str, list[str]]]] = []
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                parts = urlsplit(self.path)
                headers = {key.lower(): value for key, value in self.headers.items()}
                cloud.seen.append((f"{self.command} {parts.path}", headers, parse_qs(body) | parse_qs(parts.query)))
                answer = cloud.answers.get(parts.path)
                content = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
                self.send_response(200 if parts.path in cloud.answers else 403)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_PUT = do_GET  # noqa: N815 - the base class names them

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    stand_in = Cloud()
    yield stand_in
    stand_in.close()


def _found(environ: dict[str, str], host: str) -> tuple[str, str]:
    found = CloudLogins(environ).find(host)
    assert found is not None
    return found.username, found.password


def _signed_by(cloud: Cloud) -> None:
    request, headers, _ = cloud.seen[-1]
    assert request == "POST /ecr"
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert headers["x-amz-security-token"] == "session"
    assert headers["x-amz-target"].endswith(".GetAuthorizationToken")


def test_ecr_by_a_web_identity(cloud: Cloud, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("jwt-of-the-pod\n")
    answer = {"AssumeRoleWithWebIdentityResponse": {"AssumeRoleWithWebIdentityResult": {"Credentials": KEYS}}}
    cloud.answers = {"/sts": answer, "/ecr": {"authorizationData": [LOGIN]}}
    environ = {
        "AWS_ROLE_ARN": "arn:aws:iam::1:role/ci", "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
        "AWS_ENDPOINT_URL_STS": f"{cloud.base}/sts", "AWS_ENDPOINT_URL_ECR": f"{cloud.base}/ecr",
    }  # fmt: skip
    assert _found(environ, ECR) == ("AWS", "ecr-password")
    assert cloud.seen[0][2]["WebIdentityToken"] == ["jwt-of-the-pod"]
    assert cloud.seen[0][2]["RoleArn"] == ["arn:aws:iam::1:role/ci"]
    _signed_by(cloud)


def test_ecr_by_pod_identity(cloud: Cloud, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("jwt-of-the-pod")
    cloud.answers = {"/v1/credentials": KEYS, "/ecr": {"authorizationData": [LOGIN]}}
    environ = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{cloud.base}/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token"),
        "AWS_ENDPOINT_URL_ECR": f"{cloud.base}/ecr",
    }
    assert _found(environ, ECR) == ("AWS", "ecr-password")
    assert cloud.seen[0][1]["authorization"] == "jwt-of-the-pod"
    _signed_by(cloud)


def test_ecr_by_the_instances_role(cloud: Cloud) -> None:
    place = "/latest/meta-data/iam/security-credentials/"
    cloud.answers = {"/latest/api/token": "imds", place: "role\n", f"{place}role": KEYS}
    cloud.answers |= {"/ecr": {"authorizationData": [LOGIN]}}
    environ = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": cloud.base, "AWS_ENDPOINT_URL_ECR": f"{cloud.base}/ecr"}
    assert _found(environ, ECR) == ("AWS", "ecr-password")
    assert cloud.seen[2][1]["x-aws-ec2-metadata-token"] == "imds"
    _signed_by(cloud)


def test_public_ecr_by_keys(cloud: Cloud) -> None:
    cloud.answers = {"/ecr": {"authorizationData": LOGIN}}
    environ = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "session"}
    environ["AWS_ENDPOINT_URL_ECR_PUBLIC"] = f"{cloud.base}/ecr"
    assert _found(environ, "public.ecr.aws") == ("AWS", "ecr-password")
    _signed_by(cloud)


@pytest.mark.parametrize("host", ["europe-west1-docker.pkg.dev", "gcr.io", "eu.gcr.io"])
def test_googles_registries_by_the_metadata_service(cloud: Cloud, host: str) -> None:
    cloud.answers = {"/computeMetadata/v1/instance/service-accounts/default/token": {"access_token": "ya29"}}
    assert _found({"GCE_METADATA_HOST": cloud.base[7:]}, host) == ("oauth2accesstoken", "ya29")
    assert cloud.seen[0][1]["metadata-flavor"] == "Google"


@pytest.mark.parametrize("federated", [True, False], ids=["workload identity", "managed identity"])
def test_acr_by_a_token_of_entra(cloud: Cloud, tmp_path: Path, *, federated: bool) -> None:
    (tmp_path / "token").write_text("jwt-of-the-pod")
    cloud.answers = {"/t1/oauth2/v2.0/token": {"access_token": "entra"}, "/oauth2/exchange": {"refresh_token": "acr"}}
    cloud.answers |= {"/metadata/identity/oauth2/token": {"access_token": "entra"}}
    environ = {"AZURE_TENANT_ID": "t1", "AZURE_CLIENT_ID": "c1", "AZURE_AUTHORITY_HOST": f"{cloud.base}/"}
    environ |= {"AZURE_POD_IDENTITY_AUTHORITY_HOST": cloud.base}
    environ |= {"AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token")} if federated else {}
    found = CloudLogins(environ)._azure("mine.azurecr.io", cloud.base)
    assert found.identity_token == "acr"
    asked, exchanged = cloud.seen
    assert asked[2]["client_id"] == ["c1"]
    assert asked[2].get("client_assertion") == (["jwt-of-the-pod"] if federated else None)
    assert exchanged[2]["access_token"] == ["entra"]
    assert exchanged[2]["service"] == ["mine.azurecr.io"]


@pytest.mark.parametrize(
    "host", ["registry.example.com", "azurecr.io", "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example",
             "evilgcr.io", "x.dkr.ecr.eu-west-1.amazonaws.com", "127.0.0.1:5000", "pkg.dev.evil.example"],
)  # fmt: skip
def test_no_other_registry_makes_archmerge_ask_for_an_identity(cloud: Cloud, host: str) -> None:
    environ = {"GCE_METADATA_HOST": cloud.base[7:], "AWS_EC2_METADATA_SERVICE_ENDPOINT": cloud.base}
    assert CloudLogins(environ).find(host) is None
    assert cloud.seen == []


def test_every_other_place_comes_first_and_why_there_is_no_login_is_noted(cloud: Cloud) -> None:
    environ = {"HOME": "/nonexistent", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "hunter2"}
    environ |= {"AWS_ENDPOINT_URL_ECR": f"{cloud.base}/ecr"}
    logins = CloudLogins(environ)
    auths = {"DOCKER_AUTH_CONFIG": json.dumps({"auths": {ECR: {"username": "AWS", "password": "given"}}})}
    given = Credentials({**environ, **auths}, cloud=lambda host: login(logins, host)).find(ECR, "app")
    assert given is not None
    assert (given.password, cloud.seen) == ("given", [])
    credentials = Credentials(environ, cloud=lambda host: login(logins, host))
    assert credentials.find(ECR, "app") is None
    assert credentials.find(ECR, "other") is None
    assert len(cloud.seen) == 1
    assert "it answered 403" in credentials.notes[0]
    assert "hunter2" not in credentials.notes[0]


@pytest.mark.parametrize("answer", ["<html>", "[]", "{}", '{"authorizationData": []}', '{"authorizationData": 7}'])
def test_an_answer_that_is_not_understood_is_no_login(cloud: Cloud, answer: str) -> None:
    cloud.answers = {"/ecr": answer}
    environ = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_ENDPOINT_URL_ECR": f"{cloud.base}/ecr"}
    assert isinstance(login(CloudLogins(environ), ECR), str)


def test_an_identity_is_sent_to_no_address_without_tls_outside_this_machine() -> None:
    said = login(CloudLogins({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://evil.example/x"}), ECR)
    assert isinstance(said, str)
    assert "not encrypted" in said


def test_the_signature_is_the_one_that_botocore_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The expected value is botocore 1.x's for the same request, keys and time."""
    then = time.strptime("20261129T120000", "%Y%m%dT%H%M%S")
    monkeypatch.setattr("archmerge.cloud.time.gmtime", lambda: then)
    target = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
    keys = AwsKeys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "tok/en==")
    made = sign("https://api.ecr.eu-west-1.amazonaws.com/", headers, b"{}", keys, ("eu-west-1", "ecr"))
    assert made["Authorization"].rpartition("Signature=")[2] == (
        "b31fd4cc75ebee9a9ad7835c33bc101d1f460d7ec7d70aa31dc6dfb9309feac3"
    )
