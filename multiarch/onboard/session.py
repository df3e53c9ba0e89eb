"""The conversation in a terminal: what is asked, shown and confirmed around the work itself."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from multiarch.core.progress import ProgressDisplay
from multiarch.core.signs import ascii_only
from multiarch.onboard.answers import prompts
from multiarch.onboard.answers.interview import Prompt
from multiarch.onboard.answers.model import Value
from multiarch.onboard.answers.questions import Question
from multiarch.onboard.answers.rules import Proposal
from multiarch.onboard.fleet import onboard_fleet, read_fleet
from multiarch.onboard.report.look_view import diff_view, look_view
from multiarch.onboard.request import Onboarding, Request
from multiarch.onboard.run import Stage, onboard
from multiarch.onboard.write.place import Place


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
        if not self.interactive:  # what was seen is in the report
            return onboard(request, Stage(display=display, show_diff=lambda found: display.show(diff_view(found))))
        stage = Stage(
            display=display,
            prompt=self._prompt(display),
            show_look=lambda look: display.show(look_view(look, ascii_only=ascii_only(self.console))),
            show_diff=lambda difference: display.show(diff_view(difference)),
            confirm=self._confirm(display),
        )
        return onboard(request, stage)

    def fleet(self, path: Path, request: Request, display: ProgressDisplay) -> tuple[Onboarding, ...]:
        """Onboard many. Raises ConfigError for a fleet file that can't be used."""
        return onboard_fleet(read_fleet(path), request, display)

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
