"""What can go wrong, each kind with its own exit code, and each message with its fix."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """The process exit codes. They are API: a number never changes its meaning (docs/merge.md has the table)."""

    OK = 0
    BUG = 1
    USAGE = 2
    MISSING = 3
    MISMATCH = 4
    AUTH = 5
    REFUSED = 6
    NETWORK = 7
    COPY_FORBIDDEN = 8
    UNKNOWN = 9
    WRONG_CONTENT = 10
    INTERRUPTED = 130


class ArchmergeError(Exception):
    """Base of all errors. `str(error)` is the whole message: what is there, what follows, and the fix."""

    code: ClassVar[ExitCode] = ExitCode.BUG

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.notes: list[str] = []
        """Lines of context added on the way up, such as which tags had moved already."""

    def __str__(self) -> str:
        """Message, notes and fix, a line each."""
        lines = [self.message, *self.notes]
        if self.fix:
            lines.append(f"fix: {self.fix}")
        return "\n  ".join(lines)


class UsageError(ArchmergeError):
    """The request contradicts itself or can't be read. Nothing was sent."""

    code = ExitCode.USAGE


class MissingError(ArchmergeError):
    """A source image, one of its blobs, or a file of digests is not there."""

    code = ExitCode.MISSING


class MismatchError(ArchmergeError):
    """An input isn't what it is said to be, or can't be part of an index. Nothing was published."""

    code = ExitCode.MISMATCH


class AuthError(ArchmergeError):
    """No credentials, wrong ones, or ones that may not do this."""

    code = ExitCode.AUTH


class RefusedError(ArchmergeError):
    """The registry understood the request and said no."""

    code = ExitCode.REFUSED


class NetworkError(ArchmergeError):
    """Retries or the deadline are used up."""

    code = ExitCode.NETWORK


class CopyForbiddenError(ArchmergeError):
    """Blobs would have to be copied, but `--no-copy` was said."""

    code = ExitCode.COPY_FORBIDDEN


class UnknownError(ArchmergeError):
    """A check that was asked for could not tell; that is never taken for a yes."""

    code = ExitCode.UNKNOWN


class WrongContentError(ArchmergeError):
    """What came back isn't what was asked: another digest, a broken manifest, a web page."""

    code = ExitCode.WRONG_CONTENT
