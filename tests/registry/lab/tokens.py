"""A token server as distribution's auth/token spec has it: signed JWTs with the certificate in `x5c`."""

from __future__ import annotations

import base64
import datetime as dt
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

USER, PASSWORD, REFRESH = "builder", "pa:ss word", "a-refresh-token"
ISSUER, SERVICE = "lab-issuer", "lab-registry"


class TokenServer:
    """Grants everything that `allow(user, repository, action)` does. Records each request in `asked`."""

    def __init__(self, folder: Path) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = _self_signed(self._key)
        self.bundle = folder / "token.crt"
        self.bundle.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))
        self.lifetime = 300
        self.refuse_together = False
        """Refuse a request as a whole when one of its scopes is not allowed (kaniko #1007)."""
        self.post_allowed = True
        self.spoil = 0
        """How many tokens to give out that have expired already, though the answer says otherwise."""
        self.allow: Callable[[str, str, str], bool] = lambda user, _repository, _action: bool(user)
        self.asked: list[dict[str, list[str]]] = []
        lab = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                query = parse_qs(urlsplit(self.path).query)
                user = _basic_user(self.headers.get("Authorization"))
                self._grant(user, query)

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                if not lab.post_allowed:
                    self._answer(405, {"error": "no POST here"})
                    return
                good = form.get("refresh_token") == [REFRESH] and form.get("grant_type") == ["refresh_token"]
                form["scope"] = " ".join(form.get("scope", [])).split()
                self._grant(USER if good else None, form)

            def _grant(self, user: str | None, asked: dict[str, list[str]]) -> None:
                lab.asked.append(asked)
                if user is None:
                    self._answer(401, {"errors": [{"code": "UNAUTHORIZED"}]})
                    return
                answer = lab.grant(user, asked.get("scope", []))
                self._answer(403 if answer is None else 200, answer or {"errors": [{"code": "DENIED"}]})

            def _answer(self, status: int, document: dict[str, Any]) -> None:
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/token"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def grant(self, user: str, wanted: list[str]) -> dict[str, Any] | None:
        """The answer for the allowed part of the scopes; None when that is refused as a whole."""
        access, short = [], False
        seen: dict[str, list[str]] = {}
        for scope in wanted:
            _, name, actions = scope.split(":")
            # As real servers do (kaniko #181): of two scopes for one repository, the second replaces the first.
            seen[name] = [action for action in actions.split(",") if self.allow(user, name, action)]
            short = short or len(seen[name]) < len(actions.split(","))
        access = [{"type": "repository", "name": name, "actions": actions} for name, actions in seen.items()]
        if short and self.refuse_together:
            return None
        return {"token": self.token(user, access), "expires_in": self.lifetime}

    def token(self, user: str, access: list[dict[str, Any]]) -> str:
        now = int(time.time())
        if self.spoil:
            self.spoil, now = self.spoil - 1, now - 3600
        claims = {"iss": ISSUER, "aud": SERVICE, "sub": user, "nbf": now - 10, "iat": now, "access": access}
        claims |= {"exp": now + self.lifetime, "jti": str(time.monotonic_ns())}
        x5c = base64.b64encode(self._certificate.public_bytes(serialization.Encoding.DER)).decode()
        head = {"typ": "JWT", "alg": "ES256", "x5c": [x5c]}
        signed = f"{_url64(json.dumps(head).encode())}.{_url64(json.dumps(claims).encode())}"
        r, s = utils.decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_url64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def everything(self, *repositories: str) -> str:
        """An Authorization header for the lab's own pushes."""
        access = [{"type": "repository", "name": name, "actions": ["pull", "push"]} for name in repositories]
        return f"Bearer {self.token('lab', access)}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _basic_user(header: str | None) -> str | None:
    """The user of a right password, None for a wrong one, '' for nobody."""
    if not header:
        return ""
    pair = base64.b64decode(header.removeprefix("Basic ")).decode()
    return USER if pair == f"{USER}:{PASSWORD}" else None


def _url64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, ISSUER)])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - dt.timedelta(1))
    return builder.not_valid_after(now + dt.timedelta(30)).sign(key, hashes.SHA256())
