"""What a rehearsal provider is: a plain class which refuses what its cloud's API would refuse."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One refusal, worded like the real API's, with the public source of the rule."""

    resource: str
    """URN; empty until the caller that knows it fills it in."""
    path: str
    """Property path in the inputs, camelCase."""
    message: str
    source: str

    def __str__(self) -> str:
        """Render as `name path: message [source]`."""
        name = self.resource.rsplit("::", 1)[-1]
        return f"{name} {self.path}: {self.message} [{self.source}]".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """How a change of inputs is carried out. All hold property paths; a path is in one of them only."""

    updates: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    """The provider would try to change these in place, and the cloud refuses."""
    delete_before_replace: bool = False
    """Whether the provider itself deletes the old one first; the program's word goes before that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A created resource: its cloud id and its outputs (inputs with the API's defaults, and the computed ones)."""

    id: str
    outputs: Mapping[str, Any] = field(default_factory=dict)


class LookupRefusedError(Exception):
    """An invoke that the provider can't answer: unknown function, or arguments the API would refuse."""

    def __init__(self, message: str, source: str = "", path: str = "") -> None:
        self.message = message
        self.source = source
        self.path = path
        super().__init__(message)


class RehearsalProvider(Protocol):
    """One package's stand-in. Inputs come without secret marks, camelCase, with `UNKNOWN` where nothing is known."""

    package: ClassVar[str]
    version: ClassVar[str]
    """The real plugin's version whose rules these are."""

    def judges_schema(self, token: str) -> bool:
        """Tell whether `check` itself judges keys and types. Else they are held to the SDK's `...Args` classes."""

    def check_config(self, inputs: Mapping[str, Any]) -> list[Refusal]:
        """Refuse a provider configuration."""

    def check(self, token: str, name: str, inputs: Mapping[str, Any]) -> list[Refusal]:
        """Refuse a resource. Unknown tokens are refused, never passed."""

    def create(self, token: str, name: str, inputs: Mapping[str, Any]) -> Created:
        """Give what the API would answer. Called only for tokens that `check` knows; deterministic."""

    def update(self, token: str, name: str, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give the outputs after an update in place of `state` (outputs) to `inputs`."""

    def diff(self, token: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Diff:
        """Tell what an update from the inputs `olds` to `news` would change in place, and what it would replace."""

    def invoke(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a lookup. Raises LookupRefusedError."""
