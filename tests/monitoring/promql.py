"""Which series a query of ours reads, and which labels it asks of them.

No parser of PromQL: promtool is that. It finds names and matchers in queries of the form that we write.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_NAME: Final = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_SELECTOR = re.compile(rf"(?<![\w\"])({_NAME})\{{([^}}]*)\}}")
_MATCHER = re.compile(rf'({_NAME})\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
_BARE = re.compile(rf"(?<![\w\"{{$]){_NAME}(?!\w)(?!\s*[({{])")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_WORDS: Final = frozenset({"by", "on", "and", "or", "unless", "bool", "offset", "group_left", "s", "m", "h"})


@dataclass(frozen=True, slots=True)
class Selector:
    """One series selector."""

    metric: str
    matchers: tuple[tuple[str, str, str], ...]
    """Label, operator, value."""


def selectors(expr: str) -> Iterator[Selector]:
    """Yield every selector, those without matchers too."""
    # Braces within a pattern would end a selector early.
    guarded = _STRING.sub(lambda found: found[0].replace("{", "\x01").replace("}", "\x02"), expr)
    for name, matchers in _SELECTOR.findall(guarded):
        found = tuple((label, op, _plain(value)) for label, op, value in _MATCHER.findall(matchers))
        yield Selector(name, found)
    rest = re.sub(r"\[[^\]]*\]", "", _STRING.sub('""', _GROUPING.sub("", _SELECTOR.sub("0", guarded))))
    for name in _BARE.findall(rest):
        if name not in _WORDS:
            yield Selector(name, ())


def grouped_by(expr: str) -> set[str]:
    """Return the labels that it groups or joins by."""
    return {label.strip() for group in _GROUPING.findall(expr) for label in group.split(",") if label.strip()}


def _plain(value: str) -> str:
    return value.replace("\x01", "{").replace("\x02", "}")
