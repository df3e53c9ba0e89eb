"""`multiarch doctor`: its options, its files, its exit code."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from components.problems import ConfigError
from multiarch.cluster.connection import Connection
from multiarch.cluster.errors import ClusterError
from multiarch.core.ending import COULD_NOT_TELL, meanings, told
from multiarch.core.output import STANDARD_OUTPUT, ReportConsole, check_targets, write
from multiarch.core.progress import ProgressDisplay
from multiarch.core.secrets import hide_in
from multiarch.core.verdict import EXIT_CODES
from multiarch.doctor.doctor import diagnose
from multiarch.doctor.examine import unreachable
from multiarch.doctor.model import Report
from multiarch.doctor.report import document
from multiarch.doctor.report.terminal import print_report
from multiarch.doctor.target import Promised, Target, promised, target_of
from multiarch.model.plan.launch import plan_stack
from multiarch.model.plan.model import PlanError
from multiarch.model.project import named_stacks, project_of

EPILOG = f"""\b
Examples:
  multiarch doctor --stack gke                        the stack's own cluster, by its cluster.access
  multiarch doctor --stack gke --context gke_acme_us-central1_ci
  multiarch doctor --context kind-ci                  no stack: every runner that the cluster has
  multiarch doctor --context kind-ci --namespace ci --json -

\b
{meanings(well="nothing is wrong", wrong="a cause was found", could_not_tell="something could not be told")}
"""


@click.command(epilog=EPILOG)
@click.option("--stack", metavar="NAME", help="Stack whose runner, pools and namespaces are looked at.")
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
@click.option("--json", "json_file", metavar="FILE", help="Write the report as JSON; - is standard output.")
@click.option(
    "--project", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR", help="Default: here."
)
def command(**given: Any) -> None:
    """Say why a job hangs: a check-list with fixes for a cluster that has a runner.

    It looks at nodes, manager, config, rights, quotas and policies, and explains every job's pod that is pending or
    failed to start. It only reads: nothing in the cluster is changed, and no Secret's value is asked for.
    """
    if given["stack"] and given["namespaces"]:
        raise click.UsageError("--namespace is for a cluster without a stack; a stack says where its runner is")
    check_targets({"--json": given["json_file"]})
    console = ReportConsole(stderr=given["json_file"] == STANDARD_OUTPUT, highlight=False)
    with told(ConfigError, interrupted="nothing was changed"):
        report = hide_in(_report(given))
    try:
        print_report(console, report)
    finally:  # a reader that leaves takes only the terminal's report along
        target = given["json_file"]
        written = target is None or write("--json", target, document.render(report))
    code = EXIT_CODES[report.verdict]
    sys.exit(code if written else code or COULD_NOT_TELL)


def _report(given: dict[str, Any]) -> Report:
    """Find the cluster, and examine it. Raises ConfigError."""
    stack, plan = given["stack"] or "", None
    root = Path.cwd()
    if stack:
        root = project_of(given["project"])
        named_stacks(root, (stack,))
    target = target_of(root, stack, given["kubeconfig"], given["context"])
    with ProgressDisplay(ReportConsole(stderr=True, highlight=False)) as display:
        if stack:
            display.update("plan", f"running the program of {stack}")
            try:
                plan = promised(plan_stack(root, stack))
            except PlanError as error:
                return unreachable(f"context {target.context}", stack, f"the stack could not be planned: {error}")
        return _examined(target, stack, plan, given["namespaces"], partial(display.update, "examine"))


def _examined(
    target: Target, stack: str, plan: Promised | None, namespaces: tuple[str, ...], progress: Callable[[str], None]
) -> Report:
    where = f"context {target.context}"
    try:
        connection = Connection(target.kubeconfig, target.context)
    except ClusterError as error:
        return unreachable(where, stack, str(error))
    with connection:
        return diagnose(connection, progress, stack=stack, plan=plan, namespaces=namespaces)
