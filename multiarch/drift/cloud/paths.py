"""Pulumi's property paths: `spec.containers[0].image`, `metadata.labels["pod-security.kubernetes.io/enforce"]`.

Grammar: pulumi/pulumi sdk/go/common/resource/property_path.go.
"""

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

Path = tuple[str | int, ...]

SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key of an object that stands for one value of another kind: pulumi/pulumi sdk/go/common/resource/sig/sig.go."""

_PART = re.compile(r'\.?([^.\[\]"]+)|\.?\[(\d+)\]|\.?\["((?:[^"\\]|\\.)*)"\]')
_PLAIN = re.compile(r'[^.\[\]"]+')


class Missing(Enum):
    """What stands for a value that isn't there."""

    ABSENT = "absent"
    """The property isn't there."""
    UNTOLD = "untold"
    """The answer doesn't say: it holds nothing of that side, or a secret above."""


def parse(text: str) -> Path | None:
    """Read a property path; None where it is none.

    >>> parse('metadata.labels["a.b/c"][0]')
    ('metadata', 'labels', 'a.b/c', 0)
    """
    parts: list[str | int] = []
    at = 0
    while at < len(text):
        found = _PART.match(text, at)
        if found is None or (at == 0 and text.startswith(".")):
            return None
        name, index, quoted = found.groups()
        parts.append(int(index) if index is not None else re.sub(r"\\(.)", r"\1", quoted) if name is None else name)
        at = found.end()
    return tuple(parts) or None


def write(path: Iterable[str | int]) -> str:
    """Write a property path as Pulumi does.

    >>> write(("metadata", "labels", "a.b/c", 0))
    'metadata.labels["a.b/c"][0]'
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            text += f".{part}" if text else part
        else:
            quoted = part.replace("\\", "\\\\").replace('"', '\\"')
            text += f'["{quoted}"]'
    return text


def find(tree: Any, path: Path) -> Any:
    """Look a path up. Gives `Missing.ABSENT` where it leads nowhere, `UNTOLD` where a scalar text stands in its way."""
    for part in path:
        if isinstance(tree, Mapping):
            tree = tree.get(str(part), Missing.ABSENT)
        elif isinstance(tree, list):
            if not isinstance(part, int):
                return Missing.ABSENT
            tree = tree[part] if part < len(tree) else Missing.ABSENT
        else:
            return tree if isinstance(tree, Missing) else Missing.UNTOLD
    return tree


def differing(old: Any, new: Any, path: Path = ()) -> list[Path]:
    """List the paths of the smallest parts that differ; lists of different lengths are one part."""
    if isinstance(old, Mapping) and isinstance(new, Mapping) and SIGNATURE not in {*old, *new}:
        keys = sorted({*old, *new}, key=str)
        return [
            one
            for key in keys
            for one in differing(old.get(key, Missing.ABSENT), new.get(key, Missing.ABSENT), (*path, key))
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return [one for index, (left, right) in pairs for one in differing(left, right, (*path, index))]
    return [] if same(old, new) else [path]


def same(old: Any, new: Any) -> bool:
    """Compare as JSON does: `true` is not `1`."""
    return type(old) is type(new) and bool(old == new)
