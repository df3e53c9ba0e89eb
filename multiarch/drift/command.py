"""`multiarch drift`: its options, its files, its exit code."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from components.problems import ConfigError
from multiarch.cluster.kubeconfig import read_and_remember
from multiarch.core.ending import COULD_NOT_TELL, meanings, told, unwind_on_terminate
from multiarch.core.output import STANDARD_OUTPUT, ReportConsole, check_targets, write_all
from multiarch.core.progress import ProgressDisplay
from multiarch.core.secrets import hide_in
from multiarch.core.verdict import EXIT_CODES
from multiarch.drift.gitlab import IssueError, IssueSettings, keep_issue
from multiarch.drift.history import History
from multiarch.drift.ignore import BUILT_IN, load_rules
from multiarch.drift.model import Check, DriftReport
from multiarch.drift.report import document, junit, markdown
from multiarch.drift.report.terminal import print_report
from multiarch.drift.run import NEED_PULUMI, Options, check_drift, merged
from multiarch.model.project import find_project, named_stacks, project_of, stacks_of
from multiarch.model.pulumi_cli import PulumiCliError, find_pulumi

IGNORE_FILE = "drift-ignore.yaml"
"""Read from beside Pulumi.yaml when it is there and `--ignore` names no other."""
COMPARING = ("every", "only", "jobs", "time_limit", "ignore", "kubeconfig", "context", "history", "pulumi")
"""Options of a comparison, by their names in Python."""
RENDERERS: Mapping[str, Callable[[DriftReport], str]] = {
    "--json": document.render,
    "--markdown": markdown.render,
    "--junit": junit.render,
}
EPILOG = f"""\b
Examples:
  multiarch drift                                   all stacks, four at a time
  multiarch drift --stack gke --json drift.json --markdown drift.md --junit drift.xml
  multiarch drift --stack local --only release --only nodes     what no pulumi command sees
  multiarch drift --stack gke --context gke=gke_acme_us-central1_ci --history .drift
  multiarch drift --merge gke.json --merge eks.json --gitlab-issue   one issue for many jobs' reports

\b
{meanings(well="clean", wrong="drift", could_not_tell="something could not be told")}
"""


def _contexts(given: Sequence[str], stacks: tuple[str, ...]) -> dict[str, str]:
    """Read `STACK=NAME` and `NAME`; the empty stack stands for all that are not named."""
    contexts: dict[str, str] = {}
    for text in given:
        head, equals, rest = text.partition("=")
        stack, name = (head, rest) if equals else ("", text)
        if equals and stack not in stacks:
            run = ", ".join(stacks)
            raise click.UsageError(f"--context {text}: this run has no stack {stack!r}; it has: {run}")
        if not name:
            raise click.UsageError(f"--context {text}: no context is named; write --context {stack or 'STACK'}=NAME")
        if contexts.setdefault(stack, name) != name:
            whose = f"stack {stack}" if stack else "all stacks"
            raise click.UsageError(f"--context: two for {whose}: {contexts[stack]} and {name}; keep one")
    return contexts


def _checked_contexts(kubeconfig: Path | None, contexts: dict[str, str]) -> dict[str, str]:
    """Raise ConfigError where the file that was named cannot be used: what a stack file names is that stack's doubt."""
    if kubeconfig is not None:
        from multiarch.cluster.settings import check_context  # noqa: PLC0415 - the Kubernetes client takes a while to import

        read_and_remember(kubeconfig.expanduser())
        for context in contexts.values():
            check_context(kubeconfig.expanduser(), context)
    return contexts


def _check_combination(given: dict[str, Any], stacks: tuple[str, ...]) -> None:
    """Refuse options that contradict each other, before anything is started."""
    if given["every"] and stacks:
        raise click.UsageError("--all and --stack contradict each other: leave one out")
    if given["merge"]:
        context = click.get_current_context()
        for name in COMPARING:
            if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
                option = "all" if name == "every" else name.replace("_", "-")
                raise click.UsageError(f"--{option} has no meaning with --merge: nothing is compared, reports are read")
    if given["issue_label"] and not given["gitlab_issue"]:
        raise click.UsageError("--issue-label needs --gitlab-issue")


def _options(root: Path, named: tuple[str, ...], given: dict[str, Any]) -> Options:
    """Turn what was given into options; everything that is wrong with it is told here, before anything runs."""
    stacks = named_stacks(root, named)
    checks = frozenset(Check(name) for name in given["only"]) or frozenset(Check)
    ignore = given["ignore"] or (root / IGNORE_FILE if (root / IGNORE_FILE).is_file() else None)
    history = History(given["history"]) if given["history"] else None
    if history:
        history.check()
    pulumi, why_not = None, ""
    if checks & NEED_PULUMI:
        try:
            pulumi = find_pulumi(given["pulumi"]).path
        except PulumiCliError as error:
            if given["pulumi"]:
                raise  # one that was named is meant; one that is merely missing leaves the other checks their say
            why_not = str(error)
    return Options(
        project=root,
        stacks=stacks,
        whole=set(stacks) == set(named_stacks(root, ())),
        checks=checks,
        jobs=given["jobs"],
        time_limit=given["time_limit"],
        pulumi=pulumi,
        why_not=why_not,
        kubeconfig=given["kubeconfig"],
        contexts=_checked_contexts(given["kubeconfig"], _contexts(given["context"], stacks)),
        rules=(*BUILT_IN, *(load_rules(ignore) if ignore else ())),
        history=history,
    )


def _read_reports(files: Sequence[Path], stacks: Sequence[str]) -> tuple[list[DriftReport], list[str]]:
    """Read the reports of earlier runs; also return what must have left one. A broken one is an error of usage.

    A job that died left no file. Which stack it was for is known where the stacks are named; else the file's own name
    stands for it, so that a missing report is always a doubt.
    """
    reports, wanted = [], list(stacks)
    for file in files:
        try:
            reports.append(document.read(file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            wanted += [] if stacks else [str(file)]
        except (OSError, ValueError) as error:
            raise click.UsageError(f"--merge {file}: no report of this command: {error}") from error
    return reports, wanted


@click.command(epilog=EPILOG)
@click.option("--stack", "stacks", multiple=True, metavar="NAME", help="Stack; repeat for several. Default: all.")
@click.option("--all", "every", is_flag=True, help="All stacks that have a file: the default, said aloud.")
@click.option("--jobs", type=click.IntRange(1, 64), default=4, show_default=True, help="Stacks at the same time.")
@click.option(
    "--time-limit",
    type=click.FloatRange(min=1),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="For each stack; one that hangs is ended and reported, the others go on.",
)
@click.option(
    "--only", multiple=True, type=click.Choice([check.value for check in Check]), help="Only this check; repeatable."
)
@click.option(
    "--ignore",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help=f"Your ignore rules. Default: {IGNORE_FILE} beside Pulumi.yaml, when it is there.",
)
@click.option("--json", "json_file", metavar="FILE", help="Write the report as JSON; - is standard output.")
@click.option("--markdown", "markdown_file", metavar="FILE", help="Write it as Markdown, for a note or an issue.")
@click.option("--junit", "junit_file", metavar="FILE", help="Write it as JUnit XML, a case per resource.")
@click.option(
    "--history",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep verdicts there, and tell since when a drift is seen.",
)
@click.option("--kubeconfig", type=click.Path(path_type=Path), metavar="FILE", help="Instead of the stack's own.")
@click.option(
    "--context",
    multiple=True,
    metavar="[STACK=]NAME",
    help="Context, for one stack or all. Default: the stack's own, or the one its cloud's CLI makes.",
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
    help="Compare nothing: fold JSON reports of earlier runs into one. With --stack: each must have left one.",
)
@click.option("--gitlab-issue", is_flag=True, help="Open, update or close one issue of the CI job's project.")
@click.option("--issue-label", metavar="LABEL", help="By which that issue is found. Default: multiarch-drift.")
@click.option(
    "--project", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR", help="Default: here."
)
def command(project: Path | None, stacks: tuple[str, ...], **given: Any) -> None:
    """Say per stack and per resource what is no longer as the program says: clean, drifted, or could not tell.

    Read-only: `pulumi refresh --preview-only` and `pulumi preview --refresh`, each with --expect-no-changes, and what
    neither sees: objects inside the Helm release, keys and rules that somebody added, nodes against their pools,
    digests in the registry, the runner's own configuration. Nothing is written to state, cluster or cloud.
    """
    _check_combination(given, stacks)
    unwind_on_terminate()
    targets = {option: given[f"{option.removeprefix('--')}_file"] for option in RENDERERS}
    console = ReportConsole(stderr=STANDARD_OUTPUT in targets.values(), highlight=False)
    ended = "every process that was started has been ended"
    with told(ConfigError, PulumiCliError, interrupted=ended):
        label = given["issue_label"]
        issue = IssueSettings.from_environment(os.environ, label) if given["gitlab_issue"] else None
        if given["merge"]:
            check_targets(targets)
            report = merged(*_read_reports(given["merge"], stacks))
            here = find_project(project or Path.cwd())
            whole = here is not None and {stack.stack for stack in report.stacks} >= set(stacks_of(here))
        else:
            root = project_of(project)
            options = _options(root, stacks, given)
            check_targets(targets)
            with ProgressDisplay(console) as display:
                report = check_drift(options, display)
            whole = options.whole
    report = hide_in(report)
    try:
        print_report(console, report)
    finally:  # a reader that leaves takes only the terminal's report along
        written = write_all(report, targets, RENDERERS)
    written = _tell_gitlab(report, issue, whole=whole) and written
    code = EXIT_CODES[report.verdict]
    sys.exit(code if written else code or COULD_NOT_TELL)


def _tell_gitlab(report: DriftReport, settings: IssueSettings | None, *, whole: bool) -> bool:
    """Bring the issue up to date; False, with a line on standard error, when GitLab did not let us."""
    if settings is None:
        return True
    try:
        outcome = keep_issue(report, markdown.render, settings, whole=whole)
    except IssueError as error:
        click.echo(f"--gitlab-issue: {error}", err=True)
        return False
    click.echo(f"issue: {outcome}", err=True)
    return True
