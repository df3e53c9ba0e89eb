"""Who set a field: `metadata.managedFields`, read.

Facts: sigs.k8s.io/structured-merge-diff, fieldpath/serialize-pe.go (`f:` field, `k:` element by its keys, `v:` element
by its value, `i:` by its index, `.` the element itself). An entry of operation `Update` holds what its request changed,
defaults and admission's additions included; one of operation `Apply` holds what was stated and nothing else.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from multiarch.drift.live.difference import same
from multiarch.drift.live.paths import Item, Path

_DEPLOYERS = ("helm", "pulumi")
_WHO = ("manager", "operation", "subresource")


@dataclass(frozen=True, slots=True)
class Owner:
    """A field manager that set a field."""

    manager: str
    operation: str
    subresource: str = ""
    whole: bool = False
    """Whether it is owned only as a part of something that is set as a whole."""

    @property
    def deploys(self) -> bool:
        """Whether this is Helm or Pulumi, and may own it only because a default or admission gave it to their object.

        An `Apply` owns what it stated: such a field, no longer wanted, was not taken away.
        """
        return self.manager.startswith(_DEPLOYERS) and (self.operation == "Update" or self.whole)


@dataclass(frozen=True, slots=True)
class Ownership:
    """The field managers of one object."""

    entries: tuple[tuple[Owner, Mapping[str, Any]], ...]

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> "Ownership":
        """Read an object's managedFields; what is not understood owns nothing."""
        entries = []
        for entry in (manifest.get("metadata") or {}).get("managedFields") or []:
            fields = entry.get("fieldsV1")
            if isinstance(fields, Mapping):
                manager, operation, subresource = (str(entry.get(key) or "") for key in _WHO)
                entries.append((Owner(manager, operation, subresource), fields))
        return cls(tuple(entries))

    @property
    def known(self) -> bool:
        """Whether anything is known: anybody may remove managedFields."""
        return any(fields for _, fields in self.entries)

    def owners(self, path: Path) -> tuple[Owner, ...]:
        """Return who set what is at `path`, or the list or mapping around it that can only be set as a whole."""
        found = ((owner, _depth(fields, path)) for owner, fields in self.entries)
        return tuple(replace(owner, whole=depth < len(path)) for owner, depth in found if depth)


def _depth(fields: Mapping[str, Any], path: Path) -> int:
    """Return how many steps of `path` are owned: all of them, those to what is set as a whole, or none."""
    here: Mapping[str, Any] = fields
    for depth, step in enumerate(path):
        if not here:
            return depth
        inner = here.get(f"f:{step}") if isinstance(step, str) else _element(here, step)
        if not isinstance(inner, Mapping):
            return 0
        here = inner
    return len(path)


def _element(fields: Mapping[str, Any], item: Item) -> Mapping[str, Any] | None:
    for key, inner in _elements(fields):
        if key == item.label or (isinstance(key, Mapping) and _identifies(key, item)):
            return inner
        if item.value is not None and same((), key, item.value):
            return inner
    return None


def _elements(fields: Mapping[str, Any]) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    for written, inner in fields.items():
        kind, _, rest = written.partition(":")
        if kind == "i":
            yield rest, inner
        elif kind in ("k", "v"):
            try:
                yield json.loads(rest), inner
            except ValueError:
                continue


def _identifies(key: Mapping[str, Any], item: Item) -> bool:
    known = dict(item.keys)
    return bool(known) and all(same((), known.get(name), value) for name, value in key.items())
