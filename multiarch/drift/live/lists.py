"""How the elements of two lists belong together: by their keys, by their content, or by their place.

Facts: the `+listType` and `+listMapKey` marks of the Kubernetes API (k8s.io/api, types.go). Some lists that are atomic
for the API server have no order for whoever reads them (a Role's rules, a NetworkPolicy's peers): their order is no
difference.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from multiarch.drift.live.paths import Item, Path, keys

Pairs = Iterator[tuple[Item, Any, Any]]
"""An element as it is wanted and as it was found, `ABSENT` on one side where the other list lacks it."""


class Absent:
    """The type of `ABSENT`: there is nothing, which is not the same as null."""

    def __repr__(self) -> str:
        """Read as what it is."""
        return "ABSENT"


ABSENT = Absent()

Matcher = Callable[[Path, Sequence[Any], Sequence[Any]], Pairs]

_KEYED: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "hostAliases": ("ip",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "ownerReferences": ("uid",),
    "ports": ("containerPort", "protocol"),
    "secrets": ("name",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "variables": ("name",),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}
_UNORDERED = frozenset({
    "accessModes", "add", "apiGroups", "apiVersions", "drop", "egress", "except", "finalizers", "from", "ingress",
    "matchExpressions", "nonResourceURLs", "operations", "policyTypes", "ports", "resourceNames", "resourceRules",
    "resources", "rules", "subjects", "to", "tolerations", "validationActions", "values", "verbs",
})  # fmt: skip
_KEYED_IN_TOML: Mapping[str, tuple[str, ...]] = {
    "config_map": ("name",), "csi": ("name",), "empty_dir": ("name",), "host_path": ("name",), "pvc": ("name",),
    "secret": ("name",), "services": ("name", "alias"),
}  # fmt: skip


def of_kubernetes(path: Path, wanted: Sequence[Any], found: Sequence[Any]) -> Pairs:
    """Pair the elements of a list in a Kubernetes object."""
    name = (keys(path) or ("",))[-1]
    if name in _KEYED and (pairs := _by_keys(_KEYED[name], wanted, found)) is not None:
        return pairs
    return _by_content(wanted, found) if name in _UNORDERED else _by_place(wanted, found)


def of_toml(path: Path, wanted: Sequence[Any], found: Sequence[Any]) -> Pairs:
    """Pair the elements of a list in the runner's config: plain lists there are sets."""
    name = (keys(path) or ("",))[-1]
    if name in _KEYED_IN_TOML and (pairs := _by_keys(_KEYED_IN_TOML[name], wanted, found)) is not None:
        return pairs
    plain = not any(isinstance(item, Mapping | list) for item in (*wanted, *found))
    return _by_content(wanted, found) if plain else _by_place(wanted, found)


def in_order(path: Path, wanted: Sequence[Any], found: Sequence[Any]) -> Pairs:
    """Pair by place: where nothing is known of a list, its order counts."""
    del path
    return _by_place(wanted, found)


def canonical(value: Any) -> str:
    """Write a value so that equal ones read the same."""
    return json.dumps(value, sort_keys=True, default=repr)


def _by_keys(names: Sequence[str], wanted: Sequence[Any], found: Sequence[Any]) -> Pairs | None:
    """Pair by identifying entries; None where an element has none, or two have the same."""
    first, second = _index(names, wanted), _index(names, found)
    if first is None or second is None:
        return None
    return (
        (Item("/".join(str(part) for part in key), tuple(zip(names, key, strict=True))), *_both(first, second, key))
        for key in {**first, **second}
    )


def _both(
    first: Mapping[tuple[Any, ...], Any], second: Mapping[tuple[Any, ...], Any], key: tuple[Any, ...]
) -> tuple[Any, Any]:
    return first.get(key, ABSENT), second.get(key, ABSENT)


def _index(names: Sequence[str], items: Sequence[Any]) -> dict[tuple[Any, ...], Any] | None:
    result: dict[tuple[Any, ...], Any] = {}
    for item in items:
        if not isinstance(item, Mapping) or names[0] not in item:
            return None
        key = tuple(item.get(name, _DEFAULT_KEYS.get(name, "")) for name in names)
        if key in result or not all(isinstance(part, str | int) for part in key):
            return None
        result[key] = item
    return result


_DEFAULT_KEYS: Mapping[str, str] = {"protocol": "TCP"}


def _by_content(wanted: Sequence[Any], found: Sequence[Any]) -> Pairs:
    """Take equal elements away on both sides, and pair of the rest those that are most alike."""
    left = {index: canonical(item) for index, item in enumerate(wanted)}
    right = {index: canonical(item) for index, item in enumerate(found)}
    for index, text in list(left.items()):
        twin = next((other for other, same in right.items() if same == text), None)
        if twin is not None:
            del left[index], right[twin]
    for index, other in _alike(wanted, found, left, right):
        del left[index], right[other]
        yield Item(str(other)), wanted[index], found[other]
    for index in left:
        yield _labelled(index, wanted[index]), wanted[index], ABSENT
    for index in right:
        yield _labelled(index, found[index]), ABSENT, found[index]


def _labelled(index: int, item: Any) -> Item:
    return Item(str(index)) if isinstance(item, Mapping | list) else Item(str(item), value=item)


def _alike(
    wanted: Sequence[Any], found: Sequence[Any], left: Mapping[int, str], right: Mapping[int, str]
) -> list[tuple[int, int]]:
    scores = sorted(
        (
            (-_likeness(wanted[index], found[other]), index, other)
            for index in left
            for other in right
            if _likeness(wanted[index], found[other]) > 0
        ),
    )
    pairs: list[tuple[int, int]] = []
    for _, index, other in scores:
        if all(index != known and other != taken for known, taken in pairs):
            pairs.append((index, other))
    return pairs


def _likeness(one: Any, other: Any) -> int:
    """Count the entries that two mappings share, at any depth: a rule that got a verb more is that rule, changed."""
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return 0
    shared = [(value, other[key]) for key, value in one.items() if key in other]
    return sum(1 if canonical(value) == canonical(twin) else _likeness(value, twin) for value, twin in shared)


def _by_place(wanted: Sequence[Any], found: Sequence[Any]) -> Pairs:
    """Pair by place; where one list is longer, the common beginning and end stay out of the difference."""
    if len(wanted) == len(found):
        yield from ((Item(str(index)), one, found[index]) for index, one in enumerate(wanted))
        return
    start = _common(wanted, found)
    end = _common(wanted[start:][::-1], found[start:][::-1])
    one, other = wanted[start : len(wanted) - end], found[start : len(found) - end]
    for index in range(max(len(one), len(other))):
        yield (
            Item(str(start + index)),
            one[index] if index < len(one) else ABSENT,
            other[index] if index < len(other) else ABSENT,
        )


def _common(one: Sequence[Any], other: Sequence[Any]) -> int:
    count = 0
    while count < min(len(one), len(other)) and canonical(one[count]) == canonical(other[count]):
        count += 1
    return count
