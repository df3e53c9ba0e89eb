"""Gets every answer: from flags and files, from a person, or from the proposals; and says what is missing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import click

from components.problems import ConfigError, Problem
from multiarch.cluster.look.model import Look
from multiarch.onboard.answers.model import Answers, Value, answers_of
from multiarch.onboard.answers.questions import QUESTIONS, Question
from multiarch.onboard.answers.rules import Proposal
from multiarch.onboard.answers.texts import flag_of

Prompt = Callable[[Question, Proposal | None, Callable[[Value], str]], Value]
"""Asks a person one question; the third argument says what is wrong with an answer."""


class MissingAnswersError(click.UsageError):
    """Answers are missing, and there is nobody to ask. The message names each flag."""


@dataclass(frozen=True, slots=True)
class _Ways:
    """Where answers come from."""

    given: Mapping[str, Value]
    prompt: Prompt | None
    proposals: bool


@dataclass(slots=True)
class _Said:
    """What is known so far."""

    values: dict[str, Value] = field(default_factory=dict)
    missing: list[tuple[Question, Proposal | None]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def interview(
    look: Look, given: Mapping[str, Value], *, prompt: Prompt | None = None, proposals: bool = False
) -> Answers:
    """Collect the answers. `given` are those that were said beforehand, by key.

    With `prompt`, the others are asked; with `proposals` (`--yes`), proposed ones are taken unasked. Otherwise each
    one is missing. Raises MissingAnswersError, and ConfigError for given answers that won't do.
    """
    said, ways = _Said(), _Ways(given, prompt, proposals)
    for question in QUESTIONS:
        try:
            if question.applies(look, said.values):
                _settle(question, look, ways, said)
        except KeyError:
            if not (said.problems or said.missing):
                raise
            # It depends on an answer that is wrong or missing, which is told already.
    if said.problems:
        raise ConfigError(said.problems)
    if said.missing:
        raise MissingAnswersError(_missing_text(said.missing, proposals=proposals))
    unused = [key for key in given if key not in said.values and key not in ("context", "kubeconfig")]
    if unused:
        raise ConfigError([_unused(key) for key in unused])
    paths = {key: given[key] for key in ("context", "kubeconfig") if key in given}
    return answers_of({"context": look.context, **paths, **said.values})


def _settle(question: Question, look: Look, ways: _Ways, said: _Said) -> None:
    def wrong(value: Value) -> str:
        return question.check(value, look, said.values)

    if question.key in ways.given:
        value = ways.given[question.key]
        told = _wrong_kind(question, value) or _wrong_choice(question, value) or wrong(value)
        if not told:
            said.values[question.key] = value
            return
        said.problems.append(_problem(question, value, told))
    proposal = question.propose(look, said.values)
    if proposal is not None and wrong(proposal.value):
        proposal = None
    if question.key in ways.given:
        if proposal is not None:  # in place of the wrong one, so that what depends on it is judged as well
            said.values[question.key] = proposal.value
        return
    if ways.proposals and proposal is not None and not question.must_be_said:
        said.values[question.key] = proposal.value
    elif ways.prompt is not None:
        said.values[question.key] = ways.prompt(question, proposal, wrong)
    else:
        said.missing.append((question, proposal))
        if proposal is not None:  # so that the questions that follow from it are told as well
            said.values[question.key] = proposal.value


def _wrong_kind(question: Question, value: Value) -> str:
    """Tell a number from a text: nothing is converted, as in the stack file. A bool is no number."""
    if type(value) is question.kind:
        return ""
    wanted = {str: "a text", int: "a whole number", bool: "true or false"}[question.kind]
    return f"expected {wanted}"


def _wrong_choice(question: Question, value: Value) -> str:
    names = [name for name, _ in question.choices]
    return "" if not names or value in names else f"expected one of {', '.join(names)}"


def _problem(question: Question, value: Value, told: str) -> Problem:
    return Problem(
        path=flag_of(question.key),
        found=told if told.startswith(repr(value)) else f"{value!r}: {told}",
        fix=question.help,
    )


def _unused(key: str) -> Problem:
    return Problem(
        path=flag_of(key),
        found="given, but the other answers make it unused",
        consequence="it would have no effect",
        fix="Leave it out, or change what it depends on (--cluster-type, --pools, --architectures, --token-source).",
    )


def _missing_text(missing: Sequence[tuple[Question, Proposal | None]], *, proposals: bool) -> str:
    lines = [
        f"  {flag_of(question.key):<20} {question.text}{_proposed(question, proposal)}"
        for question, proposal in missing
    ]
    open_ones = [question for question, proposal in missing if proposal is None or question.must_be_said]
    hint = "Give them as flags or in a file (--answers FILE)."
    if not proposals and len(open_ones) < len(missing):
        hint = "Give them as flags or in a file (--answers FILE); --yes takes what is proposed."
    return "there is no terminal to ask on, and these answers are missing:\n" + "\n".join(lines) + f"\n{hint}"


def _proposed(question: Question, proposal: Proposal | None) -> str:
    if proposal is None:
        return ""
    if question.must_be_said:
        return f" (for example {proposal.value})"
    return f" (proposed: {str(proposal.value).lower() if isinstance(proposal.value, bool) else proposal.value})"
