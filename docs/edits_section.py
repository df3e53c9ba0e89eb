"""The part of docs/config.md that says what an edit of each key does: docs/edits.json as tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from components.clouds import CLOUDS
from docs.edits_table import Row

_INTRODUCTION: Final = """\

## What an edit does

The table comes from a plan of each edit (`python -m docs.edits_table`). Which input replaces a resource comes from
the providers' sources (`replaced.json` beside each stand-in). For your own edit, run
`multiarch rehearse --stack NAME --against FILE`.

- *In place*: the same resource. A runner's new settings start a new manager; the old one first finishes its jobs.
- *In place, nodes replaced*: the same node pool; the cloud drains and replaces its nodes one by one. A job that does
  not end within the drain time is lost.
- **Replaced, new one first**: jobs that run on the old one are lost; there are nodes at all times.
- **Replaced, deleted first**: jobs that run on the old one are lost, and there are no nodes for a while.
- `protect` is a setting of Pulumi and changes nothing in the cloud. `up` refuses to replace a protected resource.

### Pools

If no other resource is named, the node pool itself changes. Changes of the release that follow are left out.
"""
_RUNNER: Final = """\

### The runner and the secrets

All other keys of the runner, also nested ones, change only the release, in place.
"""
_POOLS: Final = ("NodePool", "NodeGroup", "AgentPool")
_RELEASE: Final = {"in place": ("Release",)}


def edits_section(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the section's lines."""
    yield from _INTRODUCTION.splitlines()
    yield ""
    yield from _pools(rows)
    yield from _RUNNER.splitlines()
    yield ""
    yield "| key | an edit of it |"
    yield "| --- | --- |"
    for row in rows:
        if row.section not in CLOUDS and dict(row.effects) != _RELEASE:
            name = row.key if row.section == "secrets" else f"{row.section}.{row.key}"
            yield f"| `{name}` | {_effects(row)} |"


def _pools(rows: Sequence[Row]) -> Iterator[str]:
    cells = {(row.section, row.key): _effects(row) for row in rows}
    keys = dict.fromkeys(row.key for row in rows if row.section in CLOUDS)
    yield f"| key | {' | '.join(CLOUDS)} |"
    yield f"| --- |{' --- |' * len(CLOUDS)}"
    for key in keys:
        yield f"| `{key}` | {' | '.join(cells.get((cloud, key), '') for cloud in CLOUDS)} |"


def _effects(row: Row) -> str:
    if row.reason:
        return f"nothing: {row.reason}"
    return "; ".join(_effect(word, kinds) for word, kinds in _shown(row.effects).items())


def _shown(effects: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    """Leave out the release's own update where a pool changes: it follows from that."""
    pool = any(kind in _POOLS for kinds in effects.values() for kind in kinds)
    kept = {word: [kind for kind in kinds if not (pool and kind == "Release")] for word, kinds in effects.items()}
    return {word: kinds for word, kinds in kept.items() if kinds or not effects[word]}


def _effect(word: str, kinds: Sequence[str]) -> str:
    text = f"**{word.partition(',')[0]}**,{word.partition(',')[2]}" if word.startswith("replaced") else word
    text = f"**{word}**" if word.startswith("refused") else text
    if word.startswith("`"):
        return text.removesuffix(" of")
    others = [kind for kind in kinds if kind not in _POOLS]
    if len(others) == len(kinds):
        return f"{text}: {', '.join(kinds)}" if kinds else text
    return f"{text} (and {', '.join(others)})" if others else text
