"""The `multiarch` command. Each subcommand's code is imported only when it is called."""

import importlib
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

import click

from multiarch.core.ending import COULD_NOT_TELL, INTERRUPTED
from multiarch.core.secrets import remember_environment
from multiarch.core.streams import redacted_streams

if TYPE_CHECKING:
    from multiarch.core.progress import ProgressDisplay
    from multiarch.core.report import Check
    from multiarch.onboard.request import ToRehearse

COMMANDS = {
    "doctor": "multiarch.doctor.command",
    "drift": "multiarch.drift.command",
    "onboard": "multiarch.onboard.command",
    "rehearse": "multiarch.rehearse.command",
}
"""Subcommand that gives a report, to the module that holds it as `command`."""
TOOLS = {"nodes": "multiarch.rehearse.nodes.command"}
"""Subcommand that gives none: it does something on this machine."""


class LazyGroup(click.Group):
    """A group that imports a subcommand when it is asked for, so that `--help` and completion answer at once."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run with redacted output, knowing which values of the environment are secret."""
        remember_environment(os.environ)
        with redacted_streams():
            return super().main(*args, **kwargs)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the subcommands in alphabetical order."""
        del ctx
        return sorted({**COMMANDS, **TOOLS})

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; Ctrl-C while it is still being imported is the same as later, and click would exit 1."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("interrupted before anything started", err=True)
            sys.exit(INTERRUPTED)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one subcommand; None when there is none of that name."""
        del ctx
        module = {**COMMANDS, **TOOLS}.get(cmd_name)
        if module is None:
            return None
        command = importlib.import_module(module).command
        assert isinstance(command, click.Command)  # noqa: S101 - a programming error, not input
        return command


def rehearsed(wanted: "ToRehearse", display: "ProgressDisplay") -> "tuple[Check, ...]":
    """Rehearse a stack for another subcommand, and return its claims: here is where the subcommands meet."""
    from multiarch.rehearse.run import Options, rehearse  # noqa: PLC0415 - a subcommand's code, as above

    options = Options(
        project=wanted.project,
        stacks=(wanted.stack,),
        binaries=wanted.binaries,  # type: ignore[arg-type]  # the option has the same choices
        nodes=wanted.nodes,
        bystanders=wanted.bystanders,
    )
    return tuple(check for section in rehearse(options, display).sections for check in section.checks)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="multiarch-runner")
@click.pass_context
def multiarch(context: click.Context) -> None:
    """Container images for amd64 and arm64 from GitLab CI: the tools around the Pulumi program.

    \b
    Examples:
      multiarch onboard --context my-cluster
      multiarch rehearse --stack gke
      multiarch drift --stack gke
    """  # noqa: D301 - \b is click's own mark for text that must not be wrapped
    context.obj = rehearsed


def main() -> None:
    """Run the command; an unforeseen error exits 3 with its traceback, since it is ours and not the user's."""
    try:
        multiarch()
    except Exception:  # noqa: BLE001 - the last resort: exit code 1 would read as 'a claim failed'
        with redacted_streams():
            click.echo(traceback.format_exc(), err=True, nl=False)
        click.echo("multiarch: this is a defect of multiarch itself; please report it with the lines above.", err=True)
        sys.exit(COULD_NOT_TELL)


if __name__ == "__main__":
    main()
