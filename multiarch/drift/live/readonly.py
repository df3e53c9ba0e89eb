"""The only way in which a drift check talks to a cluster: reading, and asking what would be without doing it."""

from collections.abc import Iterator, Mapping
from typing import Any

from multiarch.cluster.api import Api

MANAGER = "multiarch-drift"
"""Field manager of the dry-run applies. It is never stored."""


class ReadOnlyApi:
    """One identity at one API server that changes nothing: GET, and POST and PATCH with `dryRun=All`.

    There is no way through it to any other request, so that what uses it can't write by mistake.
    Raises UnreachableError without an answer and ApiRefused for a refusal, as `Api` does.
    """

    __slots__ = ("_api",)

    def __init__(self, api: Api) -> None:
        self._api = api

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Read an object or a list."""
        return self._api.get(path, query)

    def find(self, path: str) -> dict[str, Any] | None:
        """Read an object; None where there is none."""
        return self._api.find(path)

    def items(self, path: str, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """List objects, page by page."""
        return [item for page in self._api.pages(path, query) for item in page]

    def metadata(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
        """List the metadata of objects, and nothing else of them."""
        for page in self._api.pages(path, query, metadata_only=True):
            for item in page:
                yield item["metadata"]

    def path_of(self, manifest: Mapping[str, Any]) -> str:
        """Return the path of the object that a manifest describes. Raises ApiRefused (404) for an unknown kind."""
        return self._api.path_of(manifest)

    def would_create(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a new object would be, with defaults and all that admission adds. Nothing is stored."""
        collection = self._api.path_of(manifest).rpartition("/")[0]
        return self._api.create(collection, manifest, dry_run=True)

    def would_apply(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the object that is there would be with the manifest applied. Nothing is stored."""
        return self._api.apply(manifest, manager=MANAGER, dry_run=True)
