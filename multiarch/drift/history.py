"""Verdicts kept in a folder, a file for each stack, so that a report can say since when a drift is there."""

import contextlib
import datetime as dt
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import quote

import click
from filelock import FileLock, Timeout

from multiarch.core.files import write_whole
from multiarch.core.secrets import hide_in
from multiarch.drift.memory import Memory, dump, load, remember
from multiarch.drift.model import ComparedStack
from multiarch.drift.plain import NewerVersionError

_LOCK_SECONDS: Final = 20.0
_LARGEST: Final = 64 * 1024 * 1024
"""Bytes; a memory within its bounds is a fraction of that."""


class History:
    """The folder of `--history`. Safe for several runs at a time; a file is always whole, the old one or the new."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def check(self) -> None:
        """Make the folder, and see that it takes files. Raises click.UsageError, before anything is compared."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            raise click.UsageError(f"--history {self.folder}: cannot be written: {error.strerror}") from error

    def dated(self, report: ComparedStack, now: dt.datetime) -> ComparedStack:
        """Return the report with `since` filled in, and remember its verdicts. `now` needs a time zone.

        Trouble with the folder changes no verdict: it is a note in the report.
        """
        file = self.folder / f"{quote(report.stack, safe='')}.json"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with _alone(file.with_suffix(".lock")):
                return _take_in(file, report, now.astimezone(dt.UTC))
        except OSError as error:
            why = error.strerror or str(error)
            return _noted(report, f"history {file}: {why}: this run is not kept, and no drift has a date")


def _take_in(file: Path, report: ComparedStack, now: dt.datetime) -> ComparedStack:
    memory, notes = Memory(stack=report.stack), []
    try:
        memory = _read(file, report.stack) or memory
    except NewerVersionError as error:
        return _noted(report, f"history {file}: {error}: this run is not kept, and no drift has a date")
    except ValueError as error:
        kept = _set_aside(file, now)
        notes.append(f"history {file}: damaged ({error}); kept as {kept.name}, and drifts are dated from this run on")
    after, dated = remember(memory, hide_in(report), now)
    write_whole(file, dump(after))
    return _noted(dated, *notes)


def _read(file: Path, stack: str) -> Memory | None:
    """Read what is remembered; None where nothing is. Raises ValueError for a file that cannot be understood."""
    try:
        with file.open("rb") as opened:
            data = opened.read(_LARGEST + 1)
    except FileNotFoundError:
        return None
    if len(data) > _LARGEST:
        raise ValueError(f"larger than {_LARGEST} bytes")
    memory = load(data.decode("utf-8"))
    if memory.stack != stack:
        raise ValueError(f"it is of the stack {memory.stack!r}")
    return memory


def _set_aside(file: Path, now: dt.datetime) -> Path:
    """Give a damaged file a name of its own, so that nothing of it is lost."""
    for number in range(1, 1000):
        place = file.with_suffix(f".damaged-{now:%Y%m%dT%H%M%SZ}-{number}")
        if not place.exists():
            return file.rename(place)
    raise FileExistsError(0, "too many damaged files are kept already")


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait for other runs of the same stack. Raises TimeoutError (an OSError) when one does not come to its end."""
    held = FileLock(lock, timeout=_LOCK_SECONDS, poll_interval=0.02)
    try:
        held.acquire()
    except Timeout:
        raise TimeoutError(0, "another run holds it and does not let go") from None
    try:
        yield
    finally:
        held.release()


def _noted(report: ComparedStack, *notes: str) -> ComparedStack:
    return replace(report, notes=(*report.notes, *notes))
