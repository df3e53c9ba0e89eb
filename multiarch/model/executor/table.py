"""Typed reading of a TOML table: a value of the wrong type is an error with its path, as it is for the runner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar


class ConfigInvalid(Exception):  # noqa: N818 - names a state of the config, as ConfigError does for stack files
    """A config.toml that the runner itself would not load."""


T = TypeVar("T")

_TOML_NAMES: Mapping[type, str] = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    list: "an array",
    dict: "a table",
}


@dataclass(frozen=True, slots=True)
class Table:
    """One TOML table and the path to it. Every getter returns Go's zero value where the key is absent."""

    path: str
    values: Mapping[str, Any]

    def text(self, key: str) -> str:
        """Return the string under `key`, or `""`."""
        return self._typed(key, str) or ""

    def maybe_flag(self, key: str) -> bool | None:
        """Return the boolean under `key`, or None: upstream's `*bool` settings tell unset from false."""
        return self._typed(key, bool)

    def flag(self, key: str) -> bool:
        """Return the boolean under `key`, or False."""
        return bool(self.maybe_flag(key))

    def maybe_number(self, key: str) -> int | None:
        """Return the integer under `key`, or None."""
        return self._typed(key, int)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the array of strings under `key`."""
        return tuple(self._items(key, self._typed(key, list) or [], str))

    def text_or_texts(self, key: str) -> tuple[str, ...]:
        """Return a string or an array of strings as a tuple (upstream's StringOrArray)."""
        value = self.values.get(key)
        return (value,) if isinstance(value, str) else self.texts(key)

    def numbers(self, key: str) -> tuple[int, ...]:
        """Return the array of integers under `key`."""
        return tuple(self._items(key, self._typed(key, list) or [], int))

    def text_map(self, key: str) -> dict[str, str]:
        """Return the table of strings under `key`."""
        table = self._typed(key, dict) or {}
        return dict(zip(table, self._items(key, list(table.values()), str), strict=True))

    def table(self, key: str) -> "Table":
        """Return the table under `key`, empty where absent."""
        return Table(f"{self.path}.{key}", self._typed(key, dict) or {})

    def tables(self, key: str) -> "tuple[Table, ...]":
        """Return the array of tables under `key`."""
        entries = self._items(key, self._typed(key, list) or [], dict)
        return tuple(Table(f"{self.path}.{key}[{index}]", entry) for index, entry in enumerate(entries))

    def _typed(self, key: str, kind: type[T]) -> T | None:
        value = self.values.get(key)
        if value is None:
            return None
        return self._checked(f"{self.path}.{key}", value, kind)

    def _items(self, key: str, values: Sequence[Any], kind: type[T]) -> list[T]:
        return [self._checked(f"{self.path}.{key}[{index}]", value, kind) for index, value in enumerate(values)]

    @staticmethod
    def _checked(path: str, value: Any, kind: type[T]) -> T:
        # bool is an int in Python and is not one in TOML.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ConfigInvalid(f"{path}: {value!r} is not {_TOML_NAMES[kind]}: the runner would not load this config")
        return value
