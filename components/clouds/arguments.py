"""What all clouds' arguments of pools have in common. Pure: plain data in the provider's spelling."""

import hashlib
import json
import string
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from components.clouds.contract import ResolvedPool
from components.clouds.sections import CloudPool
from components.keys import keys

SUFFIX: Final = 4
"""Characters by which a pool is told from its successor. Two edits of a pool would have the same in one of 1.7 million
cases: the cloud then refuses the successor, and the pool stays."""
_CHARACTERS: Final = string.ascii_lowercase + string.digits


def name_in_cloud(
    resolved: ResolvedPool[CloudPool],
    arguments: Mapping[str, Any],
    replaces: Sequence[str],
    blocks: Sequence[str] = (),
    dash: str = "-",
) -> str:
    """Return what the cloud calls a pool: its name, and a suffix that follows from whatever replaces it.

    So its successor has another name, and can be there before it goes. `replaces` are paths in the arguments whose
    values count; of `blocks`, whether they are there. The same arguments always give the same name: nothing has to be
    remembered, and a preview tells what is done.
    """
    if resolved.deleted_first:
        return resolved.name
    values = {path: value for path in replaces if (value := _at(arguments, path)) not in (None, [])}
    values |= {path: True for path in blocks if _at(arguments, path) is not None}
    number = int.from_bytes(hashlib.sha256(json.dumps(values, sort_keys=True).encode()).digest())
    suffix = ""
    for _ in range(SUFFIX):
        number, place = divmod(number, len(_CHARACTERS))
        suffix += _CHARACTERS[place]
    return f"{resolved.name}{dash}{suffix}"


def _at(arguments: Any, path: str) -> Any:
    """Return what is at a path; of a list, what is there in each of its blocks."""
    key, _, rest = path.partition(".")
    if isinstance(arguments, list):
        return [found for one in arguments if (found := _at(one, path)) is not None]
    value = arguments.get(key) if isinstance(arguments, Mapping) else None
    return _at(value, rest) if rest and value is not None else value


def plain(section: Any, **spelled: str) -> dict[str, Any]:
    """Return a section of a pool as arguments: its keys, but for those that the provider spells otherwise."""
    return {spelled.get(key.name, key.name): getattr(section, key.field) for key in keys(type(section))}


def stated(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments without what is left to the cloud: None, and mappings of nothing else."""
    kept = {key: stated(value) if isinstance(value, Mapping) else value for key, value in arguments.items()}
    return {key: value for key, value in kept.items() if value is not None and value != {}}


def merged(arguments: Mapping[str, Any], passed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with those that a stack file passes through, none of which is set already: `claimed`."""
    both = {
        key: merged(value, passed[key]) if isinstance(passed.get(key), Mapping) else value
        for key, value in arguments.items()
    }
    return {**passed, **both}


# Mappings whose keys are the user's own: a key of the pool sets each as a whole.
_WHOLE: Final = frozenset({"labels", "nodeLabels", "resourceLabels", "tags"})


def claimed(own: Mapping[str, Any], passed: Mapping[str, Any], *path: str) -> Iterator[tuple[str, ...]]:
    """Yield where arguments that are passed through meet those that a pool's own keys or the program may set."""
    for key, value in passed.items():
        if key not in own:
            continue
        inside = own[key]
        if isinstance(inside, Mapping) and isinstance(value, Mapping) and key not in _WHOLE:
            yield from claimed(inside, value, *path, key)
        else:
            yield (*path, key)


def leaves(value: Any, *path: str | int) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield every value that is no mapping and no list, with the way to it."""
    if isinstance(value, Mapping | list) and value:
        steps = value.items() if isinstance(value, Mapping) else enumerate(value)
        for step, item in steps:
            yield from leaves(item, *path, step)
    else:
        yield path, value
