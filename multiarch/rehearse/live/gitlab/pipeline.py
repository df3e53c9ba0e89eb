"""A pipeline as GitLab keeps it: which job may start, what each has said and kept, and how it ended."""

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from graphlib import TopologicalSorter
from typing import Final

from multiarch.rehearse.live.job import CiJob
from multiarch.rehearse.live.taking import untaken

GRACE_SECONDS: Final = 120.0
"""How long after its own time limit a job may still be at its end: the runner stops it by itself, and cleans up."""
_FIRST_ID: Final = 1001


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A runner as GitLab has it."""

    id: int
    name: str
    tags: tuple[str, ...]
    token: str = field(repr=False)
    """What it asks with."""


class State(Enum):
    """How far a job is. The values are GitLab's own words, as in the header Job-Status."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "success"
    FAILED = "failed"
    CANCELED = "canceled"
    SKIPPED = "skipped"

    @property
    def over(self) -> bool:
        """Whether nothing comes after it."""
        return self not in {State.PENDING, State.RUNNING}


@dataclass(slots=True, kw_only=True)
class Entry:
    """A job in the pipeline. Changed only by its pipeline."""

    id: int
    job: CiJob
    token: str = field(repr=False)
    """What it may ask with, as long as it runs."""
    state: State = State.PENDING
    reason: str = ""
    """Why it failed, in the runner's words; of what was skipped, in ours."""
    exit_code: int = 0
    runner: Registered | None = None
    """Who took it."""
    nobodys: bool = False
    """Whether no runner has its tags."""
    log: bytearray = field(default_factory=bytearray, repr=False)
    archive: bytes | None = field(default=None, repr=False)
    """The zip file of what it kept."""
    began: float = 0.0
    ended: float = 0.0

    @property
    def name(self) -> str:
        """Its job's name."""
        return self.job.name


class Kept(Enum):
    """What came of a part of a log that was sent."""

    APPENDED = auto()
    NOT_NEXT = auto()
    """It does not begin where the log ends: the runner is told where, and sends it again."""
    NOT_RUNNING = auto()


class Pipeline:
    """The jobs of one pipeline, and the runners that there are for them. Safe to use from several threads.

    A job that no runner takes is over from the beginning, and so is what needs it. Raises ValueError for jobs that
    could never all run: a name twice, a need that is not there, needs in a circle.
    """

    def __init__(
        self, jobs: Sequence[CiJob], runners: Sequence[Registered], clock: Callable[[], float] = time.monotonic
    ) -> None:
        _check(jobs)
        self._clock = clock
        self._changed = threading.Condition()
        self._closed = False
        self.entries: tuple[Entry, ...] = tuple(
            Entry(id=_FIRST_ID + number, job=job, token=f"glcbt-{secrets.token_urlsafe(24)}")
            for number, job in enumerate(jobs)
        )
        for entry in self.entries:
            if not any(entry.job.pipeline.taken_by(runner.tags) for runner in runners):
                entry.state, entry.reason, entry.nobodys = State.SKIPPED, untaken(entry.job), True
        self._skip()

    @property
    def finished(self) -> bool:
        """Whether every job is over."""
        with self._changed:
            return all(entry.state.over for entry in self.entries)

    def waits_for(self, runner: Registered) -> bool:
        """Tell whether a job of this runner could start, and none runs that the runner is busy with."""
        with self._changed:
            busy = any(entry.state is State.RUNNING and entry.runner == runner for entry in self.entries)
            return self._next(runner) is not None and not busy

    def entry(self, number: int) -> Entry | None:
        """Return a job by GitLab's id."""
        return next((entry for entry in self.entries if entry.id == number), None)

    def bearer(self, token: str) -> Entry | None:
        """Return the running job that has this token: a token ends with its job."""
        with self._changed:
            running = [entry for entry in self.entries if entry.state is State.RUNNING]
        return next((entry for entry in running if secrets.compare_digest(entry.token.encode(), token.encode())), None)

    def needed_by(self, entry: Entry) -> list[Entry]:
        """Return the jobs whose artifacts a job gets."""
        return [other for other in self.entries if other.name in entry.job.needs]

    def take(self, runner: Registered, seconds: float = 0.0) -> Entry | None:
        """Start the runner's next job whose needs have succeeded; waits for one, as GitLab does when a runner asks."""
        until = self._clock() + seconds
        with self._changed:
            while (entry := self._next(runner)) is None:
                left = until - self._clock()
                if self._closed or left <= 0 or all(one.state.over for one in self.entries):
                    return None
                self._changed.wait(left)
            entry.state, entry.runner, entry.began = State.RUNNING, runner, self._clock()
            self._changed.notify_all()
            return entry

    def append(self, entry: Entry, start: int, content: bytes) -> Kept:
        """Add a part to a job's log, if it begins where the log ends."""
        with self._changed:
            if entry.state is not State.RUNNING:
                return Kept.NOT_RUNNING
            if start != len(entry.log):
                return Kept.NOT_NEXT
            entry.log += content
            self._changed.notify_all()
            return Kept.APPENDED

    def keep(self, entry: Entry, archive: bytes) -> bool:
        """Keep a job's artifacts; no longer once it is over."""
        with self._changed:
            if entry.state is not State.RUNNING:
                return False
            entry.archive = archive
            return True

    def end(self, entry: Entry, state: State, reason: str = "", exit_code: int = 0) -> None:
        """Take a running job's end, and skip what needed it, if it failed."""
        with self._changed:
            if entry.state is not State.RUNNING:
                return
            entry.state, entry.reason, entry.exit_code, entry.ended = state, reason, exit_code, self._clock()
            self._skip()
            self._changed.notify_all()

    def end_overdue(self) -> None:
        """Fail what the runner has not ended long after it had to: it no longer answers for that job."""
        now = self._clock()
        for entry in self.entries:
            if entry.state is State.RUNNING and now - entry.began > entry.job.timeout + GRACE_SECONDS:
                self.end(entry, State.FAILED, f"the runner has not ended it within {entry.job.timeout} s")

    def cancel(self) -> None:
        """Stop all that runs and start nothing more: the runner learns it with the next part of a log that it sends."""
        with self._changed:
            self._closed = True
            for entry in self.entries:
                if not entry.state.over:
                    entry.state, entry.reason, entry.ended = State.CANCELED, "stopped", self._clock()
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Return when anything has changed, or after this time."""
        with self._changed:
            self._changed.wait(seconds)

    def close(self) -> None:
        """Let nobody wait for a job any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _next(self, runner: Registered) -> Entry | None:
        done = {entry.name for entry in self.entries if entry.state is State.SUCCEEDED}
        waiting = (entry for entry in self.entries if entry.state is State.PENDING)
        pending = (entry for entry in waiting if entry.job.pipeline.taken_by(runner.tags))
        return next((entry for entry in pending if done.issuperset(entry.job.needs)), None)

    def _skip(self) -> None:
        """Skip what needs a job that did not succeed, and what needs that, and so on."""
        lost = {entry.name: entry.state for entry in self.entries if entry.state in {State.FAILED, State.SKIPPED}}
        for entry in self.entries:
            first = next((need for need in entry.job.needs if need in lost), None)
            if entry.state is State.PENDING and first is not None:
                word = "failed" if lost[first] is State.FAILED else "was not started"
                entry.state, entry.reason = State.SKIPPED, f"not started: {first} {word}"
                self._skip()
                return


def _check(jobs: Sequence[CiJob]) -> None:
    names = [job.name for job in jobs]
    if len(set(names)) != len(names):
        raise ValueError(f"a pipeline can't have two jobs of one name: {', '.join(names)}")
    unknown = sorted({need for job in jobs for need in job.needs} - set(names))
    if unknown:
        raise ValueError(f"needed by a job, but not in the pipeline: {', '.join(unknown)}")
    TopologicalSorter({job.name: job.needs for job in jobs}).prepare()  # its CycleError is a ValueError
