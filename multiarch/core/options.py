"""What every command's options have in common, and what becomes of its report."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
    """Add an option for each format of a report, and how much a terminal shows: the same for every command."""
    more = "Show every answer in the terminal, also what is well."
    command = click.option("--verbose", "-v", is_flag=True, help=more)(command)
    for option, found in reversed(list(FORMATS.items())):
        command = click.option(option, field_of(option), metavar="FILE", help=found.help)(command)
    return command


def field_of(option: str) -> str:
    """Return the parameter that holds a format's file: `--json` is `json_file`."""
    return f"{option.removeprefix('--')}_file"


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where a command's report goes: the files that were asked for, and a terminal or a pipe."""

    targets: Mapping[str, str | None]
    """Each format's option, and what was given for it."""
    console: "Console"
    """Standard error while standard output is for a file's text."""
    verbose: bool = False
    """Whether the terminal shows everything."""


def outlet_of(given: Mapping[str, Any]) -> Outlet:
    """Return where the report goes. Raises click.UsageError for a file that could not be written at the end."""
    from multiarch.core.output import STANDARD_OUTPUT, ReportConsole, check_targets  # noqa: PLC0415 - `--help` needs none of it

    targets = {option: given[field_of(option)] for option in FORMATS}
    check_targets(targets)
    console = ReportConsole(stderr=STANDARD_OUTPUT in targets.values(), highlight=False)
    return Outlet(targets, console, verbose=given["verbose"])


def deliver(
    report: "Report[RunDetail, SectionDetail]",
    words: "Words[RunDetail, SectionDetail]",
    outlet: Outlet,
    *,
    also: Callable[[], bool] = lambda: True,
) -> NoReturn:
    """Show the report, write every file that was asked for, and end the command with the report's exit code.

    `also` is what is done with the report beside, and tells whether that worked. What did not work turns a success
    into "could not tell".
    """
    from multiarch.core.output import write  # noqa: PLC0415 - `--help` needs none of it
    from multiarch.core.render.terminal import print_report  # noqa: PLC0415 - as above

    wanted = {option: target for option, target in outlet.targets.items() if target is not None}
    try:
        print_report(outlet.console, report, words, verbose=outlet.verbose)
    finally:  # a reader that leaves takes only the terminal's report along
        worked = [write(option, target, FORMATS[option].render(report, words)) for option, target in wanted.items()]
    worked.append(also())
    sys.exit(report.exit_code if all(worked) else report.exit_code or COULD_NOT_TELL)
