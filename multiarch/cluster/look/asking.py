"""Read-only questions to an API server: counted, and with refusals as words instead of exceptions.

Nothing here can change a cluster: GET and LIST, and access reviews, which the API server answers and does not store.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.errors import UnreachableError
from multiarch.cluster.look.model import Answer, Told

T = TypeVar("T")

_FORBIDDEN = 403
_UNAUTHORIZED = 401
_NOT_FOUND = 404
_ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


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
    """One identity's questions to one server. Safe to use from several threads.

    Every question raises UnreachableError when the server gives no answer, or takes nobody's credentials (401).
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._asked = 0

    @property
    def asked(self) -> int:
        """How many requests were sent so far; each page of a list is one."""
        return self._asked

    def get(self, path: str, what: str) -> Seen[dict[str, Any] | None]:
        """Read one object; None where there is none. `what` names it in `unseen`."""
        self._count()
        try:
            return Seen(value=self._api.get(path))
        except ApiRefused as refusal:
            if refusal.status == _NOT_FOUND:
                return Seen(value=None)
            return Seen(value=None, unseen=_words(refusal, what), forbidden=refusal.status == _FORBIDDEN)

    def pages(
        self,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        size: int = 500,
        metadata_only: bool = False,
    ) -> Iterator[list[dict[str, Any]]]:
        """List objects page by page. Raises ApiRefused at the page that is refused."""
        for page in self._api.pages(path, query, size=size, metadata_only=metadata_only):
            self._count()
            yield page

    def items(
        self, path: str, what: str, *, query: Mapping[str, str] | None = None, metadata_only: bool = False
    ) -> Seen[list[dict[str, Any]]]:
        """List objects, all of them: for short lists."""
        found: list[dict[str, Any]] = []
        try:
            for page in self.pages(path, query=query, metadata_only=metadata_only):
                found += page
        except ApiRefused as refusal:
            self._count()
            if refusal.status == _NOT_FOUND:  # a server without this kind has none of them
                return Seen(value=found)
            return Seen(value=found, unseen=_words(refusal, what), forbidden=refusal.status == _FORBIDDEN)
        return Seen(value=found)

    def may(self, attributes: Mapping[str, str]) -> Told:
        """Ask whether this identity may do something: `resourceAttributes` of a SelfSubjectAccessReview."""
        self._count()
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: text for key, text in attributes.items() if text}},
        }
        try:
            status = self._api.create(_ACCESS_REVIEWS, body).get("status") or {}
        except ApiRefused as refusal:
            return Told(answer=Answer.UNKNOWN, because=_words(refusal, "the access review"))
        if status.get("allowed"):
            return Told(answer=Answer.YES, because=str(status.get("reason") or "the API server says so"))
        if status.get("evaluationError") and not status.get("denied"):
            return Told(answer=Answer.UNKNOWN, because=str(status["evaluationError"]))
        return Told(answer=Answer.NO, because=str(status.get("reason") or "no rule allows it"))

    def _count(self) -> None:
        with self._lock:
            self._asked += 1


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
