"""Prompts in a terminal."""

from collections.abc import Callable
from typing import Any

import questionary

from multiarch.onboard.answers.model import Value
from multiarch.onboard.answers.questions import Question
from multiarch.onboard.answers.rules import Proposal


def ask(question: Question, proposal: Proposal | None, wrong: Callable[[Value], str]) -> Value:
    """Ask one question. Raises KeyboardInterrupt on Ctrl-C and on the end of input."""
    default = proposal.value if proposal is not None else None
    text = question.text
    if proposal is not None and proposal.because:
        text = f"{text} [{proposal.because}]"
    try:
        if question.kind is bool:
            return bool(questionary.confirm(text, default=bool(default)).unsafe_ask())
        if question.choices:
            return _chosen(question, text, default, wrong)
        return _typed(question, text, default, wrong)
    except EOFError:
        raise KeyboardInterrupt from None


def choose(text: str, names: list[str]) -> str:
    """Let a person choose one of several names. Raises KeyboardInterrupt as `ask` does."""
    try:
        return str(questionary.select(text, choices=names).unsafe_ask())
    except EOFError:
        raise KeyboardInterrupt from None


def confirm(text: str, *, default: bool) -> bool:
    """Ask yes or no. Raises KeyboardInterrupt as `ask` does."""
    try:
        return bool(questionary.confirm(text, default=default).unsafe_ask())
    except EOFError:
        raise KeyboardInterrupt from None


def _chosen(question: Question, text: str, default: Value | None, wrong: Callable[[Value], str]) -> str:
    choices = [
        questionary.Choice(title=f"{name:<12} {meaning}", value=name, disabled=wrong(name) or None)
        for name, meaning in question.choices
    ]
    shown = None if default is None else str(default)
    return str(questionary.select(text, choices=choices, default=shown).unsafe_ask())


def _typed(question: Question, text: str, default: Value | None, wrong: Callable[[Value], str]) -> Value:
    def valid(typed: str) -> bool | str:
        value: Any = typed
        if question.kind is int:
            if not typed.strip().lstrip("-").isdigit():
                return "expected a whole number"
            value = int(typed)
        return wrong(value) or True

    shown = "" if default is None else str(default)
    typed = str(questionary.text(text, default=shown, validate=valid).unsafe_ask())
    return int(typed) if question.kind is int else typed
