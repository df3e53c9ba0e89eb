"""Named tuples without `typing`, whose import and checks of each annotation are 5 ms of the 60 that a merge takes.

For type checkers these are `typing`'s own.
"""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:

    class _Maker(type):
        def __new__(cls, name: str, _bases: tuple[type, ...], space: dict[str, object]) -> type:
            """Make a named tuple of the annotated names, with everything else that the class has."""
            fields = tuple(space.get("__annotations__", ()))
            defaults = [space.pop(field) for field in fields if field in space]
            made = namedtuple(name, fields, defaults=defaults, module=space["__module__"])  # noqa: PYI024 - see above
            for key, value in space.items():
                setattr(made, key, value)
            return made

    NamedTuple = type.__new__(_Maker, "NamedTuple", (), {})

__all__ = ["TYPE_CHECKING", "NamedTuple"]
