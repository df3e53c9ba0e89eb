"""Property values as providers see them: plain JSON, secret marks, and values nobody knows yet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, final


@dataclass(frozen=True, slots=True)
class SecretValue:
    """A value the program marked secret. Its repr never shows it."""

    value: Any

    def __repr__(self) -> str:
        """Hide the value: a plan is printed, diffed and logged."""
        return "SecretValue(...)"


@final
class Unknown:
    """The type of `UNKNOWN`, an output that is only known once the resource exists."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Read as the word used in reports."""
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


def plain(value: Any) -> Any:
    """Give a deep copy of `value` without secret marks; `UNKNOWN` stays."""
    if isinstance(value, SecretValue):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def contains_secret(value: Any) -> bool:
    """Tell whether a secret mark is anywhere in `value`."""
    if isinstance(value, SecretValue):
        return True
    if isinstance(value, Mapping):
        return any(contains_secret(item) for item in value.values())
    return isinstance(value, list | tuple) and any(contains_secret(item) for item in value)


def contains_unknown(value: Any) -> bool:
    """Tell whether an unknown is anywhere in `value`."""
    if isinstance(value, SecretValue):
        return contains_unknown(value.value)
    if isinstance(value, Mapping):
        return any(contains_unknown(item) for item in value.values())
    return value is UNKNOWN or (isinstance(value, list | tuple) and any(contains_unknown(item) for item in value))


def join(path: str, key: str | int) -> str:
    """Extend a property path as Pulumi writes it: `taints[0].key`, `labels["a.b/c"]`."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if not key.replace("_", "").replace("-", "").isalnum():
        return f'{path}["{key}"]'
    return f"{path}.{key}" if path else key


def unmarked_strings(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Walk every string that no secret mark covers, mapping keys included, each with its property path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield join(path, key), key
            yield from unmarked_strings(item, join(path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from unmarked_strings(item, join(path, index))


def secret_strings(value: Any) -> Iterator[str]:
    """Walk every string that a secret mark covers: a provider's own secrets, such as a token it created."""
    if isinstance(value, SecretValue):
        yield from (found for _, found in unmarked_strings(plain(value.value)) if found)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secret_strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from secret_strings(item)


def mark_secrets(
    outputs: Mapping[str, Any], inputs: Mapping[str, Any], additional: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Keep a secret input secret in the outputs that repeat it, and mark what the resource's options name."""
    secret = {key for key, value in inputs.items() if contains_secret(value)} | set(additional)
    return {
        key: SecretValue(value) if key in secret and not isinstance(value, SecretValue) else value
        for key, value in outputs.items()
    }
