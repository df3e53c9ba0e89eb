"""The only way in which looks, the doctor and drift checks talk to a cluster: it reads, asks, and changes nothing."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from multiarch.cluster.api import PAGE, Api, ApiRefused

MANAGER = "multiarch"
"""Field manager of the dry-run applies. It is never stored."""
_METADATA = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
_NOT_FOUND = 404


class ReadOnlyApi:
    """One identity at one API server that changes nothing, and counts its requests. Safe to use from several threads.

    GET, access reviews, and POST and PATCH with `dryRun=All`: there is no way through it to any other request, so that
    what uses it can't write by mistake.
    Raises UnreachableError without an answer and ApiRefused for a refusal, as `Api` does.
    """

    __slots__ = ("_api", "_lock", "requests")

    def __init__(self, api: Api) -> None:
        self._api = api
        self._lock = threading.Lock()
        self.requests = 0
        """How many were sent; each page of a list is one."""

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Read an object or a list."""
        self._count()
        return self._api.get(path, query)

    def find(self, path: str) -> dict[str, Any] | None:
        """Read an object; None where there is none."""
        self._count()
        return self._api.find(path)

    def items(self, path: str, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """List objects, page by page, all of them in memory."""
        return [item for page in self.pages(path, query) for item in page]

    def pages(
        self, path: str, query: Mapping[str, str] | None = None, *, size: int = PAGE, metadata_only: bool = False
    ) -> Iterator[list[dict[str, Any]]]:
        """List objects page by page; with `metadata_only` nothing else of them."""
        try:
            for page in self._api.pages(path, query, size=size, metadata_only=metadata_only):
                self._count()
                yield page
        except ApiRefused:
            self._count()
            raise

    def metadata(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
        """List the metadata of objects, and nothing else of them."""
        for page in self.pages(path, query, metadata_only=True):
            for item in page:
                yield item["metadata"]

    def metadata_of(self, path: str) -> dict[str, Any] | None:
        """Read an object's metadata and nothing else of it (for Secrets); None where there is none."""
        self._count()
        try:
            return self._api.call("GET", path, accept=_METADATA)
        except ApiRefused as refusal:
            if refusal.status == _NOT_FOUND:
                return None
            raise

    def table(self, path: str) -> dict[str, Any]:
        """Read an object as the server's table, which is what `kubectl get` prints of it."""
        self._count()
        return self._api.call("GET", path, query={"includeObject": "None"}, accept=_TABLE)

    def log_tail(self, namespace: str, pod: str, container: str) -> str:
        """Read the last 1,000 bytes at most of what a container said."""
        query = {"container": container, "tailLines": "5", "limitBytes": "1000"}
        return str(self.get(f"/api/v1/namespaces/{namespace}/pods/{pod}/log", query).get("message", ""))

    def review(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send an access review; its API answers and stores nothing."""
        self._count()
        return self._api.review(path, body)

    def path_of(self, manifest: Mapping[str, Any]) -> str:
        """Return the path of the object that a manifest describes. Raises ApiRefused (404) for an unknown kind."""
        return self._api.path_of(manifest)

    def would_create(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a new object would be, with defaults and all that admission adds. Nothing is stored."""
        self._count()
        collection = self._api.path_of(manifest).rpartition("/")[0]
        return self._api.create(collection, manifest, dry_run=True)

    def would_admit(self, path: str, manifest: Mapping[str, Any], acting_as: str = "") -> dict[str, Any]:
        """Return what admission makes of a new object in the collection at `path`. Nothing is stored.

        With `acting_as` it is asked as that user, which takes the right to impersonate it. A service account's name is
        enough: the API server adds its groups (k8s.io/apiserver pkg/endpoints/filters/impersonation/impersonation.go).
        """
        self._count()
        return self._api.try_create(path, manifest, acting_as)

    @property
    def impersonates(self) -> bool:
        """Whether every request is made as another user already."""
        return self._api.impersonates

    def would_apply(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the object that is there would be with the manifest applied. Nothing is stored."""
        self._count()
        return self._api.apply(manifest, manager=MANAGER, dry_run=True)

    def _count(self) -> None:
        with self._lock:
            self.requests += 1
