"""What of an answer is never shown: values that Pulumi marks, or that a name gives away."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.secret_text import NAME
from components.unknowns import UNKNOWN_STRINGS
from multiarch.core.secrets import HIDDEN
from multiarch.drift.cloud.paths import SIGNATURE, Path
from multiarch.model.pulumi_answers import Step

SECRET = HIDDEN
"""What Pulumi itself shows instead of one."""
UNKNOWN = "[unknown]"

ASSETS = frozenset({"c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7"})

_SENSITIVE = re.compile(rf"{NAME}|kubeconfig|client-?certificate|last-applied-configuration", re.IGNORECASE)
_HARMLESS = re.compile(r"(name|namespace|ref|kind|version|expiry|ttl)s?$", re.IGNORECASE)
"""A name or a reference of a secret is none: `imagePullSecrets[0].name`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """Where a resource's secrets are. A place is hidden on both sides, and for every index of its list."""

    places: frozenset[Path] = frozenset()

    @classmethod
    def of(cls, steps: Iterable[Step]) -> "Hidden":
        """Gather them from all that an answer shows of one resource, before and after."""
        places: set[Path] = set()
        for step in steps:
            for state in (step.old, step.new):
                if state is not None:
                    places.update(_declared(step.urn, state))
        return cls(places=frozenset(places))

    def covers(self, path: Path) -> bool:
        """Tell whether the place itself, or one above it, is secret."""
        general = _general(path)
        return any(general[:length] in self.places for length in range(1, len(general) + 1))

    def mask(self, value: Any, path: Path) -> Any:
        """Copy a value with `[secret]` in the place of each secret in it."""
        if self.covers(path) or is_secret(value):
            return SECRET
        if isinstance(value, Mapping):
            if SIGNATURE in value:
                return f"asset {str(value.get('hash', ''))[:12]}".strip()
            return {key: self.mask(item, (*path, str(key))) for key, item in value.items()}
        if isinstance(value, list):
            return [self.mask(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, str):
            return UNKNOWN if value in UNKNOWN_STRINGS else SECRET if value and is_sensitive(path) else value
        return value


def is_secret(value: Any) -> bool:
    """Tell whether a value stands for a secret. An object with a signature that isn't known is taken for one."""
    if isinstance(value, Mapping):
        return SIGNATURE in value and value[SIGNATURE] not in ASSETS
    return isinstance(value, str) and value == SECRET


def is_sensitive(path: Path) -> bool:
    """Tell whether a path's names say that a text there is a credential."""
    names = [part for part in path if isinstance(part, str)]
    return any(_SENSITIVE.search(name) for name in names) and not _HARMLESS.search(names[-1])


def _general(path: Path) -> Path:
    return tuple("*" if isinstance(part, int) else part for part in path)


def _declared(urn: str, state: Mapping[str, Any]) -> Iterator[Path]:
    more = state.get("additionalSecretOutputs")
    yield from ((str(name),) for name in (more if isinstance(more, list) else ()))
    kind = str(state.get("type") or urn.split("::")[-2:][0])
    if kind.startswith("kubernetes:") and kind.endswith((":Secret", ":SecretList")):
        yield from (("data",), ("stringData",))
    for tree in (state.get("inputs"), state.get("outputs")):
        yield from _marked(tree, ())


def _marked(tree: Any, path: Path) -> Iterator[Path]:
    if is_secret(tree):
        yield _general(path)
    elif isinstance(tree, Mapping):
        for key, item in tree.items():
            yield from _marked(item, (*path, str(key)))
    elif isinstance(tree, list):
        for item in tree:
            yield from _marked(item, (*path, 0))
