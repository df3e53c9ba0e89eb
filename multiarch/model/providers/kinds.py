"""The common part of the rehearsal providers: tables of resource kinds and lookups, and how two inputs differ."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from multiarch.model.providers.base import Created, Diff, LookupRefusedError, Refusal
from multiarch.model.providers.replaced import RECORD, changes
from multiarch.model.providers.values import UNKNOWN, join

Inputs = Mapping[str, Any]
Rule = Callable[[Inputs], Iterable[Refusal]]
"""One rule of an API. It must let pass what it can't judge because a value is `UNKNOWN`."""
Answer = Callable[[str, Inputs], Created]
Lookup = Callable[[Inputs], Mapping[str, Any]]


def refusal(path: str, message: str, source: str) -> Refusal:
    """Make a refusal; the caller who knows the URN fills it in."""
    return Refusal(resource="", path=path, message=message, source=source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One resource type: its rules and its computed outputs. Which changes replace it, `replaced.json` says."""

    rules: tuple[Rule, ...] = ()
    create: Answer
    counts: str = ""
    """An output that every update in place makes greater by one."""
    delete_before_replace: bool = False
    """Whether the provider deletes first where the program does not say otherwise."""
    named: bool = False
    """Whether its id follows from its inputs, so that two of them can't have the same."""
    own_schema: bool = False
    """Whether the rules judge keys and types too, since no SDK declares the kind."""
    ignores: frozenset[str] = field(default_factory=frozenset)
    """Inputs that never differ: they steer the provider itself."""


def get(inputs: Any, *path: str) -> Any:
    """Follow keys; None when one is absent, `UNKNOWN` when the way there is unknown."""
    value = inputs
    for key in path:
        if value is UNKNOWN:
            return UNKNOWN
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def text(value: Any) -> str | None:
    """Give `value` when it is a known string; rules on text skip everything else, which the schema check refuses."""
    return value if isinstance(value, str) else None


def number(value: Any) -> int | None:
    """Give `value` when it is a known whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def items(value: Any) -> list[Any]:
    """Give a known list's items, and none otherwise."""
    return value if isinstance(value, list) else []


def entries(value: Any) -> Iterator[tuple[str, Any]]:
    """Give a known mapping's entries, and none otherwise."""
    if isinstance(value, Mapping):
        yield from value.items()


def differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """List the property paths at which two values differ: of a block that comes or goes, what is in it.

    An unknown differs from everything.
    """
    if (old is None and isinstance(new, Mapping) and new) or (new is None and isinstance(old, Mapping) and old):
        old, new = old or {}, new or {}
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from differences(old.get(key), new.get(key), join(path, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from differences(before, after, join(path, index))
    elif old is UNKNOWN or new is UNKNOWN or old != new:
        yield path


def covers(patterns: frozenset[str], path: str) -> bool:
    """Tell whether a path is, or lies below, one of the patterns, which have no indices."""
    bare = re.sub(r"\[\d+\]", "", path)
    return any(bare == one or bare.startswith((f"{one}.", f"{one}[")) for one in patterns)


def _come_or_gone(blocks: frozenset[str], olds: Inputs, news: Inputs) -> frozenset[str]:
    def there(inputs: Inputs, block: str) -> bool:
        return get(inputs, *block.split(".")) is not None

    return frozenset(block for block in blocks if there(olds, block) != there(news, block))


class KindProvider:
    """A provider made of a table of kinds and a table of lookups."""

    package: ClassVar[str]
    version: ClassVar[str]
    own_schema: ClassVar[bool] = False
    kinds: ClassVar[Mapping[str, Kind]]
    lookups: ClassVar[Mapping[str, Lookup]] = {}
    record: ClassVar[Path] = RECORD
    """What of the kinds is replaced: a `replaced.json`, in a cloud's folder its own."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}

    def judges_schema(self, token: str) -> bool:
        """Tell it of the whole provider, or of a kind."""
        return self.own_schema or (token in self.kinds and self.kinds[token].own_schema)

    def check_config(self, inputs: Inputs) -> list[Refusal]:
        """Accept any configuration; a provider with rules of its own overrides this."""
        del inputs
        return []

    def check(self, token: str, name: str, inputs: Inputs) -> list[Refusal]:
        """Put all rules of the kind to the inputs, and see that no other resource of the program has its name."""
        kind = self.kinds.get(token)
        if kind is None:
            message = f"the rehearsal has no provider for {token}: it cannot tell whether {self.package} would take it"
            return [refusal("", message, "rehearsal")]
        found = [found for rule in kind.rules for found in rule(inputs)]
        if kind.named and self._owners.setdefault(identity := kind.create(name, inputs).id, name) != name:
            found.append(refusal("", f"Already exists: {identity}", f"{self.package}: names are unique"))
        return found

    def create(self, token: str, name: str, inputs: Inputs) -> Created:
        """Give the computed outputs over the inputs. An unknown token gets its inputs back: `check` refused it."""
        kind = self.kinds.get(token)
        if kind is None:
            return Created(id=f"{name}-id", outputs=dict(inputs))
        return kind.create(name, inputs)

    def update(self, token: str, name: str, state: Inputs, inputs: Inputs) -> Inputs:
        """Give the outputs after an update: made anew, under the name that the resource already has."""
        outputs = self.create(token, name, inputs).outputs
        kind = self.kinds.get(token)
        if kind is None or not kind.counts:
            return outputs
        return {**outputs, kind.counts: (number(state.get(kind.counts)) or 0) + 1}

    def diff(self, token: str, olds: Inputs, news: Inputs) -> Diff:
        """Sort the changed properties by what becomes of the resource, as the providers' own sources say."""
        kind = self.kinds.get(token)
        if kind is None:
            return Diff(updates=tuple(differences(olds, news)))
        known = changes(self.record, token)
        forced = known.replaces | _come_or_gone(known.replaces_when_added_or_removed, olds, news)
        changed = [path for path in differences(olds, news) if not covers(kind.ignores, path)]
        rest = [path for path in changed if not covers(forced, path)]
        replaces = tuple(path for path in changed if covers(forced, path))
        return Diff(
            updates=tuple(path for path in rest if not covers(known.refused, path)),
            replaces=replaces,
            refused=tuple(path for path in rest if covers(known.refused, path)),
            delete_before_replace=bool(replaces) and kind.delete_before_replace,
        )

    def invoke(self, token: str, args: Inputs) -> Mapping[str, Any]:
        """Answer a lookup from the table."""
        lookup = self.lookups.get(token)
        if lookup is None:
            raise LookupRefusedError(f"the rehearsal has no provider for the lookup {token}", "rehearsal")
        return lookup(args)
