"""`multiarch rehearse`: its options, its files, its exit code."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import click

from components.problems import ConfigError
from multiarch.core.ending import COULD_NOT_TELL, USAGE, meanings, told, unwind_on_terminate
from multiarch.core.output import STANDARD_OUTPUT, ReportConsole, check_targets, write_all
from multiarch.core.progress import ProgressDisplay
from multiarch.core.secrets import hide_in
from multiarch.core.verdict import EXIT_CODES
from multiarch.model.project import named_stacks, project_of, remember_stacks
from multiarch.model.pulumi_cli import PulumiCliError
from multiarch.rehearse.clean import clean, render
from multiarch.rehearse.control_plane.errors import KeptPlaneError
from multiarch.rehearse.control_plane.keep import default_folder, stop_kept
from multiarch.rehearse.engine_run import rehearse_under_engine
from multiarch.rehearse.report import document, html, junit
from multiarch.rehearse.report.model import RehearsalReport, overall
from multiarch.rehearse.report.terminal import print_report
from multiarch.rehearse.run import Options, rehearse

RENDERERS: Mapping[str, Callable[[RehearsalReport], str]] = {
    "--json": document.render,
    "--junit": junit.render,
    "--html": html.render,
}
EPILOG = f"""\b
Examples:
  multiarch rehearse                                  all stacks, on an embedded control plane
  multiarch rehearse --stack gke --json -             one stack; the report as JSON on standard output
  multiarch rehearse --html report.html --junit report.xml
  multiarch rehearse --stack local --keep             leave the cluster running; `make up STACK=local` installs into it
  multiarch rehearse --kubeconfig ~/.kube/config --context kind-ci --stack local
  multiarch rehearse --clean --kubeconfig ~/.kube/config --context kind-ci      what a killed one left there
  multiarch rehearse --engine --stack gke --against Pulumi.gke.new.yaml     what would be replaced?

\b
{meanings(well="every claim proved", wrong="a claim failed", could_not_tell="something could not be told")}
With --clean: 0 nothing is left · 1 something is left · 2 and 3 likewise
"""


def _check_combination(stacks: tuple[str, ...], given: dict[str, Any]) -> None:
    """Refuse options that contradict each other, before anything is started."""
    if given["kubeconfig"] and not given["context"]:
        raise click.UsageError(
            "--kubeconfig needs --context: a rehearsal never takes whatever context happens to be the current one"
        )
    if given["clean"]:
        _check_clean(stacks, given)
    if given["context"] and not given["kubeconfig"]:
        raise click.UsageError("--context needs --kubeconfig FILE: the embedded control plane has its own")
    if given["kubeconfig"] and given["keep"]:
        raise click.UsageError("--keep is for the embedded control plane; the cluster of --kubeconfig stays anyway")
    if given["against"] and not given["engine"]:
        raise click.UsageError("--against needs --engine: only the real engine knows what an update would replace")
    if given["against"] and len(stacks) != 1:
        raise click.UsageError("--against compares one stack's file: name that stack, once, with --stack")
    if given["engine"] and given["binaries"] == "official":
        raise click.UsageError("--binaries official has no meaning with --engine: its `pulumi` is on PATH, or is built")
    for option in ("keep", "kubeconfig", "chart"):
        if given["engine"] and given[option]:
            raise click.UsageError(
                f"--{option} has no meaning with --engine: the engine is given stand-ins, no cluster"
            )


def _check_clean(stacks: tuple[str, ...], given: dict[str, Any]) -> None:
    if not given["kubeconfig"]:
        raise click.UsageError("--clean needs --kubeconfig and --context: an embedded control plane goes as a whole")
    others = [name for name in ("junit_file", "html_file", "chart", "keep", "stop", "engine", "against") if given[name]]
    named = ["stack"] if stacks else [name.removesuffix("_file") for name in others]
    if named:
        raise click.UsageError(f"--{named[0]} has no meaning with --clean, which takes off what any stack's left")


def _clean(kubeconfig: Path, context: str, json_file: str | None) -> NoReturn:
    unwind_on_terminate()
    console = ReportConsole(stderr=json_file == STANDARD_OUTPUT, highlight=False)
    check_targets({"--json": json_file})
    again = "what is still on the cluster the same command takes off"
    with told(ConfigError, interrupted=again), ProgressDisplay(console) as display:
        cleaned = clean(kubeconfig, context, display)
    written = write_all(cleaned, {"--json": json_file}, {"--json": render})
    sys.exit(cleaned.code if written else cleaned.code or COULD_NOT_TELL)


def _stop(project: Path) -> None:
    try:
        kept = stop_kept(default_folder(project))
    except KeptPlaneError as error:
        click.echo(str(error), err=True)
        sys.exit(USAGE)
    click.echo(f"ended the control plane at {kept.server}" if kept else "no control plane is kept here")


@click.command(epilog=EPILOG)
@click.option("--stack", "stacks", multiple=True, metavar="NAME", help="Stack; repeat for several. Default: all.")
@click.option("--json", "json_file", metavar="FILE", help="Write the report as JSON; - is standard output.")
@click.option("--junit", "junit_file", metavar="FILE", help="Write the report as JUnit XML, a case per claim.")
@click.option("--html", "html_file", metavar="FILE", help="Write the report as one self-contained page.")
@click.option(
    "--binaries",
    type=click.Choice(["auto", "path", "official", "build"]),
    default="auto",
    show_default=True,
    help="Where the control plane's programs come from. auto: PATH, cache, the projects' own releases, then a build.",
)
@click.option("--chart", metavar="PATH|REF", help="gitlab-runner chart. Default: the pinned one, else the embedded.")
@click.option("--keep", is_flag=True, help="Leave the control plane and its nodes running, and print its KUBECONFIG.")
@click.option("--stop", is_flag=True, help="End the control plane that --keep left, and do nothing else.")
@click.option("--kubeconfig", type=click.Path(path_type=Path), metavar="FILE", help="Use a running cluster: kind, k3d.")
@click.option("--context", metavar="NAME", help="Its context, which must be named.")
@click.option(
    "--clean", is_flag=True, help="Take off the cluster of --kubeconfig what earlier rehearsals left, and do no more."
)
@click.option(
    "--engine", is_flag=True, help="Use the real `pulumi`, from PATH or built, with stand-ins for the clouds."
)
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --engine: show what this changed stack file would update, and what it would replace.",
)
@click.option(
    "--project", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR", help="Default: here."
)
def command(project: Path | None, stacks: tuple[str, ...], **given: Any) -> None:
    """Prove, on a real Kubernetes control plane and without a cloud account, that the stacks do what they promise.

    The unmodified program is planned against stand-ins for each cloud, the runner is installed by real Helm, and jobs
    are given to it: the amd64 job must land on an amd64 node, the arm64 job on an arm64 node, and what is forbidden
    must be refused. Nothing outside this machine is changed, but for the cluster of --kubeconfig while it lasts: what
    is put there is taken off again, also after Ctrl-C.
    """
    _check_combination(stacks, given)
    if given["clean"]:
        _clean(given["kubeconfig"], given["context"], given["json_file"])
    root = project_of(project)
    if given["stop"]:
        _stop(root)
        return
    unwind_on_terminate()
    targets = {option: given[f"{option.removeprefix('--')}_file"] for option in RENDERERS}
    console = ReportConsole(stderr=STANDARD_OUTPUT in targets.values(), highlight=False)
    options = Options(
        project=root,
        stacks=named_stacks(root, stacks),
        **{key: given[key] for key in ("binaries", "kubeconfig", "context", "chart", "keep")},
    )
    remember_stacks(root, (), given["against"])
    check_targets(targets)
    ended = "every process that was started has been ended"
    with told(ConfigError, KeptPlaneError, PulumiCliError, interrupted=ended), ProgressDisplay(console) as display:
        if given["engine"]:
            report = rehearse_under_engine(
                root, options.stacks, display, against=given["against"], binaries=given["binaries"]
            )
        else:
            report = rehearse(options, display)
    report = hide_in(report)
    try:
        print_report(console, report)
    finally:  # a reader that leaves takes only the terminal's report along
        written = write_all(report, targets, RENDERERS)
    code = EXIT_CODES[overall(report)]
    sys.exit(code if written else code or COULD_NOT_TELL)
