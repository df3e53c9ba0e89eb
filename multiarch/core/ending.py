"""How every command ends: one table of exit codes, and one line instead of a traceback for a user's mistake."""

import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

import click


class NoAnswer(Exception):  # noqa: N818 - what the command will say
    """What was to be asked gave no answer: whatever depends on it is answered "could not tell"."""


WELL = 0
WRONG = 1
"""A claim failed, a cause was found, something drifted: outweighs whatever could not be told beside it."""
USAGE = 2
COULD_NOT_TELL = 3
"""Neither yes nor no, and no success."""
INTERRUPTED = 130
"""128 + SIGINT, what a shell tells of a program ended by Ctrl-C."""
_WORST_FIRST = (WRONG, USAGE, COULD_NOT_TELL, WELL)


def worst(codes: Iterable[int]) -> int:
    """Fold several answers' codes into the command's: no doubt hides what is wrong. One not listed comes first.

    >>> worst([COULD_NOT_TELL, WELL, WRONG])
    1
    """
    return min(codes, key=lambda code: _WORST_FIRST.index(code) if code in _WORST_FIRST else -1, default=WELL)


def meanings(*, well: str, wrong: str, could_not_tell: str) -> str:
    """Return the table as `--help` shows it, in a command's own words."""
    return (
        f"Exit codes: {WELL} {well} · {WRONG} {wrong} · {USAGE} usage or configuration · "
        f"{COULD_NOT_TELL} {could_not_tell}\nIf both {WRONG} and {COULD_NOT_TELL} apply: {WRONG}."
    )


@contextmanager
def exit_codes_for(*usage: type[Exception], interrupted: str) -> Iterator[None]:
    """End the command for what goes wrong inside: 2 for errors of `usage`, 3 for trouble, 130 for Ctrl-C.

    Trouble is the cluster's (no login, no answer) or the machine's. `interrupted` says what an interrupt leaves behind.
    """
    try:
        yield
    except usage as error:
        click.echo(str(error), err=True)
        sys.exit(USAGE)
    except NoAnswer as error:  # no login, no cluster
        click.echo(f"could not tell: {error}", err=True)
        sys.exit(COULD_NOT_TELL)
    except OSError as error:  # a full disk, no folder for temporary files: no answer
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"could not tell: {where}{error.strerror or error}", err=True)
        sys.exit(COULD_NOT_TELL)
    except KeyboardInterrupt:
        click.echo(f"interrupted; {interrupted}", err=True)
        sys.exit(INTERRUPTED)


def unwind_on_terminate() -> None:
    """Let SIGTERM, and a closed terminal, unwind the stack like Ctrl-C does.

    Every child process ends, and what was made is deleted. Under `nohup` a closed terminal goes on being ignored.
    """
    signal.signal(signal.SIGTERM, _unwind)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _unwind)


def _unwind(number: int, frame: FrameType | None) -> None:
    del frame
    sys.exit(128 + number)
