"""Puts fixture images into a registry, by the plainest HTTP there is: not by the code under test."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.registry.lab.images import Image


class Pusher:
    """A connection to `base` (http://host:port), with an Authorization header for everything."""

    def __init__(self, base: str, authorization: str = "") -> None:
        self.base = base
        self.host = urlsplit(base).netloc
        self._headers = {"Authorization": authorization} if authorization else {}

    def call(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.host, timeout=60)
        try:
            target = path if path.startswith("/") else urlsplit(path).path + "?" + urlsplit(path).query
            connection.request(method, target, body, {**self._headers, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, {key.lower(): value for key, value in answer.headers.items()}, answer.read()
        finally:
            connection.close()

    def blob(self, repository: str, content: bytes | Iterable[bytes], digest: str, *, size: int | None = None) -> None:
        status, headers, body = self.call("POST", f"/v2/{repository}/blobs/uploads/")
        assert status == 202, (status, body)
        where = headers["location"]
        join = "&" if "?" in where else "?"
        length = {} if size is None else {"Content-Length": str(size)}
        status, _, body = self.call("PUT", f"{where}{join}digest={quote(digest)}", content, length)
        assert status == 201, (status, body)

    def push(self, repository: str, image: Image, *versions: str) -> str:
        """Blobs, children, then the manifest under each of `versions` (its digest by default); its digest."""
        from tests.registry.lab.images import digest  # noqa: PLC0415 - keeps bench imports light

        for child in image.children:
            self.push(repository, child)
        for content in image.blobs:
            self.blob(repository, content, digest(content))
        for version in versions or (image.digest,):
            status, _, body = self.call(
                "PUT", f"/v2/{repository}/manifests/{version}", image.body, {"Content-Type": image.media_type}
            )
            assert status == 201, (status, body)
        return image.digest

    def digest_of(self, repository: str, version: str) -> str | None:
        """What a tag points to, or None."""
        status, headers, _ = self.call("GET", f"/v2/{repository}/manifests/{version}", headers=ACCEPT)
        return headers["docker-content-digest"] if status == 200 else None

    def manifest(self, repository: str, version: str) -> dict[str, Any]:
        import json  # noqa: PLC0415 - keeps bench imports light

        status, _, body = self.call("GET", f"/v2/{repository}/manifests/{version}", headers=ACCEPT)
        assert status == 200, (status, body)
        document: dict[str, Any] = json.loads(body)
        return document


ACCEPT = {
    "Accept": "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"
}
