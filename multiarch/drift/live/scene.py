"""What the checks of one stack are made with: the program's wishes, the cluster, Pulumi's memory, and the time."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from multiarch.cluster.errors import UnreachableError
from multiarch.cluster.readonly import ReadOnlyApi
from multiarch.drift.live.program import Program
from multiarch.drift.live.request import StateResource
from multiarch.drift.live.stored import Stored, find_stored
from multiarch.drift.model import Check

AT_ONCE = 6
"""Objects asked for at a time."""

_Wanted = TypeVar("_Wanted")
_Told = TypeVar("_Told")


class OutOfTimeError(Exception):
    """The stack's time is used up: what is left could not be told."""


@dataclass(slots=True, kw_only=True)
class Scene:
    """One stack in front of its cluster. Safe to share between threads."""

    program: Program
    checks: frozenset[Check]
    deadline: float
    progress: Callable[[str], None]
    state: tuple[StateResource, ...] | None = None
    state_failure: str = ""
    notes: list[str] = field(default_factory=list)
    _api: ReadOnlyApi | None = None
    _nodes: list[dict[str, Any]] | None = None
    _stored: dict[tuple[str, str], Stored] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def api(self) -> ReadOnlyApi:
        """The cluster. Raises UnreachableError where none was reached."""
        if self._api is None:
            raise UnreachableError("the cluster was not reached")
        return self._api

    def connect(self, api: ReadOnlyApi) -> None:
        """Put the scene in front of a cluster."""
        self._api = api

    def note(self, what: str) -> None:
        """Tell the reader something, once."""
        with self._lock:
            if what not in self.notes:
                self.notes.append(what)

    def stored(self, name: str, namespace: str) -> Stored:
        """Return what Helm stored of a release; asked once."""
        with self._lock:
            known = self._stored.get((namespace, name))
        if known is None:
            known = find_stored(self.api, name, namespace)
            with self._lock:
                self._stored[(namespace, name)] = known
        return known

    def nodes(self) -> list[dict[str, Any]]:
        """Return the cluster's nodes; asked once."""
        if self._nodes is None:
            self._nodes = self.api.items("/api/v1/nodes")
        return self._nodes

    def remembered(self, urn: str) -> Mapping[str, Any]:
        """Return what Pulumi remembers of a resource; nothing where it remembers none."""
        return next((resource.outputs for resource in self.state or () if resource.urn == urn), {})

    def in_time(self) -> None:
        """Raise OutOfTimeError after the deadline."""
        if time.monotonic() > self.deadline:
            raise OutOfTimeError("the stack's time limit was reached")

    def each(self, what: str, wanted: Iterable[_Wanted], tell: Callable[[_Wanted], _Told]) -> list[_Told]:
        """Ask for several things at a time, in order; each is told the progress of."""
        items = list(wanted)
        done = 0

        def one(item: _Wanted) -> _Told:
            nonlocal done
            told = tell(item)
            with self._lock:
                done += 1
                self.progress(f"{what}: {done} of {len(items)}")
            return told

        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="drift") as pool:
            return list(pool.map(one, items))
