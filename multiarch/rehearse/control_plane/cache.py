"""The user's cache of programs: written whole or not at all, checked at every use, shared by concurrent rehearsals.

A folder per way and per key (`build-linux-amd64-0123456789abcdef/`), in it each program beside a receipt of its
SHA-256. A program whose content is not that of its receipt is as good as absent.
"""

import contextlib
import datetime as dt
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from multiarch.core.files import write_whole
from multiarch.rehearse.control_plane.errors import BinariesError

_LOCK_SECONDS = 3600.0
"""As long as building everything from scratch may take on a slow machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was put into the cache."""

    sha256: str
    version: str
    source: str
    """For people: `built by go1.26.6`, or the address it came from."""
    made: str
    """When, ISO 8601, UTC."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """One folder of the cache: programs of one key."""

    folder: Path

    def find(self, name: str) -> tuple[Path, Receipt] | None:
        """Return a program and its receipt; None when it is absent, half written or not what was put there."""
        path = self.folder / name
        try:
            receipt = Receipt(**json.loads(self._receipt(name).read_text(encoding="utf-8")))
            if sha256_of(path) != receipt.sha256 or not os.access(path, os.X_OK):
                return None
        except (OSError, ValueError, TypeError):
            return None
        return path, receipt

    def holds(self, name: str) -> bool:
        """Tell whether anything by this name is there, whole or not."""
        return (self.folder / name).exists()

    def install(self, name: str, made: Path, *, version: str, source: str) -> tuple[Path, Receipt]:
        """Move a finished program here. It is seen only whole: the receipt, which makes it valid, comes last."""
        made.chmod(0o755)
        receipt = Receipt(
            sha256=sha256_of(made),
            version=version,
            source=source,
            made=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        )
        path = self.folder / name
        made.replace(path)  # an older receipt does not fit it: the program is absent until its own is there
        write_whole(self._receipt(name), json.dumps(asdict(receipt), indent=2))
        return path, receipt

    @contextlib.contextmanager
    def locked(self, waiting: Callable[[float], None]) -> Iterator[Path]:
        """Hold this folder alone, and lend an empty scratch folder on the same file system.

        `waiting` is told each second how long another rehearsal has been awaited. Raises BinariesError after an hour.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = _acquired(self.folder / ".lock", waiting)
        except OSError as error:
            raise BinariesError(f"the cache folder cannot be written: {self.folder}: {error.strerror}") from error
        try:
            scratch = self.folder / ".scratch"
            shutil.rmtree(scratch, ignore_errors=True)  # of one that was killed
            scratch.mkdir(mode=0o700)
            try:
                yield scratch
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
        finally:
            lock.release()

    def _receipt(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def default_root() -> Path:
    """Return the user's cache folder of this package."""
    return Path(platformdirs.user_cache_dir("multiarch-runner"))


def key(*parts: bytes | str) -> str:
    """Hash what decides over a program's content: 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _acquired(path: Path, waiting: Callable[[float], None]) -> FileLock:
    lock, began = FileLock(path), time.monotonic()
    while True:
        try:
            lock.acquire(timeout=1.0)
        except Timeout:
            waited = time.monotonic() - began
            if waited > _LOCK_SECONDS:
                raise BinariesError("another rehearsal has been building the programs for an hour") from None
            waiting(waited)
        else:
            return lock
