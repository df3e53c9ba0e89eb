"""`multiarch nodes up|down`: their options. What they do is in `main`, imported when they run."""

import click

from multiarch.core.ending import COULD_NOT_TELL, USAGE, WELL


def _codes(*, well: str, failed: str) -> str:
    """Return the exit codes: there is no 1, since nothing is claimed that could be wrong."""
    return f"Exit codes: {WELL} {well} · {USAGE} usage, or this machine lacks something · {COULD_NOT_TELL} {failed}"


EPILOG = f"""\b
Examples:
  multiarch nodes up                 two nodes, amd64 and arm64, with a control plane of their own
  multiarch nodes down               end them, and undo what was done to this machine

\b
{_codes(well="done", failed="they could not be started, or not be ended")}
"""
UP_EPILOG = f"""\b
Examples:
  multiarch nodes up
  multiarch nodes up --json -        kubeconfig, nodes and addresses, for a script
  multiarch nodes up --registry http://127.0.0.1:5000     all images come from this registry
  multiarch nodes up --check         say what this machine lacks, and what would be done; do nothing

\b
{_codes(well="both nodes are ready", failed="they could not be started: everything is undone")}
"""
DOWN_EPILOG = f"""\b
Examples:
  multiarch nodes down
  multiarch nodes down --json -      what was undone, for a script

\b
{_codes(well="nothing is left", failed="something could not be removed: run it again")}
"""
_JSON = click.option("--json", "json_file", metavar="FILE", help="Write what was done as JSON; - is standard output.")


@click.group(epilog=EPILOG)
def command() -> None:
    """Run a cluster of two real nodes on this machine, one amd64 and one arm64, to try things on.

    Each node has a kubelet, containerd and runc. The node that is not of this machine's architecture is emulated by
    QEMU, and labelled so: its speed says nothing. Needs Linux and root.
    """


@command.command(epilog=UP_EPILOG)
@click.option(
    "--binaries",
    type=click.Choice(["auto", "path", "official", "build"]),
    default="auto",
    show_default=True,
    help="Where the programs come from. auto: PATH, cache, the projects' own releases, then a build (minutes).",
)
@click.option("--registry", metavar="URL", help="Registry from which both nodes take the images of every registry.")
@click.option("--check", is_flag=True, help="Only check this machine, and say what would be done to it.")
@_JSON
def up(*, binaries: str, registry: str | None, check: bool, json_file: str | None) -> None:
    """Start both nodes and a control plane, and print their KUBECONFIG."""
    from multiarch.rehearse.nodes import main  # noqa: PLC0415 - `--help` needs none of it

    if check:
        main.check(json_file)
    else:
        main.up(binaries, registry, json_file)


@command.command(epilog=DOWN_EPILOG)
@_JSON
def down(json_file: str | None) -> None:
    """End the nodes of `up`, also those that were killed, and undo what was done to this machine."""
    from multiarch.rehearse.nodes import main  # noqa: PLC0415 - as above

    main.down(json_file)
