"""The Kubernetes API as JSON in and JSON out, over the official client: paths by discovery, refusals as one type."""

import copy
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from kubernetes import client

from multiarch.cluster.connection import Connection, TimedApiClient
from multiarch.cluster.impersonation import Headers
from multiarch.core.secrets import hide

FIELD_MANAGER = "multiarch-rehearsal"
PAGE = 500
"""Objects per page of a long list: what kubectl takes."""
_JSON = "application/json"
_METADATA_ONLY = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
_EXPIRED = 410
_HTTP_ERROR = 400
_NOT_FOUND = 404
_ABOUT_THE_REQUEST = frozenset({400, 403, 404, 405, 413, 415, 422})
"""Answers that the same request would get again: malformed, forbidden, no such kind, invalid."""


class ApiRefused(Exception):  # noqa: N818 - an answer of the server, not a fault of ours
    """The API server's answer was no. `message` is its own sentence."""

    def __init__(self, status: int, reason: str, message: str, offered: str = "") -> None:
        super().__init__(message)
        self.offered = offered
        """With 410, how an interrupted list may go on."""
        self.status = status
        self.reason = reason
        self.message = message

    @property
    def definite(self) -> bool:
        """Whether it says no to what was asked; a server in trouble (500, 503, 429) says nothing about that."""
        return self.status in _ABOUT_THE_REQUEST


class Api:
    """One identity at one API server. Safe to use from several threads.

    Every call raises UnreachableError without an answer, and ApiRefused when the answer is an error.
    """

    def __init__(self, api_client: client.ApiClient) -> None:
        self._client = api_client
        self._server = str(api_client.configuration.host)
        self._kinds: dict[str, Mapping[str, tuple[str, bool]]] = {}
        self._lock = threading.Lock()

    @classmethod
    def of(cls, connection: Connection) -> "Api":
        """Use a connection's identity."""
        return cls(connection.api)

    def with_token(self, token: str) -> "Api":
        """Return the same server seen by the bearer of `token`."""
        mine = self._client.configuration
        settings = client.Configuration()
        settings.host, settings.ssl_ca_cert, settings.verify_ssl = mine.host, mine.ssl_ca_cert, mine.verify_ssl
        settings.ca_cert_data, settings.tls_server_name = mine.ca_cert_data, mine.tls_server_name
        settings.proxy, settings.no_proxy, settings.retries = mine.proxy, mine.no_proxy, False
        settings.api_key = {"BearerToken": token}
        settings.api_key_prefix = {"BearerToken": "Bearer"}
        return Api(TimedApiClient(settings))

    def acting_as(self, headers: Headers) -> "Api":
        """Return the same server, asked as somebody else by impersonation, which the server may refuse."""
        settings = copy.copy(self._client.configuration)
        settings.impersonated = headers
        return Api(TimedApiClient(settings))

    def close(self) -> None:
        """Close its sockets."""
        self._client.close()  # type: ignore[no-untyped-call]  # upstream is half typed

    def call(  # noqa: PLR0913 - one HTTP request has as many parts
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        content_type: str = _JSON,
        *,
        accept: str = _JSON,
        acting_as: str = "",
    ) -> dict[str, Any]:
        """Send one request and return the JSON of its answer; `acting_as` names a user to impersonate."""
        headers: dict[str, str] = {"Accept": accept, "Content-Type": content_type}
        if acting_as:
            headers["Impersonate-User"] = acting_as
        if query is not None and "limit" in query:
            # A page of nodes is megabytes, and a tenth of that on the way. The client unpacks it by itself.
            headers["Accept-Encoding"] = "gzip"
        self._client.update_params_for_auth(headers, [], ["BearerToken"], path, method, None)
        answer = self._client.call_api(
            method,
            self._server + path + (f"?{urlencode(query)}" if query else ""),
            header_params=headers,
            body=body,  # JSON is YAML as well: the client writes both alike
        )
        text = answer.read()  # type: ignore[no-untyped-call]  # upstream is half typed
        try:
            document: dict[str, Any] = json.loads(text) if text else {}
        except ValueError:
            document = {"message": hide(text.decode(errors="replace"))[:500]}
        if answer.status >= _HTTP_ERROR:
            message = str(document.get("message") or answer.reason)
            offered = str((document.get("metadata") or {}).get("continue") or "")
            raise ApiRefused(answer.status, str(document.get("reason") or answer.reason), message, offered)
        return document

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Read an object or a list."""
        return self.call("GET", path, query=query)

    def find(self, path: str) -> dict[str, Any] | None:
        """Read an object; None where there is none."""
        try:
            return self.get(path)
        except ApiRefused as refusal:
            if refusal.status == _NOT_FOUND:
                return None
            raise

    def items(self, path: str, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """List objects."""
        items: list[dict[str, Any]] = self.get(path, query).get("items") or []
        return items

    def pages(
        self, path: str, query: Mapping[str, str] | None = None, *, size: int = PAGE, metadata_only: bool = False
    ) -> Iterator[list[dict[str, Any]]]:
        """List objects page by page, so that a long list is never in memory whole.

        With `metadata_only` each item has `metadata` alone. A list that takes so long that the server forgets where
        it was goes on with the newer state (the server's own offer): an object may then be missing or come twice.
        """
        accept = _METADATA_ONLY if metadata_only else _JSON
        wanted = {**(query or {}), "limit": str(size)}
        while True:
            try:
                answer = self.call("GET", path, query=wanted, accept=accept)
            except ApiRefused as refusal:
                if refusal.status != _EXPIRED or not refusal.offered or refusal.offered == wanted.get("continue"):
                    raise
                wanted["continue"] = refusal.offered
                continue
            yield answer.get("items") or []
            token = (answer.get("metadata") or {}).get("continue")
            if not token:
                return
            wanted["continue"] = token

    def create(self, path: str, body: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Create an object in the collection at `path`."""
        return self.call("POST", path, body, {"dryRun": "All"} if dry_run else None)

    def try_create(self, path: str, body: Mapping[str, Any], acting_as: str) -> dict[str, Any]:
        """Create an object by dry run alone, as another user (one's own for an empty name)."""
        return self.call("POST", path, body, {"dryRun": "All"}, acting_as=acting_as)

    @property
    def impersonates(self) -> bool:
        """Whether the kubeconfig makes every request as another user already: nobody can do it twice."""
        return bool(getattr(self._client.configuration, "impersonated", ()))

    def review(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send an access review; its API answers and stores nothing."""
        return self.call("POST", path, body)

    def delete(self, path: str, query: Mapping[str, str] | None = None) -> None:
        """Delete an object or a collection; one that is gone already is no error."""
        try:
            self.call("DELETE", path, query=query)
        except ApiRefused as refusal:
            if refusal.status != _NOT_FOUND:
                raise

    def apply(
        self, manifest: Mapping[str, Any], *, manager: str = FIELD_MANAGER, dry_run: bool = False
    ) -> dict[str, Any]:
        """Apply an object on the server's side, as a field manager that takes what others own.

        With `dry_run` nothing is stored: the answer is what the object would be then.
        """
        query = {"fieldManager": manager, "force": "true", **({"dryRun": "All"} if dry_run else {})}
        return self.call("PATCH", self.path_of(manifest), manifest, query, "application/apply-patch+yaml")

    def patch_status(self, path: str, status: Mapping[str, Any]) -> dict[str, Any]:
        """Merge into an object's status."""
        return self.call("PATCH", f"{path}/status", {"status": status}, None, "application/merge-patch+json")

    def path_of(self, manifest: Mapping[str, Any]) -> str:
        """Return the path of the object that a manifest describes.

        Raises ApiRefused (404) when the server knows no such kind.
        """
        version, kind = str(manifest["apiVersion"]), str(manifest["kind"])
        metadata = manifest["metadata"]
        plural, namespaced = self._kind(version, kind)
        root = f"/api/{version}" if "/" not in version else f"/apis/{version}"
        place = f"/namespaces/{quote(metadata.get('namespace') or 'default')}" if namespaced else ""
        return f"{root}{place}/{plural}/{quote(metadata['name'])}"

    def _served(self, version: str, kind: str) -> dict[str, Any]:
        """Read what a version of a group has; the server's own words for one that it has not name nothing."""
        try:
            return self.get(f"/api/{version}" if "/" not in version else f"/apis/{version}")
        except ApiRefused as refusal:
            if refusal.status != _NOT_FOUND:
                raise
            message = f"the server has no {version}, and so no kind {kind}: is its CustomResourceDefinition installed?"
            raise ApiRefused(_NOT_FOUND, "NotFound", message) from refusal

    def _kind(self, version: str, kind: str) -> tuple[str, bool]:
        with self._lock:
            if version not in self._kinds:
                document = self._served(version, kind)
                self._kinds[version] = {
                    entry["kind"]: (entry["name"], bool(entry["namespaced"]))
                    for entry in document["resources"]
                    if "/" not in entry["name"]
                }
        if kind not in self._kinds[version]:
            raise ApiRefused(_NOT_FOUND, "NotFound", f"the server has no kind {kind} in {version}")
        return self._kinds[version][kind]
