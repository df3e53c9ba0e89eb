"""Pushes as the real builders do: finds its credentials in the docker config file, asks for a token, and uses that."""

from __future__ import annotations

import base64
import json
import os
import re
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.registry.lab.push import Pusher

if TYPE_CHECKING:
    from tests.registry.lab.images import Image


def config_file() -> Path:
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"


def credentials(host: str) -> str | None:
    """USER:PASSWORD of the file's entry for `host`; None without one."""
    file = config_file()
    if not file.exists():
        return None
    document: dict[str, Any] = json.loads(file.read_text())
    encoded = document.get("auths", {}).get(host, {}).get("auth")
    return base64.b64decode(encoded, validate=True).decode() if encoded else None


def push(reference: str, image: Image) -> str:
    """Push `image` to HOST/PATH:TAG over plain HTTP; its digest."""
    host, _, rest = reference.partition("/")
    repository, _, tag = rest.rpartition(":")
    pusher = Pusher(f"http://{host}", _authorization(host, repository))
    return pusher.push(repository, image, tag)


def _authorization(host: str, repository: str) -> str:
    status, headers, _ = Pusher(f"http://{host}").call("GET", "/v2/")
    if status != 401:
        return ""
    found = dict(re.findall(r'(\w+)="([^"]*)"', headers["www-authenticate"]))
    url = f"{found['realm']}?service={quote(found['service'])}&scope=repository:{repository}:pull,push"
    request = urllib.request.Request(url)  # noqa: S310 - the lab's own registry
    if pair := credentials(host):
        request.add_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the lab's own registry
        return f"Bearer {json.loads(answer.read())['token']}"
