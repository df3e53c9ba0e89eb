"""Standard output and standard error that let no secret through, whoever writes: a report, a traceback, a library."""

import codecs
import io
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from multiarch.core.secrets import hide, hide_written, remember_environment

if TYPE_CHECKING:  # Python 3.12 has it in collections.abc
    from typing_extensions import Buffer


class RedactedStream(io.TextIOWrapper):
    """A text stream that redacts whole lines: what a line begins is held until the line ends, or `flush` is called.

    `prose` tells that nobody reads it as JSON or the like, so that a short word behind a secret's name is hidden too.
    """

    def __init__(self, stream: TextIO, *, prose: bool) -> None:
        ascii_only = stream.encoding.lower() in ("ascii", "us-ascii", "ansi_x3.4-1968")
        super().__init__(
            stream.buffer,
            encoding=stream.encoding,
            errors="backslashreplace" if ascii_only else stream.errors,
            line_buffering=getattr(stream, "line_buffering", False),
            write_through=getattr(stream, "write_through", False),
        )
        self._hide = hide if prose else hide_written
        self._bytes = _RedactedBytes(self, "utf-8" if ascii_only else stream.encoding)
        self._held = ""
        self._redacting = threading.RLock()  # a signal's handler may write in the middle of a write

    @property
    def buffer(self) -> Any:
        """No way round: prompts write bytes by it, and click does where it mistrusts an encoding."""
        return self._bytes

    def write(self, text: str) -> int:
        """Write what is complete of it."""
        with self._redacting:
            lines, end, self._held = (self._held + text).rpartition("\n")
            if end:
                super().write(self._hide(lines + end))
        return len(text)

    def flush(self) -> None:
        """Write the rest too: a prompt has no line end."""
        with self._redacting:
            held, self._held = self._held, ""
            if held:
                super().write(self._hide(held))
            super().flush()


class _RedactedBytes(io.BufferedIOBase):
    """The same stream for those who write bytes."""

    def __init__(self, stream: RedactedStream, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    def write(self, data: "Buffer") -> int:
        """Write what the bytes say; half a character waits for its other half."""
        written = bytes(data)
        self._stream.write(self._decoder.decode(written))
        return len(written)

    def flush(self) -> None:
        """Write the rest too. One that was given back already has none."""
        with suppress(ValueError):
            self._stream.flush()


@contextmanager
def redacted_streams() -> Iterator[None]:
    """Redact all that is written to standard output and standard error inside."""
    if isinstance(sys.stdout, RedactedStream) or not _wrappable(sys.stdout, sys.stderr):
        yield
        return
    before = sys.stdout, sys.stderr
    within = RedactedStream(sys.stdout, prose=False), RedactedStream(sys.stderr, prose=True)
    sys.stdout, sys.stderr = within
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for stream in within:
            # Whoever wrote has heard of a broken pipe or a full disk already; Python tells it once more at its exit.
            with suppress(OSError, ValueError):
                stream.flush()
            with suppress(OSError, ValueError):
                stream.detach()  # or it would close the stream below


def exit_redacted(main: Callable[[], int]) -> NoReturn:
    """Run a program's `main` to the end of the process with redacted output, its traceback included (exit 1)."""
    remember_environment(os.environ)
    with redacted_streams():
        try:
            sys.exit(main())
        except Exception:  # noqa: BLE001 - Python would print it after the streams are as they were
            traceback.print_exc()
            sys.exit(1)


def _wrappable(*streams: TextIO | None) -> bool:
    return all(stream is not None and getattr(stream, "buffer", None) is not None for stream in streams)
