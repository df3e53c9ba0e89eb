"""The signs of the three answers in a terminal: a shape beside the colour, since not everyone sees the colour."""

from collections.abc import Mapping

from rich.console import Console
from rich.text import Text

from multiarch.core.verdict import Verdict

STYLES: Mapping[Verdict, str] = {Verdict.YES: "green", Verdict.NO: "bold red", Verdict.UNKNOWN: "bold yellow"}
MARKS: Mapping[Verdict, str] = {Verdict.YES: "✓", Verdict.NO: "✗", Verdict.UNKNOWN: "?"}
ASCII_MARKS: Mapping[Verdict, str] = {Verdict.YES: "ok", Verdict.NO: "NO", Verdict.UNKNOWN: "??"}


def mark(verdict: Verdict, *, ascii_only: bool) -> Text:
    """Return the sign of a verdict, in its colour."""
    return Text((ASCII_MARKS if ascii_only else MARKS)[verdict], style=STYLES[verdict])


def ascii_only(console: Console) -> bool:
    """Tell whether the console's encoding has no room for marks and arrows."""
    return not console.encoding.lower().startswith("utf")
