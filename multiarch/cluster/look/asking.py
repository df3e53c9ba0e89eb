"""Questions to an API server, with refusals as words instead of exceptions."""

from collections.abc import Mapping, Sequence
from typing import Any

from multiarch.cluster.access_review import Action, may
from multiarch.cluster.api import ApiRefused
from multiarch.cluster.errors import UnreachableError
from multiarch.cluster.readonly import ReadOnlyApi
from multiarch.cluster.seen import Seen
from multiarch.core.verdict import Answer, unknown

_FORBIDDEN = 403
_UNAUTHORIZED = 401
_NOT_FOUND = 404


class Questions:
    """One identity's questions to one server, by the read-only API. Safe to use from several threads.

    Every question raises UnreachableError when the server gives no answer, or takes nobody's credentials (401).
    """

    def __init__(self, api: ReadOnlyApi) -> None:
        self.api = api

    def get(self, path: str, what: str) -> Seen[dict[str, Any] | None]:
        """Read one object; None where there is none. `what` names it in `failure`."""
        try:
            return Seen(self.api.get(path))
        except ApiRefused as refusal:
            if refusal.status == _NOT_FOUND:
                return Seen(None)
            return Seen(None, _words(refusal, what), refusal.status == _FORBIDDEN)

    def items(
        self, path: str, what: str, *, query: Mapping[str, str] | None = None, metadata_only: bool = False
    ) -> Seen[list[dict[str, Any]]]:
        """List objects, all of them: for short lists."""
        found: list[dict[str, Any]] = []
        try:
            for page in self.api.pages(path, query, metadata_only=metadata_only):
                found += page
        except ApiRefused as refusal:
            if refusal.status == _NOT_FOUND:  # a server without this kind has none of them
                return Seen(found)
            return Seen(found, _words(refusal, what), refusal.status == _FORBIDDEN)
        return Seen(found)

    def may(self, action: Action) -> Answer:
        """Ask whether this identity may do something; a refused question is one without an answer."""
        try:
            return may(self.api, action)
        except ApiRefused as refusal:
            return unknown(_words(refusal, "the access review"))


def refused(refusal: ApiRefused, what: str) -> str:
    """Say in a few words what was refused and how. Raises UnreachableError for credentials that the server rejects."""
    return _words(refusal, what)


def _words(refusal: ApiRefused, what: str) -> str:
    if refusal.status == _UNAUTHORIZED:
        raise UnreachableError(
            "the API server does not accept the context's credentials (401 Unauthorized): log in to the cloud again"
        ) from refusal
    if refusal.status == _FORBIDDEN:
        return f"403 Forbidden on {what}"
    return f"{refusal.status} {refusal.reason} on {what}"


def first_failure(seen: Sequence[Seen[Any]]) -> str:
    """Return why the first of several questions got no answer; empty where all did."""
    return next((one.failure for one in seen if one.failure), "")
