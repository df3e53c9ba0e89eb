"""The three answers to a claim: an error is never folded into a yes or a no."""

from __future__ import annotations

from typing import NamedTuple

YES, NO, UNCLEAR = "yes", "no", "could not tell"


class Check(NamedTuple):
    """One claim about an image, and whether it holds."""

    claim: str
    answer: str
    reason: str = ""
