"""The one way from the doctor to a cluster. It reads, and asks who may do what; it has no word for anything else."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.errors import ClusterError

T = TypeVar("T")

_METADATA = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
_NOT_FOUND = 404
_FORBIDDEN = 403
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """What was seen of one kind; or why it was not. Nothing seen is not the same as not seen."""

    items: tuple[T, ...] = ()
    failure: str = ""

    @property
    def known(self) -> bool:
        """Whether it was seen."""
        return not self.failure


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """One object: it, or that there is none, or why that could not be told."""

    value: T | None = None
    failure: str = ""

    @property
    def missing(self) -> bool:
        """Whether there surely is none."""
        return self.value is None and not self.failure


class Reader:
    """Reads as one identity. Safe to use from several threads.

    Reviews are POSTs by their API, and store nothing. Every call but `seen` and `found` raises as `Api` does.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._lock = threading.Lock()
        self.requests = 0

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Read an object."""
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
        self, path: str, query: Mapping[str, str] | None = None, *, metadata_only: bool = False
    ) -> Iterator[list[dict[str, Any]]]:
        """List objects page by page; with `metadata_only` nothing else of them."""
        for page in self._api.pages(path, query, metadata_only=metadata_only):
            self._count()
            yield page

    def metadata(self, path: str) -> dict[str, Any] | None:
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
        self._count()
        query = {"container": container, "tailLines": "5", "limitBytes": "1000"}
        answer = self._api.get(f"/api/v1/namespaces/{namespace}/pods/{pod}/log", query)
        return str(answer.get("message", ""))

    def may(self, who: str, groups: Sequence[str], attributes: Mapping[str, str]) -> bool:
        """Ask whether somebody may do something (SubjectAccessReview)."""
        self._count()
        spec = {
            "user": who,
            "groups": list(groups),
            "resourceAttributes": {key: value for key, value in attributes.items() if value},
        }
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        return bool(self._api.create(_REVIEWS, body)["status"].get("allowed"))

    def _count(self) -> None:
        with self._lock:
            self.requests += 1


def seen(read: Callable[[], Sequence[T]], what: str) -> Seen[T]:
    """Read a list; a refusal or no answer becomes the reason why it was not seen."""
    try:
        return Seen(tuple(read()))
    except (ApiRefused, ClusterError) as error:
        return Seen(failure=why(error, what))


def found(read: Callable[[], T | None], what: str) -> Found[T]:
    """Read one object; a refusal or no answer becomes the reason why it was not seen."""
    try:
        return Found(read())
    except (ApiRefused, ClusterError) as error:
        return Found(failure=why(error, what))


def why(error: ApiRefused | ClusterError, what: str) -> str:
    """Say what could not be read, and in whose words."""
    if isinstance(error, ApiRefused) and error.status == _FORBIDDEN:
        return f"{what}: 403 Forbidden"  # the message says at length what the context's user may not do
    if isinstance(error, ApiRefused):
        return f"{what}: {error.status} {error.message}"
    return f"{what}: {error}"
