"""Secrets of every shape that the redaction knows, each with a word beside it, and stubs that say them."""

import json
import random
import re
import string
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

_LETTERS = string.ascii_letters + string.digits
_LOWER = string.ascii_lowercase + string.digits
_UPPER = string.ascii_uppercase + string.digits
_HEX = "0123456789abcdef"
_GITLAB = (
    *("glpat", "gloas", "gldt", "glrt", "glrtr", "glcbt", "glptt", "glft"),
    *("glimt", "glagent", "glwt", "glsoat", "glffct"),
)
_FORMS = (
    # text around the secret, its letters, their number
    ("eyJhbGciOiJSUzI1NiJ9.{}.c2ln", _LETTERS, 60),
    *(
        (f"{prefix}-{{}}", _LETTERS, 24)
        for prefix in ["glpat", "gloas", "gldt", "glrt", "glrtr", "glcbt", "glptt", "glft"]
    ),
    *((f"{prefix}-{{}}", _LETTERS, 24) for prefix in _GITLAB),
    ("GR1348941{}", _LETTERS, 20),
    ("ghp_{}", _LETTERS, 36),
    ("github_pat_{}", _LETTERS, 60),
    ("pul-{}", _HEX, 40),
    ("sha256~{}", _LETTERS, 43),
    ("kubeconfig-u-abcde12345:{}", _LOWER, 54),
    ("token-x2v8k:{}", _LOWER, 54),
    ("AKIA{}", _UPPER, 16),
    ("ASIA{}", _UPPER, 16),
    ("aws_secret_access_key={}", _LETTERS + "/+", 40),
    ("k8s-aws-v1.{}", _LETTERS, 80),
    ("AccountKey={}==", _LETTERS + "/+", 86),
    ("{}==", _LETTERS + "/+", 86),
    ("abc8Q~{}", _LETTERS, 34),
    ("https://acme.blob.core.windows.net/c?sv=2024-11-04&sig={}%3D", _LETTERS, 43),
    ("AIza{}", _LETTERS, 35),
    ("ya29.{}", _LETTERS, 60),
    ("1//{}", _LETTERS, 40),
    ("GOCSPX-{}", _LETTERS, 28),
    ("Bearer {}", _LETTERS, 40),
    ("Authorization: Basic {}==", _LETTERS, 38),
    ("https://robot:{}@registry.example.com/v2/", _LETTERS, 20),
    ("postgres://{}@db.example.com/", _LETTERS, 30),
    ("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", _LETTERS + "/+", 64),
    ("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", _LETTERS + "/+", 64),
    ("runner_token: {}", _HEX, 40),
    ("api_key={}", _HEX, 32),
    ('"clientSecret": "{}"', _LETTERS, 40),
    ("PASSPHRASE={}", _HEX, 24),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One secret: what stands in the input, and the part of it that may stand in no output."""

    mark: str
    """A word beside it, which must arrive."""
    text: str
    core: str

    def parts(self) -> tuple[str, ...]:
        """Return pieces of it, each long enough to be no accident: also a half of a secret is too much."""
        middle, piece = len(self.core) // 2, 9
        return (self.core[:piece], self.core[middle : middle + piece], self.core[-piece:])


def _planted(number: int, form: str, letters: str, length: int) -> Planted:
    made = random.Random(f"{number} {form}")  # noqa: S311 - the same in every run
    core = "".join(made.choices(letters, k=length - 3)) + ("aZ7" if letters[:2] == "ab" and "Z" in letters else "777")
    return Planted(mark=f"mark{number:02d}", text=form.format(core), core=core)


SHAPED = tuple(_planted(number, *form) for number, form in enumerate(_FORMS))
"""Known by their shape, or by a secret's name before them."""
KNOWN = tuple(_planted(number, "{}", string.ascii_lowercase + "-." * number, 30) for number in range(90, 95))
"""Without any shape: secret by where they come from."""
EVERY = (*SHAPED, *KNOWN)


def said(source: str, secrets: Sequence[Planted] = EVERY) -> str:
    """Write secrets as prose, each behind its mark: `event-mark03 glrt-...; `."""
    return " ".join(f"{source}-{one.mark} {one.text} ;" for one in secrets)


def chunks(size: int = 4, secrets: Sequence[Planted] = EVERY) -> list[Sequence[Planted]]:
    """Split them: most messages are shown up to some length only."""
    return [secrets[at : at + size] for at in range(0, len(secrets), size)]


def leaks(text: str, secrets: Sequence[Planted] = EVERY) -> list[str]:
    """Name the secrets of which a part stands in a text, wrapped or not."""
    for gone in ("\\n", "&#10;", "\u2502", "|"):
        text = text.replace(gone, "")
    squeezed = "".join(text.split())
    return [one.mark for one in secrets if any(part in squeezed for part in one.parts())]


def marks(text: str, source: str) -> set[str]:
    """Return the marks of one source that a text has, wrapped or not."""
    squeezed = "".join(text.split())
    return set(re.findall(rf"{source}-(mark[0-9]{{2}})", squeezed))


Answer = Callable[[str, str], tuple[int, Any]]
"""Method and path to status and document."""


@contextmanager
def api_server(answer: Answer) -> Iterator[str]:
    """Serve JSON; give the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, document = answer(self.command, self.path)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def refusal(message: str, status: int = 500, reason: str = "InternalError") -> tuple[int, dict[str, Any]]:
    """Answer no, in these words."""
    return status, {"kind": "Status", "status": "Failure", "reason": reason, "code": status, "message": message}


def write_kubeconfig(folder: Path, server: str, user: Mapping[str, Any]) -> Path:
    """Write one of one context `it`."""
    document = {
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": dict(user)}, {"name": "other", "user": {"password": KNOWN[1].text}}],
        "contexts": [{"name": "it", "context": {"cluster": "c", "user": "u"}}],
    }
    path = folder / "config"
    path.write_text(yaml.safe_dump(document))
    return path


def write_program(folder: Path, name: str, source: str) -> Path:
    """Write an executable Python program."""
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{source}")
    path.chmod(0o755)
    return path
