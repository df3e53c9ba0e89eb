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
