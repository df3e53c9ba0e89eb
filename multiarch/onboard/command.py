"""`multiarch onboard`: its options. What it does is in `main`, imported when it runs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from multiarch.core.ending import COULD_NOT_TELL, WRONG
from multiarch.core.options import report_options
from multiarch.onboard.answers.texts import Wording, flag_of, wordings
from multiarch.onboard.outcome import MEANINGS, Outcome

F = TypeVar("F", bound=Callable[..., Any])

EPILOG = (
    """\b
Examples:
  multiarch onboard                                         asks: which context, and what it can't see
  multiarch onboard --context kind-ci --look-only           shows the cluster; changes and writes nothing
  multiarch onboard --context ci-eks --yes --gitlab-url https://gitlab.example.com --rehearse
  multiarch onboard --context ci-eks --answers answers.yaml --json -
  multiarch onboard --fleet clusters.yaml --yes             many clusters, a line for each that is well

\b
Exit codes: """
    + " · ".join(f"{code.value} {MEANINGS[code]}" for code in Outcome)
    + f"""
If both {WRONG} and {COULD_NOT_TELL} apply: {WRONG}.

It changes nothing in the cluster: it reads, and asks for your rights."""
)


def _answer_options(command: F) -> F:
    """Add a flag for every question, in the order of the questions; clouds may share one."""
    questions: dict[str, list[Wording]] = {}
    for question in wordings():
        questions.setdefault(question.key, []).append(question)
    for same in reversed(questions.values()):
        command = _option(same[0], " ".join(question.help for question in same))(command)
    return command


def _option(question: Wording, told: str) -> Callable[[F], F]:
    flag = flag_of(question.key)
    if question.kind is bool:
        return click.option(f"{flag}/--no-{flag[2:]}", default=None, help=told)
    if question.choices:
        names = [name for name, _ in question.choices]
        return click.option(flag, type=click.Choice(names), help=told)
    kind = click.INT if question.kind is int else click.STRING
    metavar = "N" if question.kind is int else "TEXT"
    return click.option(flag, type=kind, metavar=metavar, help=told)


@click.command(epilog=EPILOG)
@click.option("--context", metavar="NAME", help="The kubeconfig's context. Always named; the current one is not used.")
@click.option("--kubeconfig", metavar="FILE", help="Default: $KUBECONFIG, merged as kubectl does, else ~/.kube/config.")
@click.option("--answers", type=click.Path(path_type=Path), metavar="FILE", help="Answers in YAML; flags override it.")
@click.option("--yes", "-y", is_flag=True, help="Accept every proposed answer; ask only for the rest.")
@click.option("--look-only", is_flag=True, help="Show what it reads, and do nothing else.")
@click.option("--dry-run", is_flag=True, help="Check everything, show the stack file, write nothing.")
@click.option("--force", is_flag=True, help="Replace a stack file that exists with other content.")
@click.option("--rehearse", is_flag=True, help="Rehearse it on an embedded control plane before it is written.")
@click.option(
    "--binaries",
    type=click.Choice(["auto", "path", "official", "build"]),
    default="auto",
    show_default=True,
    help="With --rehearse: where the control plane's programs come from.",
)
@click.option("--fleet", type=click.Path(path_type=Path), metavar="FILE", help="Many clusters, by one YAML file.")
@report_options
@click.option(
    "--project", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR", help="Default: here."
)
@_answer_options
@click.pass_obj
def command(rehearse_with: Any, /, project: Path | None, **options: Any) -> None:
    """Write a stack file for your cluster.

    It reads the cluster, proposes answers, and asks what it cannot see. It proposes an arm64 machine that is similar to
    the cluster's amd64 machines, existing nodes of both architectures, and free namespaces. If the stack cannot work,
    it says why. It checks the stack file (configuration, policy and plan) before it writes it to stacks/; the file
    never contains secrets.
    """
    _check_combination(options)
    from multiarch.onboard.main import run  # noqa: PLC0415 - `--help` needs none of it

    run(project, options, rehearse=rehearse_with)


def _check_combination(options: Mapping[str, Any]) -> None:
    """Refuse options that contradict each other, before anything is asked."""
    if options["fleet"] and options["context"]:
        raise click.UsageError("--fleet names its contexts in the file; leave out --context")
    if options["fleet"] and options["answers"]:
        raise click.UsageError("--fleet has answers in its own file (`defaults:`); leave out --answers")
    if options["look_only"] and (options["rehearse"] or options["force"] or options["dry_run"]):
        raise click.UsageError("--look-only writes nothing and checks nothing: leave the other options out")
    if options["fleet"] and options["rehearse"]:
        raise click.UsageError(
            "--rehearse works on one cluster at a time; `multiarch rehearse` proves all stacks after"
        )
