"""How every command ends when it cannot answer: one line, its own exit code, and no traceback for a user's mistake."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from ops.kubernetes.errors import ClusterError

USAGE = 2
COULD_NOT_TELL = 3
"""Of every command: neither yes nor no, and no success."""
INTERRUPTED = 130
"""128 + SIGINT, what a shell tells of a program ended by Ctrl-C."""


@contextmanager
def told(*usage: type[Exception], interrupted: str) -> Iterator[None]:
    """End the command for what goes wrong inside: 2 for errors of `usage`, 3 for trouble, 130 for Ctrl-C.

    Trouble is the cluster's (no login, no answer) or the machine's. `interrupted` says what an interrupt leaves behind.
    """
    try:
        yield
    except usage as error:
        click.echo(str(error), err=True)
        sys.exit(USAGE)
    except ClusterError as error:  # no login, or no answer
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
