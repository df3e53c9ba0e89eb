"""What `multiarch drift` does with its options."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from components.problems import ConfigError
from multiarch.cluster.kubeconfig import read_and_remember
from multiarch.core.ending import exit_codes_for, unwind_on_terminate
from multiarch.core.options import deliver, outlet_of
from multiarch.core.progress import ProgressDisplay
from multiarch.core.secrets import hide_in
from multiarch.drift.command import IGNORE_FILE
from multiarch.drift.gitlab import IssueError, IssueSettings, keep_issue
from multiarch.drift.history import History
from multiarch.drift.ignore import BUILT_IN, load_rules
from multiarch.drift.model import Check, Comparison
from multiarch.drift.report.reading import read
from multiarch.drift.report.words import WORDS, to_markdown, to_report
from multiarch.drift.run import NEED_PULUMI, Options, check_drift, merged
from multiarch.model.project import find_project, named_stacks, project_of, stacks_of
from multiarch.model.pulumi_cli import PulumiCliError, find_pulumi


def run(project: Path | None, stacks: tuple[str, ...], given: Mapping[str, Any]) -> NoReturn:
    """Compare the stacks, or fold earlier reports, and deliver the report."""
    unwind_on_terminate()
    ended = "every process that was started has been ended"
    with exit_codes_for(ConfigError, PulumiCliError, interrupted=ended):
        label = given["issue_label"]
        issue = IssueSettings.from_environment(os.environ, label) if given["gitlab_issue"] else None
        if given["merge"]:
            outlet = outlet_of(given)
            found = merged(*_read_reports(given["merge"], stacks))
            here = find_project(project or Path.cwd())
            whole = here is not None and {stack.stack for stack in found.stacks} >= set(stacks_of(here))
        else:
            options = _options(project_of(project), stacks, given)
            outlet = outlet_of(given)
            with ProgressDisplay(outlet.console) as display:
                found = check_drift(options, display)
            whole = options.whole
    safe = hide_in(found)
    deliver(to_report(safe), WORDS, outlet, also=lambda: _tell_gitlab(safe, issue, whole=whole))


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


def _options(root: Path, named: tuple[str, ...], given: Mapping[str, Any]) -> Options:
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


def _read_reports(files: Sequence[Path], stacks: Sequence[str]) -> tuple[list[Comparison], list[str]]:
    """Read the reports of earlier runs; also return what must have left one. A broken one is an error of usage.

    A job that died left no file. Which stack it was for is known where the stacks are named; else the file's own name
    stands for it, so that a missing report is always a doubt.
    """
    reports, wanted = [], list(stacks)
    for file in files:
        try:
            reports.append(read(file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            wanted += [] if stacks else [str(file)]
        except (OSError, ValueError) as error:
            raise click.UsageError(f"--merge {file}: no report of this command: {error}") from error
    return reports, wanted


def _tell_gitlab(report: Comparison, settings: IssueSettings | None, *, whole: bool) -> bool:
    """Bring the issue up to date; False, with a line on standard error, when GitLab did not let us."""
    if settings is None:
        return True
    try:
        outcome = keep_issue(report, to_markdown, settings, whole=whole)
    except IssueError as error:
        click.echo(f"--gitlab-issue: {error}", err=True)
        return False
    click.echo(f"issue: {outcome}", err=True)
    return True
