"""What differs in one resource: from the CLI's steps to short, printable values that give no secret away."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from multiarch.core.printable import printable
from multiarch.core.secrets import hide_tokens
from multiarch.drift.cloud.paths import Missing, Path, differing, find, parse, same, write
from multiarch.drift.cloud.redaction import SECRET, UNKNOWN, Hidden
from multiarch.drift.model import Change, Difference
from multiarch.model.pulumi_answers import Step

LIMIT = 120
"""Characters shown of a value."""
CONTEXT = 20
"""Characters shown before the place where two long values part."""
MOST = 100
"""Differences listed of one resource."""
_TREES = ("inputs", "outputs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """A resource as it should be and as it was found; None where the answer holds nothing of that side."""

    wanted: Mapping[str, Any] | None
    found: Mapping[str, Any] | None


def differences(step: Step, sides: Sides, hidden: Hidden) -> tuple[tuple[Difference, ...], int]:
    """List what differs, by path, and count those left out. Values are masked first, and then compared and cut.

    A path whose values the answer doesn't hold is listed without any.
    """
    named = [(text, parse(text)) for text in step.paths or step.reasons]
    if not named:
        named = [(write(path), path) for path in _own_comparison(sides)]
    places: dict[str, Path | None] = {}
    for text, path in named:
        places.update(_parts(text, path, sides))
    listed = [_difference(text, path, sides, hidden) for text, path in sorted(places.items())]
    return tuple(listed[:MOST]), max(0, len(listed) - MOST)


def _own_comparison(sides: Sides) -> Iterable[Path]:
    wanted, found = _tree(sides.wanted, "inputs"), _tree(sides.found, "inputs")
    return [] if wanted is None or found is None else [path for path in differing(wanted, found) if path]


def _parts(text: str, path: Path | None, sides: Sides) -> Iterator[tuple[str, Path | None]]:
    """Split a path to an object into those of its parts that differ."""
    if path is not None:
        wanted, found = _values(path, sides)
        if isinstance(wanted, Mapping | list) and isinstance(found, Mapping | list):
            inner = differing(wanted, found, path)
            if inner:
                yield from ((write(one), one) for one in inner)
                return
    yield text, path


def _difference(text: str, path: Path | None, sides: Sides, hidden: Hidden) -> Difference:
    shown = printable(hide_tokens(text))
    if path is None:
        return Difference(path=shown, change=Change.CHANGED, wanted=UNKNOWN, found=UNKNOWN)
    raw = _values(path, sides)
    change = (
        Change.ADDED
        if raw[0] is Missing.ABSENT and raw[1] not in tuple(Missing)
        else Change.GONE
        if raw[1] is Missing.ABSENT and raw[0] not in tuple(Missing)
        else Change.CHANGED
    )
    if hidden.covers(path):
        texts: list[str | None] = [SECRET, SECRET]
    else:
        texts = _texts([value if isinstance(value, Missing) else hidden.mask(value, path) for value in raw])
    if change is Change.ADDED:
        texts[0] = None
    elif change is Change.GONE:
        texts[1] = None
    return Difference(path=shown, change=change, wanted=texts[0], found=texts[1])


def _values(path: Path, sides: Sides) -> tuple[Any, Any]:
    """Find the two values in the tree that shows a difference, inputs first: a preview knows no outputs."""
    pairs = [(_find(sides.wanted, tree, path), _find(sides.found, tree, path)) for tree in _TREES]
    told = [pair for pair in pairs if not any(isinstance(value, Missing) for value in pair)]
    half = [pair for pair in pairs if Missing.UNTOLD not in pair and pair[0] is not pair[1]]
    some = [pair for pair in pairs if any(not isinstance(value, Missing) for value in pair)]
    for pair in (*told, *half):
        if not same(*pair):
            return pair
    # Equal where they can be compared: the provider sees a difference that the answer doesn't show.
    wanted, found = (*some, *pairs)[0]
    if same(wanted, found):
        return Missing.UNTOLD, Missing.UNTOLD
    return _untold(wanted), _untold(found)


def _untold(value: Any) -> Any:
    return Missing.UNTOLD if value is Missing.ABSENT else value


def _find(state: Mapping[str, Any] | None, tree: str, path: Path) -> Any:
    inside = _tree(state, tree)
    return Missing.UNTOLD if inside is None else find(inside, path)


def _tree(state: Mapping[str, Any] | None, name: str) -> Mapping[str, Any] | None:
    tree = state.get(name) if state is not None else None
    return tree if isinstance(tree, Mapping) else None


def _texts(pair: list[Any]) -> list[str | None]:
    plain = [_text(value) for value in pair]
    if plain[0] == plain[1] and not same(*pair):
        plain = [value if isinstance(value, str) and value == SECRET else _json(value) for value in pair]
    return [*_shortened(plain)]


def _text(value: Any) -> str:
    if isinstance(value, Missing):
        return UNKNOWN
    if isinstance(value, str):
        text = hide_tokens(value)
        return printable(text.replace("\n", "\\n").replace("\t", "\\t")) if text else '""'
    return _json(value)


def _json(value: Any) -> str:
    if isinstance(value, Missing):
        return UNKNOWN
    return printable(hide_tokens(json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)))


def _common(left: str, right: str) -> int:
    """Count the characters that two texts begin with alike."""
    return next(
        (at for at, (one, other) in enumerate(zip(left, right, strict=False)) if one != other),
        min(len(left), len(right)),
    )


def _shortened(texts: list[str]) -> Iterator[str]:
    """Cut long values so that the place where they part is seen."""
    if all(len(text) <= LIMIT for text in texts):
        yield from texts
        return
    begin = max(0, _common(*texts) - CONTEXT)
    for text in texts:
        part = text[begin : begin + LIMIT]
        yield f"{'…' if begin else ''}{part}{'…' if begin + LIMIT < len(text) else ''}"
