"""The conversation in a terminal: what is asked, shown and confirmed around the work itself."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from multiarch.cluster.look.model import Look
from multiarch.core.printable import one_line
from multiarch.core.progress import ProgressDisplay
from multiarch.core.signs import ascii_only, mark
from multiarch.core.verdict import Verdict
from multiarch.onboard.answers import prompts
from multiarch.onboard.answers.interview import Prompt
from multiarch.onboard.answers.model import Value
from multiarch.onboard.answers.questions import Question
from multiarch.onboard.answers.rules import Proposal
from multiarch.onboard.fleet import onboard_fleet, read_fleet
from multiarch.onboard.report.terminal import diff_view, look_view, print_outcome
from multiarch.onboard.request import MEANINGS, Onboarding, Outcome, Request
from multiarch.onboard.run import Stage, onboard
from multiarch.onboard.write.place import Place
from multiarch.rehearse.report.terminal import print_report

_FLEET_SIGNS = {Outcome.WRITTEN: Verdict.YES, Outcome.COULD_NOT_TELL: Verdict.UNKNOWN}


@dataclass(slots=True)
class Session:
    """One run of the command."""

    console: Console
    interactive: bool

    @property
    def context(self) -> Callable[[list[str]], str] | None:
        """What lets a person choose among contexts; None where there is nobody."""
        if not self.interactive:
            return None
        return lambda names: prompts.choose("Which cluster? (contexts of the kubeconfig)", names)

    def one(self, request: Request, display: ProgressDisplay) -> Onboarding:
        """Onboard one cluster, asking where there is somebody to ask."""
        stage = Stage(
            display=display,
            prompt=self._prompt(display) if self.interactive else None,
            show_look=lambda look: display.show(look_view(look, ascii_only=ascii_only(self.console))),
            show_diff=lambda difference: display.show(diff_view(difference)),
            confirm=self._confirm(display),
        )
        return onboard(request, stage)

    def fleet(self, path: Path, request: Request, display: ProgressDisplay) -> tuple[Onboarding, ...]:
        """Onboard many. Raises ConfigError for a fleet file that can't be used."""
        return onboard_fleet(read_fleet(path), request, display, lambda _: None)

    def report(self, results: tuple[Onboarding, ...], *, fleet: bool) -> None:
        """Show what came of it."""
        if fleet:
            self.console.print(fleet_table(results, plain=ascii_only(self.console)))
            return
        for found in results:
            if found.rehearsal is not None:
                print_report(self.console, found.rehearsal)
            if found.text and found.file is None:
                self.console.print(Text(f"\n{found.text}"), soft_wrap=True)
            print_outcome(self.console, found)

    def _prompt(self, display: ProgressDisplay) -> Prompt:
        def ask(question: Question, proposal: Proposal | None, wrong: Callable[[Value], str]) -> Value:
            with display.paused():
                return prompts.ask(question, proposal, wrong)

        return ask

    def _confirm(self, display: ProgressDisplay) -> Callable[[Place], bool]:
        def confirm(place: Place) -> bool:
            with display.paused():
                return prompts.confirm(f"Replace {place.path.name}?", default=False)

        return confirm


def fleet_table(results: tuple[Onboarding, ...], *, plain: bool) -> Table:
    """Return one line for each cluster."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for head in ("", "context", "cluster", "nodes", "stack", "outcome"):
        table.add_column(head, overflow="fold")
    for one in results:
        sign = mark(_FLEET_SIGNS.get(one.outcome, Verdict.NO), ascii_only=plain)
        message = one.message if one.outcome is not Outcome.WRITTEN or one.file else MEANINGS[one.outcome]
        table.add_row(
            sign,
            Text(one_line(one.context)),
            Text(_cluster(one.look)),
            Text(str(one.look.nodes) if one.look else "-"),
            Text(one_line(one.answers.stack) if one.answers else "-"),
            Text(one_line(message)),
        )
    return table


def _cluster(look: Look | None) -> str:
    if look is None:
        return "-"
    archs = "+".join(sorted({pool.arch for pool in look.pools})) or "no nodes"
    return one_line(f"{look.provider.value} {look.version} {archs}")
