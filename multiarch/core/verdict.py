"""The three answers of every check, how they fold, and the exit code of each. The only vocabulary of all commands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from multiarch.core.ending import COULD_NOT_TELL, WELL, WRONG


class Verdict(StrEnum):
    """Whether what a check says is so. An error is never folded into `YES` or `NO`."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "could not tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A verdict, and what it rests on: `DaemonSet kube-system/calico-node`, `403 Forbidden on daemonsets`."""

    verdict: Verdict
    """Whether it is so."""
    because: str
    """What that rests on."""


def yes(because: str) -> Answer:
    """Answer that it is so."""
    return Answer(verdict=Verdict.YES, because=because)


def no(because: str) -> Answer:
    """Answer that it is not so."""
    return Answer(verdict=Verdict.NO, because=because)


def unknown(because: str) -> Answer:
    """Answer that it could not be told."""
    return Answer(verdict=Verdict.UNKNOWN, because=because)


def fold(verdicts: Iterable[Verdict]) -> Verdict:
    """Fold answers into one: a no outweighs a doubt, and no answer at all is a doubt, not a success."""
    seen = set(verdicts)
    if Verdict.NO in seen:
        return Verdict.NO
    return Verdict.UNKNOWN if not seen or Verdict.UNKNOWN in seen else Verdict.YES


EXIT_CODES: Mapping[Verdict, int] = {Verdict.YES: WELL, Verdict.NO: WRONG, Verdict.UNKNOWN: COULD_NOT_TELL}
"""Exit 2 is usage or configuration, known before anything is checked."""
