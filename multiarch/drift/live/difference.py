"""Where two JSON values differ. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from kubernetes.utils.quantity import parse_quantity

from multiarch.drift.live import lists
from multiarch.drift.live.lists import ABSENT, Matcher
from multiarch.drift.live.paths import Path, keys
from multiarch.drift.model import Change
from multiarch.model.providers.values import UNKNOWN


class Masked:
    """The type of `SECRET`, in the place of a value that is never compared: only that it is there."""

    def __repr__(self) -> str:
        """Read as Pulumi shows it."""
        return "[secret]"


SECRET: Final = Masked()

Equal = Callable[[Path, Any, Any], bool]


@dataclass(frozen=True, slots=True)
class Delta:
    """One place where what was found is not what is wanted; `ABSENT` on the side that has nothing there."""

    path: Path
    wanted: Any
    found: Any

    @property
    def change(self) -> Change:
        """What became of it."""
        if self.wanted is ABSENT:
            return Change.ADDED
        return Change.GONE if self.found is ABSENT else Change.CHANGED


def same(path: Path, wanted: Any, found: Any) -> bool:
    """Tell whether two plain values are equal, as JSON has it: 4 is 4.0, and true is not 1."""
    del path
    return isinstance(wanted, bool) == isinstance(found, bool) and bool(wanted == found)


def same_meaning(path: Path, wanted: Any, found: Any) -> bool:
    """Tell whether two plain values mean the same to the API server: `1000m` is `1` among resources, `80` is 80."""
    if same(path, wanted, found):
        return True
    if {"limits", "requests", "hard", "capacity", "sizeLimit", "storage"} & set(keys(path)):
        first, second = _quantity(wanted), _quantity(found)
        return first is not None and first == second
    pair = {type(wanted), type(found)}
    return pair == {int, str} and str(wanted) == str(found)


def deltas(
    wanted: Any, found: Any, *, matcher: Matcher = lists.in_order, equal: Equal = same, path: Path = ()
) -> Iterator[Delta]:
    """Yield every difference. Mappings are compared key by key, lists as `matcher` pairs their elements.

    `SECRET` among the wanted stands for any value, and `UNKNOWN` for anything at all, nothing included; null is
    nothing, and so is an empty list. A mapping that is there on one side only is told key by key, an element of a
    list as a whole.
    """
    wanted, found = (ABSENT if side is None else side for side in (wanted, found))
    if wanted is UNKNOWN or (wanted is SECRET and found is not ABSENT):
        return
    if _both(Mapping, wanted, found) and (wanted or found) and not _is_element(path, wanted, found):
        one, other = _mapping(wanted), _mapping(found)
        if not one and not other:
            yield Delta(path, wanted, found)  # `{}` against nothing
        for key in {**one, **other}:
            inner = one.get(key, ABSENT), other.get(key, ABSENT)
            yield from deltas(*inner, matcher=matcher, equal=equal, path=(*path, str(key)))
    elif _both(Sequence, wanted, found) and (wanted or found) and not _is_element(path, wanted, found):
        for item, one, other in matcher(path, _list(wanted), _list(found)):
            yield from deltas(one, other, matcher=matcher, equal=equal, path=(*path, item))
    elif not equal(path, wanted, found):
        yield Delta(path, wanted, found)


def _both(kind: Any, wanted: Any, found: Any) -> bool:
    """Tell whether both sides are of a kind, or one is and the other is nothing."""
    sides = [side for side in (wanted, found) if side is not ABSENT]
    return bool(sides) and all(isinstance(side, kind) and not isinstance(side, str) for side in sides)


def _is_element(path: Path, wanted: Any, found: Any) -> bool:
    return bool(path) and not isinstance(path[-1], str) and (wanted is ABSENT or found is ABSENT)


def _mapping(side: Any) -> Mapping[str, Any]:
    return side if isinstance(side, Mapping) else {}


def _list(side: Any) -> Sequence[Any]:
    return side if isinstance(side, list) else []


def _quantity(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return Decimal(parse_quantity(value))  # type: ignore[no-untyped-call]  # the client has no types
    except (ValueError, InvalidOperation):
        return None
