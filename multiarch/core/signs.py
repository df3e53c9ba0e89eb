"""The signs of the three answers in a terminal: a shape beside the colour, since not everyone sees the colour."""

from collections.abc import Mapping
from enum import StrEnum

from rich.console import Console
from rich.text import Text


class Sign(StrEnum):
    """How an answer reads, whatever the command calls it."""

    GOOD = "good"
    BAD = "bad"
    DOUBT = "doubt"


STYLES: Mapping[Sign, str] = {Sign.GOOD: "green", Sign.BAD: "bold red", Sign.DOUBT: "bold yellow"}
MARKS: Mapping[Sign, str] = {Sign.GOOD: "✓", Sign.BAD: "✗", Sign.DOUBT: "?"}
ASCII_MARKS: Mapping[Sign, str] = {Sign.GOOD: "ok", Sign.BAD: "NO", Sign.DOUBT: "??"}


def mark(sign: Sign, *, ascii_only: bool) -> Text:
    """Return a sign, in its colour."""
    return Text((ASCII_MARKS if ascii_only else MARKS)[sign], style=STYLES[sign])


def ascii_only(console: Console) -> bool:
    """Tell whether the console's encoding has no room for marks and arrows."""
    return not console.encoding.lower().startswith("utf")
