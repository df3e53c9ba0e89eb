"""Questions to an API server, with refusals as words instead of exceptions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from multiarch.cluster.access_review import Action, may
from multiarch.cluster.api import ApiRefused
from multiarch.cluster.errors import UnreachableError
from multiarch.cluster.readonly import ReadOnlyApi
from multiarch.core.verdict import Answer, unknown

T = TypeVar("T")

_FORBIDDEN = 403
_UNAUTHORIZED = 401
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Generic[T]):
    """What came back, or why nothing did."""

    value: T
    """Empty where the question got no answer; what came before the failure for a list that broke off."""
    unseen: str = ""
    """A few words (`403 Forbidden on daemonsets`), empty for a whole answer."""
    forbidden: bool = False
    """Whether the user may not see it; otherwise the server was in trouble."""


class Questions:
    """One identity's questions to one server, by the read-only API. Safe to use from several threads.

    Every question raises UnreachableError when the server gives no answer, or takes nobody's credentials (401).
    """

    def __init__(self, api: ReadOnlyApi) -> None:
        self.api = api

    def get(self, path: str, what: str) -> Seen[dict[str, Any] | None]:
        """Read one object; None where there is none. `what` names it in `unseen`."""
        try:
            return Seen(value=self.api.get(path))
        except ApiRefused as refusal:
            if refusal.status == _NOT_FOUND:
                return Seen(value=None)
            return Seen(value=None, unseen=_words(refusal, what), forbidden=refusal.status == _FORBIDDEN)

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
                return Seen(value=found)
            return Seen(value=found, unseen=_words(refusal, what), forbidden=refusal.status == _FORBIDDEN)
        return Seen(value=found)

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


def first_unseen(seen: Sequence[Seen[Any]]) -> str:
    """Return why the first of several questions got no answer; empty where all did."""
    return next((one.unseen for one in seen if one.unseen), "")
