"""What every command's options have in common, and what becomes of its report."""

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from multiarch.core.ending import COULD_NOT_TELL
from multiarch.core.render import FORMATS

if TYPE_CHECKING:
    from rich.console import Console

    from multiarch.core.render.words import Words
    from multiarch.core.report import Report, RunDetail, SectionDetail

F = TypeVar("F", bound=Callable[..., Any])


def report_options(command: F) -> F:
    """Add an option for each format of a report: the same for every command."""
    for option, found in reversed(FORMATS.items()):
        command = click.option(option, field_of(option), metavar="FILE", help=found.help)(command)
    return command


def field_of(option: str) -> str:
    """Return the parameter that holds a format's file: `--json` is `json_file`."""
    return f"{option.removeprefix('--')}_file"


def targets_of(given: Mapping[str, Any]) -> dict[str, str | None]:
    """Return each format's option and the file that was given for it."""
    return {option: given[field_of(option)] for option in FORMATS}


def console_for(targets: Mapping[str, str | None]) -> "Console":
    """Return where the command shows things: standard error while standard output is for a file's text."""
    from multiarch.core.output import STANDARD_OUTPUT, ReportConsole  # noqa: PLC0415 - `--help` needs none of it

    return ReportConsole(stderr=STANDARD_OUTPUT in targets.values(), highlight=False)


def deliver(
    report: "Report[RunDetail, SectionDetail]",
    words: "Words[RunDetail, SectionDetail]",
    targets: Mapping[str, str | None],
    console: "Console",
    *,
    show: Callable[[], None] | None = None,
    also: Callable[[], bool] | None = None,
) -> NoReturn:
    """Show the report, write every file that was asked for, and end the command with the report's exit code.

    `show` is what shows it, where that is not the renderers' own frame. `also` is what is done with it beside, and
    tells whether that worked. A file that could not be written turns a success into "could not tell".
    """
    from multiarch.core.output import write  # noqa: PLC0415 - `--help` needs none of it
    from multiarch.core.render.terminal import print_report  # noqa: PLC0415 - as above

    try:
        if show is None:
            print_report(console, report, words)
        else:
            show()
    finally:  # a reader that leaves takes only the terminal's report along
        wanted = {option: target for option, target in targets.items() if target is not None}
        worked = [write(option, target, FORMATS[option].render(report, words)) for option, target in wanted.items()]
    if also is not None:
        worked.append(also())
    sys.exit(report.exit_code if all(worked) else report.exit_code or COULD_NOT_TELL)
