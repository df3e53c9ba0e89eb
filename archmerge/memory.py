"""Remembering how a registry wants to be asked: the next run goes straight for the token, one round trip sooner.

No secret is in it. What it decides is where credentials are sent, so it holds only what could not be used to lead them
astray (`trusted`), is believed only when it belongs to this user alone, and for a day.
"""

from __future__ import annotations

import contextlib
import os
import time

from archmerge.errors import NetworkError
from archmerge.records import TYPE_CHECKING
from archmerge.tokens import Challenge
from archmerge.transport.connections import origin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SECONDS = 86400.0
"""How long an entry is believed: a registry that was taken over and names a thief's realm for a moment must not matter
for longer."""
_ENTRIES_MAX = 64
_BYTES_MAX = 64 << 10
_SCHEMES = ("none", "basic", "bearer")
_FIELDS = 4


def place_of(environ: Mapping[str, str]) -> str:
    """Return the file's path; empty where there is no home, or ARCHMERGE_NO_MEMORY is set."""
    home = environ.get("HOME", "")
    folder = environ.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else "")
    if environ.get("ARCHMERGE_NO_MEMORY") or not folder.startswith("/"):
        return ""
    return f"{folder}/archmerge/challenges.json"


def trusted(base: str, challenge: Challenge) -> bool:
    """Whether a challenge of the registry at `base` may be remembered.

    Over plain HTTP anybody on the way can name a realm; it is kept only when it is the registry's own origin, where
    the credentials would go anyway. Over TLS the registry itself has named it, and it must be encrypted, too.
    """
    if challenge.scheme != "bearer":
        return True
    try:
        here, realm = origin_of(base), origin_of(challenge.realm)
    except NetworkError:
        return False
    return realm == here or (here.scheme == "https" and realm.scheme == "https")


class Memory:
    """Challenges by the registry's base URL. Never raises: what can't be read or written is done without."""

    def __init__(self, path: str, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._new: dict[str, Challenge] = {}
        self._old: dict[str, list[object]] | None = None

    def recall(self, base: str) -> Challenge | None:
        """Return what the registry wanted when it was last asked."""
        if self._old is None:
            self._old = self._read()
        entry = self._old.get(base)
        if not entry:
            return None
        challenge = Challenge(str(entry[0]), str(entry[1]), str(entry[2]))
        return challenge if trusted(base, challenge) else None

    def learn(self, base: str, challenge: Challenge) -> None:
        """Take note of a challenge, to be written by `save`."""
        if trusted(base, challenge):
            self._new[base] = challenge

    def save(self) -> None:
        """Write what was learned beside what others have written meanwhile; the file is replaced as a whole."""
        learned = {base: [*challenge[:3], self._clock()] for base, challenge in self._new.items()}
        self._new = {}
        if not learned:
            return
        import json  # noqa: PLC0415 - most runs have nothing to write

        entries = {**{base: entry for base, entry in self._read().items() if base not in learned}, **learned}
        text = json.dumps(dict(list(entries.items())[-_ENTRIES_MAX:]), indent=1)
        scratch = f"{self._path}.{os.getpid()}.{time.monotonic_ns()}"
        try:
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            file = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with open(file, "w", encoding="utf-8") as out:
                out.write(text)
            os.replace(scratch, self._path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(scratch)

    def _read(self) -> dict[str, list[object]]:
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            return {}
        with open(file, "rb") as source:
            about = os.fstat(source.fileno())
            if about.st_uid != os.geteuid() or about.st_mode & 0o022:
                return {}
            body = source.read(_BYTES_MAX + 1)
        import json  # noqa: PLC0415 - most runs have nothing to read

        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return {}
        listed = document.items() if isinstance(document, dict) and len(body) <= _BYTES_MAX else ()
        return {base: entry for base, entry in listed if self._sound(entry)}

    def _sound(self, entry: object) -> bool:
        if not isinstance(entry, list) or len(entry) != _FIELDS or entry[0] not in _SCHEMES:
            return False
        learned = entry[3]
        if isinstance(learned, bool) or not isinstance(learned, int | float):
            return False
        words = all(isinstance(word, str) for word in entry[:3])
        return words and 0 <= self._clock() - learned <= _SECONDS
