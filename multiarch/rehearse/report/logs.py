"""What a report keeps of a container's log: all that a person would read of it, and nothing that acts."""

import re
from typing import Final

from multiarch.core.printable import visible
from multiarch.core.secrets import hide

LONGEST_LOG: Final = 200_000
"""Characters that are kept of one log; a build's has some ten thousand."""
LONGEST_LINE: Final = 2_000
"""Characters that are kept of one line."""
_BEGINNING: Final = LONGEST_LOG // 4
"""Of a longer log; what went wrong stands at its end."""
_END: Final = LONGEST_LOG - _BEGINNING - 200
"""As much as is left, with room for the sentence that says what was left out."""
_LONGEST_SECRET: Final = 4_000
"""Characters before a cut that are looked at and thrown away: half a secret has no shape any more."""
_MARGIN: Final = LONGEST_LINE + 2 * _LONGEST_SECRET
"""The same of a whole log: longer than any line, since the line that is cut goes as a whole."""
_CUT: Final = re.compile(r"^([^\n]*)\n?\0(\d+)", re.MULTILINE)
"""A line that was cut, and how long it was. No log has a zero byte: control characters are shown as their escapes."""
_SECTION: Final = re.compile(r"section_(?:start|end):\d+:[^\s\x1b]{0,200}(?:\r\x1b\[0K|\r)")
"""GitLab's own marks of a part that can be folded."""
_ESCAPE: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, and what moves the cursor
    r"|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)"  # titles, links and other strings
    r"|\x1b[ -/]*[0-Z\\^-~]"  # all that is shorter
)


def kept_log(text: str) -> str:
    r"""Return what a report keeps of a log: as a terminal would show it, without secrets, and bounded.

    A log of more than `LONGEST_LOG` characters is kept by its beginning and its end, and says so between them.

    >>> kept_log("section_start:1:step_script\r\x1b[0K\x1b[32;1m$ make\x1b[0;m\n 10 %\r100 %\r\n")
    '$ make\n100 %'
    """
    shown = visible(_as_shown(text)).rstrip()
    # Cut before it is redacted, with room, and once more after that: no redaction is made for lines of megabytes.
    lines = "\n".join(map(_cut, shown.split("\n")))
    if len(lines) <= LONGEST_LOG:
        return _redacted(lines)
    head = _redacted(lines[: _BEGINNING + _MARGIN])[:-_MARGIN].rpartition("\n")[0]
    tail = _redacted(lines[-_END - _MARGIN :])[_MARGIN:].partition("\n")[2]
    why = f"a log of more than {LONGEST_LOG:,} is kept by its beginning and its end"
    return f"{head}\n[… {len(shown) - len(head) - len(tail):,} characters are left out here: {why}]\n{tail}"


def _as_shown(text: str) -> str:
    """Return what a terminal shows in the end: no colours, and of a progress bar only its last state."""
    text = _ESCAPE.sub("", _SECTION.sub("", text))
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def _cut(line: str) -> str:
    """Cut a line that is too long, with room for a secret that is cut in two; how long it was stands in the next."""
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE + _LONGEST_SECRET]}\n\0{len(line)}"


def _redacted(text: str) -> str:
    """Take the secrets out, and from lines that were cut what may be half of one."""
    return _CUT.sub(_told, hide(text))


def _told(found: re.Match[str]) -> str:
    # A line that is only a little too long was not cut there yet.
    spare = min(_LONGEST_SECRET, max(0, int(found[2]) - LONGEST_LINE))
    kept = found[1][: len(found[1]) - spare][: LONGEST_LINE - 50]
    return f"{kept} [… of a line of {int(found[2]):,} characters]"
