"""What a rule judges, and what it answers.

Three answers, as everywhere: nothing (the rule holds), a finding (it does not), or a doubt (a value is not known, or
cannot be read). A doubt is yielded among findings, or raised as `CouldNotTell` where nothing after it can be told.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from inspect import getdoc
from typing import Any, Final


class _Unknown:
    """The type of `UNKNOWN`."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()
"""A value that the engine does not know yet, as during a preview."""

_AZURE_VERSION = re.compile(r"^(azure-native:[^/:]+)/v\d+(?:preview)?:")


class Level(StrEnum):
    """How a violation weighs."""

    MANDATORY = "mandatory"
    """The stack must not be made like this."""
    ADVISORY = "advisory"
    """Better not, but there are reasons."""
    COULD_NOT_TELL = "could not tell"
    """Neither held nor broken, as far as can be seen."""


class CouldNotTell(Exception):  # noqa: N818 - it is an answer, not an error
    """Raised where a value is met that cannot be known or read: nothing after it can be told."""

    def __init__(self, path: str, reason: str = "is not known yet") -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path} {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A declared resource: the inputs (or, for a stack already made, the outputs) in the provider's own spelling."""

    type: str
    name: str
    urn: str
    properties: Mapping[str, Any]
    """Plain values, secret marks taken off, `UNKNOWN` where the value is not known."""
    secret_paths: frozenset[str] | None = None
    """Paths of the values that carried a secret mark; None when the source of the resource does not tell."""
    protect: bool | None = None
    """Pulumi's `protect` option; None when the source of the resource does not tell."""

    @property
    def kind(self) -> str:
        """The type token without the API version that azure-native can put into it."""
        return _AZURE_VERSION.sub(r"\1:", self.type)

    @property
    def stack(self) -> str:
        """The stack's name out of the URN (`urn:pulumi:<stack>::<project>::...`)."""
        return self.urn.removeprefix("urn:pulumi:").split("::", 1)[0]

    def get(self, *keys: str | int) -> Any:
        """Return the value at a path of keys, None when absent. Raises CouldNotTell where it is not known."""
        return look(self.properties, *keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One breach of a rule, in words. Secret values never stand in it, only their paths."""

    message: str
    fix: str
    urn: str | None = None
    """Of the resource at fault, for rules over the whole stack."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that cannot be told, in the midst of what can."""

    path: str
    reason: str = "is not known yet"

    def __str__(self) -> str:
        """Render as CouldNotTell does."""
        return f"{self.path} {self.reason}"


Answer = Finding | Doubt


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A rule's answer about one resource, or about the stack when `urn` is empty."""

    rule: str
    urn: str
    message: str
    fix: str
    level: Level

    def __str__(self) -> str:
        """Render as one line."""
        where = self.urn.rsplit("::", 1)[-1] or "stack"
        return f"{where}: {self.message.rstrip('.')}. {self.fix} [{self.rule}, {self.level}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """An accepted breach: which rule, for which resources, and why."""

    rule: str
    resource: str
    """The resource's name; `*` and `?` stand for any characters."""
    reason: str

    def covers(self, rule: str, urn: str) -> bool:
        """Tell whether this exemption speaks of a rule's violation at a resource."""
        return rule == self.rule and fnmatchcase(urn.rsplit("::", 1)[-1], self.resource)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an organisation may set differently."""

    required_labels: tuple[str, ...] = ("managed-by",)
    """Labels that the nodes of every pool must carry."""
    production_stacks: str = r"(^|[-_.])(prod|production|live)($|[-_.])"
    """Regular expression that finds the names of production stacks."""
    exemptions: tuple[Exemption, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What rules over a resource and rules over a stack have in common."""

    level: Level
    check: Callable[..., Iterable[Answer]] = field(repr=False)
    """A plain function. Its docstring says what the rule wants, why, and where that comes from."""

    @property
    def id(self) -> str:
        """The check's name."""
        return self.check.__name__.replace("_", "-")

    @property
    def title(self) -> str:
        """The first line of the check's docstring."""
        return _doc(self.check)[0]

    @property
    def why(self) -> str:
        """The paragraphs between title and source."""
        return _doc(self.check)[1]

    @property
    def source(self) -> str:
        """Where the rule comes from."""
        return _doc(self.check)[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRule(Rule):
    """A rule that can be judged for each resource alone: `check(resource)`."""

    types: frozenset[str]
    """The `kind`s that it speaks of; empty means all."""
    configured: bool = False
    """Whether it depends on the settings: `check(resource, settings)`."""
    needs_secret_marks: bool = False
    """Whether it can only be judged where secrets are marked: in a rehearsal, since a policy pack sees plain values."""

    def concerns(self, resource: Resource) -> bool:
        """Tell whether the rule speaks of such a resource."""
        return not self.types or resource.kind in self.types


@dataclass(frozen=True, slots=True, kw_only=True)
class StackRule(Rule):
    """A rule about resources together: `check(resources)`."""


def look(value: Any, *keys: str | int, at: str = "") -> Any:
    """Follow keys into nested values: None when absent, CouldNotTell when the way leads through an unknown."""
    path = at
    for key in keys:
        if value is UNKNOWN:
            raise CouldNotTell(path or "the resource")
        path = join(path, key)
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list | tuple) and isinstance(key, int):
            value = value[key] if key < len(value) else None
        else:
            return None
    if value is UNKNOWN:
        raise CouldNotTell(path)
    return value


def leaves(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value that is no mapping and no list, with its path; unknown ones as `UNKNOWN`."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, join(at, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from leaves(item, join(at, index))
    else:
        yield at, value


def join(path: str, key: object) -> str:
    """Extend a path as a reader writes it: `values.runners[0].config`."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else str(key)


def _doc(function: Callable[..., object]) -> tuple[str, str, str]:
    """Split a check's docstring: title, reasons, source. Empty parts under `python -OO`, which drops docstrings."""
    text = getdoc(function) or function.__name__
    title, _, rest = text.partition("\n")
    why, _, source = rest.partition("Source:")
    return title.strip(), " ".join(why.split()), " ".join(source.split())
