"""`multiarch doctor`: its options. What it does is in `main`, imported when it runs."""

from pathlib import Path
from typing import Any

import click

from multiarch.core.ending import meanings
from multiarch.core.options import report_options

EPILOG = f"""\b
Examples:
  multiarch doctor --stack gke                        the stack's own cluster, by its cluster.access
  multiarch doctor --stack gke --context gke_acme_us-central1_ci
  multiarch doctor --context kind-ci                  no stack: every runner that the cluster has
  multiarch doctor --context kind-ci --namespace ci --json -

\b
{meanings(well="nothing is wrong", wrong="a cause was found", could_not_tell="something could not be checked")}
"""


@click.command(epilog=EPILOG)
@click.option("--stack", metavar="NAME", help="Stack whose runner, pools and namespaces are checked.")
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Default: the stack's own, else $KUBECONFIG or ~/.kube/config.",
)
@click.option("--context", metavar="NAME", help="Its context. It must be named, here or by the stack.")
@click.option(
    "--namespace",
    "namespaces",
    multiple=True,
    metavar="NAME",
    help="Without a stack: where runners are looked for; repeat for several. Default: everywhere.",
)
@report_options
@click.option(
    "--project", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR", help="Default: here."
)
def command(**given: Any) -> None:
    """Find out why jobs do not start.

    It checks nodes, manager, config, rights, quotas and policies, and explains every job's pod that is pending or
    failed to start. Each cause comes with its fix. It reads and sends dry runs: it changes nothing in the cluster, and
    never requests a Secret's values.
    """
    if given["stack"] and given["namespaces"]:
        raise click.UsageError("--namespace is for a cluster without a stack; a stack says where its runner is")
    from multiarch.doctor.main import run  # noqa: PLC0415 - `--help` needs none of it

    run(given)
