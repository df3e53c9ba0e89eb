"""Where in an object something is: keys, and elements of lists by what tells them apart."""

from dataclasses import dataclass

from multiarch.model.providers.values import join


@dataclass(frozen=True, slots=True)
class Item:
    """An element of a list."""

    label: str
    """What reports show: a name, a mount path, or the index."""
    keys: tuple[tuple[str, object], ...] = ()
    """The entries that identify it, where the list has such; managedFields know it by them."""
    value: object = None
    """The element itself, in a list of plain values."""


Path = tuple[str | Item, ...]


def text(path: Path) -> str:
    """Write a path as reports have it.

    >>> text(("spec", "containers", Item("runner"), "image"))
    'spec.containers[runner].image'
    >>> text(("metadata", "labels", "a.b/c"))
    'metadata.labels["a.b/c"]'
    """
    written = ""
    for step in path:
        written = join(written, step) if isinstance(step, str) else f"{written}[{step.label}]"
    return written


def keys(path: Path) -> tuple[str, ...]:
    """Return the path's keys alone, without the elements of lists."""
    return tuple(step for step in path if isinstance(step, str))
