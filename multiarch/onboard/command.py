"""`multiarch onboard`: its options, its files, its exit code."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from components.kubeconfig_files import Files, default_files
from components.problems import ConfigError
from multiarch.cluster.kubeconfig import contexts_of
from multiarch.core.ending import COULD_NOT_TELL, WRONG, told, unwind_on_terminate, worst
from multiarch.core.output import STANDARD_OUTPUT, ReportConsole, check_targets, write
from multiarch.core.progress import ProgressDisplay
from multiarch.core.secrets import hide_in
from multiarch.model.project import project_of
from multiarch.onboard.access import ONBOARDING
from multiarch.onboard.answers.file import read_answers
from multiarch.onboard.answers.model import Value, field_of, flag_of
from multiarch.onboard.answers.questions import QUESTIONS, Question
from multiarch.onboard.request import MEANINGS, Onboarding, Outcome, Request

F = TypeVar("F", bound=Callable[..., Any])

EPILOG = (
    """\b
Examples:
  multiarch onboard                                         asks: which context, and what it can't see
  multiarch onboard --context kind-ci --look-only           shows the cluster; changes and writes nothing
  multiarch onboard --context ci-eks --yes --gitlab-url https://gitlab.example.com --rehearse
  multiarch onboard --context ci-eks --answers answers.yaml --json -
  multiarch onboard --fleet clusters.yaml --yes             many clusters, a table at the end

\b
Exit codes: """
    + " · ".join(f"{code.value} {MEANINGS[code]}" for code in Outcome)
    + f"""
Where {WRONG} and {COULD_NOT_TELL} both happened: {WRONG}.

Nothing in the cluster is changed: it is read, and asked what you may do."""
)
_SOURCES = ("context", "kubeconfig", "answers", "fleet")


def _answer_options(command: F) -> F:
    """Add a flag for every question, in the order of the questions."""
    for question in reversed(QUESTIONS):
        command = _option(question)(command)
    return command


def _option(question: Question) -> Callable[[F], F]:
    flag = flag_of(question.key)
    if question.kind is bool:
        return click.option(f"{flag}/--no-{flag[2:]}", default=None, help=question.help)
    if question.choices:
        names = [name for name, _ in question.choices]
        return click.option(flag, type=click.Choice(names), help=question.help)
    kind = click.INT if question.kind is int else click.STRING
    metavar = "N" if question.kind is int else "TEXT"
    return click.option(flag, type=kind, metavar=metavar, help=question.help)


@click.command(epilog=EPILOG)
@click.option("--context", metavar="NAME", help="The kubeconfig's context. Always named; the current one is not taken.")
@click.option("--kubeconfig", metavar="FILE", help="Default: $KUBECONFIG, merged as kubectl does, else ~/.kube/config.")
@click.option("--answers", type=click.Path(path_type=Path), metavar="FILE", help="Answers in YAML; flags override it.")
@click.option("--yes", "-y", is_flag=True, help="Take every proposed answer; ask for the rest alone.")
@click.option("--look-only", is_flag=True, help="Show what is seen, and do nothing else.")
@click.option("--dry-run", is_flag=True, help="Check everything, show the stack file, write nothing.")
@click.option("--force", is_flag=True, help="Replace a stack file that is there and says something else.")
@click.option("--rehearse", is_flag=True, help="Rehearse it on an embedded control plane before it is written.")
@click.option(
    "--binaries",
    type=click.Choice(["auto", "path", "official", "build"]),
    default="auto",
    show_default=True,
    help="With --rehearse: where the control plane's programs come from.",
)
@click.option("--fleet", type=click.Path(path_type=Path), metavar="FILE", help="Many clusters, by one YAML file.")
@click.option("--json", "json_file", metavar="FILE", help="Write look, decision and outcome as JSON; - is stdout.")
@click.option(
    "--project", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR", help="Default: here."
)
@_answer_options
def command(project: Path | None, **options: Any) -> None:
    """Look at a cluster, ask what can't be seen, and write a stack file that was checked.

    The look is read-only. What it finds decides what is proposed: an arm64 machine that is like the cluster's amd64
    ones, the nodes that are there already, free namespaces. What can't work is refused with its reason. The stack file
    goes through configuration, policy and plan before it lands in stacks/; secrets never go into it.
    """
    from multiarch.onboard.session import Session  # noqa: PLC0415 - `--help` needs none of it

    _check_combination(options)
    root = project_of(project)
    check_targets({"--json": options["json_file"]})
    if options["rehearse"]:  # so that the control plane ends as it does on Ctrl-C
        unwind_on_terminate()
    console = ReportConsole(stderr=options["json_file"] == STANDARD_OUTPUT, highlight=False)
    left = "what was written is whole" if options["fleet"] else "nothing was written"
    with told(ConfigError, interrupted=left):
        given = _given(options)
        session = Session(console=console, interactive=_interactive(options))
        request = _request(root, options, given, session.context)
        with ProgressDisplay(console) as display:
            found = session.fleet(options["fleet"], request, display) if options["fleet"] else None
            one = None if found is not None else session.one(request, display)
    results = hide_in(found if found is not None else (one,) if one is not None else ())
    session.report(results, fleet=found is not None)
    sys.exit(_finish(results, options["json_file"], fleet=found is not None))


def _finish(results: tuple[Onboarding, ...], target: str | None, *, fleet: bool) -> int:
    """Write the JSON that was asked for; return the exit code: with a fleet, the worst of its clusters'."""
    from multiarch.onboard.report.document import render  # noqa: PLC0415 - as above

    code = worst(int(one.outcome) for one in results)
    if target is not None and not write("--json", target, render(results, fleet=fleet)):
        return code or COULD_NOT_TELL
    return code


def _check_combination(options: Mapping[str, Any]) -> None:
    """Refuse options that contradict each other, before anything is asked."""
    if options["fleet"] and options["context"]:
        raise click.UsageError("--fleet names its contexts in the file; leave out --context")
    if options["fleet"] and options["answers"]:
        raise click.UsageError("--fleet has answers in its own file (`defaults:`); leave out --answers")
    if options["look_only"] and (options["rehearse"] or options["force"] or options["dry_run"]):
        raise click.UsageError("--look-only writes nothing and checks nothing: leave out the others")
    if options["fleet"] and options["rehearse"]:
        raise click.UsageError(
            "--rehearse works on one cluster at a time; `multiarch rehearse` proves all stacks after"
        )


def _given(options: Mapping[str, Any]) -> dict[str, Value]:
    """Collect the answers that were given: a file's, and over them the flags'."""
    said: dict[str, Value] = read_answers(options["answers"]) if options["answers"] else {}
    flags = {question.key: options[field_of(question.key)] for question in QUESTIONS}
    places = {key: options[key] for key in ("context", "kubeconfig")}
    return {**said, **{key: value for key, value in {**flags, **places}.items() if value is not None}}


def _interactive(options: Mapping[str, Any]) -> bool:
    """Tell whether there is somebody to ask: both ends are a terminal, and standard output is not for a machine."""
    machine = options["json_file"] == STANDARD_OUTPUT or options["fleet"]
    return not machine and sys.stdin.isatty() and sys.stdout.isatty()


def _request(
    root: Path, options: Mapping[str, Any], given: dict[str, Value], choose: Callable[[list[str]], str] | None
) -> Request:
    written = str(given.pop("kubeconfig", ""))
    kubeconfig: Files = Path(written).expanduser() if written else default_files()
    context = str(given.pop("context", ""))
    if not context and not options["fleet"]:
        names = list(contexts_of(kubeconfig, ONBOARDING))
        if choose is not None and names:
            context = choose(names)
        # otherwise the look itself says that none was named, and which there are
    return Request(
        project=root,
        kubeconfig=kubeconfig,
        context=context,
        written_kubeconfig=_portable(written, root),
        given=given,
        proposals=bool(options["yes"]),
        **{key: options[key] for key in ("look_only", "dry_run", "force", "rehearse", "binaries")},
    )


def _portable(written: str, root: Path) -> str:
    """Write a kubeconfig's path as others can use it: below the project or the home folder, relative to it."""
    if not written or written.startswith("~"):
        return written
    path = Path(written).absolute()
    if path.is_relative_to(root.absolute()):
        return str(path.relative_to(root.absolute()))
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
