"""Where a report goes: the terminal or a pipe, and the files that were asked for."""

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from multiarch.core.secrets import hide_written

STANDARD_OUTPUT = "-"
READER_GONE = 141
"""128 + SIGPIPE, what a shell tells of a program whose reader left: no answer, and not the 1 of a failed claim."""


class ReportConsole(Console):
    """A console that ends the command by its own exit code when nobody reads on: `multiarch rehearse | head -1`."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Redact every text before it is wrapped: half a secret at the end of a line has no shape any more."""
        if isinstance(renderable, str):
            renderable = self.render_str(renderable)
        return super().render(redacted(renderable) if isinstance(renderable, Text) else renderable, options)

    def on_broken_pipe(self) -> None:
        """End the command; what it started is ended on the way."""
        self.quiet = True
        leave_the_pipe()
        raise SystemExit(READER_GONE)


def redacted(text: Text) -> Text:
    """Return a text without the secrets that are known; wrapped, a half of one has no shape any more."""
    shown = hide_written(text.plain)
    return text if shown == text.plain else text.blank_copy(shown)  # without the styles of its parts


def leave_the_pipe() -> None:
    """Send what Python still flushes at its exit to nowhere, since it would only fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def check_targets(targets: Mapping[str, str | None]) -> None:
    """Refuse, before anything is started, files that could not be written at the end. Makes their folders.

    `targets` are options to what was given for them. Raises click.UsageError.
    """
    if sum(target == STANDARD_OUTPUT for target in targets.values()) > 1:
        raise click.UsageError("only one report can go to standard output (-)")
    for option, target in targets.items():
        if target is None or target == STANDARD_OUTPUT:
            continue
        try:
            _try(Path(target))
        except OSError as error:
            raise click.UsageError(f"{option} {target}: cannot be written: {error.strerror}") from error


def _try(target: Path) -> None:
    if target.is_dir():
        raise IsADirectoryError(0, "it is a directory")
    if target.exists():
        if not os.access(target, os.W_OK):
            raise PermissionError(0, "it is read-only")
        return
    if target.parent.exists() and not target.parent.is_dir():
        raise NotADirectoryError(0, f"{target.parent} is not a directory")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=target.parent):
        pass


def write(option: str, target: str, text: str) -> bool:
    """Write one report and tell whether that worked; a failure is said on standard error and stops no other report.

    Raises SystemExit (141) when the reader of standard output has left.
    """
    text = hide_written(text)
    try:
        if target == STANDARD_OUTPUT:
            click.echo(text, nl=False)
        else:
            Path(target).write_text(text, encoding="utf-8")
    except BrokenPipeError:
        leave_the_pipe()
        raise SystemExit(READER_GONE) from None
    except OSError as error:
        click.echo(f"{option} {target}: the report could not be written: {error.strerror}", err=True)
        return False
    return True
