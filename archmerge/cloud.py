"""Coming as the job itself: what a cloud knows a workload by, exchanged for a login to that cloud's registry.

ECR, Artifact Registry (and gcr.io) and ACR; with the variables and addresses of the clouds' own SDKs. Nothing is asked
but for a registry of that cloud, and after every other place where credentials may be.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from archmerge.credentials import Credential
from archmerge.errors import ArchmergeError, AuthError
from archmerge.manifests import load_object
from archmerge.transport.client import Client, public_url
from archmerge.transport.connections import Options, inward, origin_of

_OK = 200
_ECR = re.compile(r"\d{12}\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(amazonaws\.com(?:\.cn)?|on\.aws)")
_ECR_PUBLIC = "public.ecr.aws"
_ACR = (".azurecr.io", ".azurecr.cn", ".azurecr.us")
_ACR_AUDIENCE = "https://containerregistry.azure.net"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class AwsKeys(NamedTuple):
    """What requests to AWS are signed with."""

    access: str
    secret: str
    token: str = ""


class CloudLogins:
    """Logins by the identity of the workload that this runs in. `found` has them by host, or None."""

    def __init__(self, environ: Mapping[str, str], client: Client | None = None) -> None:
        self._environ = environ
        # Where there is no such service, nobody answers: that must not take long.
        self._client = client or Client(Options(connect_timeout=2, read_timeout=10, attempts=1, deadline=60))

    def find(self, host: str) -> Credential | None:
        """Return a login for the registry at `host`; None where it is no cloud's. AuthError where there is none."""
        if host == _ECR_PUBLIC or (found := _ECR.fullmatch(host)):
            region = "us-east-1" if host == _ECR_PUBLIC else found[1]  # type: ignore[index]  # it matched
            return self._ecr(region, public=host == _ECR_PUBLIC)
        if host == "gcr.io" or host.endswith((".gcr.io", ".pkg.dev")):
            return self._google()
        return self._azure(host, f"https://{host}") if host.endswith(_ACR) else None

    def _ecr(self, region: str, *, public: bool) -> Credential:
        service, target = ("ecr-public", "SpencerFrontendService") if public else ("ecr", _ECR_TARGET)
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        url = self._environ.get("AWS_ENDPOINT_URL_" + service.upper().replace("-", "_"))
        url = url or f"https://api.{service}.{region}.{suffix}/"
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{target}.GetAuthorizationToken"}
        signed = sign(url, headers, b"{}", self._aws_keys(region, suffix), (region, service))
        data = self._json("POST", url, signed, b"{}")["authorizationData"]
        token = data["authorizationToken"] if public else data[0]["authorizationToken"]
        username, _, password = b64decode(token).decode().partition(":")
        return Credential(username, password, source="this job's own identity at AWS")

    def _aws_keys(self, region: str, suffix: str) -> AwsKeys:
        """Find keys as AWS's SDKs do: variables, a web identity (IRSA), Pod Identity or ECS, the instance."""
        environ = self._environ
        if environ.get("AWS_ACCESS_KEY_ID") and environ.get("AWS_SECRET_ACCESS_KEY"):
            return AwsKeys(
                environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"], environ.get("AWS_SESSION_TOKEN", "")
            )
        if environ.get("AWS_WEB_IDENTITY_TOKEN_FILE") and environ.get("AWS_ROLE_ARN"):
            form = {
                "Action": "AssumeRoleWithWebIdentity",
                "Version": "2011-06-15",
                "RoleArn": environ["AWS_ROLE_ARN"],
                "RoleSessionName": environ.get("AWS_ROLE_SESSION_NAME") or "archmerge",
                "WebIdentityToken": _file(environ["AWS_WEB_IDENTITY_TOKEN_FILE"]),
            }
            url = environ.get("AWS_ENDPOINT_URL_STS") or f"https://sts.{region}.{suffix}/"
            answer = self._json("POST", url, {**_FORM, "Accept": "application/json"}, urlencode(form).encode())
            found = answer["AssumeRoleWithWebIdentityResponse"]["AssumeRoleWithWebIdentityResult"]["Credentials"]
            return AwsKeys(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
        found = self._aws_container() or self._aws_instance()
        return AwsKeys(found["AccessKeyId"], found["SecretAccessKey"], found["Token"])

    def _aws_container(self) -> dict[str, Any] | None:
        relative, full = (self._environ.get(f"AWS_CONTAINER_CREDENTIALS_{kind}_URI") for kind in ("RELATIVE", "FULL"))
        url = f"http://169.254.170.2{relative}" if relative else full
        if not url:
            return None
        origin = origin_of(url)
        if origin.scheme == "http" and not (inward(origin) or origin.host == "fd00:ec2::23"):
            raise AuthError(f"AWS_CONTAINER_CREDENTIALS_FULL_URI names {public_url(url)}, which is not encrypted")
        file = self._environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
        token = _file(file) if file else self._environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
        return self._json("GET", url, {"Authorization": token} if token else {})

    def _aws_instance(self) -> dict[str, Any]:
        if self._environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
            raise AuthError("this job has no identity at AWS")
        base = (self._environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or "http://169.254.169.254").rstrip("/")
        lifetime = {"X-aws-ec2-metadata-token-ttl-seconds": "300"}
        own = {"X-aws-ec2-metadata-token": self._text("PUT", f"{base}/latest/api/token", lifetime)}
        place = f"{base}/latest/meta-data/iam/security-credentials/"
        return self._json("GET", place + self._text("GET", place, own).split()[0], own)

    def _google(self) -> Credential:
        host = self._environ.get("GCE_METADATA_HOST") or "metadata.google.internal"
        url = f"http://{host}/computeMetadata/v1/instance/service-accounts/default/token"
        token = self._json("GET", url, {"Metadata-Flavor": "Google"})["access_token"]
        return Credential("oauth2accesstoken", token, source="this job's own identity at Google Cloud")

    def _azure(self, host: str, base: str) -> Credential:
        """Exchange a token of Entra ID for a refresh token of the registry."""
        tenant = self._environ.get("AZURE_TENANT_ID", "")
        form = {"grant_type": "access_token", "service": host, "access_token": self._entra(tenant)}
        form |= {"tenant": tenant} if tenant else {}
        answer = self._json("POST", f"{base}/oauth2/exchange", _FORM, urlencode(form).encode())
        return Credential(identity_token=answer["refresh_token"], source="this job's own identity at Azure")

    def _entra(self, tenant: str) -> str:
        """Return a token of the workload (its federated token is in a file), or of the machine's managed identity."""
        environ = self._environ
        if environ.get("AZURE_FEDERATED_TOKEN_FILE") and tenant:
            authority = (environ.get("AZURE_AUTHORITY_HOST") or "https://login.microsoftonline.com").rstrip("/")
            form = {
                "grant_type": "client_credentials",
                "client_id": environ.get("AZURE_CLIENT_ID", ""),
                "scope": f"{_ACR_AUDIENCE}/.default",
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": _file(environ["AZURE_FEDERATED_TOKEN_FILE"]),
            }
            url = f"{authority}/{tenant}/oauth2/v2.0/token"
            return str(self._json("POST", url, _FORM, urlencode(form).encode())["access_token"])
        base = (environ.get("AZURE_POD_IDENTITY_AUTHORITY_HOST") or "http://169.254.169.254").rstrip("/")
        query = {"api-version": "2018-02-01", "resource": _ACR_AUDIENCE}
        query |= {"client_id": environ["AZURE_CLIENT_ID"]} if environ.get("AZURE_CLIENT_ID") else {}
        url = f"{base}/metadata/identity/oauth2/token?{urlencode(query)}"
        return str(self._json("GET", url, {"Metadata": "true"})["access_token"])

    def _json(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> dict[str, Any]:
        return load_object(self._text(method, url, headers, body).encode(), public_url(url))

    def _text(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> str:
        answer = self._client.request(method, url, headers, body)
        if answer.status != _OK:
            # Not its words: they may repeat what was sent.
            raise AuthError(f"{public_url(url)} gave no login for this job's identity: it answered {answer.status}")
        return answer.body.decode("utf-8", "replace")


_ECR_TARGET = "AmazonEC2ContainerRegistry_V20150921"


def login(logins: CloudLogins, host: str) -> Credential | str | None:
    """Return a login, or why there is none, or None where no cloud is concerned."""
    try:
        return logins.find(host)
    except ArchmergeError as error:
        return error.message
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        return f"the login of this job's identity at {host}'s cloud was not understood: {type(error).__name__}"


def sign(url: str, headers: Mapping[str, str], body: bytes, keys: AwsKeys, scope: tuple[str, str]) -> dict[str, str]:
    """Return the headers of a POST, signed for a region and service (AWS Signature Version 4)."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    parts = urlsplit(url)
    signed = {**headers, "Host": parts.netloc, "X-Amz-Date": now}
    if keys.token:
        signed["X-Amz-Security-Token"] = keys.token
    lower = dict(sorted((name.lower(), value.strip()) for name, value in signed.items()))
    names, listed = ";".join(lower), "".join(f"{name}:{value}\n" for name, value in lower.items())
    lines = ("POST", quote(parts.path or "/"), "", listed, names, hashlib.sha256(body).hexdigest())
    place = "/".join((now[:8], *scope, "aws4_request"))
    text = "\n".join(("AWS4-HMAC-SHA256", now, place, hashlib.sha256("\n".join(lines).encode()).hexdigest()))
    key = f"AWS4{keys.secret}".encode()
    for word in (*place.split("/"), text):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    credential = f"AWS4-HMAC-SHA256 Credential={keys.access}/{place}, SignedHeaders={names}, Signature={key.hex()}"
    return {**{name: value for name, value in signed.items() if name != "Host"}, "Authorization": credential}


def _file(name: str) -> str:
    try:
        with open(name, encoding="utf-8") as file:
            return file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise AuthError(f"{name}, which holds this job's identity, can't be read: {type(error).__name__}") from None
