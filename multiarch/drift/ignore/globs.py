"""Globs over the names of resources and over property paths."""

import functools
import json
import re
from typing import Final

ANY_DEPTH: Final = "**"
_SEGMENT: Final = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[([^\]]*)\]|\.?([^.\[]+)|(.)', re.DOTALL)


@functools.cache
def name_pattern(glob: str) -> re.Pattern[str]:
    """Compile a glob over names: `*` is any text (none, too), `?` one character, everything else is itself.

    >>> bool(name_pattern("urn:pulumi:*::Deployment::web").fullmatch("urn:pulumi:gke::acme::Deployment::web"))
    True
    """
    parts = (
        ".*" if part[0] == "*" else "." if part == "?" else re.escape(part)
        for part in re.split(r"(\*+|\?)", glob)
        if part
    )
    return re.compile("".join(parts), re.DOTALL)


@functools.cache
def segments(path: str) -> tuple[str, ...]:
    """Split a property path, in whichever of the usual spellings it comes.

    >>> segments('metadata.labels["app.kubernetes.io/name"]')
    ('metadata', 'labels', 'app.kubernetes.io/name')
    >>> segments("spec.containers[runner].args[0]")
    ('spec', 'containers', 'runner', 'args', '0')
    """
    found = []
    for quoted, bracketed, plain, stray in _SEGMENT.findall(path):
        if quoted:
            found.append(_unquoted(quoted))
        elif not stray:  # a stray character is a dot too many, or a bracket that never closes
            found.append(bracketed or plain)
        elif stray != ".":
            found.append(stray)
    return tuple(found)


def path_matches(glob: str, path: str) -> bool:
    """Tell whether a property is meant: the one at `glob`, and whatever is below it, as Pulumi's `ignoreChanges` does.

    `*` and `?` stay within one step of the path; `**` is any number of steps, none too.

    >>> path_matches("spec.template.spec.containers[*].image", "spec.template.spec.containers[build].image")
    True
    >>> path_matches("scalingConfig", "scalingConfig.desiredSize")
    True
    >>> path_matches("scalingConfig.desiredSize", "scalingConfig")
    False
    """
    return _begins(segments(glob), segments(path))


def _begins(wanted: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Walk the steps keeping every position of the glob that is still possible: no glob makes it slow."""
    reached = _past_any_depth(wanted, {0})
    for step in path:
        if len(wanted) in reached:
            return True
        after = {at for at in reached if wanted[at] == ANY_DEPTH}
        after |= {at + 1 for at in reached if wanted[at] != ANY_DEPTH and name_pattern(wanted[at]).fullmatch(step)}
        reached = _past_any_depth(wanted, after)
    return len(wanted) in reached


def _past_any_depth(wanted: tuple[str, ...], reached: set[int]) -> set[int]:
    """Add the positions behind each `**`, which may stand for nothing."""
    grown = set(reached)
    for at in sorted(reached):
        behind = at
        while behind < len(wanted) and wanted[behind] == ANY_DEPTH:
            behind += 1
            grown.add(behind)
    return grown


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text
