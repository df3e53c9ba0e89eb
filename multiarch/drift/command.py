"""`multiarch drift`: its options. What it does is in `main`, imported when it runs."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from multiarch.core.ending import meanings
from multiarch.core.options import report_options
from multiarch.drift.model import Check

IGNORE_FILE = "drift-ignore.yaml"
"""Read from beside Pulumi.yaml when it is there and `--ignore` names no other."""
COMPARING = ("every", "only", "jobs", "time_limit", "ignore", "kubeconfig", "context", "history", "pulumi")
"""Options of a comparison, by their names in Python."""
EPILOG = f"""\b
Examples:
  multiarch drift                                   all stacks, four at a time
  multiarch drift --stack gke --json drift.json --markdown drift.md --junit drift.xml
  multiarch drift --stack local --only release --only nodes     what no pulumi command sees
  multiarch drift --stack gke --context gke=gke_acme_us-central1_ci --history .drift
  multiarch drift --merge gke.json --merge eks.json --gitlab-issue   one issue for many jobs' reports

\b
{meanings(well="clean", wrong="drift", could_not_tell="something could not be checked")}
"""


def _check_combination(given: dict[str, Any], stacks: tuple[str, ...]) -> None:
    """Refuse options that contradict each other, before anything is started."""
    if given["every"] and stacks:
        raise click.UsageError("--all and --stack contradict each other: leave one out")
    if given["merge"]:
        context = click.get_current_context()
        for name in COMPARING:
            if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
                option = "all" if name == "every" else name.replace("_", "-")
                raise click.UsageError(f"--{option} cannot be used with --merge: nothing is compared, reports are read")
    if given["issue_label"] and not given["gitlab_issue"]:
        raise click.UsageError("--issue-label needs --gitlab-issue")


@click.command(epilog=EPILOG)
@click.option("--stack", "stacks", multiple=True, metavar="NAME", help="Stack; repeat for several. Default: all.")
@click.option("--all", "every", is_flag=True, help="All stacks that have a file (the default).")
@click.option("--jobs", type=click.IntRange(1, 64), default=4, show_default=True, help="Stacks at the same time.")
@click.option(
    "--time-limit",
    type=click.FloatRange(min=1),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="For each stack; one that hangs is ended and reported, the others continue.",
)
@click.option(
    "--only", multiple=True, type=click.Choice([check.value for check in Check]), help="Only this check; repeatable."
)
@click.option(
    "--ignore",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help=f"Your ignore rules. Default: {IGNORE_FILE} beside Pulumi.yaml, if it exists.",
)
@report_options
@click.option(
    "--history",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep verdicts there, and report since when a drift is seen.",
)
@click.option("--kubeconfig", type=click.Path(path_type=Path), metavar="FILE", help="Used instead of the stack's own.")
@click.option(
    "--context",
    multiple=True,
    metavar="[STACK=]NAME",
    help="Context, for one stack or all. Default: the stack's own, or the one that its cloud's CLI writes.",
)
@click.option(
    "--pulumi",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The Pulumi CLI. Default: from PATH.",
)
@click.option(
    "--merge",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Compare nothing: merge JSON reports of earlier runs into one. With --stack: each stack must have one.",
)
@click.option("--gitlab-issue", is_flag=True, help="Open, update or close one issue of the CI job's project.")
@click.option("--issue-label", metavar="LABEL", help="Label of that issue. Default: multiarch-drift.")
@click.option(
    "--project", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR", help="Default: here."
)
def command(project: Path | None, stacks: tuple[str, ...], **given: Any) -> None:
    """Find what no longer matches the program.

    For each stack and each resource the answer is clean, drifted, or could not tell.

    It runs `pulumi refresh --preview-only` and `pulumi preview --refresh`, each with --expect-no-changes, and checks
    what neither sees: objects inside the Helm release, keys and rules that someone added, nodes and their pools,
    digests in the registry, the runner's own configuration. It writes nothing to state, cluster or cloud.
    """
    _check_combination(given, stacks)
    from multiarch.drift.main import run  # noqa: PLC0415 - `--help` needs none of it

    run(project, stacks, given)
