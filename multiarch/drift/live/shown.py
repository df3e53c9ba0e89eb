"""Values and differences as reports have them: short, on one line, printable, and without secrets."""

import json
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from typing import Any, Final

from components.secret_text import SECRET_NAME
from multiarch.core.printable import one_line
from multiarch.core.secrets import hide
from multiarch.drift.live.difference import SECRET, Delta
from multiarch.drift.live.lists import ABSENT
from multiarch.drift.live.paths import Item, Path, keys, text
from multiarch.drift.model import Difference
from multiarch.model.providers.values import UNKNOWN

LENGTH: Final = 120
"""Letters of a value that are shown."""
MOST: Final = 25
"""Differences of one object that are shown."""
HIDDEN: Final = repr(SECRET)
_NAMES_ONE: Final = (("runners", "secret"), ("secretRef", "name"), ("volumes", "secret"))
"""Paths that end like a secret and hold the name of one."""


def differences(found: Iterable[Delta], root: str = "") -> tuple[tuple[Difference, ...], int]:
    """Render differences, sorted by path (`root` goes before it), and count those beyond `MOST`: not shown."""
    rendered = sorted((difference(delta, root) for delta in found), key=lambda one: one.path)
    return tuple(rendered[:MOST]), max(0, len(rendered) - MOST)


def difference(delta: Delta, root: str = "") -> Difference:
    """Render one difference."""
    wanted, found = delta.wanted, delta.found
    shown: tuple[str | None, str | None]
    if isinstance(wanted, str) and isinstance(found, str):
        shown = _apart(_redacted(wanted, delta.path), _redacted(found, delta.path))
    else:
        shown = value(wanted, delta.path), value(found, delta.path)
    where = one_line(text(delta.path))
    separator = "." if root and where and not where.startswith("[") else ""
    return Difference(path=f"{root}{separator}{where}", change=delta.change, wanted=shown[0], found=shown[1])


def value(item: Any, path: Path = ()) -> str | None:
    """Render a value; None for nothing at all."""
    if item is ABSENT:
        return None
    return shortened(_written(_redacted(item, path)))


def shortened(words: str, length: int = LENGTH) -> str:
    """Write text on one line, cut at `length` letters."""
    line = one_line(words)
    return line if len(line) <= length else f"{line[: length - 1]}…"


def _written(item: Any) -> str:
    if isinstance(item, str):
        return item
    return json.dumps(item, ensure_ascii=False, default=repr)


def _redacted(item: Any, path: Path) -> Any:
    """Hide secrets by what they look like, and by the names that they go by."""
    if item is SECRET or item is UNKNOWN:
        return repr(item)
    if isinstance(item, Mapping):
        # An environment variable has its name beside its value.
        named = SECRET_NAME.search(str(item.get("name") or "")) if "value" in item else None
        return {
            key: HIDDEN if named and key == "value" else _redacted(inner, (*path, str(key)))
            for key, inner in item.items()
        }
    if isinstance(item, list | tuple):
        return [_redacted(inner, path) for inner in item]
    if isinstance(item, str):
        return HIDDEN if _is_named_secret(path) else hide(item)
    return item


def _is_named_secret(path: Path) -> bool:
    names = [step if isinstance(step, str) else step.label for step in path]
    if keys(path)[-2:] in _NAMES_ONE or not names:
        return False
    if names[-1] in ("value", "values") and len(path) > 1 and isinstance(path[-2], Item):
        names.pop()  # env[API_TOKEN].value
    return bool(SECRET_NAME.search(names[-1]))


def _apart(wanted: str, found: str) -> tuple[str, str]:
    """Show two texts where they begin to differ: the first different line, or the different part of a long one."""
    if wanted == found:
        return shortened(wanted), f"{shortened(found, LENGTH - 20)} (not the same)"
    if "\n" not in wanted.strip() and "\n" not in found.strip() and max(len(wanted), len(found)) <= LENGTH:
        return shortened(wanted), shortened(found)
    one, other = wanted.splitlines(), found.splitlines()
    for kind, begin, end, start, stop in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind != "equal":
            return _lines(one, begin, end), _lines(other, start, stop)
    return shortened(wanted), shortened(found)


def _lines(lines: list[str], begin: int, end: int) -> str:
    if begin == end:
        return f"line {begin + 1}: nothing"
    more = f" (and {end - begin - 1} more lines)" if end - begin > 1 else ""
    return f"line {begin + 1}: {shortened(lines[begin], LENGTH - 30)}{more}"
