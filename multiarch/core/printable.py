"""Make text from elsewhere (API messages, pool names, program output) safe to show.

An API server's message or a name in a stack file may carry control characters: in a terminal they move the cursor or
recolour the screen, and in XML 1.0 they are forbidden altogether, even when escaped.
"""

import re

from multiarch.core.secrets import hide_written

_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""C0 and C1 controls but tab and newline, line and paragraph separators, text-direction marks, non-characters."""


def printable(text: str) -> str:
    r"""Show each control character as its escape, so that it is seen and does nothing; and no secret at all.

    >>> printable("red: \x1b[31m")
    'red: \\x1b[31m'
    """
    return visible(hide_written(text))


def visible(text: str) -> str:
    """Like `printable`, but for secrets: of a text that is redacted later, as a whole."""
    return _CONTROL.sub(lambda found: _escape(ord(found.group())), text)


def one_line(text: str) -> str:
    """Like `printable`, and every run of white space becomes one space: for table cells and progress lines."""
    return printable(" ".join(text.split()))


def seconds(value: float) -> str:
    """Write a duration as a person reads it: `0.04 s`, `6.3 s`, `1 min 12 s`."""
    if value < 0.1:  # noqa: PLR2004 - below a tenth, one decimal would read as nothing
        return f"{value:.2f} s"
    if value < 60:  # noqa: PLR2004 - a minute
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s"


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004 - one byte
