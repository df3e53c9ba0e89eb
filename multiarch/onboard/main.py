"""What `multiarch onboard` does with its options."""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from components.kubeconfig_files import Files, default_files
from components.problems import ConfigError
from multiarch.cluster.kubeconfig import contexts_of
from multiarch.core.ending import exit_codes_for, unwind_on_terminate
from multiarch.core.options import Outlet, deliver, outlet_of
from multiarch.core.output import STANDARD_OUTPUT
from multiarch.core.progress import ProgressDisplay
from multiarch.core.secrets import hide_in
from multiarch.model.project import project_of
from multiarch.onboard.access import ONBOARDING
from multiarch.onboard.answers.file import read_answers
from multiarch.onboard.answers.model import Value
from multiarch.onboard.answers.questions import QUESTIONS
from multiarch.onboard.answers.texts import field_of
from multiarch.onboard.report.words import FLEET_WORDS, WORDS, to_report
from multiarch.onboard.request import Rehearse, Request, not_given
from multiarch.onboard.session import Session


def run(project: Path | None, options: Mapping[str, Any], *, rehearse: Rehearse | None) -> NoReturn:
    """Onboard one cluster or a fleet, and deliver the report. `rehearse` is what `--rehearse` calls."""
    began = time.monotonic()
    root = project_of(project)
    outlet = outlet_of(options)
    if options["rehearse"]:  # so that the control plane ends as it does on Ctrl-C
        unwind_on_terminate()
    fleet = options["fleet"]
    with exit_codes_for(ConfigError, interrupted="what was written is whole" if fleet else "nothing was written"):
        given = _given(options)
        session = Session(console=outlet.console, interactive=_interactive(options, outlet))
        request = _request(root, options, given, session.context, rehearse or not_given)
        with ProgressDisplay(outlet.console) as display:
            results = session.fleet(fleet, request, display) if fleet else (session.one(request, display),)
    report = to_report(hide_in(results), time.monotonic() - began)
    deliver(report, FLEET_WORDS if fleet else WORDS, outlet)


def _given(options: Mapping[str, Any]) -> dict[str, Value]:
    """Collect the answers that were given: a file's, and over them the flags'."""
    said: dict[str, Value] = read_answers(options["answers"]) if options["answers"] else {}
    flags = {question.key: options[field_of(question.key)] for question in QUESTIONS}
    places = {key: options[key] for key in ("context", "kubeconfig")}
    return {**said, **{key: value for key, value in {**flags, **places}.items() if value is not None}}


def _interactive(options: Mapping[str, Any], outlet: Outlet) -> bool:
    """Tell whether there is somebody to ask: both ends are a terminal, and standard output is not for a machine."""
    machine = STANDARD_OUTPUT in outlet.targets.values() or options["fleet"]
    return not machine and sys.stdin.isatty() and sys.stdout.isatty()


def _request(
    root: Path,
    options: Mapping[str, Any],
    given: dict[str, Value],
    choose: Callable[[list[str]], str] | None,
    rehearse: Rehearse,
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
        rehearse_with=rehearse,
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
