"""What was seen of a cluster, or why it was not: a refusal and no answer become words instead of exceptions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from multiarch.cluster.api import ApiRefused
from multiarch.cluster.errors import ClusterError

T = TypeVar("T")

_FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """What was seen, or why it was not. Nothing there is not the same as not seen."""

    value: T
    """None for an object that is not there, or was not seen; of a list that broke off, what came before."""
    failure: str = ""
    """Why it was not seen, in a few words (`nodes: 403 Forbidden`); empty for a whole answer."""
    forbidden: bool = False
    """Whether the user may not see it; otherwise the server was in trouble."""

    @property
    def known(self) -> bool:
        """Whether it was seen."""
        return not self.failure

    @property
    def missing(self) -> bool:
        """Whether there surely is none."""
        return self.value is None and not self.failure


def read_list(read: Callable[[], Sequence[T]], what: str) -> Seen[tuple[T, ...]]:
    """Read a list; a refusal or no answer becomes the reason why it was not seen."""
    try:
        return Seen(tuple(read()))
    except (ApiRefused, ClusterError) as error:
        return Seen((), why(error, what))


def read_one(read: Callable[[], T | None], what: str) -> Seen[T | None]:
    """Read one object; a refusal or no answer becomes the reason why it was not seen."""
    try:
        return Seen(read())
    except (ApiRefused, ClusterError) as error:
        return Seen(None, why(error, what))


def why(error: ApiRefused | ClusterError, what: str) -> str:
    """Say what could not be read, and in whose words."""
    if isinstance(error, ApiRefused) and error.status == _FORBIDDEN:
        return f"{what}: 403 Forbidden"  # the message says at length what the context's user may not do
    if isinstance(error, ApiRefused):
        return f"{what}: {error.status} {error.message}"
    return f"{what}: {error}"
