"""`multiarch rehearse`: its options. What it does is in `main`, imported when it runs."""

from pathlib import Path
from typing import Any

import click

from multiarch.core.ending import meanings
from multiarch.core.options import field_of, report_options
from multiarch.core.render import FORMATS

EPILOG = f"""\b
Examples:
  multiarch rehearse                                  all stacks, on an embedded control plane
  multiarch rehearse --stack gke --json -             one stack; the report as JSON on standard output
  multiarch rehearse --html report.html --junit report.xml
  multiarch rehearse --stack local --keep             leave the cluster running; `make up STACK=local` installs into it
  multiarch rehearse --kubeconfig ~/.kube/config --context kind-ci --stack local
  multiarch rehearse --clean --kubeconfig ~/.kube/config --context kind-ci      remove what a killed one left there
  multiarch rehearse --run --stack local --html run.html     build and run an image on two real nodes, as root
  multiarch rehearse --stack gke --against Pulumi.gke.new.yaml     what would be replaced, and which jobs lost?

\b
{meanings(well="every claim proved", wrong="a claim failed", could_not_tell="something could not be checked")}
With --clean: 0 nothing is left · 1 something is left · 2 and 3 as above
"""


def _check_combination(stacks: tuple[str, ...], given: dict[str, Any]) -> None:
    """Refuse options that contradict each other, before anything is started."""
    _check_live(stacks, given)
    if given["kubeconfig"] and not given["context"]:
        raise click.UsageError("--kubeconfig needs --context: a rehearsal never uses the current context")
    if given["clean"] and not given["live"]:
        _check_clean(stacks, given)
    if given["context"] and not given["kubeconfig"]:
        raise click.UsageError("--context needs --kubeconfig FILE: the embedded control plane has its own")
    if given["kubeconfig"] and given["keep"]:
        raise click.UsageError("--keep is for the embedded control plane; the cluster of --kubeconfig stays anyway")
    if given["against"] and len(stacks) != 1:
        raise click.UsageError("--against compares one stack's file: name that stack, once, with --stack")
    _check_engine(given)


def _check_live(stacks: tuple[str, ...], given: dict[str, Any]) -> None:
    """Refuse what a run on real nodes cannot do: it has a cluster of its own, for one stack."""
    if given["dockerfile"] and not given["live"]:
        raise click.UsageError("--dockerfile names what --run builds: add --run")
    if given["runner"] != "auto" and not given["live"]:
        raise click.UsageError("--runner names what runs the jobs of --run: add --run")
    if not given["live"]:
        return
    others = ("kubeconfig", "context", "keep", "stop", "engine", "against")
    if option := next((name for name in others if given[name]), ""):
        raise click.UsageError(f"--{option} cannot be used with --run, which has two real nodes of its own")
    if len(stacks) > 1:
        raise click.UsageError("--run takes one stack: name it, once, with --stack")
    if given["clean"]:
        _check_clean_live(stacks, given)


def _check_clean_live(stacks: tuple[str, ...], given: dict[str, Any]) -> None:
    """Refuse what undoing does not do: of the formats it has JSON alone."""
    formats = {option.removeprefix("--"): given[field_of(option)] for option in FORMATS if option != "--json"}
    otherwise = {name: given[name] != "auto" for name in ("runner", "binaries")}
    named = {"stack": stacks, "dockerfile": given["dockerfile"], "chart": given["chart"], **otherwise, **formats}
    if option := next((name for name in named if named[name]), ""):
        raise click.UsageError(f"--{option} cannot be used with --run --clean: it only undoes what a killed run left")


def _check_engine(given: dict[str, Any]) -> None:
    """Refuse what needs a cluster where there is none: under the engine, and where two plans are compared."""
    if given["engine"] and given["binaries"] == "official":
        raise click.UsageError("--binaries official cannot be used with --engine: its `pulumi` is on PATH, or is built")
    without = {"engine": "the engine uses stand-ins, no cluster", "against": "two plans are compared, no cluster"}
    mode = next((mode for mode in without if given[mode]), "")
    option = next((option for option in ("keep", "kubeconfig", "chart") if mode and given[option]), "")
    if option:
        raise click.UsageError(f"--{option} cannot be used with --{mode}: {without[mode]}")


def _check_clean(stacks: tuple[str, ...], given: dict[str, Any]) -> None:
    if not given["kubeconfig"]:
        raise click.UsageError(
            "--clean needs --kubeconfig and --context: an embedded control plane is deleted as a whole"
        )
    others = [name for name in ("chart", "keep", "stop", "engine", "against") if given[name]]
    named = ["stack"] if stacks else others
    if named:
        raise click.UsageError(
            f"--{named[0]} cannot be used with --clean, which removes what rehearsals of any stack left"
        )


@click.command(epilog=EPILOG)
@click.option(
    "--stack",
    "stacks",
    multiple=True,
    metavar="NAME",
    help="Stack; repeat for several. Default: all; of --run: local.",
)
@report_options
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
    "--clean",
    is_flag=True,
    help="Remove from the cluster of --kubeconfig (with --run: from this machine) what earlier rehearsals left.",
)
@click.option(
    "--engine", is_flag=True, help="Use the real `pulumi`, from PATH or built, with stand-ins for the clouds."
)
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Show what this changed stack file would update and replace, and do nothing else. With --engine: after it.",
)
@click.option(
    "--run", "live", is_flag=True, help="Really run it: two real nodes build an image and run it. Needs root."
)
@click.option(
    "--dockerfile",
    type=click.Path(exists=True, path_type=Path),
    metavar="PATH",
    help="With --run: the Dockerfile to build; its folder is the context. Default: a small one of the rehearsal's.",
)
@click.option(
    "--runner",
    type=click.Choice(["auto", "gitlab-runner", "model"]),
    default="auto",
    help="With --run: what runs the jobs. auto: gitlab-runner itself where it can be had, else the executor model.",
)
@click.option(
    "--project", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR", help="Default: here."
)
def command(project: Path | None, stacks: tuple[str, ...], **given: Any) -> None:
    """Prove that your stacks work, without a cloud account.

    It plans the unmodified program against stand-ins for each cloud, installs the runner with Helm on a real Kubernetes
    control plane, and gives it jobs: the amd64 job must run on an amd64 node, the arm64 job on an arm64 node, and what
    is forbidden must be refused. It changes nothing outside this machine, except the cluster of --kubeconfig: there it
    removes everything that it created, also after Ctrl-C. With --run, two real nodes on this Linux machine build an
    image and run it; what that changes here is shown first, and undone.
    """
    _check_combination(stacks, given)
    from multiarch.rehearse import main  # noqa: PLC0415 - `--help` needs none of it

    if given["live"] and given["clean"]:
        from multiarch.rehearse.nodes import main as nodes  # noqa: PLC0415 - as above

        nodes.clean(given["json_file"])
    elif given["live"]:
        main.run_live(project, stacks, given)
    elif given["clean"]:
        main.clean_up(given)
    elif given["stop"]:
        main.stop(project)
    else:
        main.run(project, stacks, given)
