"""What `multiarch rehearse` does with its options."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import click

from components.problems import ConfigError
from multiarch.core.ending import USAGE, exit_codes_for, unwind_on_terminate
from multiarch.core.options import deliver, outlet_of
from multiarch.core.progress import ProgressDisplay
from multiarch.core.secrets import hide_in
from multiarch.model.project import named_stacks, project_of, remember_stacks
from multiarch.model.pulumi_cli import PulumiCliError
from multiarch.rehearse import clean
from multiarch.rehearse.against import rehearse_edit
from multiarch.rehearse.background import shown_on
from multiarch.rehearse.control_plane.errors import KeptPlaneError
from multiarch.rehearse.control_plane.keep import default_folder, stop_kept
from multiarch.rehearse.engine_run import rehearse_under_engine
from multiarch.rehearse.nodes.architectures import emulated_here
from multiarch.rehearse.report.words import WORDS
from multiarch.rehearse.run import Options, rehearse

DEFAULT_RUN = "local"
"""Stack of `--run` where none is named, and there are several."""


def run(project: Path | None, stacks: tuple[str, ...], given: Mapping[str, Any]) -> NoReturn:
    """Rehearse the stacks, and deliver the report."""
    root = project_of(project)
    unwind_on_terminate()
    options = Options(
        project=root,
        stacks=named_stacks(root, stacks),
        **{key: given[key] for key in ("binaries", "kubeconfig", "context", "chart", "keep", "verbose")},
    )
    remember_stacks(root, (), given["against"])
    outlet = outlet_of(given)
    ended = "every process that was started has been ended"
    with (
        exit_codes_for(ConfigError, KeptPlaneError, PulumiCliError, interrupted=ended),
        ProgressDisplay(outlet.console) as display,
    ):
        if given["engine"]:
            report = rehearse_under_engine(
                root, options.stacks, display, against=given["against"], binaries=given["binaries"]
            )
        elif given["against"]:
            report = rehearse_edit(root, options.stacks[0], given["against"], display)
        else:
            report = rehearse(options, display)
    deliver(hide_in(report), WORDS, outlet)


def run_live(project: Path | None, stacks: tuple[str, ...], given: Mapping[str, Any]) -> NoReturn:
    """Let a stack's jobs build an image on two real nodes, and deliver the report."""
    from multiarch.rehearse.live import rehearsal  # noqa: PLC0415 - only this way needs it
    from multiarch.rehearse.nodes import host, real  # noqa: PLC0415 - as above

    root = project_of(project)
    unwind_on_terminate()
    names = named_stacks(root, stacks)
    stack = names[0] if len(names) == 1 else DEFAULT_RUN
    if stack not in names:
        raise click.UsageError(f"--run takes one stack: name it with --stack; stacks there: {', '.join(names)}")
    options = rehearsal.Options(
        project=root, stack=stack, **{key: given[key] for key in ("binaries", "chart", "dockerfile", "runner")}
    )
    outlet = outlet_of(given)
    ended = "every process that was started has been ended, and what was done to this machine is undone"
    with exit_codes_for(ConfigError, KeptPlaneError, interrupted=ended), ProgressDisplay(outlet.console) as display:
        host.check_root()
        real.clear_leftovers(progress=shown_on(display))
        host.check()
        outlet.console.print("This is done to this machine, and undone at the end:")
        for line in host.plan(emulated_here()):
            outlet.console.print(f"  {line}")
        report = rehearsal.rehearse_run(options, display)
    deliver(hide_in(report), WORDS, outlet)


def clean_up(given: Mapping[str, Any]) -> NoReturn:
    """Take off a cluster what rehearsals left there, and deliver what came of it."""
    unwind_on_terminate()
    outlet = outlet_of(given)
    again = "run the same command again to remove what is still on the cluster"
    with exit_codes_for(ConfigError, interrupted=again), ProgressDisplay(outlet.console) as display:
        report = clean.clean(given["kubeconfig"], given["context"], display)
    deliver(hide_in(report), clean.WORDS, outlet)


def stop(project: Path | None) -> None:
    """End the control plane that `--keep` left."""
    try:
        kept = stop_kept(default_folder(project_of(project)))
    except KeptPlaneError as error:
        click.echo(str(error), err=True)
        sys.exit(USAGE)
    click.echo(f"ended the control plane at {kept.server}" if kept else "no control plane is kept here")
